//! A guest that does anything to an IDE controller, and media that answer in any
//! order, late, or with errors: what the targets for drives have in common.
//!
//! An input is a list of steps of eight bytes: what to do, where, an offset and
//! a number. Beside single port accesses there are steps for whole commands,
//! packets and bus-master tables, so that few bytes get far.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use ioemu_stub::bus::{Registers, Width};
use ioemu_stub::ide::{Drive, Ide, Identity};
use ioemu_stub::surroundings::{Completion, Disk, DiskError, GuestMemory, Medium, Request};
use ioemu_stub::testing::World;

/// Bytes of guest RAM.
const RAM: usize = 1 << 16;
/// Sectors of a medium.
const SECTORS: u64 = 160;

/// Region and number of ports of each range.
const REGIONS: [(u8, u64); 5] = [(0, 8), (1, 1), (2, 8), (3, 1), (4, 16)];

/// Commands that are worth more tries than others.
const COMMANDS: [u8; 24] = [
    0x06, 0x08, 0x20, 0x24, 0x25, 0x29, 0x30, 0x34, 0x35, 0x39, 0x3d, 0x40, 0x90, 0x91, 0xa0, 0xa1,
    0xb0, 0xc4, 0xc5, 0xc6, 0xc8, 0xca, 0xec, 0xef,
];

/// The same for packets.
const PACKETS: [u8; 23] = [
    0x00, 0x03, 0x12, 0x1a, 0x1b, 0x1e, 0x25, 0x28, 0x2b, 0x35, 0x43, 0x46, 0x4a, 0x4e, 0x51, 0x52,
    0x5a, 0xa8, 0xad, 0xb9, 0xbb, 0xbd, 0xbe,
];

/// A medium that checks what it is asked.
struct Media {
    medium: Cell<Option<Medium>>,
    /// How many media came before this one. What they were asked may still be
    /// under way.
    before: Cell<usize>,
    waiting: RefCell<Vec<(Request, Completion)>>,
}

impl Media {
    fn new(read_only: bool) -> Rc<Self> {
        let medium = Medium {
            sectors: SECTORS,
            read_only,
            discard: true,
            generation: 0,
        };
        Rc::new(Media {
            medium: Cell::new(Some(medium)),
            before: Cell::new(0),
            waiting: RefCell::default(),
        })
    }

    /// Ends one of the requests. False: there is none.
    fn end(&self, which: usize, error: Option<DiskError>) -> bool {
        let mut waiting = self.waiting.borrow_mut();
        if waiting.is_empty() {
            return false;
        }
        let which = which % waiting.len();
        let (request, done) = waiting.remove(which);
        drop(waiting);
        let data = match request {
            Request::Read { count, .. } => vec![0x5a; count as usize * 512],
            _ => Vec::new(),
        };
        done(error.map_or(Ok(data), Err));
        true
    }
}

impl Disk for Media {
    fn medium(&self) -> Option<Medium> {
        self.medium.get()
    }

    fn start(&self, request: Request, done: Completion) {
        let (sector, count) = match &request {
            Request::Read { sector, count } => (*sector, u64::from(*count)),
            Request::Write { sector, data } => (*sector, data.len() as u64 / 512),
            Request::Discard { sector, count } => (*sector, *count),
            Request::Flush => (0, 1),
        };
        assert!(count > 0, "{request:?}");
        assert!(sector + count <= SECTORS, "{sector} + {count}");
        let mut waiting = self.waiting.borrow_mut();
        waiting.push((request, done));
        let most = 1 + self.before.get();
        assert!(waiting.len() <= most, "a drive asks one thing at a time");
    }
}

struct Bench {
    world: Rc<World>,
    ide: Rc<RefCell<Ide>>,
    media: [Rc<Media>; 3],
    /// Where the drive is that the target is about.
    focus: u8,
}

/// One step, taken apart.
struct Step {
    what: u8,
    place: u8,
    offset: u16,
    number: u32,
}

/// Carries the input out: against a CD drive first of all, or a disk.
pub fn run(data: &[u8], cd: bool) {
    let media = [Media::new(false), Media::new(true), Media::new(true)];
    let [hda, hdb, hdc] = &media;
    let world = World::new(RAM);
    let drives = [
        Some(Drive::disk(hda.clone(), Identity::of_disk(0), None)),
        Some(Drive::disk(hdb.clone(), Identity::of_disk(1), None)),
        Some(Drive::cd(hdc.clone(), Identity::of_cd(2))),
        None,
    ];
    let ide = Ide::new(world.clone(), &world.pins(), drives);
    ide.borrow_mut().set_bus_master(true);
    let focus = if cd { 2 } else { 0 };
    let bench = Bench {
        world,
        ide,
        media,
        focus,
    };
    for record in data.chunks_exact(8) {
        bench.step(&Step {
            what: record[0],
            place: record[1],
            offset: u16::from_le_bytes([record[2], record[3]]),
            number: u32::from_le_bytes([record[4], record[5], record[6], record[7]]),
        });
    }
    bench.at_the_end(cd);
}

impl Bench {
    fn write(&self, region: u8, offset: u64, width: Width, value: u32) {
        let value = u64::from(value) & width.ones();
        self.ide.borrow_mut().write(region, offset, width, value);
    }

    fn read(&self, region: u8, offset: u64, width: Width) -> u64 {
        let value = self.ide.borrow_mut().read(region, offset, width);
        assert!(value <= width.ones());
        value
    }

