//! Tests in the lab: real Xen, real `xl`, real Linux.
//!
//! Run them with `cargo xtask lab run [filter]`. Each boots a lab of its own;
//! its logs are in `target/lab/<test>/`.
#![forbid(unsafe_code)]

mod bad_input;
mod block;
mod commands;
mod config_examples;
mod conventions;
mod distribution;
mod hvm_boot;
mod hvm_classic;
mod hvm_life;
mod hvm_screen;
mod hvm_support;
mod idle;
mod kernels;
mod keys;
mod memory;
mod minios;
mod network;
mod nic;
mod payloads;
mod peers;
mod screen;
mod shutdown;
mod support;
