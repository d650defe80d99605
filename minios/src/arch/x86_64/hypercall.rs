//! The hypercall instruction itself; typed wrappers are in [`crate::hypercall`].
//!
//! ABI (xen/include/public/arch-x86/xen-x86_64.h): number in `%rax`, arguments
//! in `%rdi %rsi %rdx %r10 %r8 %r9`, result in `%rax`. Argument registers are
//! clobbered; the `syscall` instruction destroys `%rcx` and `%r11`. Xen resumes
//! a preempted hypercall by stepping `%rip` back over the two-byte instruction
//! with the arguments updated in their registers, so nothing may stand between.

use core::arch::asm;

/// Issue hypercall `op` with up to five arguments.
///
/// # Safety
/// Every argument must be what Xen expects for `op`: pointers valid for what
/// Xen reads and writes through them, and the effect of the call (on page
/// tables above all) must keep Rust's view of memory intact.
pub unsafe fn hypercall(op: u64, [a1, a2, a3, a4, a5]: [u64; 5]) -> i64 {
    let result: i64;
    // SAFETY:
    // - registers: all that the ABI lets Xen change are declared;
    // - memory: no `nomem`, so the compiler assumes any of it may have changed;
    // - stack: `syscall` pushes nothing, Xen's own stack is used;
    // - the meaning of the call is the caller's obligation.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") op => result,
            inlateout("rdi") a1 => _,
            inlateout("rsi") a2 => _,
            inlateout("rdx") a3 => _,
            inlateout("r10") a4 => _,
            inlateout("r8") a5 => _,
            lateout("r9") _,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    result
}
