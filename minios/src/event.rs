//! Event channels as owned ports.
//!
//! No upcall is ever taken: delivery as a whole stays masked, Xen only sets the
//! ports' pending bits, and the executor, when it has nothing to run, polls them
//! ([`crate::hypercall::poll`]) and wakes the tasks that wait.

use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::future::poll_fn;
use core::mem::offset_of;
use core::task::{Poll, Waker};

use xen_sys::shared_info::{SharedInfo, VcpuInfo};

use crate::arch;
use crate::hypercall::{self, Errno};
use crate::local::cpu_local;

/// A port of this domain; closed when dropped.
#[derive(Debug, PartialEq, Eq)]
pub struct Port {
    number: u32,
    /// Xen made it before we ran (console, store): the next kernel needs it.
    inherited: bool,
}

#[derive(Default)]
struct Slot {
    fired: bool,
    waker: Option<Waker>,
}

/// All ports that somebody owns.
struct Ports {
    slots: BTreeMap<u32, Slot>,
    /// Which bits they have among the pending ones: number of a word of 64 and
    /// bits in it. This is all that [`dispatch`] looks at while nothing happens.
    words: Vec<(usize, u64)>,
    /// Their numbers; none after one came or went.
    numbers: Option<Rc<[u32]>>,
}

impl Ports {
    fn add(&mut self, port: u32) {
        self.slots.insert(port, Slot::default());
        self.note();
    }

    fn remove(&mut self, port: u32) -> Option<Slot> {
        let slot = self.slots.remove(&port);
        self.note();
        slot
    }

    /// Derives all else from `slots`.
    fn note(&mut self) {
        self.numbers = None;
        self.words.clear();
        for port in self.slots.keys() {
            let (word, bit) = (*port as usize / 64, 1 << (port % 64));
            match self.words.last_mut() {
                Some((last, bits)) if *last == word => *bits |= bit,
                _ => self.words.push((word, bit)),
            }
        }
    }
}

cpu_local! {
    static PORTS: Ports = Ports { slots: BTreeMap::new(), words: Vec::new(), numbers: None };
}

impl Port {
    fn adopt(number: u32, inherited: bool) -> Port {
        PORTS.with_borrow_mut(|ports| ports.add(number));
        Port { number, inherited }
    }

    /// A new port that domain `peer` may bind to.
    pub fn alloc_unbound(peer: u16) -> Result<Port, Errno> {
        hypercall::event_alloc_unbound(peer).map(|number| Port::adopt(number, false))
    }

    /// A new port connected to `remote` of domain `peer`.
    pub fn bind_interdomain(peer: u16, remote: u32) -> Result<Port, Errno> {
        hypercall::event_bind_interdomain(peer, remote).map(|number| Port::adopt(number, false))
    }

    /// A port that start_info names. Dropping it leaves it open.
    pub(crate) fn inherited(number: u32) -> Port {
        Port::adopt(number, true)
    }

    /// Its number, for the store.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Tell the other end.
    pub fn notify(&self) {
        // Fails only when the other end is gone, which its state in the store tells.
        let _ = hypercall::event_send(self.number);
    }

    /// Wait for the next notification, or take one that came since the last
    /// wait. For one task at a time: a second one would take the first one's place.
    pub async fn wait(&self) {
        poll_fn(|context| {
            let pending = take_pending(self.number);
            // The old waker is dropped outside the borrow.
            let (state, _old) = PORTS.with_borrow_mut(|ports| {
                let slot = ports.slots.entry(self.number).or_default();
                if core::mem::take(&mut slot.fired) || pending {
                    (Poll::Ready(()), slot.waker.take())
                } else {
                    let waker = context.waker().clone();
                    (Poll::Pending, slot.waker.replace(waker))
                }
            });
            state
        })
        .await;
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        let slot = PORTS.with_borrow_mut(|ports| ports.remove(self.number));
        drop(slot);
        if !self.inherited {
            let _ = hypercall::event_close(self.number);
        }
        // A later owner of the same number must not see our last event.
        take_pending(self.number);
    }
}

/// Clear the pending bit of `port`; was it set?
pub(crate) fn take_pending(port: u32) -> bool {
    let offset = offset_of!(SharedInfo, evtchn_pending) + port as usize / 64 * 8;
    arch::shared_info().fetch_clear_u64(offset, 1 << (port % 64)) != 0
}

/// Forget an event of `port` without waking anybody: for the crash report.
pub(crate) fn clear_pending(port: u32) {
    take_pending(port);
}

