//! Requests as Xen makes them, through the toy Xen.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;

use minios::arch::host::guest::{self, add_guest, ask, page};
use minios::executor::{block_on, yield_now};
use minios::guest::Guest;
use minios::hypercall;
use xen_sys::hvm::ioreq::{BufIoreq, Ioreq};

use super::*;
use crate::bus::{Registers, Shared as Chip, Width};

const GUEST: u16 = 9;

/// States of a request, as the header numbers them.
const READY: u8 = 1;
const ANSWERED: u8 = 3;
/// `dir` of a request.
const READ: u8 = 1 << 5;

/// Remembers all that arrives; reads return the offset.
#[derive(Default)]
struct Log(Vec<(u64, u64)>);

impl Registers for Log {
    fn read(&mut self, _: u8, offset: u64, _: Width) -> u64 {
        self.0.push((offset, u64::MAX));
        offset
    }

    fn write(&mut self, _: u8, offset: u64, _: Width, value: u64) {
        self.0.push((offset, value));
    }
}

/// One chip everywhere.
struct Everywhere(Rc<RefCell<Log>>);

impl Target for Everywhere {
    fn port(&self, address: u64, _: usize) -> Option<(Chip, u8, u64)> {
        Some((self.0.clone(), 0, address))
    }

    fn memory(&self, address: u64, _: usize) -> Option<(Chip, u8, u64)> {
        Some((self.0.clone(), 1, address))
    }

    fn config_read(&self, _: u8, _: u64, width: Width) -> u64 {
        width.ones()
    }

    fn config_write(&self, _: u8, _: u64, _: Width, _: u64) {}
}

struct Bench {
    log: Rc<RefCell<Log>>,
    memory: Rc<XenMemory>,
}

fn start(processors: u32) -> Bench {
    add_guest(GUEST, 64, processors);
    let guest = Guest::open(GUEST).unwrap();
    let log = Rc::new(RefCell::new(Log::default()));
    let memory = Rc::new(XenMemory::new(guest).unwrap());
    let server = Server::new(guest).unwrap();
    let machine = Rc::new(Everywhere(log.clone()));
    server.start(processors, machine, memory.clone()).unwrap();
    Bench { log, memory }
}

impl Bench {
    /// A processor's request, and what becomes of it.
    fn request(&self, processor: usize, request: Ioreq) -> Ioreq {
        let slots = page(GUEST, 1).unwrap();
        let at = processor * size_of::<Ioreq>();
        let port = slots.get(at + offset_of!(Ioreq, vp_eport));
        slots.set(
            at,
            Ioreq {
                vp_eport: port,
                ..request
            },
        );
        ask(GUEST, processor + 1);
        settle();
        slots.get(at)
    }

    fn seen(&self) -> Vec<(u64, u64)> {
        core::mem::take(&mut self.log.borrow_mut().0)
    }
}

/// Let every task run until none has anything to do.
fn settle() {
    block_on(async {
        for _ in 0..20 {
            yield_now().await;
            minios::time::sleep(core::time::Duration::from_nanos(1)).await;
        }
    });
}

const IN: Ioreq = Ioreq {
    addr: 0x3f8,
    data: 0,
    count: 1,
    size: 1,
    vp_eport: 0,
    pad0: 0,
    bits: READY | READ,
    type_: 0,
};

#[test]
fn a_request_is_answered_in_its_slot() {
    let bench = start(1);
    let answer = bench.request(0, IN);
    assert_eq!(answer.bits, ANSWERED | READ);
    assert_eq!(answer.data, 0x3f8);
    assert_eq!(bench.seen(), [(0x3f8, u64::MAX)]);
}

#[test]
fn each_processor_has_its_own_slot() {
    let bench = start(3);
    for processor in [2, 0, 1] {
        let addr = 0x60 + processor as u64;
        let answer = bench.request(processor, Ioreq { addr, ..IN });
        assert_eq!((answer.bits, answer.data), (ANSWERED | READ, addr));
    }
}

