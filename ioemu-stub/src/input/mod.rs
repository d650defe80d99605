//! From a viewer's keyboard and pointer to the machine's.
//!
//! A viewer says which keys its user presses (Linux' key codes) and where the
//! pointer is; the machine has a PS/2 keyboard and mouse behind its i8042. What
//! a viewer's user holds down is remembered, to be let go when the viewer goes.

pub mod keymap;
mod keys;
mod pointer;
mod task;

#[cfg(test)]
mod tests;

use alloc::collections::BTreeSet;
use alloc::rc::Rc;
use core::cell::RefCell;

use crate::chip::i8042::{Buttons, I8042};
pub use keys::scan_code;
use pointer::Pointer;
pub use task::serve;

/// Linux: the first and the last button of a mouse.
const BTN_MOUSE: core::ops::RangeInclusive<u32> = 0x110..=0x117;

/// One viewer's keyboard and pointer.
pub struct Input {
    machine: Rc<RefCell<I8042>>,
    keys: BTreeSet<u16>,
    buttons: u8,
    pointer: Pointer,
}

impl Input {
    /// Nothing is pressed.
    pub fn new(machine: Rc<RefCell<I8042>>) -> Self {
        Input {
            machine,
            keys: BTreeSet::new(),
            buttons: 0,
            pointer: Pointer::default(),
        }
    }

    /// A key or button (`KEY_*`, `BTN_*`) goes down, or up. What the machine's
    /// keyboard does not have is nothing.
    pub fn key(&mut self, code: u32, pressed: bool) {
        if BTN_MOUSE.contains(&code) {
            return self.button(code - BTN_MOUSE.start(), pressed);
        }
        if let Some(scan) = scan_code(code) {
            self.scan_code(scan, pressed);
        }
    }

    /// A key by its scan code in set 1, E0h in the upper byte for those with
    /// that prefix.
    pub fn scan_code(&mut self, scan: u16, pressed: bool) {
        if pressed {
            self.keys.insert(scan);
        } else if !self.keys.remove(&scan) {
            // It was not down, as far as this viewer is concerned.
            return;
        }
        self.machine.borrow_mut().key(scan, pressed);
    }

    /// Button 0 is left, 1 right, 2 middle, then the side ones.
    fn button(&mut self, button: u32, pressed: bool) {
        // Linux has two names for each of the side buttons.
        let bit = 1u8
            << match button {
                0..=4 => button,
                5 => 4,
                6 => 3,
                _ => return,
            };
        let before = self.buttons;
        self.buttons = if pressed { before | bit } else { before & !bit };
        if self.buttons != before {
            let buttons = Buttons::from_bits(self.buttons);
            self.machine.borrow_mut().mouse_buttons(buttons);
        }
    }

    /// The pointer moved to the right and down, the wheel towards the user.
    pub fn moved(&mut self, dx: i32, dy: i32, dz: i32) {
        self.machine.borrow_mut().mouse_moved(dx, dy, dz);
    }

    /// The pointer is at this place of `range` (the highest value each way) of a
    /// picture of `size` pixels. The machine's mouse only knows movement: it
    /// gets the way from the last place.
    pub fn placed(&mut self, at: (i32, i32), range: (i32, i32), size: (u32, u32), dz: i32) {
        let (dx, dy) = self.pointer.placed(at, range, size);
        if (dx, dy, dz) != (0, 0, 0) {
            self.moved(dx, dy, dz);
        }
    }

    /// Lets go of everything: the viewer is gone.
    pub fn release(&mut self) {
        while let Some(scan) = self.keys.pop_first() {
            self.machine.borrow_mut().key(scan, false);
        }
        if core::mem::take(&mut self.buttons) != 0 {
            let none = Buttons::from_bits(0);
            self.machine.borrow_mut().mouse_buttons(none);
        }
        self.pointer = Pointer::default();
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        self.release();
    }
}
