//! Numbers and layouts of Xen's public ABI; nothing that acts.
//!
//! One file per public header, named after it (`xen.h` is cut by subject:
//! [`xen`], [`start_info`], [`shared_info`], [`mmu`]). x86_64 PV only, the
//! interface of Xen 4.17 and the newest `__XEN_INTERFACE_VERSION__`.
//!
//! Names follow one rule: a constant is the C name in capitals without
//! leading underscores (`SCHEDOP_poll` is [`sched::SCHEDOP_POLL`],
//! `__HYPERVISOR_sched_op` is [`xen::HYPERVISOR_SCHED_OP`]), a structure the C
//! name in camel case without the `xen_` (`struct xen_memory_exchange` is
//! [`memory::MemoryExchange`]), a field the C name, with `_` appended where
//! Rust has a keyword of that name. Padding is spelt out as `_pad` so that
//! every structure is plain bytes; guest handles (pointers) are `u64`.
//!
//! `tests/layout.rs` compares all of it with the C headers of `libxen-dev`.
#![no_std]
#![forbid(unsafe_code)]

pub mod arch_x86;
pub mod callback;
pub mod elfnote;
pub mod errno;
pub mod event_channel;
pub mod features;
pub mod grant_table;
pub mod hvm;
pub mod io;
pub mod memory;
pub mod mmu;
pub mod sched;
pub mod shared_info;
pub mod start_info;
pub mod vcpu;
pub mod version;
pub mod xen;
