//! HVM guests of the toy Xen, for tests of device models.
//!
//! A guest has RAM and, once a device model has made an ioreq server, the pages
//! and event channels of its requests. Its processor is the test itself: it
//! writes a request as Xen would ([`ask`]) and looks at the answer.

use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::ptr::NonNull;

use xen_proto::mock::blkback::Domain;
use xen_sys::errno::*;
use xen_sys::grant_table::GNTST_BAD_GNTREF;
use xen_sys::hvm::dm_op::*;
use xen_sys::hvm::ioreq::*;
use xen_sys::memory::*;

use crate::event::Port;
use crate::guest::{Frame, Guest};
use crate::hypercall::Errno;
use crate::local::cpu_local;
use crate::mm::{Mfn, PAGE_SIZE, PageBuf, Pfn, p2m};
use crate::shared::Shared;

/// A page of requests, as its bytes.
pub type Page = Shared<[u8; PAGE_SIZE]>;

/// What an ioreq server has.
struct IoreqServer {
    /// The buffered page, and that of the processors.
    pages: [Rc<PageBuf>; 2],
    /// The buffered page's event channel, and the processors': our ends of them.
    ports: Vec<Port>,
    /// The ranges that are sent to it: kind, first and last address.
    ranges: Vec<(u32, u64, u64)>,
    enabled: bool,
}

struct ToyGuest {
    ram: PageBuf,
    processors: u32,
    server: Option<IoreqServer>,
    /// What the device model did to it, in words.
    done: Vec<alloc::string::String>,
}

cpu_local! {
    static GUESTS: BTreeMap<u16, ToyGuest> = BTreeMap::new();
}

fn with<T>(number: u16, f: impl FnOnce(&mut ToyGuest) -> T) -> Option<T> {
    GUESTS.with_borrow_mut(|guests| guests.get_mut(&number).map(f))
}

/// Give the toy an HVM guest with domain number `number`, `pages` pages of RAM
/// from frame 0 on, and `processors` processors.
pub fn add_guest(number: u16, pages: usize, processors: u32) {
    let guest = ToyGuest {
        ram: PageBuf::new(pages * PAGE_SIZE).expect("the toy has memory"),
        processors,
        server: None,
        done: Vec::new(),
    };
    GUESTS.with_borrow_mut(|guests| guests.insert(number, guest));
}

/// The guest gives its RAM back, but for the first `pages` pages.
pub fn shrink_guest(number: u16, pages: usize) {
    with(number, |guest| guest.ram.truncate(pages * PAGE_SIZE));
}

/// What the device model did to the guest since the last call, in words:
/// `isa 14 1`, `intx 3 0 1`, `link 0 5`, `shutdown 1`.
pub fn done(number: u16) -> Vec<alloc::string::String> {
    with(number, |guest| core::mem::take(&mut guest.done)).unwrap_or_default()
}

/// The ranges that are sent to the device model: kind (0 ports, 1 memory, 2
/// PCI functions), first and last address.
pub fn ranges(number: u16) -> Vec<(u32, u64, u64)> {
    let ranges = |guest: &mut ToyGuest| Some(guest.server.as_ref()?.ranges.clone());
    with(number, ranges).flatten().unwrap_or_default()
}

/// The page of buffered requests (0) or of the processors' (1), once there is
/// a server.
pub fn page(number: u16, index: usize) -> Option<Page> {
    let found = |guest: &mut ToyGuest| Some(guest.server.as_ref()?.pages[index].clone());
    with(number, found).flatten().map(Shared::from_pages)
}

/// Tell the device model that there is a request: of processor `which` - 1, or
/// (0) buffered ones.
pub fn ask(number: u16, which: usize) {
    with(number, |guest| {
        if let Some(server) = guest.server.as_ref().filter(|server| server.enabled) {
            server.ports[which].notify();
        }
    });
}

/// Where frame `gfn` of guest `number` is.
fn frame(number: u16, gfn: u64) -> Option<Pfn> {
    with(number, |guest| {
        let index = usize::try_from(gfn).ok()?;
        (index < guest.ram.pages()).then(|| Pfn(guest.ram.pfn().0 + index))
    })
    .flatten()
}

