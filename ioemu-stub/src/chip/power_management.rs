//! Function 3 of the 82371AB (PIIX4): power management and the SMBus.
//!
//! Of the ACPI registers, Xen answers for the fixed events and the timer; what
//! is left to us is PMCNTRL, through which the guest sleeps and switches off,
//! and the APM port through which firmware turns ACPI on. hvmloader refuses to
//! go on without either. Register values are the data sheet's (order number
//! 290562), chapter 7.

use alloc::rc::Rc;

use super::shared_line::SharedLine;
use super::smbus::SmBus;
use crate::bus::pci::{Configuration, Identity, PciFunction};
use crate::bus::{Decoder, Fields, Registers, Shared, Width};
use crate::surroundings::{Clock, Power, PowerState};

/// Offsets of the registers that only this function has.
mod register {
    /// Power management base address: where the ACPI registers are.
    pub const PMBASE: u8 = 0x40;
    /// Device activity B: bit 25 lets APMC raise an SMI.
    pub const DEVACTB: u8 = 0x58;
    /// Miscellaneous power management: bit 0 enables PMBASE.
    pub const PMREGMISC: u8 = 0x80;
    /// Where the SMBus registers are.
    pub const SMBBA: u8 = 0x90;
    /// SMBus host configuration: bit 0 enables SMBBA.
    pub const SMBHSTCFG: u8 = 0xd2;
}

/// Offsets of the ACPI registers from PMBASE.
mod acpi {
    pub const PMSTS: u8 = 0x00;
    pub const PMEN: u8 = 0x02;
    pub const PMCNTRL: u8 = 0x04;
    pub const PMTMR: u8 = 0x08;
}

/// PMCNTRL: SCIs, not SMIs.
const SCI_EN: u16 = 1 << 0;
/// PMCNTRL: which sleep.
const SUS_TYP: u16 = 7 << 10;
/// PMCNTRL: sleep now; reads as zero.
const SUS_EN: u16 = 1 << 13;
/// PMSTS and PMEN: the power button.
const PWRBTN: u16 = 1 << 8;
/// PMSTS and PMEN: all events that both have: timer, global, button, clock.
const EVENTS: u16 = 0x0521;
/// What APMC takes to switch ACPI on and off (the FADT says so).
const ACPI_ENABLE: u8 = 0xf1;
const ACPI_DISABLE: u8 = 0xf0;
/// The timer's frequency in Hz.
const PM_TIMER_HZ: u128 = 3_579_545;

/// The chip's number among those that hold up the SCI.
const SCI_ASKER: u8 = 0;

/// Its regions.
pub mod region {
    /// The ACPI registers, 64 ports at PMBASE.
    pub const ACPI: u8 = 0;
    /// APMC and APMS, two ports at b2h.
    pub const APM: u8 = 1;
    /// The SMBus registers, 16 ports at SMBBA.
    pub const SMBUS: u8 = 2;
    /// Where the firmware's ACPI code writes for debugging: b044h.
    pub const DEBUG: u8 = 3;
}

/// The chip.
pub struct PowerManagement {
    acpi: Fields<64>,
    apm: Fields<2>,
    smbus: SmBus,
    sci: Rc<SharedLine>,
    clock: Rc<dyn Clock>,
    power: Rc<dyn Power>,
    log_left: u16,
}

impl PowerManagement {
    /// The port of APMC.
    pub const APM_PORT: u64 = 0xb2;
    /// The debug port of Xen's ACPI code.
    pub const DEBUG_PORT: u64 = 0xb044;

