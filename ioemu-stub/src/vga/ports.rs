//! The VGA's registers behind ports 3B0h to 3DFh.
//!
//! Four groups of indexed registers (sequencer, graphics controller, CRT
//! controller, attribute controller), the DAC, and a few single ones, named as
//! in IBM's "Video Subsystem" reference. This file stores and returns them;
//! what they mean for the picture is in `mode`, for the processor's window on
//! display memory in `window`.

use super::dac::Dac;
use super::retrace;

/// Sequencer: clocking mode. Bit 0 8 dots, 3 dot clock / 2, 5 screen off.
pub(super) const CLOCKING_MODE: usize = 1;
/// Sequencer: map mask.
pub(super) const MAP_MASK: usize = 2;
/// Sequencer: character map select.
pub(super) const CHARACTER_MAP: usize = 3;
/// Sequencer: memory mode. Bit 2 odd/even off, 3 chain 4.
pub(super) const MEMORY_MODE: usize = 4;

/// Graphics: set/reset.
pub(super) const SET_RESET: usize = 0;
/// Graphics: enable set/reset.
pub(super) const ENABLE_SET_RESET: usize = 1;
/// Graphics: colour compare.
pub(super) const COLOR_COMPARE: usize = 2;
/// Graphics: data rotate; bits 3 and 4 the function.
pub(super) const DATA_ROTATE: usize = 3;
/// Graphics: read map select.
pub(super) const READ_MAP: usize = 4;
/// Graphics: mode. Bits 0 and 1 write mode, 3 read mode, 4 odd/even, 5 shift
/// interleaved, 6 256 colours.
pub(super) const GRAPHICS_MODE: usize = 5;
/// Graphics: miscellaneous. Bit 0 graphics, 2 and 3 memory map.
pub(super) const MISCELLANEOUS: usize = 6;
/// Graphics: colour don't care.
pub(super) const COLOR_DONT_CARE: usize = 7;
/// Graphics: bit mask.
pub(super) const BIT_MASK: usize = 8;

/// CRTC: horizontal display enable end.
pub(super) const HORIZONTAL_END: usize = 0x01;
/// CRTC: overflow.
pub(super) const OVERFLOW: usize = 0x07;
/// CRTC: preset row scan; bits 5 and 6 byte panning.
pub(super) const PRESET_ROW_SCAN: usize = 0x08;
/// CRTC: maximum scan line. Bit 7 double scan, 6 line compare bit 9.
pub(super) const MAXIMUM_SCAN: usize = 0x09;
/// CRTC: cursor start. Bit 5 off.
pub(super) const CURSOR_START: usize = 0x0a;
/// CRTC: cursor end.
pub(super) const CURSOR_END: usize = 0x0b;
/// CRTC: start address high.
pub(super) const START_HIGH: usize = 0x0c;
/// CRTC: start address low.
pub(super) const START_LOW: usize = 0x0d;
/// CRTC: cursor location high.
pub(super) const CURSOR_HIGH: usize = 0x0e;
/// CRTC: cursor location low.
pub(super) const CURSOR_LOW: usize = 0x0f;
/// CRTC: vertical retrace end. Bit 7 protects registers 0 to 7.
pub(super) const RETRACE_END: usize = 0x11;
/// CRTC: vertical display enable end.
pub(super) const VERTICAL_END: usize = 0x12;
/// CRTC: offset.
pub(super) const OFFSET: usize = 0x13;
/// CRTC: underline location. Bit 6 doubleword mode.
pub(super) const UNDERLINE: usize = 0x14;
/// CRTC: mode control. Bits 0 and 1 CGA and Hercules addressing, 5 address
/// wrap, 6 byte mode.
pub(super) const MODE_CONTROL: usize = 0x17;
/// CRTC: line compare.
pub(super) const LINE_COMPARE: usize = 0x18;

