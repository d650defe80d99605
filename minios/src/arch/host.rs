//! A toy Xen inside the process, so that minios runs under `cargo test`.
//!
//! Each thread is a machine of its own: some RAM, a shared info page, event
//! channels (whose both ends are in this domain), a grant table, and a clock
//! that moves only when the domain sleeps. Other domains are closures
//! ([`add_peer`]) that run whenever ours goes idle. If nobody can ever wake it,
//! that is a deadlock, and the test fails with it instead of hanging.
//! HVM guests to be device models of are in [`guest`].

pub mod guest;

pub(crate) use guest::Window;

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::mem::offset_of;

use xen_proto::mock::blkback::Domain;
use xen_proto::mock::store::{self, Xenstored};
use xen_sys::grant_table::{
    GTF_PERMIT_ACCESS, GTF_READING, GTF_READONLY, GTF_TYPE_MASK, GTF_WRITING, GrantEntryV1,
};
use xen_sys::io::xs_wire::XenstoreDomainInterface;
use xen_sys::shared_info::{SharedInfo, VcpuInfo, VcpuTimeInfo};

use crate::event::Port;
use crate::hypercall::Errno;
use crate::mm::{Mfn, PAGE_SIZE, PageBuf, Pfn, frame, p2m};
use crate::shared::Shared;
use crate::xenstore::Store;

/// RAM of the toy domain, in pages.
const PAGES: usize = 32 * 1024;

/// Entries in a page of the grant table.
const GRANTS_PER_PAGE: usize = PAGE_SIZE / size_of::<GrantEntryV1>();

/// Pages the grant table may have.
const GRANT_PAGES: usize = 4;

/// The map of RAM needs no tables here.
pub(crate) const TABLE_RESERVE: usize = 0;

pub(crate) fn mapped_end() -> usize {
    usize::MAX
}

pub(crate) fn map_more(_table: usize, _end: usize) -> usize {
    0
}

/// Another domain: called when ours is idle; true if it did anything.
pub type Peer = Box<dyn FnMut() -> bool>;

struct Toy {
    shared_info: Option<Shared<SharedInfo>>,
    now: u64,
    /// Each open port's other end.
    ports: BTreeMap<u32, Option<u32>>,
    grants: Vec<Rc<PageBuf>>,
    /// How often each reference is mapped by another domain.
    mapped: BTreeMap<u32, u32>,
    peers: Vec<Option<Peer>>,
}

std::thread_local! {
    /// First frame; 0 before there is any.
    static RAM: core::cell::Cell<usize> = const { core::cell::Cell::new(0) };
    static TOY: RefCell<Toy> = const {
        RefCell::new(Toy { shared_info: None, now: 1_000_000_000, ports: BTreeMap::new(), grants: Vec::new(), mapped: BTreeMap::new(), peers: Vec::new() })
    };
}

/// Frame numbers of this thread's RAM.
pub(crate) fn ram() -> core::ops::Range<usize> {
    prepare();
    let start = RAM.get();
    start..start + PAGES
}

/// Give this thread its RAM, once.
pub(crate) fn prepare() {
    if RAM.get() != 0 {
        return;
    }
    // Never freed: the domain's memory lives as long as its thread's tests.
    // Zeros that nobody touched cost nothing; one page more to start at one.
    let ram = alloc::vec![0u8; (PAGES + 1) * PAGE_SIZE].leak();
    let start = Pfn::containing(ram.as_ptr() as usize + PAGE_SIZE - 1);
    RAM.set(start.0);
    frame::init(start, Pfn(start.0 + PAGES));
}

/// Let `peer` run whenever this domain goes idle.
pub fn add_peer(peer: Peer) {
    TOY.with_borrow_mut(|toy| toy.peers.push(Some(peer)));
}

/// The toy's clock, in nanoseconds: its processor has one cycle in each.
pub(crate) fn rdtsc() -> u64 {
    TOY.with_borrow(|toy| toy.now)
}