    /// After reset: no base address is set.
    pub fn new(sci: Rc<SharedLine>, clock: Rc<dyn Clock>, power: Rc<dyn Power>) -> Self {
        PowerManagement {
            acpi: Fields::new()
                .with_clearable(acpi::PMSTS, &[0x31, 0x8d])
                .with(acpi::PMEN, &[0, 0], &EVENTS.to_le_bytes())
                .with(acpi::PMCNTRL, &[0, 0], &[0x03, 0x1c])
                // GPSTS clears; GPEN, PCNTRL, GLBEN, GLBCTL, DEVCTL, GPOREG
                // are kept.
                .with_clearable(0x0c, &[0x81, 0x0f])
                .with(0x0e, &[0, 0], &[0x01, 0x0f])
                .with(0x10, &[0; 4], &[0x1e, 0x3e, 0x02, 0x00])
                .with(0x20, &[0, 0], &[0x9e, 0x0f])
                .with(0x28, &[0; 4], &[0xff; 4])
                .with(0x2c, &[0; 4], &[0xff; 4])
                .with(0x34, &[0xff, 0xff, 0xff, 0x7f], &[0xff; 4]),
            apm: Fields::new().with(0, &[0, 0], &[0xff, 0xff]),
            smbus: SmBus::new(),
            sci,
            clock,
            power,
            log_left: 256,
        }
    }

    /// Its configuration space after reset.
    pub fn configuration() -> Configuration {
        use crate::bus::pci::register::{COMMAND, STATUS};
        let identity = Identity {
            vendor: 0x8086,
            device: 0x7113,
            revision: 3,
            class: 0x06_8000,
            subsystem: (0x1af4, 0x1100),
        };
        Configuration::new(identity)
            .with(COMMAND, &[0, 0], &[0x09, 0x00])
            .with(STATUS, &[0x80, 0x02], &[])
            // PCI says INTA, whatever SCI and SMBus are wired to.
            .with(0x3d, &[1], &[0])
            .with(register::PMBASE, &[1, 0, 0, 0], &[0xc0, 0xff, 0, 0])
            // CNTA, CNTB, GPICTL, DEVRESD, DEVACTA, DEVACTB, DEVRESA to J
            .with(0x44, &[0; 0x38], &[0xff; 0x38])
            .with(register::DEVACTB, &[0; 4], &[0xff; 4])
            .with(register::PMREGMISC, &[0], &[0x01])
            .with(register::SMBBA, &[1, 0, 0, 0], &[0xf0, 0xff, 0, 0])
            // SMBHSTCFG, SMBSLVC, SMBSHDW1 and 2; SMBREV
            .with(register::SMBHSTCFG, &[0; 4], &[0x0f, 0xff, 0xff, 0xff])
    }

    /// The power button is pressed.
    pub fn press_power_button(&mut self) {
        let status = self.acpi.word(acpi::PMSTS) | PWRBTN;
        self.acpi.set_word(acpi::PMSTS, status);
        self.update_sci();
    }

    /// Whether the guest has switched to ACPI, for which firmware asked
    /// through APMC.
    pub fn sci_enabled(&self) -> bool {
        self.acpi.word(acpi::PMCNTRL) & SCI_EN != 0
    }

    fn update_sci(&self) {
        let pending = self.acpi.word(acpi::PMSTS) & self.acpi.word(acpi::PMEN) & EVENTS;
        self.sci.set(SCI_ASKER, pending != 0);
    }

    fn write_acpi(&mut self, offset: u64, width: Width, value: u64) {
        self.acpi.write(offset, width, value);
        self.update_sci();
        let control = u64::from(acpi::PMCNTRL);
        // SUS_EN acts on a write that has it, which need not be one of the
        // whole word.
        let high = control + 1;
        if offset > high || offset + width.bytes() as u64 <= high {
            return;
        }
        let written = (value >> (8 * (high - offset))) as u8;
        if written & SUS_EN.to_le_bytes()[1] != 0 {
            self.sleep();
        }
    }

    /// What the _S3, _S4 and _S5 of Xen's ACPI tables mean.
    fn sleep(&mut self) {
        match (self.acpi.word(acpi::PMCNTRL) & SUS_TYP) >> 10 {
            0 | 2 => self.power.set(PowerState::Off),
            1 => self.power.set(PowerState::Suspend),
            other if self.may_log() => log::warn!("the guest asks for unknown sleep {other}"),
            _ => {}
        }
    }