/// Attribute: mode control. Bit 0 graphics, 1 monochrome, 2 line graphics, 3
/// blink, 5 panning compatibility, 6 256 colours, 7 colour select.
pub(super) const ATTRIBUTE_MODE: usize = 0x10;
/// Attribute: overscan colour. The border is not shown.
const OVERSCAN: usize = 0x11;
/// Attribute: colour plane enable.
pub(super) const PLANE_ENABLE: usize = 0x12;
/// Attribute: horizontal pixel panning.
pub(super) const PIXEL_PANNING: usize = 0x13;
/// Attribute: colour select.
pub(super) const COLOR_SELECT: usize = 0x14;
/// In the attribute index: the display shows the picture, not the border.
pub(super) const PALETTE_ADDRESS_SOURCE: u8 = 0x20;

/// Bits that exist, by register.
const SEQUENCER_BITS: [u8; 5] = [0x03, 0x3d, 0x0f, 0x3f, 0x0e];
const GRAPHICS_BITS: [u8; 9] = [0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff];

/// Registers the CRTC has.
const CRTC_REGISTERS: usize = 0x19;
/// CRTC registers that bit 7 of [`RETRACE_END`] protects.
const PROTECTED: usize = 8;

/// What a write means to whoever looks at the picture.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Effect {
    /// Nothing.
    None,
    /// The text or the cursor may be elsewhere.
    Cells,
    /// All of it may look different.
    All,
}

/// The registers.
pub(super) struct Ports {
    pub misc: u8,
    feature: u8,
    enabled: u8,
    sequencer_index: u8,
    pub sequencer: [u8; 5],
    graphics_index: u8,
    pub graphics: [u8; 9],
    crtc_index: u8,
    pub crtc: [u8; CRTC_REGISTERS],
    pub attribute_index: u8,
    /// The next write to 3C0h is data.
    attribute_data: bool,
    pub attribute: [u8; 0x15],
    pub dac: Dac,
}

/// Sets `register` and says `effect` if that changes it.
fn set(register: Option<&mut u8>, value: u8, effect: Effect) -> Effect {
    let before = register.map(|register| core::mem::replace(register, value));
    match before {
        Some(before) if before != value => effect,
        _ => Effect::None,
    }
}

impl Ports {
    pub fn new() -> Self {
        Ports {
            misc: 0,
            feature: 0,
            enabled: 1,
            sequencer_index: 0,
            sequencer: [0; 5],
            graphics_index: 0,
            graphics: [0; 9],
            crtc_index: 0,
            crtc: [0; CRTC_REGISTERS],
            attribute_index: 0,
            attribute_data: false,
            attribute: [0; 0x15],
            dac: Dac::new(),
        }
    }

    /// A register of the CRTC that counts in two bytes.
    pub fn crtc_word(&self, high: usize, low: usize) -> u32 {
        u32::from(self.crtc[high]) << 8 | u32::from(self.crtc[low])
    }

    /// Whether text is shown.
    pub fn is_text(&self) -> bool {
        self.graphics[MISCELLANEOUS] & 1 == 0
    }

    /// Whether `port` answers: the CRTC and what belongs to it is at 3Bxh or at
    /// 3Dxh, by bit 0 of the miscellaneous output register.
    fn answers(&self, port: u16) -> bool {
        let color = self.misc & 1 != 0;
        match port {
            0x3b0..=0x3bf => !color,
            0x3d0..=0x3df => color,
            _ => true,
        }
    }

    /// The processor reads one port.
    pub fn read(&mut self, port: u16, now_ns: u64) -> u8 {
        if !self.answers(port) {
            return 0xff;
        }
        let pick =
            |registers: &[u8], index: u8| *registers.get(usize::from(index)).unwrap_or(&0xff);
        match port {
            0x3c0 => self.attribute_index,
            0x3c1 => pick(&self.attribute, self.attribute_index & 0x1f),
            // Switch sense: a colour monitor.
            0x3c2 => 0x10,
            0x3c3 => self.enabled,
            0x3c4 => self.sequencer_index,
            0x3c5 => pick(&self.sequencer, self.sequencer_index),
            0x3c6 => self.dac.mask,
            0x3c7 => self.dac.state(),
            0x3c8 => self.dac.write_index(),
            0x3c9 => self.dac.read(),
            0x3ca => self.feature,
            0x3cc => self.misc,
            0x3ce => self.graphics_index,
            0x3cf => pick(&self.graphics, self.graphics_index),
            0x3b4 | 0x3d4 => self.crtc_index,
            0x3b5 | 0x3d5 => pick(&self.crtc, self.crtc_index),
            0x3ba | 0x3da => {
                self.attribute_data = false;
                retrace::input_status(self, now_ns)
            }
            _ => 0xff,
        }
    }

