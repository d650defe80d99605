//! The Bochs display interface: modes beyond VGA's, with a linear frame buffer.
//!
//! Ten registers of 16 bits behind an index (ports 1CEh and 1CFh) or in a row
//! (the function's second BAR). Named as in Bochs' "VBE DISPI" document.
//! Values are kept as written, and made into something that lies inside
//! display memory whenever they are used: no order of writes gets past that.

/// Register numbers.
const ID: u16 = 0;
const XRES: u16 = 1;
const YRES: u16 = 2;
const BPP: u16 = 3;
const ENABLE: u16 = 4;
const BANK: u16 = 5;
const VIRT_WIDTH: u16 = 6;
const VIRT_HEIGHT: u16 = 7;
const X_OFFSET: u16 = 8;
const Y_OFFSET: u16 = 9;
const VIDEO_MEMORY_64K: u16 = 10;

/// Versions of the interface.
const ID0: u16 = 0xb0c0;
const ID5: u16 = 0xb0c5;

/// Bits of ENABLE.
const ENABLED: u16 = 0x01;
const GETCAPS: u16 = 0x02;
const DAC_8BIT: u16 = 0x20;
const LFB_ENABLED: u16 = 0x40;
const NOCLEARMEM: u16 = 0x80;

/// What GETCAPS says, and the limits.
const MAX_XRES: u16 = 16000;
const MAX_YRES: u16 = 12000;
const MAX_BPP: u16 = 32;

/// One bank of the window at A0000h.
pub(super) const BANK_BYTES: u64 = 0x1_0000;

/// The registers.
pub(super) struct Dispi {
    pub index: u16,
    id: u16,
    xres: u16,
    yres: u16,
    bpp: u16,
    enable: u16,
    bank: u16,
    virt_width: u16,
    x_offset: u16,
    y_offset: u16,
    /// Bytes of display memory.
    memory: u64,
}

/// What a write asks of the rest of the chip.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Request {
    /// Nothing.
    None,
    /// The picture is another one.
    Redraw,
    /// And that many bytes from the start of display memory are to be cleared.
    Clear(u64),
}

/// A mode, made to lie inside display memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Frame {
    /// Pixels across.
    pub width: u32,
    /// Lines.
    pub height: u32,
    /// Bits of a pixel: 4 (planes), 8, 15, 16, 24 or 32.
    pub bpp: u16,
    /// Bytes from line to line; for planes, bytes of one plane.
    pub stride: u64,
    /// Where the first line starts, in the same bytes.
    pub start: u64,
    /// The virtual screen in pixels.
    virt: (u64, u64),
    offset: (u64, u64),
}

impl Dispi {
    /// For `memory` bytes of display memory.
    pub fn new(memory: u64) -> Self {
        Dispi {
            index: 0,
            id: ID5,
            xres: 0,
            yres: 0,
            bpp: 8,
            enable: 0,
            bank: 0,
            virt_width: 0,
            x_offset: 0,
            y_offset: 0,
            memory,
        }
    }

    /// Whether it, and not the VGA, makes the picture.
    pub fn enabled(&self) -> bool {
        self.enable & ENABLED != 0
    }

    /// Whether colours have 8 bits a component.
    pub fn wide_dac(&self) -> bool {
        self.enable & DAC_8BIT != 0
    }

    /// Whether the window at A0000h shows display memory byte by byte.
    pub fn is_packed(&self) -> bool {
        self.enabled() && self.bpp >= 8
    }

    /// Where the bank in the window at A0000h starts, in bytes.
    pub fn bank_start(&self) -> u64 {
        if self.enabled() {
            u64::from(self.bank) * BANK_BYTES
        } else {
            0
        }
    }

    /// The mode in force.
    pub fn frame(&self) -> Option<Frame> {
        if !self.enabled() || self.xres == 0 || self.yres == 0 {
            return None;
        }
        let width = u64::from(self.xres);
        let across = u64::from(self.virt_width).max(width);
        // Planes hold eight pixels in a byte, each plane a quarter of the memory.
        // In eighths of a byte: planes hold eight pixels in a byte, each plane
        // a quarter of the memory.
        let (eighths, memory) = match self.bpp {
            4 => (1, self.memory / 4),
            bpp => (u64::from(bpp.div_ceil(8)) * 8, self.memory),
        };
        let bytes = |pixels: u64| pixels * eighths / 8;
        let stride = bytes(across);
        let down = memory.checked_div(stride)?;
        let height = u64::from(self.yres).min(down);
        if height == 0 {
            return None;
        }
        let x = u64::from(self.x_offset).min(across - width);
        let y = u64::from(self.y_offset).min(down - height);
        Some(Frame {
            width: width as u32,
            height: height as u32,
            bpp: self.bpp,
            stride,
            start: y * stride + bytes(x),
            virt: (across, down),
            offset: (x, y),
        })
    }

    /// Reads a register.
    pub fn read(&self, register: u16) -> u16 {
        let capabilities = self.enable & GETCAPS != 0;
        let clip = |value: u64| value.min(u64::from(u16::MAX)) as u16;
        match register {
            ID => self.id,
            XRES if capabilities => MAX_XRES,
            YRES if capabilities => MAX_YRES,
            BPP if capabilities => MAX_BPP,
            XRES => self.xres,
            YRES => self.yres,
            BPP => self.bpp,
            ENABLE => self.enable,
            BANK => self.bank,
            VIRT_WIDTH => self.frame().map_or(self.virt_width, |f| clip(f.virt.0)),
            VIRT_HEIGHT => self.frame().map_or(0, |f| clip(f.virt.1)),
            X_OFFSET => self.frame().map_or(self.x_offset, |f| clip(f.offset.0)),
            Y_OFFSET => self.frame().map_or(self.y_offset, |f| clip(f.offset.1)),
            VIDEO_MEMORY_64K => clip(self.memory / BANK_BYTES),
            _ => 0,
        }
    }

    /// Writes a register. What is out of its range is not taken.
    pub fn write(&mut self, register: u16, value: u16) -> Request {
        let before = self.frame();
        match register {
            ID if (ID0..=ID5).contains(&value) => self.id = value,
            // Lines are made of characters of eight pixels.
            XRES if value <= MAX_XRES => self.xres = value & !7,
            YRES if value <= MAX_YRES => self.yres = value,
            BPP if matches!(value, 4 | 8 | 15 | 16 | 24 | 32) => self.bpp = value,
            // As the first version has it.
            BPP if value == 0 => self.bpp = 8,
            ENABLE => return self.write_enable(value),
            BANK if u64::from(value) < self.memory / BANK_BYTES => self.bank = value,
            VIRT_WIDTH => self.virt_width = value & !7,
            X_OFFSET => self.x_offset = value,
            Y_OFFSET => self.y_offset = value,
            _ => {}
        }
        if self.frame() == before {
            Request::None
        } else {
            Request::Redraw
        }
    }

    fn write_enable(&mut self, value: u16) -> Request {
        let was = self.enabled();
        let known = ENABLED | GETCAPS | DAC_8BIT | LFB_ENABLED | NOCLEARMEM;
        self.enable = value & known;
        if was == self.enabled() {
            return Request::Redraw;
        }
        self.bank = 0;
        if !self.enabled() {
            return Request::Redraw;
        }
        (self.virt_width, self.x_offset, self.y_offset) = (0, 0, 0);
        let planes = if self.bpp == 4 { 4 } else { 1 };
        match self.frame() {
            Some(frame) if value & NOCLEARMEM == 0 => {
                Request::Clear(frame.stride * u64::from(frame.height) * planes)
            }
            _ => Request::Redraw,
        }
    }
}