pub(crate) fn shared_info() -> Shared<SharedInfo> {
    if let Some(page) = TOY.with_borrow(|toy| toy.shared_info.clone()) {
        return page;
    }
    let pages = Rc::new(PageBuf::new(size_of::<SharedInfo>()).expect("the toy has memory"));
    let page: Shared<SharedInfo> = Shared::from_pages(pages);
    // One nanosecond a cycle: shifted left once, times one half.
    let time = VcpuTimeInfo {
        tsc_to_system_mul: 1 << 31,
        tsc_shift: 1,
        version: 2,
        ..VcpuTimeInfo::default()
    };
    page.set(
        offset_of!(SharedInfo, vcpu_info) + offset_of!(VcpuInfo, time),
        time,
    );
    TOY.with_borrow_mut(|toy| toy.shared_info = Some(page.clone()));
    page
}

/// The page of the grant table at `index`, which setup has just named.
pub(crate) fn map_grant_frame<T>(index: usize, _frame: Mfn) -> Result<Shared<T>, Errno> {
    TOY.with_borrow(|toy| toy.grants.get(index).cloned())
        .map(Shared::from_pages)
        .ok_or(Errno(xen_sys::errno::XEN_EINVAL))
}

/// The hands of another domain, for mock backends: it maps what is granted
/// and signals ports. Whose domain it is makes no difference to the toy.
#[derive(Clone, Copy, Debug, Default)]
pub struct OtherDomain;

impl OtherDomain {
    /// The grant table's entry `gref`.
    fn entry(gref: u32) -> Option<(Shared<[GrantEntryV1; GRANTS_PER_PAGE]>, usize)> {
        let page =
            TOY.with_borrow(|toy| toy.grants.get(gref as usize / GRANTS_PER_PAGE).cloned())?;
        Some((
            Shared::from_pages(page),
            gref as usize % GRANTS_PER_PAGE * size_of::<GrantEntryV1>(),
        ))
    }

    /// The frame that `gref` grants, in use from now on.
    fn map_frame(gref: u32, write: bool) -> Option<Pfn> {
        let (table, at) = Self::entry(gref)?;
        let entry: GrantEntryV1 = table.get(at);
        if entry.flags & GTF_TYPE_MASK != GTF_PERMIT_ACCESS
            || write && entry.flags & GTF_READONLY != 0
        {
            return None;
        }
        let frame = p2m::pfn(Mfn(u64::from(entry.frame)))?;
        let used = GTF_READING | if write { GTF_WRITING } else { 0 };
        table.set(at + offset_of!(GrantEntryV1, flags), entry.flags | used);
        TOY.with_borrow_mut(|toy| *toy.mapped.entry(gref).or_default() += 1);
        Some(frame)
    }
}

impl Domain for OtherDomain {
    type Page = Shared<[u8; PAGE_SIZE]>;

    fn map(&mut self, gref: u32, write: bool) -> Option<Self::Page> {
        let frame = Self::map_frame(gref, write)?;
        let address = core::ptr::NonNull::new(frame.address() as *mut [u8; PAGE_SIZE])?;
        // SAFETY: a frame of the toy's RAM (`p2m::pfn`), which is never unmapped; the peer touches it only through this handle.
        Some(unsafe { Shared::new(address) })
    }

    fn unmap(&mut self, gref: u32) {
        let left = TOY.with_borrow_mut(|toy| {
            let count = toy.mapped.entry(gref).or_default();
            *count = count.saturating_sub(1);
            *count
        });
        if left == 0
            && let Some((table, at)) = Self::entry(gref)
        {
            let at = at + offset_of!(GrantEntryV1, flags);
            table.set(at, table.get::<u16>(at) & !(GTF_READING | GTF_WRITING));
        }
    }

    fn bind(&mut self, port: u32) -> Option<u32> {
        crate::hypercall::event_bind_interdomain(0, port).ok()
    }

    fn notify(&mut self, port: u32) {
        let _ = crate::hypercall::event_send(port);
    }

    fn pending(&mut self, port: u32) -> bool {
        crate::event::take_pending(port)
    }

    fn unbind(&mut self, port: u32) {
        let _ = crate::hypercall::event_close(port);
        crate::event::take_pending(port);
    }
}

