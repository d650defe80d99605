//! A controller, its drives' media and the processor that drives it.

use alloc::collections::VecDeque;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use super::super::{Drive, Ide, Identity};
use crate::bus::{Registers, Width};
use crate::surroundings::{Completion, Disk, DiskError, GuestMemory, Medium, Request};
use crate::testing::World;

/// Bytes of the bench's RAM.
pub const RAM: usize = 1 << 20;

/// A medium in memory that ends requests when told to.
pub struct Media {
    pub content: RefCell<Vec<u8>>,
    pub medium: Cell<Option<Medium>>,
    waiting: RefCell<VecDeque<(Request, Completion)>>,
    /// Every request there was.
    pub log: RefCell<Vec<Request>>,
    /// Requests that touch this sector fail so.
    pub bad: Cell<Option<(u64, DiskError)>>,
}

impl Media {
    /// `sectors` sectors, each of which names itself.
    pub fn new(sectors: u64) -> Rc<Self> {
        Rc::new(Media {
            content: RefCell::new(pattern(0, sectors as usize)),
            medium: Cell::new(Some(Medium {
                sectors,
                read_only: false,
                discard: true,
                generation: 0,
            })),
            waiting: RefCell::default(),
            log: RefCell::default(),
            bad: Cell::new(None),
        })
    }

    pub fn change(&self, change: impl FnOnce(&mut Medium)) {
        let mut medium = self.medium.get().unwrap();
        change(&mut medium);
        self.medium.set(Some(medium));
    }

    pub fn waiting(&self) -> usize {
        self.waiting.borrow().len()
    }

    /// Ends the oldest request, if there is one.
    pub fn end_one(&self) -> bool {
        let Some((request, done)) = self.waiting.borrow_mut().pop_front() else {
            return false;
        };
        let result = self.carry_out(request);
        done(result);
        true
    }

    fn carry_out(&self, request: Request) -> Result<Vec<u8>, DiskError> {
        let mut content = self.content.borrow_mut();
        let (sector, count) = match &request {
            Request::Read { sector, count } => (*sector, u64::from(*count)),
            Request::Write { sector, data } => (*sector, data.len() as u64 / 512),
            Request::Discard { sector, count } => (*sector, *count),
            Request::Flush => (0, 0),
        };
        if let Some((bad, error)) = self.bad.get()
            && (request == Request::Flush || (sector..sector + count).contains(&bad))
        {
            return Err(error);
        }
        let range = sector as usize * 512..(sector + count) as usize * 512;
        assert!(range.end <= content.len(), "the drive checks its limits");
        match request {
            Request::Read { .. } => Ok(content[range].to_vec()),
            Request::Write { data, .. } => {
                content[range].copy_from_slice(&data);
                Ok(Vec::new())
            }
            Request::Discard { .. } => {
                content[range].fill(0);
                Ok(Vec::new())
            }
            Request::Flush => Ok(Vec::new()),
        }
    }
}

impl Disk for Media {
    fn medium(&self) -> Option<Medium> {
        self.medium.get()
    }

    fn start(&self, request: Request, done: Completion) {
        self.log.borrow_mut().push(request.clone());
        self.waiting.borrow_mut().push_back((request, done));
    }
}

/// `sectors` sectors from `first` on.
pub fn pattern(first: usize, sectors: usize) -> Vec<u8> {
    let byte = |at: usize| (at / 512 * 7 + at % 512 % 251 + at / 2048) as u8;
    (first * 512..(first + sectors) * 512).map(byte).collect()
}

/// The processor's side.
pub struct Bench {
    pub world: Rc<World>,
    pub ide: Rc<RefCell<Ide>>,
    /// End requests of these as soon as they come.
    pub media: Vec<Rc<Media>>,
    /// Leave requests waiting.
    pub hold: Cell<bool>,
}

/// A port's region and offset, as a PC has them.
fn route(port: u16) -> (u8, u64) {
    match port {
        0x1f0..=0x1f7 => (0, u64::from(port - 0x1f0)),
        0x3f6 => (1, 0),
        0x170..=0x177 => (2, u64::from(port - 0x170)),
        0x376 => (3, 0),
        0xc000..=0xc00f => (4, u64::from(port - 0xc000)),
        _ => panic!("no port {port:#x}"),
    }
}

impl Bench {
    pub fn new(drives: [Option<Drive>; 4], media: &[&Rc<Media>]) -> Self {
        let world = World::new(RAM);
        let ide = Ide::new(world.clone(), &world.pins(), drives);
        ide.borrow_mut().set_bus_master(true);
        Bench {
            world,
            ide,
            media: media.iter().map(|media| Rc::clone(media)).collect(),
            hold: Cell::new(false),
        }
    }

    /// A disk of `sectors` sectors as the first drive.
    pub fn disk(sectors: u64) -> (Self, Rc<Media>) {
        let media = Media::new(sectors);
        let drive = Drive::disk(media.clone(), Identity::of_disk(0), None);
        (Self::new([Some(drive), None, None, None], &[&media]), media)
    }

    /// A CD of `blocks` blocks as the first drive of the second channel.
    pub fn cd(blocks: u64) -> (Self, Rc<Media>) {
        let media = Media::new(blocks * 4);
        media.change(|medium| medium.read_only = true);
        let drive = Drive::cd(media.clone(), Identity::of_cd(2));
        (Self::new([None, None, Some(drive), None], &[&media]), media)
    }

    fn go_on(&self) {
        while !self.hold.get() && self.media.iter().any(|media| media.end_one()) {}
    }

    /// Ends all requests.
    pub fn finish(&self) {
        while self.media.iter().any(|media| media.end_one()) {}
    }

