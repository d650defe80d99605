//! The display adapter: a VGA with the Bochs display interface.
//!
//! ```text
//!   ports 3B0h-3DFh ──> ports ─┐
//!   A0000h-BFFFFh ──> window ──┼─> mode (what is shown) ─> text, paint ─> lines of pixels
//!   1CEh, 1CFh, BAR2 ─> dispi ─┘                             ^
//!   BAR0 ──────────────────────> VideoMemory ────────────────┘
//! ```
//!
//! Nothing is drawn when the guest writes: the chip only remembers which pages
//! of display memory and which registers changed, and wakes whoever looks at
//! it. That looker asks for the damage and draws as much of it as it wants
//! ([`Source`]).

mod changes;
mod dac;
mod dispi;
mod edid;
mod function;
mod mode;
mod paint;
mod ports;
mod retrace;
mod text;
mod window;

#[cfg(test)]
mod tests;

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::task::Waker;

use crate::bus::{Registers, Width};
use crate::display::{Geometry, Rect, Source};
use crate::surroundings::{Clock, VideoMemory};
use changes::Changes;
use dispi::{Dispi, Request};
use mode::{Content, Picture};
use ports::{Effect, Ports};
use text::Text;

pub use function::VgaFunction;
pub use text::Blink;

/// Region: ports 3B0h to 3DFh.
pub const PORTS: u8 = 0;
/// Region: ports 1CEh to 1D1h.
pub const DISPI_PORTS: u8 = 1;
/// Region: memory A0000h to BFFFFh.
pub const WINDOW: u8 = 2;
/// Region: the second BAR, 4 KiB of registers.
pub const MMIO: u8 = 3;
/// Region: the expansion ROM.
pub const ROM: u8 = 4;

/// The first of the VGA's ports.
const FIRST_PORT: u64 = 0x3b0;
/// In [`MMIO`]: the EDID, ports 3C0h to 3DFh, the DISPI registers, QEMU's own.
const MMIO_EDID: u64 = 0;
const MMIO_PORTS: u64 = 0x400;
const MMIO_DISPI: u64 = 0x500;
const MMIO_QEMU: u64 = 0x600;
/// QEMU's registers: how many bytes there are of them, and the byte order of
/// the frame buffer, which is little-endian here.
const QEMU_REGISTERS: [u32; 2] = [8, 0x1e1e_1e1e];

/// A display adapter.
pub struct Vga {
    memory: Rc<dyn VideoMemory>,
    clock: Rc<dyn Clock>,
    ports: Ports,
    dispi: Dispi,
    latches: u32,
    edid: [u8; 128],
    rom: Rc<[u8]>,
    changes: Changes,
    picture: Picture,
    text: Text,
}

impl Vga {
    /// One with this display memory and this VGA BIOS.
    pub fn new(memory: Rc<dyn VideoMemory>, clock: Rc<dyn Clock>, rom: Rc<[u8]>) -> Self {
        let bytes = memory.len();
        Vga {
            clock,
            ports: Ports::new(),
            dispi: Dispi::new(bytes as u64),
            latches: 0,
            edid: edid::block(),
            rom,
            changes: Changes::new(bytes),
            picture: Picture {
                width: 640,
                height: 400,
                content: Content::Blank,
            },
            text: Text::default(),
            memory,
        }
    }

    /// Its display memory.
    pub fn memory(&self) -> &Rc<dyn VideoMemory> {
        &self.memory
    }

    fn collect_text(&mut self, picture: &Picture, dots: u32, blink: Blink, all: bool) -> Vec<Rect> {
        let mut all = all;
        if all || self.changes.fonts() {
            all |= self.text.load_fonts(&self.ports, &*self.memory);
        }
        let changes = &self.changes;
        let look = |start, len| all || changes.cells(blink) || changes.touches(start, len);
        let cells = self
            .text
            .update(&self.ports, &*self.memory, picture.height, blink, &look);
        self.changes.blinked(blink);
        if all {
            return alloc::vec![picture.whole()];
        }
        // Panning moves a cell by less than its width.
        let rect = |change: text::Change| Rect {
            x: (change.cells.start.saturating_sub(1) * dots).min(picture.width),
            y: change.lines.start,
            width: ((change.cells.end - change.cells.start + 1) * dots).min(picture.width),
            height: change.lines.end - change.lines.start,
        };
        let rects = cells.into_iter().map(rect);
        rects
            .filter_map(|rect| rect.within(picture.width, picture.height))
            .collect()
    }

