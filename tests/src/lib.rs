//! The lab: real Xen under QEMU, driven from tests.
#![forbid(unsafe_code)]
