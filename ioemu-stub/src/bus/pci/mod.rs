//! PCI bus 0.
//!
//! A function is a [`Configuration`] (its 256 bytes, with write masks and base
//! address registers) and a [`PciFunction`] that hears of what the guest does
//! to them. The bus finds the function, lets the guest read and write, and
//! keeps the [`Decoder`] up to date with what the base address registers and
//! COMMAND say.
//!
//! The guest reaches the configuration spaces through [`Mechanism1`]'s ports;
//! Xen translates the data port itself and hands us the function and register.

mod bar;
mod configuration;
mod mechanism1;
mod pin;
#[cfg(test)]
mod tests;

pub use bar::{Bar, BarKind};
pub use configuration::{Configuration, Identity, ROM, command, register};
pub use mechanism1::Mechanism1;
pub use pin::IntxPin;

use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use core::cell::RefCell;

use super::{Decoder, Width};
use crate::surroundings::{Claim, Ranges};

/// Where a function sits: device << 3 | function.
pub type Devfn = u8;

/// The devfn of function `function` of device `device`.
pub const fn devfn(device: u8, function: u8) -> Devfn {
    device << 3 | function & 7
}

/// What a function does when the guest configures it. All of it is optional:
/// a plain function is `impl PciFunction for Chip {}`.
///
/// The bus holds the function while it calls; none of these may come back to
/// the bus.
pub trait PciFunction {
    /// The guest has written `width` at `offset`: what the masks allow is in
    /// `configuration` already.
    fn configured(&mut self, configuration: &mut Configuration, offset: u64, width: Width) {
        let _ = (configuration, offset, width);
    }

    /// Base address register `bar`, which is memory and not registers, shows
    /// at `address` from now on, or nowhere.
    fn place(&mut self, bar: u8, address: Option<u64>) {
        let _ = (bar, address);
    }
}

struct Slot {
    configuration: Configuration,
    function: Rc<RefCell<dyn PciFunction>>,
}

/// Bus 0 and the functions on it.
pub struct PciBus {
    slots: BTreeMap<Devfn, Slot>,
    decoder: Decoder,
    ranges: Rc<dyn Ranges>,
}

impl PciBus {
    /// An empty bus.
    pub fn new(decoder: Decoder, ranges: Rc<dyn Ranges>) -> Self {
        PciBus {
            slots: BTreeMap::new(),
            decoder,
            ranges,
        }
    }

    /// Puts a function on the bus, in place of one that was there.
    pub fn attach(
        &mut self,
        devfn: Devfn,
        configuration: Configuration,
        function: Rc<RefCell<dyn PciFunction>>,
    ) {
        self.detach(devfn);
        // Without room outside, the guest does not find the function; there
        // is nobody else to tell.
        let _ = self.ranges.claim(Claim::Function(devfn));
        let slot = Slot {
            configuration,
            function,
        };
        self.slots.insert(devfn, slot);
    }

    /// Takes a function off the bus: its registers vanish and its interrupt
    /// ends.
    pub fn detach(&mut self, devfn: Devfn) {
        let Some(mut slot) = self.slots.remove(&devfn) else {
            return;
        };
        self.ranges.release(Claim::Function(devfn));
        slot.configuration.silence();
        let nowhere = [None; 7];
        slot.show(&self.decoder, nowhere);
    }

    /// Lets go of all functions.
    pub fn clear(&mut self) {
        self.slots.clear();
    }

    /// Whether there is a function at `devfn`.
    pub fn has(&self, devfn: Devfn) -> bool {
        self.slots.contains_key(&devfn)
    }

    /// The functions that are there.
    pub fn functions(&self) -> impl Iterator<Item = (Devfn, &Configuration)> {
        self.slots
            .iter()
            .map(|(devfn, slot)| (*devfn, &slot.configuration))
    }

    /// The guest reads a function's configuration space. Where there is none,
    /// all is ones.
    pub fn read(&self, devfn: Devfn, offset: u64, width: Width) -> u64 {
        match self.slots.get(&devfn) {
            Some(slot) => slot.configuration.read(offset, width),
            None => width.ones(),
        }
    }

    /// The guest writes it.
    pub fn write(&mut self, devfn: Devfn, offset: u64, width: Width, value: u64) {
        let Some(slot) = self.slots.get_mut(&devfn) else {
            return;
        };
        slot.configuration.write(offset, width, value);
        let configuration = &mut slot.configuration;
        slot.function
            .borrow_mut()
            .configured(configuration, offset, width);
        let places = slot.places();
        slot.show(&self.decoder, places);
    }
}

impl Slot {
    /// Where each base address register shows by what the guest has set.
    fn places(&self) -> [Option<u64>; 7] {
        let mut places = [None; 7];
        let bars = self.configuration.bars().iter();
        for (place, bar) in places.iter_mut().zip(bars) {
            *place = self.configuration.address(bar);
        }
        places
    }

    /// Moves what has to move.
    fn show(&mut self, decoder: &Decoder, places: [Option<u64>; 7]) {
        let bars = self.configuration.bars_mut().iter_mut();
        for (place, bar) in places.into_iter().zip(bars) {
            if bar.at == place {
                continue;
            }
            bar.at = place;
            let Some((chip, region)) = bar.target() else {
                let index = bar.index();
                self.function.borrow_mut().place(index, place);
                continue;
            };
            decoder.remove(chip, *region);
            let Some(start) = place else { continue };
            let range = start..start + bar.kind().size();
            match bar.kind() {
                BarKind::Io { .. } => decoder.move_to_ports(chip, *region, range),
                _ => decoder.move_to_memory(chip, *region, range),
            }
        }
    }
}