    fn draw_line(&self, x: u32, y: u32, line: &mut [u32]) {
        let memory = &*self.memory;
        match self.picture.content {
            Content::Blank => line.fill(0),
            Content::Text { dots, repeat } => self.text.draw(&self.ports, y, dots, repeat, line),
            Content::Graphics { shift, repeat } => {
                paint::graphics(&self.ports, memory, y, shift, repeat, line);
            }
            Content::Planes(frame) => paint::planes(&self.ports, memory, y, &frame, line),
            Content::Linear(frame) => paint::linear(&self.ports, memory, (x, y), &frame, line),
        }
    }

    fn took_effect(&mut self, effect: Effect) {
        match effect {
            Effect::None => {}
            Effect::Cells => self.changes.saw_cells(),
            Effect::All => self.changes.saw_all(),
        }
    }

    fn write_port(&mut self, port: u64, value: u8) {
        let effect = self.ports.write(port as u16, value);
        self.took_effect(effect);
    }

    fn read_window(&mut self, offset: u64) -> u8 {
        let Some(address) = window::decode(&self.ports, offset) else {
            return 0xff;
        };
        if self.dispi.is_packed() {
            let mut byte = [0];
            if let Some(at) = self.bank_address(address) {
                self.memory.read(at, &mut byte);
            }
            return byte[0];
        }
        let target = window::target(&self.ports, address, self.dispi.bank_start());
        window::read(&self.ports, &*self.memory, &mut self.latches, target)
    }

    /// Where `address` in the window is in display memory, if it is.
    fn bank_address(&self, address: u64) -> Option<usize> {
        let at = self.dispi.bank_start() + address % dispi::BANK_BYTES;
        usize::try_from(at)
            .ok()
            .filter(|at| *at < self.memory.len())
    }

    fn write_window(&mut self, offset: u64, bytes: &[u8]) {
        let mut bytes = bytes;
        let mut offset = offset;
        if self.dispi.is_packed()
            && let Some(address) = window::decode(&self.ports, offset)
            && let Some(at) = self.bank_address(address)
        {
            // Not across the end of the bank: there it starts again.
            let room = dispi::BANK_BYTES - address % dispi::BANK_BYTES;
            let count = bytes.len().min(room as usize);
            self.memory.write(at, &bytes[..count]);
            self.changes.saw_bytes(at as u64, count as u64);
            bytes = &bytes[count..];
            offset += count as u64;
        }
        for (at, byte) in (offset..).zip(bytes) {
            self.write_window_byte(at, *byte);
        }
    }

    fn write_window_byte(&mut self, offset: u64, value: u8) {
        let Some(address) = window::decode(&self.ports, offset) else {
            return;
        };
        if self.dispi.is_packed() {
            if let Some(at) = self.bank_address(address) {
                self.memory.write(at, &[value]);
                self.changes.saw_bytes(at as u64, 1);
            }
            return;
        }
        let target = window::target(&self.ports, address, self.dispi.bank_start());
        let planes = window::write(&self.ports, &*self.memory, self.latches, target, value);
        self.changes.saw_planes(window::position(target), planes);
    }

    fn write_dispi(&mut self, register: u16, value: u16) {
        match self.dispi.write(register, value) {
            Request::None => return,
            Request::Redraw => {}
            Request::Clear(bytes) => self.clear(bytes),
        }
        self.ports.dac.set_wide(self.dispi.wide_dac());
        self.changes.saw_all();
    }

    fn clear(&mut self, bytes: u64) {
        const ZEROS: [u8; 4096] = [0; 4096];
        let end = usize::try_from(bytes).unwrap_or(usize::MAX);
        let end = end.min(self.memory.len());
        for start in (0..end).step_by(ZEROS.len()) {
            self.memory
                .write(start, &ZEROS[..ZEROS.len().min(end - start)]);
        }
    }

    fn read_byte(&mut self, region: u8, offset: u64) -> u8 {
        match region {
            PORTS => {
                let now = self.clock.now_ns();
                self.ports.read((FIRST_PORT + offset) as u16, now)
            }
            DISPI_PORTS => (self.read_dispi_port(offset & !1) >> (8 * (offset & 1))) as u8,
            WINDOW => self.read_window(offset),
            MMIO => self.read_mmio(offset),
            ROM => {
                let byte = usize::try_from(offset).ok().and_then(|at| self.rom.get(at));
                byte.copied().unwrap_or(0xff)
            }
            _ => 0xff,
        }
    }

    fn read_dispi_port(&self, offset: u64) -> u16 {
        match offset {
            0 => self.dispi.index,
            _ => self.dispi.read(self.dispi.index),
        }
    }

