//! The i8042 keyboard controller, with a PS/2 keyboard and mouse behind it.
//!
//! The controller has one output buffer for both devices and itself; whose
//! byte is in it decides which interrupt is raised. The devices keep what they
//! have to say until the buffer is free. Commands: IBM PS/2 technical
//! reference, "Keyboard/Auxiliary Device Controller".
//!
//! There is no active multiplexing: the probe for it (a loop-back that is to
//! come back changed) gets its own byte back, as from most real controllers.

mod keyboard;
mod keys;
mod mouse;
#[cfg(test)]
mod tests;

pub use keyboard::Keyboard;
pub use mouse::{Buttons, Mouse};

use alloc::rc::Rc;

use crate::bus::{Registers, Width};
use crate::surroundings::{Line, Pins, Power, PowerState};

/// Its regions, in the order of the row in the list of devices.
pub mod region {
    /// Port 60h: data.
    pub const DATA: u8 = 0;
    /// Port 64h: status and commands.
    pub const COMMAND: u8 = 1;
}

/// Bits of the status register.
mod status {
    /// There is a byte to read.
    pub const OUTPUT_FULL: u8 = 1 << 0;
    /// The self test has passed.
    pub const SYSTEM: u8 = 1 << 2;
    /// The last byte written was a command.
    pub const COMMAND: u8 = 1 << 3;
    /// The keyboard is not locked.
    pub const UNLOCKED: u8 = 1 << 4;
    /// The byte to read is the mouse's.
    pub const AUX: u8 = 1 << 5;
}

/// Bits of the command byte.
mod mode {
    pub const KEYBOARD_INTERRUPT: u8 = 1 << 0;
    pub const AUX_INTERRUPT: u8 = 1 << 1;
    pub const SYSTEM: u8 = 1 << 2;
    pub const KEYBOARD_DISABLED: u8 = 1 << 4;
    pub const AUX_DISABLED: u8 = 1 << 5;
    pub const TRANSLATE: u8 = 1 << 6;
}

/// Bits of the output port.
mod output_port {
    /// Low resets the processor.
    pub const NOT_RESET: u8 = 1 << 0;
    /// Xen always lets address line 20 through; the bit is only kept.
    pub const A20: u8 = 1 << 1;
    pub const KEYBOARD_FULL: u8 = 1 << 4;
    pub const AUX_FULL: u8 = 1 << 5;
}

/// What the next byte written to the data port is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Expecting {
    /// The keyboard.
    Keyboard,
    /// This byte of the controller's memory.
    Memory(u8),
    OutputPort,
    /// To come back as if from the keyboard or the mouse.
    Loopback {
        aux: bool,
    },
    Mouse,
    /// A password, up to a zero.
    Password,
}

/// The controller and its two devices.
pub struct I8042 {
    keyboard: Keyboard,
    mouse: Mouse,
    /// Byte 0 is the command byte.
    memory: [u8; 32],
    output_port: u8,
    self_tested: bool,
    last_was_command: bool,
    expecting: Expecting,
    /// The output buffer: a byte and whether it is the mouse's.
    output: Option<(u8, bool)>,
    /// What the last read returned: a read of the empty buffer returns it
    /// again.
    last: u8,
    /// What the controller itself has to say next.
    reply: Option<(u8, bool)>,
    /// A break code's prefix was taken from the keyboard, which translation
    /// turns into bit 7 of the next.
    breaking: bool,
    irq_keyboard: Line,
    irq_mouse: Line,
    power: Rc<dyn Power>,
}

impl I8042 {
    /// After reset.
    pub fn new(pins: &Rc<dyn Pins>, power: Rc<dyn Power>) -> Self {
        let mut memory = [0; 32];
        memory[0] = mode::KEYBOARD_INTERRUPT | mode::AUX_INTERRUPT;
        I8042 {
            keyboard: Keyboard::new(),
            mouse: Mouse::new(),
            memory,
            output_port: output_port::NOT_RESET | output_port::A20,
            self_tested: false,
            last_was_command: true,
            expecting: Expecting::Keyboard,
            output: None,
            last: 0,
            reply: None,
            breaking: false,
            irq_keyboard: Line::isa(pins, 1),
            irq_mouse: Line::isa(pins, 12),
            power,
        }
    }

    /// A key goes down (again, if it is down already: the viewer repeats) or
    /// up. `code` is its make code in set 1, with E0h in the upper byte for
    /// the keys that have that prefix: 001Eh is A, E04Bh the left arrow. Print
    /// Screen is E037h, Pause E046h.
    pub fn key(&mut self, code: u16, pressed: bool) {
        self.keyboard.key(code, pressed);
        self.update();
    }

    /// The mouse moves right by `dx` and down by `dy`; its wheel turns towards
    /// the user by `dz`.
    pub fn mouse_moved(&mut self, dx: i32, dy: i32, dz: i32) {
        self.mouse.moved(dx, dy, dz);
        self.update();
    }

    /// The mouse's buttons are these now.
    pub fn mouse_buttons(&mut self, buttons: Buttons) {
        self.mouse.set_buttons(buttons);
        self.update();
    }

    /// The keyboard's lights: bit 0 scroll lock, 1 num lock, 2 caps lock.
    pub fn leds(&self) -> u8 {
        self.keyboard.leds()
    }

    fn mode(&self, bit: u8) -> bool {
        self.memory[0] & bit != 0
    }

    fn status(&self) -> u8 {
        let mut status = status::UNLOCKED;
        if let Some((_, aux)) = self.output {
            status |= status::OUTPUT_FULL | if aux { status::AUX } else { 0 };
        }
        if self.self_tested || self.mode(mode::SYSTEM) {
            status |= status::SYSTEM;
        }
        if self.last_was_command {
            status |= status::COMMAND;
        }
        status
    }

