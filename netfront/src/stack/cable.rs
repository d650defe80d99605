//! Two ports with a cable between them, in memory: the network of tests.

use super::Port;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::future::poll_fn;
use core::task::{Poll, Waker};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;

/// What happens to a frame on its way: it becomes these.
pub type Fault = Box<dyn FnMut(Vec<u8>) -> Vec<Vec<u8>>>;

/// Frames on their way to one end.
#[derive(Default)]
struct Lane {
    frames: VecDeque<Vec<u8>>,
    reader: Option<Waker>,
    writer: Option<Waker>,
    changed: bool,
    fault: Option<Fault>,
}

impl Lane {
    fn put(&mut self, frame: Vec<u8>) {
        match &mut self.fault {
            Some(fault) => self.frames.extend(fault(frame)),
            None => self.frames.push_back(frame),
        }
        if let Some(waker) = self.reader.take() {
            waker.wake();
        }
    }
}

/// One end of a cable.
pub struct Cable {
    address: [u8; 6],
    mtu: usize,
    incoming: Rc<RefCell<Lane>>,
    outgoing: Rc<RefCell<Lane>>,
}

/// Frames that a lane holds.
const ROOM: usize = 256;

/// The two ends of a cable for frames of up to `mtu` bytes of IP.
pub fn cable(mtu: usize) -> (Cable, Cable) {
    let (there, back) = (
        Rc::<RefCell<Lane>>::default(),
        Rc::<RefCell<Lane>>::default(),
    );
    let end = |last, incoming: &Rc<RefCell<Lane>>, outgoing: &Rc<RefCell<Lane>>| Cable {
        address: [0x02, 0, 0, 0, 0, last],
        mtu: mtu.saturating_add(14),
        incoming: incoming.clone(),
        outgoing: outgoing.clone(),
    };
    (end(1, &there, &back), end(2, &back, &there))
}

impl Cable {
    /// From now on `fault` happens to frames that this end sends.
    pub fn set_fault(&self, fault: Fault) {
        self.outgoing.borrow_mut().fault = Some(fault);
    }
}

/// A frame that has come.
pub struct Came(Vec<u8>);

impl RxToken for Came {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

/// Room for one frame.
pub struct Room(Rc<RefCell<Lane>>);

impl TxToken for Room {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, f: F) -> R {
        let mut frame = vec![0; length];
        let result = f(&mut frame);
        self.0.borrow_mut().put(frame);
        result
    }
}

impl Device for Cable {
    type RxToken<'a> = Came;
    type TxToken<'a> = Room;

    fn receive(&mut self, _: Instant) -> Option<(Came, Room)> {
        let mut lane = self.incoming.borrow_mut();
        let frame = lane.frames.pop_front()?;
        lane.changed = true;
        if let Some(writer) = lane.writer.take() {
            writer.wake();
        }
        Some((Came(frame), Room(self.outgoing.clone())))
    }

    fn transmit(&mut self, _: Instant) -> Option<Room> {
        let room = self.outgoing.borrow().frames.len() < ROOM;
        room.then(|| Room(self.outgoing.clone()))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = self.mtu;
        capabilities
    }
}

impl Port for Cable {
    fn hardware_address(&self) -> [u8; 6] {
        self.address
    }

    fn changed(&self) -> impl Future<Output = ()> + 'static {
        let (incoming, outgoing) = (self.incoming.clone(), self.outgoing.clone());
        poll_fn(move |context| {
            let mut incoming = incoming.borrow_mut();
            let mut outgoing = outgoing.borrow_mut();
            if !incoming.frames.is_empty() || core::mem::take(&mut outgoing.changed) {
                return Poll::Ready(());
            }
            incoming.reader = Some(context.waker().clone());
            outgoing.writer = Some(context.waker().clone());
            Poll::Pending
        })
    }
}
