//! The last word of a domain: what went wrong and where, then SHUTDOWN_crash.
//!
//! Written for the person who finds it in xenconsoled's log: reason, registers
//! if a trap brought us here, and a backtrace with names from the image's own
//! symbol table. Nothing here allocates or waits for ever.

use core::fmt::Write;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicBool, Ordering};

use xen_sys::io::console::XenconsInterface;

use crate::arch::x86_64::boot::image;
use crate::arch::x86_64::traps::Frame;
use crate::console::LastWords;
use crate::hypercall::{Shutdown, shutdown};
use crate::local::cpu_local;
use crate::shared::Shared;
use crate::symbols::Symbols;

cpu_local! {
    /// Where the last words go, known early and never borrowed for writing again.
    static CONSOLE: Option<(Shared<XenconsInterface>, u32)> = None;
}

/// A crash while reporting a crash ends at once.
static DYING: AtomicBool = AtomicBool::new(false);

/// Frames of a backtrace that anybody reads.
const DEPTH: usize = 32;

pub(crate) fn init(console: Shared<XenconsInterface>, port: u32) {
    CONSOLE.with_borrow_mut(|slot| *slot = Some((console, port)));
}

/// End the domain as crashed, without a word, and the guest that it serves.
pub(crate) fn die() -> ! {
    crate::guest::take_down();
    shutdown(Shutdown::Crash)
}

fn begin() -> LastWords {
    if DYING.swap(true, Ordering::Relaxed) {
        die();
    }
    LastWords::new(CONSOLE.with_borrow(Clone::clone))
}

fn end(mut words: LastWords) -> ! {
    words.drain();
    die()
}

/// What the builder loaded behind the image.
fn symbols() -> Option<Symbols<'static>> {
    let start = image::end().next_multiple_of(8);
    let until = crate::boot::boot_data_start();
    // SAFETY: the builder maps the image and what follows up to its own first
    // page (p2m list) contiguously; nobody writes there.
    let area =
        unsafe { core::slice::from_raw_parts(start as *const u8, until.saturating_sub(start)) };
    Symbols::parse(area)
}

/// Follow frame pointers from `frame` on, inside our stack only.
fn backtrace(words: &mut LastWords, symbols: Option<Symbols<'_>>, mut frame: usize) {
    let stack = image::stack_bottom()..image::stack_top() - 16;
    for _ in 0..DEPTH {
        if !stack.contains(&frame) || !frame.is_multiple_of(8) {
            break;
        }
        // SAFETY: two aligned words inside our own, mapped stack.
        let [next, back] = unsafe { (frame as *const [usize; 2]).read_volatile() };
        if back == 0 {
            break;
        }
        let _ = words.write_str("    ");
        // The call is the instruction before the return address.
        let _ = Symbols::write(symbols, words, back as u64 - 1);
        let _ = words.write_str("\n");
        if next <= frame {
            break;
        }
        frame = next;
    }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let mut words = begin();
    let _ = write!(words, "\nminios: {info}\n");
    let frame: usize;
    // SAFETY: copies a register.
    unsafe {
        core::arch::asm!("mov {}, rbp", out(reg) frame, options(nomem, nostack, preserves_flags))
    };
    backtrace(&mut words, symbols(), frame);
    end(words)
}

/// Report an exception and end the domain.
pub(crate) fn trap(frame: &Frame) -> ! {
    let mut words = begin();
    let symbols = symbols();
    let _ = report(&mut words, symbols, frame);
    backtrace(&mut words, symbols, frame.rbp as usize);
    end(words)
}

fn report(words: &mut LastWords, symbols: Option<Symbols<'_>>, frame: &Frame) -> core::fmt::Result {
    let name = match frame.vector {
        0 => "divide error",
        1 => "debug exception",
        3 => "breakpoint",
        4 => "overflow",
        5 => "bound range exceeded",
        6 => "invalid opcode",
        7 => "device not available",
        8 => "double fault",
        9 => "coprocessor segment overrun",
        10 => "invalid TSS",
        11 => "segment not present",
        12 => "stack fault",
        13 => "general protection",
        14 => "page fault",
        16 => "x87 floating-point error",
        17 => "alignment check",
        18 => "machine check",
        19 => "SIMD floating-point error",
        _ => "unknown exception",
    };
    write!(
        words,
        "\nminios: {name} (vector {}, error code {:#x})",
        frame.vector, frame.error_code
    )?;
    if frame.vector == 14 {
        write!(words, " at address {:#x}", crate::arch::fault_address())?;
    }
    words.write_str("\n    in ")?;
    Symbols::write(symbols, words, frame.rip)?;
    writeln!(words)?;
    let registers = [
        [
            ("rip", frame.rip),
            ("rsp", frame.rsp),
            ("rflags", frame.rflags),
            ("rbp", frame.rbp),
        ],
        [
            ("rax", frame.rax),
            ("rbx", frame.rbx),
            ("rcx", frame.rcx),
            ("rdx", frame.rdx),
        ],
        [
            ("rsi", frame.rsi),
            ("rdi", frame.rdi),
            ("r8", frame.r8),
            ("r9", frame.r9),
        ],
        [
            ("r10", frame.r10),
            ("r11", frame.r11),
            ("r12", frame.r12),
            ("r13", frame.r13),
        ],
        [
            ("r14", frame.r14),
            ("r15", frame.r15),
            ("cs", frame.cs & 0xffff),
            ("ss", frame.ss),
        ],
    ];
    for row in registers {
        for (name, value) in row {
            write!(words, "{name:>8} {value:016x}")?;
        }
        writeln!(words)?;
    }
    Ok(())
}

/// Named by the prebuilt `core`'s unwind tables, which the linker drops: never called.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// Likewise; panics do not unwind here.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    die()
}
