//! From the builder's start_info to the application's `main`.
//!
//! The order matters and is all here: what Xen gave us is adopted, memory
//! first, then time, console and traps (from here on a fault explains itself),
//! then the event loop with the store and the toolstack's shutdown requests,
//! and last the application.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::future::Future;
use core::ops::Range;
use core::pin::Pin;
use core::ptr::NonNull;
use core::time::Duration;

use xen_sys::io::console::XenconsInterface;
use xen_sys::start_info::{SIF_MOD_START_PFN, StartInfo};

use crate::arch::x86_64::boot::image;
use crate::arch::x86_64::{set_shared_info, traps};
use crate::event::Port;
use crate::hypercall::{self, Shutdown};
use crate::local::cpu_local;
use crate::mm::{Mfn, PAGE_SIZE, PageBuf, Pfn, frame, p2m, pagetable};
use crate::shared::Shared;
use crate::xenstore::Store;
use crate::{cmdline, console, executor, log, panic, shutdown};

/// What the domain was started with.
pub struct Environment {
    /// The command line, without the runtime's own words (`loglevel=`).
    pub arguments: Vec<String>,
    /// The command line as it is.
    pub command_line: String,
    /// The ramdisk, if there is one.
    pub ramdisk: Option<PageBuf>,
    /// The store.
    pub store: Store,
}

/// How long a domain that ends waits for somebody to read its last lines.
const PATIENCE: Duration = Duration::from_secs(2);

/// The application, boxed by [`crate::main!`].
pub type Main = Pin<Box<dyn Future<Output = Result<Shutdown, Box<dyn fmt::Display>>>>>;

unsafe extern "Rust" {
    /// Defined by [`crate::main!`] in the unikernel.
    fn minios_main(environment: Environment) -> Main;
}

cpu_local! {
    static START_INFO: Option<&'static StartInfo> = None;
}

/// The page the builder filled in. What is still true of it for a next kernel:
/// memory size, shared info, flags, console and store.
///
/// # Panics
/// Before boot.
pub fn start_info() -> &'static StartInfo {
    START_INFO.with_borrow(|info| *info).expect("set at boot")
}

/// Address of the first page behind the image (and its symbols) that the
/// builder used: the p2m list.
pub(crate) fn boot_data_start() -> usize {
    START_INFO.with_borrow(|info| info.map_or(image::end(), |info| info.mfn_list as usize))
}

/// The shared info page's place: behind all RAM that a guest can have, with
/// room for what else Xen lends us ([`crate::arch::map_grant_frame`]).
pub(crate) const XEN_WINDOW: usize = 0x7e00_0000_0000;

/// Addresses from here on are free for an application's own mappings.
pub const XEN_WINDOW_END: usize = XEN_WINDOW + 0x4000_0000;

/// Called once, by the entry point.
pub(crate) fn start(info: StartInfo) -> ! {
    let ramdisk = adopt_memory(&info);
    let info: &'static StartInfo = Box::leak(Box::new(info));
    START_INFO.with_borrow_mut(|slot| *slot = Some(info));
    let (page, port) = adopt_shared_pages(info);
    panic::init(page.clone(), port.number());
    traps::install();
    let _ = hypercall::stop_periodic_timer();
    console::init(page, port);
    let words = cmdline::split(&info.cmd_line);
    log::init(
        words
            .split(|word| word == "--")
            // What stands behind that is for somebody else.
            .next()
            .unwrap_or_default()
            .iter()
            .rev()
            .find_map(|word| word.strip_prefix("loglevel=")),
    );
    protect_image();
    ::log::info!(
        "{} KiB of memory, {} KiB free",
        info.nr_pages * 4,
        frame::free_pages() * 4
    );
    if info.mod_len != 0 && ramdisk.is_none() {
        ::log::error!(
            "the ramdisk ({} bytes) cannot be reached, going on without it",
            info.mod_len
        );
    }
    let reason = executor::block_on(run(info, words, ramdisk));
    executor::block_on(console::drain(PATIENCE));
    hypercall::shutdown(reason)
}

async fn run(
    info: &'static StartInfo,
    words: Vec<String>,
    ramdisk: Option<Range<usize>>,
) -> Shutdown {
    let store = Store::connect(
        adopt_ring(info.store_mfn),
        Port::inherited(info.store_evtchn),
    );
    let environment = Environment {
        arguments: words
            .into_iter()
            .filter(|word| !word.starts_with("loglevel="))
            .collect(),
        command_line: cmdline::text(&info.cmd_line),
        ramdisk: ramdisk.map(|at| PageBuf::from_frames(Pfn(at.start), info.mod_len as usize)),
        store: store.clone(),
    };
    executor::spawn(shutdown::advertise(store.clone()));
    // A task of its own: the application may block in a nested loop.
    executor::spawn(async move {
        let reason = shutdown::requested(store).await;
        console::drain(PATIENCE).await;
        hypercall::shutdown(reason)
    });
    // SAFETY: defined by the `main!` macro with this very signature.
    let application = unsafe { minios_main(environment) };
    application.await.unwrap_or_else(|error| {
        crate::println!("{error}");
        Shutdown::Crash
    })
}