    pub fn inb(&self, port: u16) -> u8 {
        let (region, offset) = route(port);
        self.ide.borrow_mut().read(region, offset, Width::Byte) as u8
    }

    pub fn outb(&self, port: u16, value: u8) {
        let (region, offset) = route(port);
        let value = u64::from(value);
        self.ide
            .borrow_mut()
            .write(region, offset, Width::Byte, value);
        self.go_on();
    }

    pub fn outl(&self, port: u16, value: u32) {
        let (region, offset) = route(port);
        let value = u64::from(value);
        self.ide
            .borrow_mut()
            .write(region, offset, Width::Dword, value);
        self.go_on();
    }

    /// `rep insw` or `rep insl`.
    pub fn ins(&self, port: u16, width: Width, bytes: usize) -> Vec<u8> {
        let (region, offset) = route(port);
        let mut data = vec![0xee; bytes];
        self.ide
            .borrow_mut()
            .read_block(region, offset, width, &mut data);
        self.go_on();
        data
    }

    /// `rep outsw` or `rep outsl`.
    pub fn outs(&self, port: u16, width: Width, data: &[u8]) {
        let (region, offset) = route(port);
        self.ide
            .borrow_mut()
            .write_block(region, offset, width, data);
        self.go_on();
    }

    /// Fills the task file of the channel at `base` and writes the command.
    /// The address has 28 bits.
    pub fn command(&self, base: u16, opcode: u8, lba: u32, count: u8) {
        self.outb(base + 2, count);
        self.outb(base + 3, lba as u8);
        self.outb(base + 4, (lba >> 8) as u8);
        self.outb(base + 5, (lba >> 16) as u8);
        self.outb(base + 6, 0xe0 | (lba >> 24) as u8 & 0xf);
        self.outb(base + 7, opcode);
    }

    /// The same with 48 bits.
    pub fn command_ext(&self, base: u16, opcode: u8, lba: u64, count: u16) {
        let [a, b, c, d, e, f, ..] = lba.to_le_bytes();
        self.outb(base + 6, 0xe0);
        for (register, before, now) in [
            (2, (count >> 8) as u8, count as u8),
            (3, d, a),
            (4, e, b),
            (5, f, c),
        ] {
            self.outb(base + register, before);
            self.outb(base + register, now);
        }
        self.outb(base + 7, opcode);
    }

    /// Sends a packet to the drive at `base`, with this byte count limit.
    pub fn packet(&self, base: u16, packet: &[u8], limit: u16, dma: bool) {
        let mut whole = [0; 12];
        whole[..packet.len()].copy_from_slice(packet);
        self.outb(base + 1, u8::from(dma));
        self.outb(base + 4, limit as u8);
        self.outb(base + 5, (limit >> 8) as u8);
        self.outb(base + 7, 0xa0);
        assert_eq!(self.inb(base + 7) & 0x89, 0x08, "DRQ for the packet");
        assert_eq!(self.inb(base + 2) & 3, 1, "a command, from the host");
        self.outs(base, Width::Word, &whole);
    }

    /// A packet command, all its data by PIO, and the status at the end.
    pub fn packet_in(&self, base: u16, packet: &[u8], limit: u16) -> (Vec<u8>, u8) {
        self.packet(base, packet, limit, false);
        let mut data = Vec::new();
        loop {
            let status = self.inb(base + 7);
            assert_eq!(status & 0x80, 0, "not busy");
            if status & 0x08 == 0 {
                assert_eq!(self.inb(base + 2) & 3, 3, "status, to the host");
                return (data, status);
            }
            assert_eq!(self.inb(base + 2) & 3, 2, "data, to the host");
            let count = u16::from_le_bytes([self.inb(base + 4), self.inb(base + 5)]);
            assert!(count > 0 && (count <= limit || limit == 0));
            let words = self.ins(base, Width::Word, usize::from(count).next_multiple_of(2));
            data.extend_from_slice(&words[..usize::from(count)]);
        }
    }

    /// Writes a table of regions to `table`, the last one marked, and starts
    /// the bus master of the first channel.
    pub fn start_dma(&self, table: u32, regions: &[(u32, u32)], to_memory: bool) {
        self.start_dma_at(0xc000, table, regions, to_memory);
    }

    pub fn start_dma_at(&self, base: u16, table: u32, regions: &[(u32, u32)], to_memory: bool) {
        for (i, (address, bytes)) in regions.iter().enumerate() {
            let last = if i + 1 == regions.len() { 1 << 31 } else { 0 };
            let at = u64::from(table) + i as u64 * 8;
            self.world.write(at, &address.to_le_bytes()).unwrap();
            self.world
                .write(at + 4, &(bytes | last).to_le_bytes())
                .unwrap();
        }
        let direction = if to_memory { 8 } else { 0 };
        self.outb(base, direction);
        self.outl(base + 4, table);
        self.outb(base + 2, 0x06);
        self.outb(base, direction | 1);
    }

    pub fn ram(&self, at: u64, bytes: usize) -> Vec<u8> {
        let mut data = vec![0; bytes];
        self.world.read(at, &mut data).unwrap();
        data
    }

    /// An IDENTIFY word.
    pub fn identify(&self, base: u16, opcode: u8) -> Vec<u16> {
        self.outb(base + 7, opcode);
        assert_eq!(self.inb(base + 7), 0x58, "DRDY, DSC, DRQ");
        let data = self.ins(base, Width::Word, 512);
        assert_eq!(self.inb(base + 7), 0x50);
        let words = data.chunks(2);
        words
            .map(|word| u16::from_le_bytes([word[0], word[1]]))
            .collect()
    }
}
