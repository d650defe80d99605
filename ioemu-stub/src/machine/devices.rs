//! The list of devices: one row each.

use super::Config;
use super::assembly::{self, Assembly};

/// A device of the machine, or one that is not there yet.
pub struct Device {
    /// What it is.
    pub name: &'static str,
    /// Where it sits on PCI bus 0.
    pub slot: Slot,
    /// Its PCI vendor and device.
    pub id: Option<(u16, u16)>,
    /// Its fixed ports: first and last.
    pub ports: &'static [(u16, u16)],
    /// Its fixed device memory: first and last.
    pub memory: &'static [(u64, u64)],
    /// Its interrupts.
    pub irqs: &'static [Irq],
    /// Whether this machine has one.
    pub state: State,
    /// What a hostile guest would try on it, and why that fails.
    pub threats: &'static str,
}

/// Where a device sits on PCI bus 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Slot {
    /// Not on PCI.
    None,
    /// At this device and function.
    At(u8, u8),
    /// At the next free device.
    Next,
}

/// An interrupt of a device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Irq {
    /// An ISA interrupt.
    Isa(u8),
    /// A PCI pin; 0 is INTA.
    Intx(u8),
}

/// Whether a device is there.
pub enum State {
    /// It is, if the configuration wants it; the second builds it.
    Here(fn(&Config) -> bool, fn(&Device, &mut Assembly)),
    /// It is not yet.
    NotYet,
}

fn always(_: &Config) -> bool {
    true
}

const fn later(name: &'static str) -> Device {
    Device {
        name,
        slot: Slot::None,
        id: None,
        ports: &[],
        memory: &[],
        irqs: &[],
        state: State::NotYet,
        threats: "",
    }
}

/// All of them, in the order in which they are built.
pub static DEVICES: &[Device] = &[
    Device {
        slot: Slot::At(0, 0),
        id: Some((0x8086, 0x1237)),
        ports: &[(0xcf8, 0xcff)],
        state: State::Here(always, assembly::host_bridge),
        threats: "configuration accesses across a dword or past the space are bytes, those outside lost",
        ..later("i440FX host bridge, configuration mechanism #1, reset control")
    },
    Device {
        slot: Slot::At(1, 0),
        id: Some((0x8086, 0x7000)),
        state: State::Here(always, assembly::isa_bridge),
        threats: "a link is routed to one of sixteen interrupts, by mask",
        ..later("PIIX3 ISA bridge")
    },
    Device {
        slot: Slot::At(1, 1),
        id: Some((0x8086, 0x7010)),
        ports: &[
            (0x1f0, 0x1f7),
            (0x3f6, 0x3f6),
            (0x170, 0x177),
            (0x376, 0x376),
        ],
        irqs: &[Irq::Isa(14), Irq::Isa(15)],
        state: State::Here(always, assembly::ide),
        threats: "buffers are slices, never indexed by a register; DMA moves no more than a drive has; \
                  completions from before a reset find nobody",
        ..later("PIIX3 IDE")
    },
    Device {
        slot: Slot::At(1, 3),
        id: Some((0x8086, 0x7113)),
        ports: &[(0xb2, 0xb3), (0xb044, 0xb047)],
        irqs: &[Irq::Isa(9)],
        state: State::Here(|config| config.acpi, assembly::power_management),
        threats: "base addresses move by mask, at most two ranges; log lines are cut off after 256",
        ..later("PIIX4 power management, APM, SMBus")
    },
    Device {
        ports: &[(0xafe0, 0xafe3), (0xae00, 0xae0f), (0xaf00, 0xaf1f)],
        irqs: &[Irq::Isa(9)],
        state: State::Here(|config| config.acpi, assembly::hotplug),
        threats: "no index registers; only slots whose removal was asked for can be ejected",
        ..later("GPE0, PCI and processor hotplug")
    },
    Device {
        ports: &[(0x70, 0x71)],
        state: State::Here(always, assembly::cmos),
        threats: "the index has seven bits for 128 bytes",
        ..later("CMOS memory from index 14 on")
    },
    Device {
        ports: &[(0x92, 0x92)],
        state: State::Here(always, assembly::port92),
        threats: "one byte",
        ..later("port 92h: A20, fast reset")
    },
    Device {
        ports: &[(0x60, 0x60), (0x64, 0x64)],
        irqs: &[Irq::Isa(1), Irq::Isa(12)],
        state: State::Here(always, assembly::i8042),
        threats: "bounded queues (16 bytes of keys, 16 of movement, one answer); what doesn't fit is an overrun",
        ..later("i8042 with PS/2 keyboard and mouse")
    },
    Device {
        ports: &[
            (0x3f8, 0x3ff),
            (0x2f8, 0x2ff),
            (0x3e8, 0x3ef),
            (0x2e8, 0x2ef),
        ],
        irqs: &[Irq::Isa(4), Irq::Isa(3)],
        state: State::Here(always, assembly::uarts),
        threats: "FIFOs of 16 both ways; what doesn't fit is an overrun, and a full far end holds the transmitter",
        ..later("16550A, one for each serial line, up to four")
    },
    Device {
        slot: Slot::At(2, 0),
        id: Some((0x5853, 0x0001)),
        ports: &[(0x10, 0x1f)],
        irqs: &[Irq::Intx(0)],
        state: State::Here(|config| config.platform, assembly::platform),
        threats: "unplugging is one way and can be refused; the log port is cut off after 64 KiB",
        ..later("Xen platform device")
    },
    Device {
        slot: Slot::Next,
        id: Some((0x1234, 0x1111)),
        ports: &[(0x3b0, 0x3df), (0x1ce, 0x1d1)],
        memory: &[(0xa0000, 0xbffff)],
        state: State::Here(|config| config.vga.is_some(), assembly::vga),
        threats: "banks, offsets and sizes are kept as written and fitted into display memory at each use; indices beyond a register file have no register",
        ..later("std VGA with Bochs VBE")
    },
    Device {
        slot: Slot::Next,
        id: Some((0x1013, 0x00b8)),
        ..later("Cirrus GD5446 (std VGA stands in for it)")
    },
    Device {
        slot: Slot::Next,
        id: Some((0x10ec, 0x8139)),
        irqs: &[Irq::Intx(0)],
        ..later("RTL8139 network card")
    },
    Device {
        slot: Slot::Next,
        id: Some((0x8086, 0x100e)),
        irqs: &[Irq::Intx(0)],
        ..later("e1000 network card")
    },
    Device {
        slot: Slot::At(1, 2),
        id: Some((0x8086, 0x7020)),
        irqs: &[Irq::Intx(3)],
        ..later("PIIX3 UHCI with tablet")
    },
    Device {
        slot: Slot::Next,
        id: Some((0x8086, 0x2922)),
        irqs: &[Irq::Intx(0)],
        ..later("AHCI")
    },
    Device {
        slot: Slot::Next,
        id: Some((0x1000, 0x0012)),
        irqs: &[Irq::Intx(0)],
        ..later("LSI 53C895A")
    },
    Device {
        slot: Slot::Next,
        id: Some((0x8086, 0x2415)),
        irqs: &[Irq::Intx(0)],
        ..later("AC'97 sound")
    },
    Device {
        ports: &[(0x3f1, 0x3f5), (0x3f7, 0x3f7)],
        irqs: &[Irq::Isa(6)],
        ..later("82078 floppy controller")
    },
    Device {
        ports: &[(0x00, 0x0f), (0x81, 0x8f), (0xc0, 0xdf)],
        ..later("two 8237 DMA controllers")
    },
];