/// The toy's version of `mm::window`: its slots are frames of the toy's RAM.
pub(crate) struct Window {
    slots: Vec<Option<Pfn>>,
}

impl Window {
    pub fn new(slots: usize) -> Result<Self, Errno> {
        Ok(Window {
            slots: alloc::vec![None; slots],
        })
    }

    pub fn slots(&self) -> usize {
        self.slots.len()
    }

    pub fn page(&self, slot: usize) -> NonNull<u8> {
        let frame = self.slots[slot].expect("an access to an empty slot");
        NonNull::new(frame.address() as *mut u8).expect("RAM is not at 0")
    }

    pub fn frame(&self, slot: usize) -> Option<Mfn> {
        let frame = *self.slots.get(slot)?;
        frame.map(p2m::mfn)
    }

    pub fn map(&mut self, guest: Guest, pages: &[(usize, Frame)]) -> Result<(), (usize, Errno)> {
        for (slot, _) in pages {
            assert!(self.slots[*slot].is_none(), "slot {slot} is in use");
        }
        // SAFETY: they are empty.
        unsafe { self.replace(guest, pages) }
    }

    /// # Safety
    /// As the real one; nothing goes away here.
    pub unsafe fn replace(
        &mut self,
        guest: Guest,
        pages: &[(usize, Frame)],
    ) -> Result<(), (usize, Errno)> {
        for (index, (slot, wanted)) in pages.iter().enumerate() {
            let found = match wanted {
                Frame::Guest(gfn) => frame(guest.number(), *gfn),
                Frame::Machine(mfn) => p2m::pfn(*mfn),
            };
            let found = found.ok_or((index, Errno(XEN_EINVAL)))?;
            self.slots[*slot] = Some(found);
        }
        Ok(())
    }

    /// The toy has one domain: whoever granted it, its table is ours.
    pub fn map_grant(&mut self, slot: usize, _peer: u16, reference: u32) -> Result<u32, Errno> {
        assert!(self.slots[slot].is_none(), "slot {slot} is in use");
        let found = super::OtherDomain::map_frame(reference, true);
        self.slots[slot] = Some(found.ok_or(Errno(-i64::from(GNTST_BAD_GNTREF)))?);
        Ok(reference)
    }

    /// # Safety
    /// As the real one; nothing goes away here.
    pub unsafe fn unmap_grant(&mut self, slot: usize, handle: u32) {
        self.slots[slot] = None;
        super::OtherDomain.unmap(handle);
    }

    /// # Safety
    /// As the real one; nothing goes away here.
    pub unsafe fn unmap(&mut self, slots: &[usize]) {
        for slot in slots {
            self.slots[*slot] = None;
        }
    }
}

/// The toy's `dm_op`: Xen looks at the domain before the operation.
///
/// # Safety
/// `areas` are those of the wrapper.
pub(super) unsafe fn dm_op(number: u16, areas: u64) -> i64 {
    // SAFETY: the first area holds the operation, then its argument.
    let op = unsafe { (*(areas as *const DmOpBuf)).h };
    // SAFETY: as above.
    let (code, at) = unsafe { (*(op as *const u32), op + 8) };
    let result = with(number, |guest| {
        // SAFETY: the argument belongs to the operation.
        unsafe { operate(guest, number, code, at) }
    });
    match result {
        None => -XEN_ESRCH,
        Some(Ok(())) => 0,
        Some(Err(error)) => -error,
    }
}

