//! The interrupt inputs: from the chips' pins to the controllers, and to a
//! client that listens in.

use super::chip::Pics;
use ioemu_stub::surroundings::Pins;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Inputs of the I/O APIC that ISA interrupts reach.
const INPUTS: u8 = 16;

#[derive(Default)]
struct State {
    /// What the chips drive, by ISA interrupt.
    isa: u16,
    /// PCI pins that are high, four for each device.
    intx: BTreeMap<u8, u8>,
    /// Where each PCI link goes; 0 is nowhere.
    links: [u8; 4],
    /// The levels of the inputs.
    inputs: u16,
    /// Whether a client listens.
    intercepted: bool,
    /// What it has not heard yet.
    reports: Vec<(u8, bool)>,
}

impl State {
    fn link_high(&self, link: u8) -> bool {
        // Pin A of device 0 is link 0, each next device begins one further.
        let wired = |device: u8, pin: u8| device.wrapping_add(pin) & 3 == link;
        self.intx
            .iter()
            .any(|(device, pins)| (0..4).any(|pin| pins & 1 << pin != 0 && wired(*device, pin)))
    }

    fn level(&self, irq: u8) -> bool {
        let routed = (0u8..)
            .zip(self.links)
            .any(|(link, to)| to == irq && irq != 0 && self.link_high(link));
        routed || self.isa & 1 << irq != 0
    }
}

/// All inputs of the interrupt controllers.
pub struct Interrupts {
    state: RefCell<State>,
    pics: Rc<RefCell<Pics>>,
}

impl Interrupts {
    /// All low, and nobody listens.
    pub fn new(pics: Rc<RefCell<Pics>>) -> Self {
        Interrupts {
            state: RefCell::default(),
            pics,
        }
    }

    /// From now on changes are reported, beginning with what is high now.
    pub fn intercept(&self) {
        let mut state = self.state.borrow_mut();
        if std::mem::replace(&mut state.intercepted, true) {
            return;
        }
        let high = state.inputs;
        let pins = (0..INPUTS).filter(|pin| high & 1 << pin != 0);
        state.reports = pins.map(|pin| (pin, true)).collect();
    }

    /// The changes since the last call: the pin, and whether it is high now.
    pub fn take_reports(&self) -> Vec<(u8, bool)> {
        std::mem::take(&mut self.state.borrow_mut().reports)
    }

    /// Every chip is built anew: all pins are low.
    pub fn reset(&self) {
        {
            let mut state = self.state.borrow_mut();
            state.isa = 0;
            state.intx.clear();
            state.links = [0; 4];
        }
        self.settle();
    }

    fn settle(&self) {
        for pin in 0..INPUTS {
            let mut state = self.state.borrow_mut();
            let level = state.level(pin);
            if level == (state.inputs & 1 << pin != 0) {
                continue;
            }
            state.inputs ^= 1 << pin;
            if state.intercepted {
                state.reports.push((pin, level));
            }
            drop(state);
            self.pics.borrow_mut().set(pin, level);
        }
    }
}

impl Pins for Interrupts {
    fn set_isa(&self, irq: u8, level: bool) {
        if irq >= INPUTS {
            return;
        }
        {
            let mut state = self.state.borrow_mut();
            let bit = 1 << irq;
            state.isa = if level {
                state.isa | bit
            } else {
                state.isa & !bit
            };
        }
        self.settle();
    }

    fn set_intx(&self, device: u8, pin: u8, level: bool) {
        {
            let mut state = self.state.borrow_mut();
            let pins = state.intx.entry(device).or_default();
            let bit = 1 << (pin & 3);
            *pins = if level { *pins | bit } else { *pins & !bit };
        }
        self.settle();
    }

    fn route_link(&self, link: u8, irq: u8) {
        if let Some(to) = self.state.borrow_mut().links.get_mut(usize::from(link)) {
            *to = irq;
        }
        self.settle();
    }
}