    fn step(&self, step: &Step) {
        let [_, low, middle, high] = step.number.to_be_bytes();
        match step.what & 0x0f {
            0..=2 => self.access(step),
            3 => self.block(step),
            4 | 5 => {
                let address = [high, middle, low & 0x0f];
                let count = step.offset as u8;
                let opcode = COMMANDS[usize::from(step.place) % COMMANDS.len()];
                self.command(opcode, address, count, step.what >> 4);
            }
            6 | 7 => self.packet(step),
            8 => {
                _ = self
                    .world
                    .write(step.offset.into(), &step.number.to_le_bytes())
            }
            9 => self.start(step),
            10..=12 => {
                let error = match step.offset & 7 {
                    0 => Some(DiskError::Failed),
                    1 => Some(DiskError::NoMedium),
                    _ => None,
                };
                let media = &self.media[usize::from(step.what >> 4) % 3];
                media.end(step.place.into(), error);
            }
            13 => self.ide.borrow_mut().set_bus_master(step.place & 1 != 0),
            14 => self.tray(step),
            _ => self.write(self.focus + 1, 0, Width::Byte, step.number),
        }
    }

    /// Any port, any width.
    fn access(&self, step: &Step) {
        let (region, ports) = REGIONS[usize::from(step.place) % 5];
        let width = [Width::Byte, Width::Word, Width::Dword][usize::from(step.what >> 4) % 3];
        let offset = u64::from(step.offset) % ports;
        if offset + width.bytes() as u64 > ports {
            return;
        }
        if step.what & 0x80 != 0 {
            self.write(region, offset, width, step.number);
        } else {
            self.read(region, offset, width);
        }
    }

    /// The data port, many times.
    fn block(&self, step: &Step) {
        let width = [Width::Word, Width::Dword][usize::from(step.what >> 4) % 2];
        let mut data = vec![step.number as u8; usize::from(step.offset & 0x3fff) & !3];
        let mut ide = self.ide.borrow_mut();
        if step.what & 0x80 != 0 {
            ide.write_block(self.focus, 0, width, &data);
        } else {
            ide.read_block(self.focus, 0, width, &mut data);
        }
    }

    fn command(&self, opcode: u8, address: [u8; 3], count: u8, device: u8) {
        let device = 0xe0 | (device & 1) << 4;
        let values = [count, address[0], address[1], address[2], device, opcode];
        for (register, value) in (2..).zip(values) {
            self.write(self.focus, register, Width::Byte, value.into());
        }
    }

    fn packet(&self, step: &Step) {
        let [a, b, c, d] = step.number.to_le_bytes();
        let opcode = PACKETS[usize::from(step.place) % PACKETS.len()];
        let [low, high] = step.offset.to_le_bytes();
        // By DMA or not; then the limit and the packet.
        self.write(self.focus, 1, Width::Byte, u32::from(step.what >> 4) & 1);
        self.command(0xa0, [0, low, high], 0, 0);
        let packet = [opcode, d & 0x0f, c, 0, 0, a, b & 3, 0, a, b, c, d];
        let mut ide = self.ide.borrow_mut();
        ide.write_block(self.focus, 0, Width::Word, &packet);
    }

    /// A table of up to four regions, perhaps without an end.
    fn start(&self, step: &Step) {
        let table = u64::from(step.offset & 0x7fff);
        let regions = usize::from(step.place & 3) + 1;
        for i in 0..regions {
            let address = step.number.rotate_left(i as u32 * 8) & 0x8001_ffff;
            let count = step.number.rotate_right(i as u32 * 5) & 0xffff;
            let end = u32::from(i + 1 == regions && step.place & 0x80 == 0) << 31;
            let at = table + i as u64 * 8;
            let _ = self.world.write(at, &address.to_le_bytes());
            let _ = self.world.write(at + 4, &(count | end).to_le_bytes());
        }
        let base = if self.focus == 0 { 0 } else { 8 };
        self.write(4, base, Width::Byte, 0);
        self.write(4, base + 4, Width::Dword, table as u32);
        self.write(4, base, Width::Byte, 1 | u32::from(step.what >> 4) & 8);
    }

    fn tray(&self, step: &Step) {
        let mut ide = self.ide.borrow_mut();
        match step.place % 8 {
            0 => _ = ide.eject(2, step.offset & 1 != 0),
            1 => {
                let disc = &self.media[2];
                disc.before.set(disc.before.get() + 1);
                _ = ide.insert(2, disc.clone());
            }
            2 | 3 => {
                let disc = &self.media[2].medium;
                disc.set(disc.get().map(|medium| Medium {
                    generation: step.number,
                    ..medium
                }));
            }
            4 => ide.reset(),
            5 if step.number == 0 => ide.unplug_disks(step.offset & 1 != 0),
            _ => {}
        }
    }

    /// Whatever happened, a reset makes every drive work again.
    fn at_the_end(&self, cd: bool) {
        while self.media.iter().any(|media| media.end(0, None)) {}
        if !cd && self.ide.borrow().is_unplugged() {
            return;
        }
        self.write(self.focus + 1, 0, Width::Byte, 4);
        self.write(self.focus + 1, 0, Width::Byte, 0);
        self.write(self.focus, 6, Width::Byte, 0);
        let identify = if cd { 0xa1 } else { 0xec };
        self.write(self.focus, 7, Width::Byte, identify);
        let status = self.read(self.focus, 7, Width::Byte);
        assert_eq!(status & 0x89, 0x08, "no answer to IDENTIFY");
        let mut words = [0; 512];
        let mut ide = self.ide.borrow_mut();
        ide.read_block(self.focus, 0, Width::Word, &mut words);
        assert_eq!(words[510], 0xa5);
    }
}
