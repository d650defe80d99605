//! State machines over bytes: rings, xenstore, xenbus and the device protocols.
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;
