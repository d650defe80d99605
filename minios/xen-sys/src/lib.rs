//! Numbers and layouts of Xen's public ABI; nothing that acts.
#![no_std]
#![forbid(unsafe_code)]
