//! A world for tests and fuzz targets to put a machine or a chip into.
//!
//! It remembers what was done to it, and it is strict: what only a faulty chip
//! would do is a panic here.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use crate::surroundings::{
    Claim, Clock, Completion, Disk, DiskError, GuestMemory, Medium, NoMemory, NoRange, Pins, Power,
    PowerState, Ranges, Request, Serial, Surroundings, VideoMemory,
};

/// All of a machine's surroundings at once.
pub struct World {
    ram: RefCell<Vec<u8>>,
    isa: Cell<u16>,
    edges: Cell<u32>,
    intx: RefCell<BTreeMap<(u8, u8), bool>>,
    routes: Cell<[u8; 4]>,
    claims: RefCell<Vec<Claim>>,
    now: Cell<u64>,
    power: RefCell<Vec<PowerState>>,
}

impl World {
    /// A world with `ram` bytes of RAM from address 0 on.
    pub fn new(ram: usize) -> Rc<Self> {
        Rc::new(World {
            ram: RefCell::new(vec![0; ram]),
            isa: Cell::new(0),
            edges: Cell::new(0),
            intx: RefCell::default(),
            routes: Cell::new([0xff; 4]),
            claims: RefCell::default(),
            now: Cell::new(0),
            power: RefCell::default(),
        })
    }

    /// As a machine wants it.
    pub fn surroundings(self: &Rc<Self>) -> Surroundings {
        Surroundings {
            memory: self.clone(),
            pins: self.clone(),
            ranges: self.clone(),
            clock: self.clone(),
            power: self.clone(),
        }
    }

    /// Its pins, for a [`Line`](crate::surroundings::Line).
    pub fn pins(self: &Rc<Self>) -> Rc<dyn Pins> {
        self.clone()
    }

    /// Whether ISA interrupt `irq` is high.
    pub fn irq(&self, irq: u8) -> bool {
        self.isa.get() & 1 << irq != 0
    }

    /// How often any ISA interrupt rose since the last call.
    pub fn take_rises(&self) -> u32 {
        self.edges.take()
    }

    /// Whether pin `pin` of PCI device `device` is high.
    pub fn pin(&self, device: u8, pin: u8) -> bool {
        let intx = self.intx.borrow();
        intx.get(&(device, pin)).copied().unwrap_or(false)
    }

    /// Where the PCI links lead; 0xff where that was never said.
    pub fn routes(&self) -> [u8; 4] {
        self.routes.get()
    }

    /// What is claimed.
    pub fn claims(&self) -> Vec<Claim> {
        self.claims.borrow().clone()
    }

    /// Whether accesses to port `port` come to the machine.
    pub fn has_port(&self, port: u64) -> bool {
        let claims = self.claims.borrow();
        let mut claims = claims.iter();
        claims.any(|claim| matches!(claim, Claim::Ports(range) if range.contains(&port)))
    }

    /// Lets time pass.
    pub fn pass(&self, ns: u64) {
        self.now.set(self.now.get().saturating_add(ns));
    }

    /// What was done to the power since the last call.
    pub fn take_power(&self) -> Vec<PowerState> {
        self.power.take()
    }
}

impl GuestMemory for World {
    fn read(&self, address: u64, data: &mut [u8]) -> Result<(), NoMemory> {
        let ram = self.ram.borrow();
        let range = within(address, data.len(), ram.len())?;
        data.copy_from_slice(&ram[range]);
        Ok(())
    }

    fn write(&self, address: u64, data: &[u8]) -> Result<(), NoMemory> {
        let mut ram = self.ram.borrow_mut();
        let range = within(address, data.len(), ram.len())?;
        ram[range].copy_from_slice(data);
        Ok(())
    }
}

fn within(address: u64, len: usize, ram: usize) -> Result<core::ops::Range<usize>, NoMemory> {
    let start = usize::try_from(address).map_err(|_| NoMemory(address))?;
    let end = start.checked_add(len).ok_or(NoMemory(address))?;
    if end > ram {
        return Err(NoMemory(address));
    }
    Ok(start..end)
}

impl Pins for World {
    fn set_isa(&self, irq: u8, level: bool) {
        let bit = 1u16.checked_shl(irq.into()).expect("sixteen interrupts");
        let others = self.isa.get() & !bit;
        assert_ne!(self.irq(irq), level, "only changes cost a hypercall");
        self.isa.set(others | if level { bit } else { 0 });
        self.edges.set(self.edges.get() + u32::from(level));
    }

    fn set_intx(&self, device: u8, pin: u8, level: bool) {
        assert!(device < 32 && pin < 4, "no pin {pin} at device {device}");
        let old = self.intx.borrow_mut().insert((device, pin), level);
        assert_ne!(old.unwrap_or(false), level, "only changes");
    }

    fn route_link(&self, link: u8, irq: u8) {
        assert!(irq < 16, "no interrupt {irq}");
        let mut routes = self.routes.get();
        routes[usize::from(link)] = irq;
        self.routes.set(routes);
    }
}

