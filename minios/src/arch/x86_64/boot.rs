//! The first instructions: ELF notes for the domain builder, the entry point,
//! and the hand-over to [`crate::boot`].
//!
//! Xen starts a PV guest in long mode with paging on, a flat kernel code
//! segment, event delivery masked and `%rsi` pointing to the start_info page
//! (xen/include/public/xen.h, "Start-of-day memory layout"). The builder's
//! boot stack lies behind the page tables and is given up at once for our own,
//! which has a guard page.

use core::arch::global_asm;

use xen_sys::start_info::StartInfo;

// The notes (xen/include/public/elfnote.h; name "Xen", one word or string each).
// No HYPERCALL_PAGE: we use the `syscall` instruction itself, as Linux does
// since XSA-466. MOD_START_PFN keeps a large ramdisk out of the initial map.
// BSD_SYMTAB makes the builder load our symbol table behind `_end`, where the
// crash report finds it.
global_asm!(
    r#"
    .macro xen_note_word type, value
        .long 4, 8, \type
        .asciz "Xen"
        .quad \value
    .endm
    .macro xen_note_text type, text
        .long 4, 2f - 1f, \type
        .asciz "Xen"
    1:  .asciz "\text"
    2:  .p2align 2
    .endm

    .pushsection .note.Xen, "a", @note
    .p2align 2
    xen_note_word 1, _start             // ENTRY
    xen_note_word 3, 0                  // VIRT_BASE
    xen_note_word 4, 0                  // PADDR_OFFSET
    xen_note_text 5, "xen-3.0"          // XEN_VERSION
    xen_note_text 6, "minios"           // GUEST_OS
    xen_note_text 7, "0.1"              // GUEST_VERSION
    xen_note_text 8, "generic"          // LOADER
    xen_note_text 9, "yes"              // PAE_MODE
    xen_note_text 10, "!writable_page_tables"   // FEATURES
    xen_note_text 11, "yes"             // BSD_SYMTAB
    xen_note_word 16, 1                 // MOD_START_PFN
    .popsection

    .pushsection .text.boot, "ax", @progbits
    .globl _start
    _start:
        cld
        lea rsp, [rip + _stack_top]
        xor ebp, ebp
        mov rdi, rsi
        call {entry}
        ud2
    .popsection
    "#,
    entry = sym entry,
);

/// Where the assembler hands over: `%rsi` of the entry contract.
extern "C" fn entry(start_info: *const StartInfo) -> ! {
    // SAFETY:
    // - valid and initialised: Xen's PV boot contract puts the page there, read-write mapped;
    // - unaliased: nothing else runs yet, and we only copy it.
    let info = unsafe { start_info.read() };
    crate::boot::start(info)
}

/// Addresses that the linker script defines.
pub mod image {
    unsafe extern "C" {
        static _text: u8;
        static _etext: u8;
        static _erodata: u8;
        static _stack_guard: u8;
        static _stack_bottom: u8;
        static _stack_top: u8;
        static _end: u8;
    }

    macro_rules! address {
        ($(#[$doc:meta] $name:ident = $symbol:ident;)*) => {$(
            #[$doc]
            pub fn $name() -> usize {
                &raw const $symbol as usize
            }
        )*};
    }

    address! {
        /// First byte of the code.
        text = _text;
        /// First byte behind the code; page-aligned.
        etext = _etext;
        /// First byte behind constants; page-aligned.
        erodata = _erodata;
        /// The page below the stack that must stay unmapped.
        stack_guard = _stack_guard;
        /// Lowest stack address.
        stack_bottom = _stack_bottom;
        /// First byte above the stack.
        stack_top = _stack_top;
        /// First byte behind the image (not aligned).
        end = _end;
    }
}
