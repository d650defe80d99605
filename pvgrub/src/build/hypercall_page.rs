//! The transfer code that a kernel with a `HYPERCALL_PAGE` note finds there.
//! Xen writes it when it builds a domain; no running guest can ask for it to
//! be written elsewhere, so the loader does. One slot of 32 bytes per call:
//! the call number goes to `eax`; `syscall` clobbers `rcx` and `r11`, which are
//! kept on the stack. `iret` never returns and takes a frame of its own.

use xen_sys::xen::HYPERVISOR_IRET;

use super::PAGE;

const SLOT: usize = 32;

/// The page for a 64-bit PV guest.
#[must_use]
pub fn page() -> [u8; PAGE] {
    let mut page = [0xcc; PAGE];
    for (slot, number) in page.as_chunks_mut::<SLOT>().0.iter_mut().zip(0u8..) {
        fill(slot, number);
    }
    page
}

fn fill(slot: &mut [u8; SLOT], number: u8) {
    let n = number;
    let code: &[u8] = if u64::from(number) == HYPERVISOR_IRET {
        // push rcx; push r11; push rax; mov eax, n; syscall
        &[0x51, 0x41, 0x53, 0x50, 0xb8, n, 0, 0, 0, 0x0f, 0x05]
    } else {
        // push rcx; push r11; mov eax, n; syscall; pop r11; pop rcx; ret
        &[
            0x51, 0x41, 0x53, 0xb8, n, 0, 0, 0, 0x0f, 0x05, 0x41, 0x5b, 0x59, 0xc3,
        ]
    };
    for (byte, &op) in slot.iter_mut().zip(code) {
        *byte = op;
    }
}