impl Ranges for World {
    /// As Xen: what overlaps is refused.
    fn claim(&self, range: Claim) -> Result<(), NoRange> {
        let mut claims = self.claims.borrow_mut();
        let clashes = |known: &Claim| match (known, &range) {
            (Claim::Ports(a), Claim::Ports(b)) | (Claim::Memory(a), Claim::Memory(b)) => {
                a.start < b.end && b.start < a.end
            }
            (Claim::Function(a), Claim::Function(b)) => a == b,
            _ => false,
        };
        if claims.iter().any(clashes) {
            return Err(NoRange);
        }
        claims.push(range);
        Ok(())
    }

    fn release(&self, range: Claim) {
        let mut claims = self.claims.borrow_mut();
        let at = claims.iter().position(|known| *known == range);
        claims.swap_remove(at.expect("only what was claimed is released"));
    }
}

impl Clock for World {
    fn now_ns(&self) -> u64 {
        self.now.get()
    }
}

impl Power for World {
    fn set(&self, state: PowerState) {
        self.power.borrow_mut().push(state);
    }
}

/// A serial line whose far end takes what it gets until it is full.
pub struct Line {
    sent: RefCell<Vec<u8>>,
    room: Cell<usize>,
}

impl Line {
    /// A line with room for `room` bytes.
    pub fn new(room: usize) -> Rc<Self> {
        Rc::new(Line {
            sent: RefCell::default(),
            room: Cell::new(room),
        })
    }

    /// What came through since the last call.
    pub fn take(&self) -> Vec<u8> {
        self.sent.take()
    }

    /// Now there is room for `room` bytes more.
    pub fn set_room(&self, room: usize) {
        self.room.set(room);
    }
}

impl Serial for Line {
    fn send(&self, byte: u8) -> bool {
        let Some(left) = self.room.get().checked_sub(1) else {
            return false;
        };
        self.room.set(left);
        self.sent.borrow_mut().push(byte);
        true
    }
}

/// A disk in memory. Requests wait until they are told to go on.
pub struct MemoryDisk {
    content: RefCell<Vec<u8>>,
    read_only: bool,
    waiting: RefCell<Vec<Box<dyn FnOnce()>>>,
}

impl MemoryDisk {
    /// A disk with this content.
    pub fn new(content: Vec<u8>, read_only: bool) -> Rc<Self> {
        Rc::new(MemoryDisk {
            content: RefCell::new(content),
            read_only,
            waiting: RefCell::default(),
        })
    }

    /// Ends the requests under way, and those that they bring about. Says how
    /// many there were.
    pub fn go_on(&self) -> usize {
        let mut ended = 0;
        loop {
            let waiting = self.waiting.take();
            if waiting.is_empty() {
                return ended;
            }
            ended += waiting.len();
            waiting.into_iter().for_each(|end| end());
        }
    }

    fn carry_out(&self, request: Request) -> Result<Vec<u8>, DiskError> {
        let mut content = self.content.borrow_mut();
        let range = |sector: u64, len: u64| {
            let start = sector.checked_mul(512).ok_or(DiskError::OutOfRange)?;
            within(start, len as usize, content.len()).map_err(|_| DiskError::OutOfRange)
        };
        match request {
            Request::Read { sector, count } => {
                Ok(content[range(sector, u64::from(count) * 512)?].to_vec())
            }
            Request::Write { .. } | Request::Discard { .. } if self.read_only => {
                Err(DiskError::ReadOnly)
            }
            Request::Write { sector, data } => {
                let range = range(sector, data.len() as u64)?;
                content[range].copy_from_slice(&data);
                Ok(Vec::new())
            }
            Request::Discard { .. } | Request::Flush => Ok(Vec::new()),
        }
    }
}

impl Disk for MemoryDisk {
    fn medium(&self) -> Option<Medium> {
        Some(Medium {
            sectors: self.content.borrow().len() as u64 / 512,
            read_only: self.read_only,
            discard: false,
            generation: 0,
        })
    }

    fn start(&self, request: Request, done: Completion) {
        let result = self.carry_out(request);
        self.waiting
            .borrow_mut()
            .push(Box::new(move || done(result)));
    }
}

/// Display memory that the guest never writes behind our back.
pub struct VideoRam {
    bytes: RefCell<Vec<u8>>,
    placed: Cell<Option<u64>>,
}

impl VideoRam {
    /// So many bytes, all zero, shown nowhere.
    pub fn new(len: usize) -> Rc<Self> {
        Rc::new(VideoRam {
            bytes: RefCell::new(vec![0; len]),
            placed: Cell::new(None),
        })
    }

    /// Where it is shown.
    pub fn placed(&self) -> Option<u64> {
        self.placed.get()
    }
}

impl VideoMemory for VideoRam {
    fn len(&self) -> usize {
        self.bytes.borrow().len()
    }

    fn read(&self, offset: usize, data: &mut [u8]) {
        let bytes = self.bytes.borrow();
        let from = bytes.get(offset..).unwrap_or(&[]);
        data.fill(0);
        data.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    }

    fn write(&self, offset: usize, data: &[u8]) {
        let mut bytes = self.bytes.borrow_mut();
        let to = bytes.get_mut(offset..).unwrap_or(&mut []);
        to.iter_mut().zip(data).for_each(|(to, from)| *to = *from);
    }

    fn place(&self, address: Option<u64>) -> Result<(), NoRange> {
        self.placed.set(address);
        Ok(())
    }

    fn take_dirty(&self, _: core::ops::Range<usize>, dirty: &mut [u8]) {
        dirty.fill(0xff);
    }
}