/// Wake the task of a port whose bit was set.
fn wake(port: u32) {
    let waker = PORTS.with_borrow_mut(|ports| {
        let slot = ports.slots.get_mut(&port)?;
        slot.fired = true;
        slot.waker.take()
    });
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// Wake the tasks of all pending ports; true if there was any.
pub(crate) fn dispatch() -> bool {
    let page = arch::shared_info();
    let mut any = false;
    let mut next = 0;
    while let Some((word, ours)) = PORTS.with_borrow(|ports| ports.words.get(next).copied()) {
        next += 1;
        let offset = offset_of!(SharedInfo, evtchn_pending) + word * 8;
        // Mostly nothing is pending: look before the locked access.
        if page.get::<u64>(offset) & ours == 0 {
            continue;
        }
        let mut fired = page.fetch_clear_u64(offset, ours);
        while fired != 0 {
            wake(word as u32 * 64 + fired.trailing_zeros());
            fired &= fired - 1;
            any = true;
        }
    }
    any
}

/// Bring the shared info page back to what a first kernel finds: no port
/// masked, none pending, upcalls off (libxenguest zeroes the page and sets only
/// `evtchn_upcall_mask`). Called last before another kernel starts.
pub fn reset() {
    let page = arch::shared_info();
    for word in 0..64 {
        page.set(offset_of!(SharedInfo, evtchn_mask) + word * 8, 0u64);
        page.set(offset_of!(SharedInfo, evtchn_pending) + word * 8, 0u64);
    }
    let vcpu = offset_of!(SharedInfo, vcpu_info);
    page.set(vcpu + offset_of!(VcpuInfo, evtchn_upcall_mask), 1u8);
    page.set(vcpu + offset_of!(VcpuInfo, evtchn_pending_sel), 0u64);
    page.set(vcpu + offset_of!(VcpuInfo, evtchn_upcall_pending), 0u8);
}

/// The numbers of all ports that somebody owns.
pub(crate) fn bound() -> Rc<[u32]> {
    PORTS.with_borrow_mut(|ports| {
        let (numbers, slots) = (&mut ports.numbers, &ports.slots);
        numbers
            .get_or_insert_with(|| slots.keys().copied().collect())
            .clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::block_on;

    #[test]
    fn an_event_sent_before_the_wait_is_not_lost_and_counts_once() {
        let ours = Port::alloc_unbound(0).unwrap();
        let theirs = Port::bind_interdomain(0, ours.number()).unwrap();
        block_on(theirs.wait()); // Xen sends one event when a pair is made
        theirs.notify();
        theirs.notify();
        block_on(ours.wait());
        assert!(!dispatch(), "two notifications before a wait are one event");
        ours.notify();
        block_on(theirs.wait());
    }

    #[test]
    fn a_next_kernel_finds_the_page_as_a_first_one_does() {
        let page = arch::shared_info();
        let vcpu = offset_of!(SharedInfo, vcpu_info);
        let ours = Port::alloc_unbound(0).unwrap();
        let theirs = Port::bind_interdomain(0, ours.number()).unwrap();
        theirs.notify();
        page.set(offset_of!(SharedInfo, evtchn_mask) + 8, 5u64);
        page.set(vcpu + offset_of!(VcpuInfo, evtchn_upcall_mask), 0u8);
        page.set(vcpu + offset_of!(VcpuInfo, evtchn_upcall_pending), 1u8);
        page.set(vcpu + offset_of!(VcpuInfo, evtchn_pending_sel), 1u64);
        reset();
        for word in 0..64 {
            for bits in [
                offset_of!(SharedInfo, evtchn_mask),
                offset_of!(SharedInfo, evtchn_pending),
            ] {
                assert_eq!(page.get::<u64>(bits + word * 8), 0);
            }
        }
        let byte = |at| page.get::<u8>(vcpu + at);
        assert_eq!(byte(offset_of!(VcpuInfo, evtchn_upcall_mask)), 1);
        assert_eq!(byte(offset_of!(VcpuInfo, evtchn_upcall_pending)), 0);
        let selected: u64 = page.get(vcpu + offset_of!(VcpuInfo, evtchn_pending_sel));
        assert_eq!(selected, 0);
    }

    #[test]
    fn a_reused_number_starts_without_its_predecessors_event() {
        let ours = Port::alloc_unbound(0).unwrap();
        let number = ours.number();
        let theirs = Port::bind_interdomain(0, number).unwrap();
        theirs.notify();
        drop(ours);
        assert!(!take_pending(number));
        assert!(!bound().contains(&number));
    }
}