    /// The processor writes one port.
    pub fn write(&mut self, port: u16, value: u8) -> Effect {
        if !self.answers(port) {
            return Effect::None;
        }
        match port {
            0x3c0 => return self.write_attribute(value),
            0x3c2 => return set(Some(&mut self.misc), value, Effect::All),
            0x3c3 => self.enabled = value & 1,
            0x3c4 => self.sequencer_index = value & 7,
            0x3c5 => return self.write_sequencer(value),
            0x3c6 => return set(Some(&mut self.dac.mask), value, Effect::All),
            0x3c7 => self.dac.set_read_index(value),
            0x3c8 => self.dac.set_write_index(value),
            0x3c9 if self.dac.write(value) => return Effect::All,
            0x3ce => self.graphics_index = value & 0xf,
            0x3cf => return self.write_graphics(value),
            0x3b4 | 0x3d4 => self.crtc_index = value,
            0x3b5 | 0x3d5 => return self.write_crtc(value),
            0x3ba | 0x3da => self.feature = value & 0x10,
            _ => {}
        }
        Effect::None
    }

    fn write_attribute(&mut self, value: u8) -> Effect {
        let data = self.attribute_data;
        self.attribute_data = !data;
        if !data {
            let before = core::mem::replace(&mut self.attribute_index, value & 0x3f);
            let shown = (before ^ value) & PALETTE_ADDRESS_SOURCE != 0;
            return if shown { Effect::All } else { Effect::None };
        }
        let index = usize::from(self.attribute_index & 0x1f);
        let (bits, effect) = match index {
            0..0x10 => (0x3f, Effect::All),
            ATTRIBUTE_MODE => (0xef, Effect::All),
            OVERSCAN => (0xff, Effect::None),
            PLANE_ENABLE => (0x3f, Effect::All),
            _ => (0x0f, Effect::All),
        };
        set(self.attribute.get_mut(index), value & bits, effect)
    }

    fn write_sequencer(&mut self, value: u8) -> Effect {
        let index = usize::from(self.sequencer_index);
        let effect = match index {
            CLOCKING_MODE | CHARACTER_MAP => Effect::All,
            _ => Effect::None,
        };
        let bits = SEQUENCER_BITS.get(index).unwrap_or(&0);
        set(self.sequencer.get_mut(index), value & bits, effect)
    }

    fn write_graphics(&mut self, value: u8) -> Effect {
        let index = usize::from(self.graphics_index);
        let bits = GRAPHICS_BITS.get(index).unwrap_or(&0);
        let Some(register) = self.graphics.get_mut(index) else {
            return Effect::None;
        };
        let changed = core::mem::replace(register, value & bits) ^ (value & bits);
        // How pixels are made of planes, and whether there are any: the rest is the window's.
        let shown = match index {
            GRAPHICS_MODE => 0x60,
            MISCELLANEOUS => 0x01,
            _ => 0,
        };
        if changed & shown != 0 {
            Effect::All
        } else {
            Effect::None
        }
    }

    fn write_crtc(&mut self, value: u8) -> Effect {
        let index = usize::from(self.crtc_index);
        let mut value = value;
        if index < PROTECTED && self.crtc[RETRACE_END] & 0x80 != 0 {
            if index != OVERFLOW {
                return Effect::None;
            }
            // Line compare bit 8 is not protected.
            value = self.crtc[OVERFLOW] & !0x10 | value & 0x10;
        }
        let effect = match index {
            CURSOR_START | CURSOR_END | CURSOR_HIGH | CURSOR_LOW => Effect::Cells,
            START_HIGH | START_LOW if self.is_text() => Effect::Cells,
            // Timing that no monitor here follows.
            0x00 | 0x02..=0x06 | 0x10 | RETRACE_END | 0x15 | 0x16 => Effect::None,
            _ => Effect::All,
        };
        set(self.crtc.get_mut(index), value, effect)
    }
}