    fn write_apm(&mut self, offset: u64, width: Width, value: u64) {
        self.apm.write(offset, width, value);
        if offset != 0 {
            return;
        }
        let control = self.acpi.word(acpi::PMCNTRL);
        match value as u8 {
            ACPI_ENABLE => self.acpi.set_word(acpi::PMCNTRL, control | SCI_EN),
            ACPI_DISABLE => self.acpi.set_word(acpi::PMCNTRL, control & !SCI_EN),
            // Other values ask for an SMI handler, which Xen guests have not.
            _ => {}
        }
    }

    fn timer(&self) -> u32 {
        let ticks = u128::from(self.clock.now_ns()) * PM_TIMER_HZ / 1_000_000_000;
        ticks as u32 & 0xff_ffff
    }

    /// Whether another line about the guest may go to our log; it counts.
    fn may_log(&mut self) -> bool {
        let may = self.log_left > 0;
        self.log_left = self.log_left.saturating_sub(1);
        may
    }

    fn debug(&mut self, offset: u64, value: u64) {
        if self.may_log() {
            log::debug!("the guest's ACPI code says {value:#x} at {offset}");
        }
    }
}

impl Registers for PowerManagement {
    fn read(&mut self, region: u8, offset: u64, width: Width) -> u64 {
        match region {
            region::ACPI => {
                self.acpi.set_dword(acpi::PMTMR, self.timer());
                self.acpi.read(offset, width)
            }
            region::APM => self.apm.read(offset, width),
            region::SMBUS => self.smbus.read(0, offset, width),
            _ => width.ones(),
        }
    }

    fn write(&mut self, region: u8, offset: u64, width: Width, value: u64) {
        match region {
            region::ACPI => self.write_acpi(offset, width, value),
            region::APM => self.write_apm(offset, width, value),
            region::SMBUS => self.smbus.write(0, offset, width, value),
            region::DEBUG => self.debug(offset, value),
            _ => {}
        }
    }
}

/// The function on the PCI bus: it moves the chip's registers. It is apart
/// from the chip, so that the bus may hold the one while the guest uses the
/// other.
pub struct PowerManagementFunction {
    chip: Shared,
    decoder: Decoder,
    acpi_at: Option<u64>,
    smbus_at: Option<u64>,
}

impl PowerManagementFunction {
    /// The function of `chip`, which shows nowhere yet.
    pub fn new(chip: Shared, decoder: Decoder) -> Self {
        PowerManagementFunction {
            chip,
            decoder,
            acpi_at: None,
            smbus_at: None,
        }
    }

    fn show(&self, region: u8, ports: u64, at: Option<u64>) {
        self.decoder.remove(&self.chip, region);
        if let Some(at) = at {
            self.decoder
                .move_to_ports(&self.chip, region, at..at + ports);
        }
    }
}

/// Where a base address register of 16-bit ports makes its block show.
fn base(configuration: &Configuration, at: u8, enable: u8, ports: u16) -> Option<u64> {
    let base = configuration.word(at) & !(ports - 1);
    let shows = configuration.byte(enable) & 1 != 0 && base != 0;
    shows.then_some(base.into())
}

impl PciFunction for PowerManagementFunction {
    fn configured(&mut self, configuration: &mut Configuration, _: u64, _: Width) {
        let acpi = base(configuration, register::PMBASE, register::PMREGMISC, 64);
        if acpi != self.acpi_at {
            self.acpi_at = acpi;
            self.show(region::ACPI, 64, acpi);
        }
        let smbus = base(configuration, register::SMBBA, register::SMBHSTCFG, 16);
        if smbus != self.smbus_at {
            self.smbus_at = smbus;
            self.show(region::SMBUS, 16, smbus);
        }
    }
}