/// RAM, its machine addresses, and which of it is free: all that lies behind
/// the builder's page tables, except a ramdisk. Returns the ramdisk's pages, if
/// there is one that can be mapped.
fn adopt_memory(info: &StartInfo) -> Option<Range<usize>> {
    let pages = info.nr_pages as usize;
    // SAFETY: start_info's own words; the list is RAM that nobody writes.
    unsafe { p2m::init(info.mfn_list as usize, pages) };
    let tables = Pfn::containing(info.pt_base as usize);
    pagetable::init(tables, pages);
    let mut slack = tables.0 + info.nr_pt_frames as usize;
    let mut ramdisk = ramdisk_pages(info, tables.0..slack);
    // By MOD_START_PFN the ramdisk lies behind what the builder mapped.
    let mut behind = match &ramdisk {
        Some(at) if at.start >= slack => at.clone(),
        _ => slack..slack,
    };
    while pagetable::mapped_end() < (behind.end.max(slack) + pagetable::TABLE_RESERVE).min(pages) {
        // Tables come from the pages before it; there are a few hundred, each
        // good for 2 MiB. Rather without a ramdisk than through it.
        if !behind.is_empty() && slack + pagetable::TABLE_RESERVE > behind.start {
            (ramdisk, behind) = (None, slack..slack);
            continue;
        }
        slack += pagetable::map_more(slack, pages);
    }
    frame::init(Pfn(behind.end.max(slack)), Pfn(pages));
    // SAFETY: pages the builder left between its tables and the ramdisk,
    // mapped read-write and named by nothing.
    unsafe { frame::free(Pfn(slack), behind.start.saturating_sub(slack)) };
    ramdisk
}

/// Where start_info says the ramdisk is, unless that makes no sense: it must
/// lie in RAM, before the page tables or behind them.
fn ramdisk_pages(info: &StartInfo, tables: Range<usize>) -> Option<Range<usize>> {
    let start = match info.flags & SIF_MOD_START_PFN {
        0 => info.mod_start as usize / PAGE_SIZE,
        _ => info.mod_start as usize,
    };
    let end = start.checked_add((info.mod_len as usize).div_ceil(PAGE_SIZE))?;
    let apart = end <= tables.start || start >= tables.end;
    (info.mod_len != 0 && end <= info.nr_pages as usize && apart).then_some(start..end)
}

/// Map shared info; find the console ring among our pages.
fn adopt_shared_pages(info: &StartInfo) -> (Shared<XenconsInterface>, Port) {
    let entry = pagetable::entry(
        Mfn(info.shared_info / PAGE_SIZE as u64),
        pagetable::bits::RW | pagetable::bits::NO_EXECUTE,
    );
    // SAFETY: the window is used for nothing else, and the page is Xen's.
    unsafe { pagetable::map_frame(XEN_WINDOW, entry) }.expect("Xen maps its shared info page");
    // SAFETY: mapped just now, for good.
    unsafe { set_shared_info(XEN_WINDOW) };
    (
        adopt_ring(info.console_mfn),
        Port::inherited(info.console_evtchn),
    )
}

/// A ring page that the builder put among our RAM.
fn adopt_ring<T>(mfn: u64) -> Shared<T> {
    let pfn = p2m::pfn(Mfn(mfn)).expect("start_info's rings are pages of ours");
    let pointer = NonNull::new(pfn.address() as *mut T).expect("not page 0");
    // SAFETY: one of the builder's pages, below what the frame allocator has;
    // mapped for good, and used through `Shared` only.
    unsafe { Shared::new(pointer) }
}

/// Write-protect code and constants; unmap page 0 and the stack's guard.
fn protect_image() {
    use pagetable::bits::{NO_EXECUTE, RO};
    let pages =
        |range: core::ops::Range<usize>| (range.start / PAGE_SIZE..range.end / PAGE_SIZE).map(Pfn);
    let code = pages(image::text()..image::etext()).map(|pfn| (pfn, RO));
    let constants = pages(image::etext()..image::erodata()).map(|pfn| (pfn, RO | NO_EXECUTE));
    for (pfn, bits) in code.chain(constants) {
        // SAFETY: the linker put only code and constants there.
        unsafe { pagetable::protect(pfn, bits) }.expect("Xen narrows a mapping");
    }
    for address in [0, image::stack_guard()] {
        // SAFETY: nothing lies there, by the linker script.
        unsafe { pagetable::unmap(Pfn::containing(address)) }.expect("Xen removes a mapping");
    }
}

/// Define the unikernel's entry: `minios::main!(run);` for an
/// `async fn run(environment: Environment) -> Result<Shutdown, E: Display>`.
#[macro_export]
macro_rules! main {
    ($run:path) => {
        // Fixed by name and signature; checked here against both.
        #[allow(unsafe_code)]
        #[unsafe(no_mangle)]
        fn minios_main(environment: $crate::boot::Environment) -> $crate::boot::Main {
            $crate::boot::boxed($run(environment))
        }
    };
}

/// For [`crate::main!`].
pub fn boxed<E: fmt::Display + 'static>(
    main: impl Future<Output = Result<Shutdown, E>> + 'static,
) -> Main {
    Box::pin(async move {
        main.await
            .map_err(|error| Box::new(error) as Box<dyn fmt::Display>)
    })
}
