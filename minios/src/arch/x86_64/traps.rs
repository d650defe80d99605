//! Exceptions, registered for one purpose: a readable last word.
//!
//! Nothing in a unikernel is meant to fault, so every vector leads to the same
//! crash report ([`crate::panic::trap`]) and none returns. Xen pushes a frame
//! on the running stack (xen/include/public/arch-x86/xen-x86_64.h): `%rcx`,
//! `%r11`, an error code for some vectors, then the processor's own five words.
//! This may overwrite the red zone of the function that faulted, which never
//! runs again.

use core::arch::global_asm;
use core::mem::offset_of;

use xen_sys::arch_x86::{FLAT_KERNEL_CS, TrapInfo};

/// Registers at the fault, in the order the stubs store them.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Frame {
    pub r15: u64,
    pub r14: u64,
    pub r13: u64,
    pub r12: u64,
    pub rbp: u64,
    pub rbx: u64,
    pub r10: u64,
    pub r9: u64,
    pub r8: u64,
    pub rax: u64,
    pub rdx: u64,
    pub rsi: u64,
    pub rdi: u64,
    pub vector: u64,
    // From here on as pushed by Xen; error_code is a zero of ours where the
    // processor pushes none.
    pub rcx: u64,
    pub r11: u64,
    pub error_code: u64,
    pub rip: u64,
    pub cs: u64,
    pub rflags: u64,
    pub rsp: u64,
    pub ss: u64,
}

const _: () = assert!(offset_of!(Frame, rcx) == 14 * 8);

/// Exceptions that Xen forwards: vector, and whether an error code comes along
/// (Intel SDM volume 3, table 6-1).
const VECTORS: [(u8, unsafe extern "C" fn()); 18] = [
    (0, trap_0),
    (1, trap_1),
    (3, trap_3),
    (4, trap_4),
    (5, trap_5),
    (6, trap_6),
    (7, trap_7),
    (8, trap_8),
    (9, trap_9),
    (10, trap_10),
    (11, trap_11),
    (12, trap_12),
    (13, trap_13),
    (14, trap_14),
    (16, trap_16),
    (17, trap_17),
    (18, trap_18),
    (19, trap_19),
];

unsafe extern "C" {
    fn trap_0();
    fn trap_1();
    fn trap_3();
    fn trap_4();
    fn trap_5();
    fn trap_6();
    fn trap_7();
    fn trap_8();
    fn trap_9();
    fn trap_10();
    fn trap_11();
    fn trap_12();
    fn trap_13();
    fn trap_14();
    fn trap_16();
    fn trap_17();
    fn trap_18();
    fn trap_19();
}

global_asm!(
    r#"
    .macro trap_without_code vector
    .globl trap_\vector
    trap_\vector:
        pop rcx
        pop r11
        push 0
        push r11
        push rcx
        push \vector
        jmp trap_common
    .endm
    .macro trap_with_code vector
    .globl trap_\vector
    trap_\vector:
        push \vector
        jmp trap_common
    .endm

    .pushsection .text.boot, "ax", @progbits
    .irp vector, 0, 1, 3, 4, 5, 6, 7, 9, 16, 18, 19
        trap_without_code \vector
    .endr
    .irp vector, 8, 10, 11, 12, 13, 14, 17
        trap_with_code \vector
    .endr
    trap_common:
        push rdi
        push rsi
        push rdx
        push rax
        push r8
        push r9
        push r10
        push rbx
        push rbp
        push r12
        push r13
        push r14
        push r15
        mov rdi, rsp
        and rsp, -16
        cld
        call {report}
        ud2
    .popsection
    "#,
    report = sym report,
);

/// Called by the stubs with the frame they built on the running stack.
extern "C" fn report(frame: *const Frame) -> ! {
    // SAFETY: the stub passes the address of the frame it has just filled.
    let frame = unsafe { frame.read() };
    crate::panic::trap(&frame)
}

/// Register the exception handlers with Xen, entered with event delivery masked.
pub fn install() {
    /// TI_SET_IF's sense of "mask events while handling" (arch-x86/xen.h).
    const MASK_EVENTS: u8 = 1 << 2;
    let mut table = [TrapInfo::default(); VECTORS.len() + 1];
    for (slot, (vector, handler)) in table.iter_mut().zip(VECTORS) {
        *slot = TrapInfo {
            vector,
            flags: MASK_EVENTS,
            cs: FLAT_KERNEL_CS,
            address: handler as usize as u64,
            ..TrapInfo::default()
        };
    }
    crate::hypercall::set_trap_table(&table);
}

/// Raise a breakpoint exception, which here ends the domain with a report:
/// for tests of that report.
pub fn breakpoint() {
    // SAFETY: leads to `trap_3`, which does not return.
    unsafe { core::arch::asm!("int3") };
}