/// # Safety
/// `at` is the address of what operation `code` takes.
unsafe fn operate(guest: &mut ToyGuest, number: u16, code: u32, at: u64) -> Result<(), i64> {
    macro_rules! argument {
        ($t:ty) => {
            // SAFETY: the caller's word.
            unsafe { &mut *(at as *mut $t) }
        };
    }
    match code {
        XEN_DMOP_NR_VCPUS => argument!(DmOpNrVcpus).vcpus = guest.processors,
        XEN_DMOP_CREATE_IOREQ_SERVER => {
            guest.server = Some(IoreqServer::new(guest.processors));
            argument!(DmOpCreateIoreqServer).id = 0;
        }
        XEN_DMOP_GET_IOREQ_SERVER_INFO => {
            let server = guest.server.as_ref().ok_or(XEN_ENOENT)?;
            argument!(DmOpGetIoreqServerInfo).bufioreq_port = server.ports[0].number();
        }
        XEN_DMOP_SET_IOREQ_SERVER_STATE => {
            let server = guest.server.as_mut().ok_or(XEN_ENOENT)?;
            server.enabled = argument!(DmOpSetIoreqServerState).enabled != 0;
        }
        XEN_DMOP_MAP_IO_RANGE_TO_IOREQ_SERVER => {
            let range = argument!(DmOpIoreqServerRange);
            let server = guest.server.as_mut().ok_or(XEN_ENOENT)?;
            server.ranges.push((range.type_, range.start, range.end));
        }
        XEN_DMOP_UNMAP_IO_RANGE_FROM_IOREQ_SERVER => {
            let range = argument!(DmOpIoreqServerRange);
            let gone = (range.type_, range.start, range.end);
            let server = guest.server.as_mut().ok_or(XEN_ENOENT)?;
            let found = server.ranges.iter().position(|known| *known == gone);
            server.ranges.remove(found.ok_or(XEN_ENOENT)?);
        }
        _ => {
            let note = match code {
                XEN_DMOP_SET_ISA_IRQ_LEVEL => {
                    let set = argument!(DmOpSetIsaIrqLevel);
                    alloc::format!("isa {} {}", set.isa_irq, set.level)
                }
                XEN_DMOP_SET_PCI_INTX_LEVEL => {
                    let set = argument!(DmOpSetPciIntxLevel);
                    alloc::format!("intx {} {} {}", set.device, set.intx, set.level)
                }
                XEN_DMOP_SET_PCI_LINK_ROUTE => {
                    let set = argument!(DmOpSetPciLinkRoute);
                    alloc::format!("link {} {}", set.link, set.isa_irq)
                }
                XEN_DMOP_REMOTE_SHUTDOWN => {
                    alloc::format!("shutdown {}", argument!(DmOpRemoteShutdown).reason)
                }
                _ => return Err(XEN_EOPNOTSUPP),
            };
            log::trace!("domain {number}: {note}");
            guest.done.push(note);
        }
    }
    Ok(())
}

impl IoreqServer {
    /// The pages, the processors' slots naming their event channels.
    fn new(processors: u32) -> Self {
        let page = || Rc::new(PageBuf::new(PAGE_SIZE).expect("the toy has memory"));
        let pages = [page(), page()];
        let port = || Port::alloc_unbound(0).expect("ports are many");
        let ports: Vec<_> = (0..=processors).map(|_| port()).collect();
        let slots: Page = Shared::from_pages(pages[1].clone());
        for (slot, port) in ports.iter().skip(1).enumerate() {
            let at = slot * size_of::<Ioreq>() + core::mem::offset_of!(Ioreq, vp_eport);
            slots.set(at, port.number());
        }
        IoreqServer {
            pages,
            ports,
            ranges: Vec::new(),
            enabled: false,
        }
    }
}

/// The toy's `memory_op`, as far as it is about guests.
///
/// # Safety
/// `argument` is what the command takes.
pub(super) unsafe fn memory_op(command: u32, argument: u64) -> i64 {
    if command != XENMEM_ACQUIRE_RESOURCE {
        return -XEN_ENOSYS;
    }
    // SAFETY: the caller's word.
    let acquire = unsafe { &*(argument as *const MemAcquireResource) };
    let frames = with(acquire.domid, |guest| {
        let server = guest.server.as_ref()?;
        let pages = server.pages.iter().skip(acquire.frame as usize);
        Some(pages.map(|page| page.mfn(0)).collect::<Vec<Mfn>>())
    });
    let Some(frames) = frames.flatten() else {
        return -XEN_ESRCH;
    };
    for (index, frame) in frames.iter().take(acquire.nr_frames as usize).enumerate() {
        // SAFETY: the list has room for `nr_frames` numbers.
        unsafe { (acquire.frame_list as *mut u64).add(index).write(frame.0) };
    }
    0
}
