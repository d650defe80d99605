//! What differs between a real domain and a process under `cargo test`.
//!
//! Both sides offer the same few names: the hypercall instruction, the shared
//! info page, the cycle counter, and how the map of RAM grows. Everything
//! above is the same code.

#[cfg(any(feature = "bare", test))]
pub mod x86_64;

#[cfg(feature = "bare")]
pub(crate) use x86_64::{
    TABLE_RESERVE, Window, fault_address, hypercall, map_grant_frame, map_more, mapped_end,
    prepare, rdtsc, shared_info,
};

#[cfg(not(feature = "bare"))]
pub mod host;
#[cfg(not(feature = "bare"))]
pub(crate) use host::{
    TABLE_RESERVE, Window, hypercall, map_grant_frame, map_more, mapped_end, prepare, rdtsc,
    shared_info,
};
