//! A guest that does anything to a whole machine: what the targets for the
//! chips have in common.
//!
//! An input is a list of steps of eight bytes: what to do, where (of the places
//! that the target is about), an offset and a number. The machine has
//! everything in it, so that a target reaches its chip as a guest does, through
//! the bus. Its RAM is small, and the numbers that a chip takes for addresses
//! point anywhere.

use std::ops::Range;
use std::rc::Rc;

use ioemu_stub::bus::Width;
use ioemu_stub::machine::{Backends, Config, Drive, Machine, Vga};
use ioemu_stub::surroundings::GuestMemory;
use ioemu_stub::testing::{Line, MemoryDisk, VideoRam, World};

/// Bytes of guest RAM.
const RAM: usize = 1 << 16;
/// Bytes of a step.
pub const STEP: usize = 8;

/// Where a target's accesses go. Some go elsewhere all the same.
pub struct Focus {
    pub ports: &'static [Range<u64>],
    pub memory: &'static [Range<u64>],
    /// PCI functions: device << 3 | function.
    pub functions: &'static [u8],
    /// Configuration writes before the first step: function, register, value.
    pub setup: &'static [(u8, u8, u32)],
}

/// The machine and what it stands on.
pub struct Bench {
    pub machine: Machine,
    pub world: Rc<World>,
    pub disks: [Rc<MemoryDisk>; 3],
    pub lines: [Rc<Line>; 2],
}

impl Bench {
    pub fn new() -> Self {
        let world = World::new(RAM);
        let disks = [
            MemoryDisk::new(vec![0x5a; 96 << 10], false),
            MemoryDisk::new(vec![0xa5; 32 << 10], true),
            MemoryDisk::new(vec![0xcd; 64 << 10], true),
        ];
        let lines = [Line::new(usize::MAX), Line::new(3)];
        let video = VideoRam::new(1 << 20);
        let drive = |i: usize, cd| {
            Some(Drive {
                cd,
                disk: disks[i].clone(),
                serial: None,
                firmware: None,
            })
        };
        let backends = Backends {
            drives: [drive(0, false), drive(1, false), drive(2, true), None],
            serials: vec![lines[0].clone(), lines[1].clone()],
            video: Some(video),
            vga_rom: Some(vec![0x55, 0xaa, 2].into()),
        };
        let config = Config {
            vga: Some(Vga::Std),
            processors: 2,
            ..Config::default()
        };
        let machine = Machine::new(&config, world.surroundings(), backends);
        Bench {
            machine,
            world,
            disks,
            lines,
        }
    }

    /// A read must not return more than was asked for.
    fn port_read(&self, port: u64, width: Width) {
        let value = self.machine.port_read(port, width);
        assert!(value <= width.ones(), "{value:#x} from {port:#x}");
    }

    fn memory_read(&self, address: u64, width: Width) {
        let value = self.machine.memory_read(address, width);
        assert!(value <= width.ones(), "{value:#x} from {address:#x}");
    }
}

/// One step, taken apart.
#[derive(Clone, Copy)]
pub struct Step {
    /// What to do.
    pub what: u8,
    /// Where.
    pub place: u8,
    /// Where in there.
    pub offset: u16,
    /// A value, an address, a length.
    pub number: u32,
}

impl Step {
    fn new(record: &[u8]) -> Self {
        Step {
            what: record[0],
            place: record[1],
            offset: u16::from_le_bytes([record[2], record[3]]),
            number: u32::from_le_bytes([record[4], record[5], record[6], record[7]]),
        }
    }

    fn width(self) -> Width {
        [Width::Byte, Width::Word, Width::Dword, Width::Qword][usize::from(self.what >> 4 & 3)]
    }

    /// A width that ports have.
    fn port_width(self) -> Width {
        self.width().min(Width::Dword)
    }

    fn writes(self) -> bool {
        self.what & 0x40 != 0
    }

    fn pick<T>(self, from: &[T]) -> Option<&T> {
        from.get(usize::from(self.place) % from.len().max(1))
    }

    /// An address in one of the ranges, or anywhere if there is none.
    fn address(self, ranges: &[Range<u64>]) -> u64 {
        match self.pick(ranges) {
            Some(range) => range.start + u64::from(self.offset) % (range.end - range.start),
            None => self.offset.into(),
        }
    }

    /// The length of a block: whole elements, not too many.
    fn length(self) -> usize {
        let bytes = self.width().bytes();
        usize::from(self.offset >> 4) % (2048 / bytes) * bytes
    }
}

/// Carries the input out. `each` is told of the steps that mean nothing here,
/// so that a target can do something of its own.
pub fn run(data: &[u8], focus: &Focus, mut each: impl FnMut(&Bench, Step)) {
    let bench = Bench::new();
    for (devfn, register, value) in focus.setup {
        let register = u64::from(*register);
        bench
            .machine
            .config_write(*devfn, register, Width::Dword, u64::from(*value));
    }
    for record in data.chunks_exact(STEP) {
        let step = Step::new(record);
        if !carry_out(&bench, focus, step) {
            each(&bench, step);
        }
    }
    bench.disks.iter().for_each(|disk| _ = disk.go_on());
}

/// Says whether the step meant something.
fn carry_out(bench: &Bench, focus: &Focus, step: Step) -> bool {
    let machine = &bench.machine;
    let value = u64::from(step.number);
    match step.what & 0x0f {
        0..=4 => {
            let (port, width) = (step.address(focus.ports), step.port_width());
            match step.writes() {
                true => machine.port_write(port, width, value),
                false => bench.port_read(port, width),
            }
        }
        5 => {
            let (port, width) = (step.address(focus.ports), step.port_width());
            let mut data = vec![step.number as u8; step.length() & !3];
            match step.writes() {
                true => machine.port_write_block(port, width, &data),
                false => machine.port_read_block(port, width, &mut data),
            }
        }
        6 | 7 => {
            let (address, width) = (step.address(focus.memory), step.width());
            match step.writes() {
                true => machine.memory_write(address, width, value << 32 | value),
                false => bench.memory_read(address, width),
            }
        }
        8 => {
            let (address, width) = (step.address(focus.memory), step.width());
            let mut data = vec![step.number as u8; step.length()];
            match step.writes() {
                true => machine.memory_write_block(address, width, &data),
                false => machine.memory_read_block(address, width, &mut data),
            }
        }
        9 | 10 => config(bench, focus, step),
        11 => {
            let data = step.number.to_le_bytes();
            let _ = bench.world.write(step.offset.into(), &data);
        }
        12 => _ = bench.disks[usize::from(step.place) % 3].go_on(),
        13 => bench.world.pass(value << (step.place & 31)),
        _ => return false,
    }
    true
}

fn config(bench: &Bench, focus: &Focus, step: Step) {
    let devfn = *step.pick(focus.functions).unwrap_or(&step.place);
    let register = u64::from(step.offset & 0x1ff);
    let width = step.port_width();
    match step.writes() {
        true => {
            let value = step.number.into();
            bench.machine.config_write(devfn, register, width, value);
        }
        false => {
            let value = bench.machine.config_read(devfn, register, width);
            assert!(value <= width.ones());
        }
    }
}