/// What another domain with the right to map any frame of ours sees at `mfn`:
/// for backends that are not given grants.
pub fn map_frame(mfn: Mfn) -> Option<Shared<[u8; PAGE_SIZE]>> {
    let address = p2m::pfn(mfn)?.address();
    let address = core::ptr::NonNull::new(address as *mut [u8; PAGE_SIZE])?;
    // SAFETY: a frame of the toy's RAM (`p2m::pfn`), which is never unmapped; the peer touches it only through this handle.
    Some(unsafe { Shared::new(address) })
}

/// How many references another domain has mapped now.
pub fn mapped_grants() -> usize {
    TOY.with_borrow(|toy| toy.mapped.values().filter(|count| **count > 0).count())
}

/// Connect this domain to a mock xenstored.
pub fn connect_store(xenstored: &Xenstored) -> Store {
    let pages = Rc::new(PageBuf::new(PAGE_SIZE).expect("the toy has memory"));
    let page: Shared<XenstoreDomainInterface> = Shared::from_pages(pages);
    let ours = Port::alloc_unbound(0).expect("ports are many");
    let theirs = OtherDomain.bind(ours.number()).expect("just allocated");
    let (daemon, mut connection) = (xenstored.clone(), store::Connection::new(page.clone()));
    // Events on watches are made while others work, so the ring is looked at without being asked, too.
    add_peer(Box::new(move || {
        let asked = OtherDomain.pending(theirs);
        let moved = daemon
            .serve(&mut connection)
            .expect("our own ring makes sense");
        if moved {
            OtherDomain.notify(theirs);
        }
        asked | moved
    }));
    Store::connect(page, ours)
}

pub(crate) mod hypercall {
    //! What the toy does for each hypercall: the arguments are those of the
    //! real one, guest handles being plain pointers into this process.

    use xen_sys::errno::{XEN_EINVAL, XEN_ENOSPC, XEN_ENOSYS};
    use xen_sys::event_channel::*;
    use xen_sys::grant_table::*;
    use xen_sys::sched::*;
    use xen_sys::shared_info::SharedInfo;
    use xen_sys::xen::*;

    use super::{GRANT_PAGES, PAGE_SIZE, PageBuf, Rc, TOY, offset_of, shared_info};

    /// # Safety
    /// As the real one: pointers must be what `op` takes.
    pub(crate) unsafe fn hypercall(op: u64, [cmd, argument, a3, ..]: [u64; 5]) -> i64 {
        if op == HYPERVISOR_DM_OP {
            // SAFETY: the wrapper passes the areas of the operation.
            return unsafe { super::guest::dm_op(cmd as u16, a3) };
        }
        let cmd = cmd as u32;
        // SAFETY: the wrappers pass the structure that belongs to the command.
        unsafe {
            match (op, cmd) {
                (HYPERVISOR_EVENT_CHANNEL_OP, EVTCHNOP_ALLOC_UNBOUND) => {
                    alloc_unbound(&mut *(argument as *mut _))
                }
                (HYPERVISOR_EVENT_CHANNEL_OP, EVTCHNOP_BIND_INTERDOMAIN) => {
                    bind(&mut *(argument as *mut _))
                }
                (HYPERVISOR_EVENT_CHANNEL_OP, EVTCHNOP_SEND) => {
                    send((*(argument as *const EvtchnSend)).port)
                }
                (HYPERVISOR_EVENT_CHANNEL_OP, EVTCHNOP_CLOSE) => {
                    close((*(argument as *const EvtchnClose)).port)
                }
                (HYPERVISOR_GRANT_TABLE_OP, GNTTABOP_QUERY_SIZE) => {
                    query_size(&mut *(argument as *mut _))
                }
                (HYPERVISOR_GRANT_TABLE_OP, GNTTABOP_SETUP_TABLE) => {
                    setup_table(&mut *(argument as *mut _))
                }
                (HYPERVISOR_MEMORY_OP, _) => super::guest::memory_op(cmd, argument),
                (HYPERVISOR_SCHED_OP, SCHEDOP_POLL) => {
                    let poll = &*(argument as *const SchedPoll);
                    let ports = core::slice::from_raw_parts(
                        poll.ports as *const u32,
                        poll.nr_ports as usize,
                    );
                    sleep(ports, poll.timeout)
                }
                (HYPERVISOR_SCHED_OP, SCHEDOP_SHUTDOWN) => {
                    panic!(
                        "the domain shut down: {}",
                        (*(argument as *const SchedShutdown)).reason
                    )
                }
                _ => -XEN_ENOSYS,
            }
        }
    }

