//! The 82441FX PMC (i440FX): the bridge between processor, memory and PCI.
//!
//! Memory is Xen's, so most of its registers are only kept: what programs PAM
//! and SMRAM finds its bits again, but RAM stays RAM. Register values are the
//! data sheet's (order number 290549), chapter 3.2.

use alloc::rc::Rc;

use crate::bus::Width;
use crate::bus::pci::{Configuration, Identity, PciFunction, register};
use crate::surroundings::{Power, PowerState};

/// Offsets of the registers that only this function has.
pub mod pmc {
    /// PMC configuration.
    pub const PMCCFG: u8 = 0x50;
    /// Deturbo counter control.
    pub const DETURBO: u8 = 0x52;
    /// Data buffer control.
    pub const DBC: u8 = 0x53;
    /// DRAM row type, a word.
    pub const DRT: u8 = 0x55;
    /// DRAM control.
    pub const DRAMC: u8 = 0x57;
    /// DRAM timing.
    pub const DRAMT: u8 = 0x58;
    /// Programmable attribute map, seven bytes: what of C0000 to FFFFF is RAM.
    pub const PAM: u8 = 0x59;
    /// DRAM row boundaries, eight bytes.
    pub const DRB: u8 = 0x60;
    /// Fixed DRAM hole control.
    pub const FDHC: u8 = 0x68;
    /// Multi-transaction timer.
    pub const MTT: u8 = 0x70;
    /// CPU latency timer.
    pub const CLT: u8 = 0x71;
    /// System management RAM control.
    pub const SMRAM: u8 = 0x72;
    /// Error command.
    pub const ERRCMD: u8 = 0x90;
    /// Turbo reset control.
    pub const TRC: u8 = 0x93;
}

/// SMRAM: the RAM is open to all.
const D_OPEN: u8 = 1 << 6;
/// SMRAM: the register can't be written any more.
const D_LCK: u8 = 1 << 4;
/// TRC: a change from 0 to 1 resets.
const RCPU: u8 = 1 << 2;

/// The bridge. What it keeps is in its configuration space.
pub struct HostBridge {
    power: Rc<dyn Power>,
    /// What SMRAM was locked at.
    locked: Option<u8>,
    reset_control: u8,
}

impl HostBridge {
    /// A bridge whose reset goes to `power`.
    pub fn new(power: Rc<dyn Power>) -> Self {
        HostBridge {
            power,
            locked: None,
            reset_control: 0,
        }
    }

    /// Its configuration space after reset.
    pub fn configuration() -> Configuration {
        let identity = Identity {
            vendor: 0x8086,
            device: 0x1237,
            revision: 2,
            class: 0x06_0000,
            subsystem: (0x1af4, 0x1100),
        };
        Configuration::new(identity)
            // Always memory and master; parity and SERR can be set.
            .with(register::COMMAND, &[0x06, 0], &[0x40, 0x01])
            .with(register::STATUS, &[0x80, 0x02], &[])
            .with(register::CACHE_LINE_SIZE, &[0], &[0])
            .with(register::LATENCY_TIMER, &[0], &[0xf8])
            .with(register::INTERRUPT_LINE, &[0], &[0])
            // Host frequency and queue depth are strapped.
            .with(pmc::PMCCFG, &[0, 0], &[0x70, 0xc0])
            .with(pmc::DETURBO, &[0], &[0xff])
            .with(pmc::DBC, &[0x80], &[0xe4])
            .with(pmc::DRT, &[0, 0], &[0xff, 0xff])
            .with(pmc::DRAMC, &[0x01], &[0x3f])
            .with(pmc::DRAMT, &[0x10], &[0xff])
            .with(
                pmc::PAM,
                &[0; 7],
                &[0xf0, 0x33, 0x33, 0x33, 0x33, 0x33, 0x33],
            )
            .with(pmc::DRB, &[1; 8], &[0xff; 8])
            .with(pmc::FDHC, &[0], &[0xc0])
            .with(pmc::MTT, &[0], &[0xf8])
            .with(pmc::CLT, &[0x10], &[0x1f])
            .with(pmc::SMRAM, &[0x02], &[0x78])
            .with(pmc::ERRCMD, &[0], &[0x1b])
            .with(pmc::TRC, &[0], &[0x0f])
    }
}

impl PciFunction for HostBridge {
    fn configured(&mut self, configuration: &mut Configuration, _: u64, _: Width) {
        let smram = configuration.byte(pmc::SMRAM);
        if smram & D_LCK != 0 {
            let locked = *self.locked.get_or_insert(smram & !D_OPEN);
            configuration.set_byte(pmc::SMRAM, locked);
        } else if let Some(locked) = self.locked {
            configuration.set_byte(pmc::SMRAM, locked);
        }
        let control = configuration.byte(pmc::TRC);
        let rises = control & !self.reset_control & RCPU != 0;
        self.reset_control = control;
        if rises {
            self.power.set(PowerState::Reset);
        }
    }
}