#[test]
fn a_slot_that_asks_nothing_is_left_alone() {
    let bench = start(1);
    for state in [0, 2, 3, 4, 15] {
        let request = Ioreq {
            bits: state | READ,
            data: 77,
            ..IN
        };
        let after = bench.request(0, request);
        assert_eq!((after.bits, after.data), (state | READ, 77));
    }
    assert!(bench.seen().is_empty());
}

/// Writes of text, as Xen collects them: `type:8, pad:1, dir:1, size:2,
/// addr:20`, then the data.
fn collect(writes: &[(u32, u32)], write_pointer: u32) {
    let collected = page(GUEST, 0).unwrap();
    for (index, (address, data)) in writes.iter().enumerate() {
        let slot = BufIoreq {
            bits: address << 12 | 1 << 10 | 1,
            data: *data,
        };
        collected.set(8 + index * 8, slot);
    }
    collected.set(4, write_pointer);
}

#[test]
fn buffered_writes_come_before_the_request_behind_them() {
    let bench = start(1);
    collect(&[(0xb8000, 0x0741), (0xb8002, 0x0742)], 2);
    bench.request(0, IN);
    let expected = [(0xb8000, 0x741), (0xb8002, 0x742), (0x3f8, u64::MAX)];
    assert_eq!(bench.seen(), expected);
    let read_pointer: u32 = page(GUEST, 0).unwrap().get(0);
    assert_eq!(read_pointer, 2);
}

#[test]
fn buffered_writes_alone_have_an_event_of_their_own() {
    let bench = start(1);
    collect(&[(0xa0000, 0x1234)], 1);
    ask(GUEST, 0);
    settle();
    assert_eq!(bench.seen(), [(0xa0000, 0x1234)]);
}

#[test]
fn pointers_that_make_no_sense_end_after_a_page() {
    let bench = start(1);
    collect(&[], u32::MAX);
    bench.request(0, IN);
    // At most what fits in the page, before the request and for each event.
    assert!(bench.seen().len() <= 3 * 511 + 1);
}

#[test]
fn an_invalidation_lets_go_of_the_guests_memory() {
    let bench = start(1);
    crate::surroundings::GuestMemory::write(&*bench.memory, 0x5000, &[1]).unwrap();
    guest::shrink_guest(GUEST, 1);
    let answer = bench.request(
        0,
        Ioreq {
            type_: 8,
            bits: READY,
            ..IN
        },
    );
    assert_eq!(answer.bits, ANSWERED);
    let lost = crate::surroundings::GuestMemory::write(&*bench.memory, 0x5000, &[1]);
    assert!(lost.is_err());
}

#[test]
fn ranges_interrupts_and_power_reach_xen() {
    use super::super::{XenPins, XenPower, XenRanges};
    use crate::surroundings::{Claim, Pins, Power, PowerState, Ranges};
    add_guest(GUEST, 1, 1);
    let guest = Guest::open(GUEST).unwrap();
    let server = Server::new(guest).unwrap();
    let ranges = XenRanges::new(guest, server.id());
    ranges.claim(Claim::Ports(0x1f0..0x1f8)).unwrap();
    ranges.claim(Claim::Memory(0xa0000..0xc0000)).unwrap();
    ranges.claim(Claim::Function(0x0b)).unwrap();
    ranges.release(Claim::Ports(0x1f0..0x1f8));
    // Kinds: 1 memory, 2 PCI; both ends belong to a range.
    let left = [(1, 0xa0000, 0xbffff), (2, 0x0b, 0x0b)];
    assert_eq!(guest::ranges(GUEST), left);
    let pins = XenPins::new(guest);
    pins.set_isa(14, true);
    pins.set_intx(3, 0, true);
    pins.route_link(0, 5);
    XenPower::new(guest).set(PowerState::Reset);
    let done = guest::done(GUEST);
    assert_eq!(done, ["isa 14 1", "intx 3 0 1", "link 0 5", "shutdown 1"]);
    assert!(hypercall::nr_vcpus(guest).is_ok());
}