    fn open(other: Option<u32>) -> u32 {
        TOY.with_borrow_mut(|toy| {
            let port = (1..)
                .find(|port| !toy.ports.contains_key(port))
                .expect("numbers are many");
            toy.ports.insert(port, other);
            port
        })
    }

    fn alloc_unbound(alloc: &mut EvtchnAllocUnbound) -> i64 {
        alloc.port = open(None);
        0
    }

    /// Every other domain lives in this one too, so both ends are our ports.
    fn bind(bind: &mut EvtchnBindInterdomain) -> i64 {
        if TOY.with_borrow(|toy| toy.ports.get(&bind.remote_port) != Some(&None)) {
            return -XEN_EINVAL;
        }
        bind.local_port = open(Some(bind.remote_port));
        TOY.with_borrow_mut(|toy| toy.ports.insert(bind.remote_port, Some(bind.local_port)));
        // As Xen does: the new pair starts with an event on the local end.
        set_pending(bind.local_port);
        0
    }

    fn set_pending(port: u32) {
        let at = offset_of!(SharedInfo, evtchn_pending) + port as usize / 64 * 8;
        let page = shared_info();
        page.set(at, page.get::<u64>(at) | 1 << (port % 64));
    }

    fn send(port: u32) -> i64 {
        match TOY.with_borrow(|toy| toy.ports.get(&port).copied()) {
            Some(Some(other)) => {
                set_pending(other);
                0
            }
            Some(None) => 0,
            None => -XEN_EINVAL,
        }
    }

    fn close(port: u32) -> i64 {
        TOY.with_borrow_mut(|toy| match toy.ports.remove(&port) {
            Some(other) => {
                if let Some(end) = other.and_then(|other| toy.ports.get_mut(&other)) {
                    *end = None;
                }
                0
            }
            None => -XEN_EINVAL,
        })
    }

    fn query_size(query: &mut GnttabQuerySize) -> i64 {
        query.nr_frames = TOY.with_borrow(|toy| toy.grants.len()) as u32;
        query.max_nr_frames = GRANT_PAGES as u32;
        0
    }

    fn setup_table(setup: &mut GnttabSetupTable) -> i64 {
        let want = setup.nr_frames as usize;
        if want > GRANT_PAGES {
            return -XEN_ENOSPC;
        }
        TOY.with_borrow_mut(|toy| {
            while toy.grants.len() < want {
                toy.grants.push(Rc::new(
                    PageBuf::new(PAGE_SIZE).expect("the toy has memory"),
                ));
            }
            for (at, page) in toy.grants.iter().take(want).enumerate() {
                // SAFETY: the caller's list has `nr_frames` places.
                unsafe {
                    (setup.frame_list as *mut u64)
                        .add(at)
                        .write(page.pfn().0 as u64)
                };
            }
        });
        0
    }

    fn any_pending(ports: &[u32]) -> bool {
        let page = shared_info();
        ports.iter().any(|port| {
            let word: u64 =
                page.get(offset_of!(SharedInfo, evtchn_pending) + *port as usize / 64 * 8);
            word >> (port % 64) & 1 != 0
        })
    }

    /// Let every other domain run once; true if any did something.
    fn run_peers() -> bool {
        let count = TOY.with_borrow(|toy| toy.peers.len());
        (0..count).fold(false, |any, at| {
            let Some(mut peer) = TOY.with_borrow_mut(|toy| toy.peers[at].take()) else {
                return any;
            };
            let did = peer();
            TOY.with_borrow_mut(|toy| toy.peers[at] = Some(peer));
            any | did
        })
    }

    fn sleep(ports: &[u32], deadline: u64) -> i64 {
        loop {
            if any_pending(ports) {
                return 0;
            }
            if !run_peers() && !any_pending(ports) {
                break;
            }
        }
        assert!(
            deadline != 0,
            "deadlock: asleep on ports {ports:?}, and nobody will send"
        );
        TOY.with_borrow_mut(|toy| toy.now = toy.now.max(deadline));
        0
    }
}