    fn read_mmio(&mut self, offset: u64) -> u8 {
        let byte = |bytes: &[u8], at: u64| bytes.get(at as usize).copied().unwrap_or(0);
        match offset {
            MMIO_EDID..MMIO_PORTS => byte(&self.edid, offset),
            MMIO_PORTS..MMIO_DISPI => match offset - MMIO_PORTS {
                at @ 0..0x20 => self.read_byte(PORTS, at + 0x10),
                _ => 0xff,
            },
            MMIO_DISPI..MMIO_QEMU => {
                let at = offset - MMIO_DISPI;
                byte(&self.dispi.read((at / 2) as u16).to_le_bytes(), at % 2)
            }
            _ => {
                let at = offset - MMIO_QEMU;
                let register = QEMU_REGISTERS.get((at / 4) as usize).copied();
                byte(&register.unwrap_or(0).to_le_bytes(), at % 4)
            }
        }
    }

    fn write_mmio(&mut self, offset: u64, width: Width, value: u64) {
        if (MMIO_DISPI..MMIO_QEMU).contains(&offset) {
            // Registers of 16 bits: bytes of them can't be written.
            for (i, word) in value.to_le_bytes()[..width.bytes()]
                .chunks_exact(2)
                .enumerate()
            {
                let register = (offset - MMIO_DISPI) / 2 + i as u64;
                self.write_dispi(register as u16, u16::from_le_bytes([word[0], word[1]]));
            }
            return;
        }
        for (at, byte) in (offset..).zip(value.to_le_bytes()).take(width.bytes()) {
            if (MMIO_PORTS..MMIO_PORTS + 0x20).contains(&at) {
                self.write_port(at - MMIO_PORTS + 0x3c0, byte);
            }
        }
    }
}

impl Source for Vga {
    fn poll_change(&mut self, waker: &Waker) -> bool {
        self.changes.poll(waker)
    }

    fn changes_unseen(&self) -> bool {
        matches!(
            self.picture.content,
            Content::Linear(_) | Content::Planes(_)
        )
    }

    fn blinks(&self) -> bool {
        matches!(self.picture.content, Content::Text { .. }) && self.text.blinks(&self.ports)
    }

    fn geometry(&self) -> Geometry {
        changes::geometry(&self.picture)
    }

    fn collect(&mut self, blink: Blink) -> Vec<Rect> {
        let picture = Picture::of(&self.ports, &self.dispi, &self.picture);
        let changed = core::mem::replace(&mut self.picture, picture) != picture;
        let frame = match picture.content {
            Content::Linear(frame) | Content::Planes(frame) => Some(frame),
            _ => None,
        };
        let span = frame.map(|frame| changes::frame_bytes(&frame));
        let all = self.changes.begin(&*self.memory, span) | changed;
        let rects = match picture.content {
            Content::Text { dots, repeat } => {
                self.collect_text(&picture, dots * repeat, blink, all)
            }
            _ if all => alloc::vec![picture.whole()],
            Content::Blank => Vec::new(),
            Content::Graphics { repeat, .. } => {
                self.changes.graphics_rows(&self.ports, &picture, repeat)
            }
            Content::Planes(frame) | Content::Linear(frame) => {
                self.changes.frame_rows(&picture, &frame)
            }
        };
        self.changes.end();
        rects
    }

    fn draw(&self, rect: Rect, sink: &mut dyn FnMut(u32, u32, &[u32])) {
        let Some(rect) = rect.within(self.picture.width, self.picture.height) else {
            return;
        };
        // Only pixels in memory one by one can be begun anywhere.
        let begin = match self.picture.content {
            Content::Linear(_) => rect.x,
            _ => 0,
        };
        let mut line = alloc::vec![0; (rect.x + rect.width - begin) as usize];
        for y in rect.y..rect.y + rect.height {
            self.draw_line(begin, y, &mut line);
            let from = (rect.x - begin) as usize;
            sink(rect.x, y, line.get(from..).unwrap_or_default());
        }
    }
}

impl Registers for Vga {
    fn read(&mut self, region: u8, offset: u64, width: Width) -> u64 {
        if region == DISPI_PORTS && width >= Width::Word {
            // The data port is at 1CFh, and aligned for others at 1D0h too.
            return u64::from(self.read_dispi_port(offset));
        }
        let bytes = (0..width.bytes() as u64).rev();
        bytes.fold(0, |value, i| {
            value << 8 | u64::from(self.read_byte(region, offset.wrapping_add(i)))
        })
    }

    fn write(&mut self, region: u8, offset: u64, width: Width, value: u64) {
        let bytes = value.to_le_bytes();
        match region {
            PORTS => {
                for (at, byte) in (FIRST_PORT + offset..).zip(bytes).take(width.bytes()) {
                    self.write_port(at, byte);
                }
            }
            DISPI_PORTS => match (offset, width) {
                // Half a register can't be written.
                (_, Width::Byte) => {}
                (0, _) => self.dispi.index = value as u16,
                _ => self.write_dispi(self.dispi.index, value as u16),
            },
            WINDOW => self.write_window(offset, &bytes[..width.bytes()]),
            MMIO => self.write_mmio(offset, width, value),
            _ => {}
        }
    }
}
