//! A minimal PV kernel library for Xen.
#![cfg_attr(feature = "bare", no_std)]
#![deny(unsafe_code)]
extern crate alloc;