    /// Fills the output buffer, if it is free, and sets the interrupts.
    fn update(&mut self) {
        if self.output.is_none() {
            self.output = self.next();
        }
        let (keyboard, mouse) = match self.output {
            Some((_, aux)) => (!aux, aux),
            None => (false, false),
        };
        self.irq_keyboard
            .set(keyboard && self.mode(mode::KEYBOARD_INTERRUPT));
        self.irq_mouse.set(mouse && self.mode(mode::AUX_INTERRUPT));
    }

    /// The next byte for the output buffer: the controller's own first.
    fn next(&mut self) -> Option<(u8, bool)> {
        if let Some(reply) = self.reply.take() {
            return Some(reply);
        }
        if !self.mode(mode::KEYBOARD_DISABLED)
            && let Some(byte) = self.keyboard_byte()
        {
            return Some((byte, false));
        }
        if !self.mode(mode::AUX_DISABLED) {
            return self.mouse.take().map(|byte| (byte, true));
        }
        None
    }

    fn keyboard_byte(&mut self) -> Option<u8> {
        loop {
            let byte = self.keyboard.take()?;
            if !self.mode(mode::TRANSLATE) {
                self.breaking = false;
                return Some(byte);
            }
            // An answer may come between a prefix and its code.
            if byte > keys::HIGHEST && byte != keys::BREAK {
                return Some(byte);
            }
            if byte == keys::BREAK {
                self.breaking = true;
                continue;
            }
            let release = if core::mem::take(&mut self.breaking) {
                0x80
            } else {
                0
            };
            return Some(keys::translate(byte) | release);
        }
    }

    fn read_data(&mut self) -> u8 {
        if let Some((byte, _)) = self.output.take() {
            self.last = byte;
        }
        // The empty buffer lowers the interrupt, so that the next byte is
        // another edge.
        self.irq_keyboard.set(false);
        self.irq_mouse.set(false);
        self.update();
        self.last
    }

    fn reply(&mut self, byte: u8, aux: bool) {
        self.reply = Some((byte, aux));
    }

    fn command(&mut self, command: u8) {
        self.expecting = Expecting::Keyboard;
        match command {
            0x20..=0x3f => self.reply(self.memory[usize::from(command & 0x1f)], false),
            0x60..=0x7f => self.expecting = Expecting::Memory(command & 0x1f),
            // No password is there, and none can be set.
            0xa4 => self.reply(0xf1, false),
            0xa5 => self.expecting = Expecting::Password,
            0xa7 => self.memory[0] |= mode::AUX_DISABLED,
            0xa8 => self.memory[0] &= !mode::AUX_DISABLED,
            // The lines to mouse and keyboard are neither stuck nor cut.
            0xa9 | 0xab => self.reply(0, false),
            0xaa => {
                self.self_tested = true;
                self.reply(0x55, false);
            }
            0xad => self.memory[0] |= mode::KEYBOARD_DISABLED,
            0xae => self.memory[0] &= !mode::KEYBOARD_DISABLED,
            // The input port: not locked.
            0xc0 => self.reply(0x80, false),
            0xd0 => self.reply(self.output_port(), false),
            0xd1 => self.expecting = Expecting::OutputPort,
            0xd2 => self.expecting = Expecting::Loopback { aux: false },
            0xd3 => self.expecting = Expecting::Loopback { aux: true },
            0xd4 => self.expecting = Expecting::Mouse,
            0xdd => self.output_port &= !output_port::A20,
            0xdf => self.output_port |= output_port::A20,
            // The test inputs: both clocks are low.
            0xe0 => self.reply(0, false),
            // Pulses the output port's bits that are zero in the command.
            0xf0..=0xff if command & output_port::NOT_RESET == 0 => {
                self.power.set(PowerState::Reset);
            }
            _ => {}
        }
    }

    fn output_port(&self) -> u8 {
        self.output_port
            | match self.output {
                Some((_, false)) => output_port::KEYBOARD_FULL,
                Some((_, true)) => output_port::AUX_FULL,
                None => 0,
            }
    }

    fn write_data(&mut self, value: u8) {
        match core::mem::replace(&mut self.expecting, Expecting::Keyboard) {
            Expecting::Keyboard => {
                // Talking to it enables it.
                self.memory[0] &= !mode::KEYBOARD_DISABLED;
                self.keyboard.command(value);
            }
            Expecting::Mouse => {
                self.memory[0] &= !mode::AUX_DISABLED;
                self.mouse.command(value);
            }
            Expecting::Memory(at) => self.memory[usize::from(at & 0x1f)] = value,
            Expecting::Loopback { aux } => self.reply(value, aux),
            Expecting::Password if value != 0 => self.expecting = Expecting::Password,
            Expecting::Password => {}
            Expecting::OutputPort => {
                self.output_port = value & 0xcf | output_port::NOT_RESET;
                if value & output_port::NOT_RESET == 0 {
                    self.power.set(PowerState::Reset);
                }
            }
        }
    }
}

impl Registers for I8042 {
    fn read(&mut self, region: u8, _: u64, width: Width) -> u64 {
        match region {
            region::DATA => self.read_data().into(),
            region::COMMAND => self.status().into(),
            _ => width.ones(),
        }
    }

    fn write(&mut self, region: u8, _: u64, _: Width, value: u64) {
        match region {
            region::DATA => {
                self.last_was_command = false;
                self.write_data(value as u8);
            }
            region::COMMAND => {
                self.last_was_command = true;
                self.command(value as u8);
            }
            _ => return,
        }
        self.update();
    }
}
