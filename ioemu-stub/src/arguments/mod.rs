//! What the toolstack wants of the machine: a device model's command line as a
//! typed [`Config`].
//!
//! Two tongues are spoken. libxl's for QEMU comes as a list of words (`dm-argv`
//! in the store); its older one for qemu-traditional, which is also what
//! `stubdom-dm` passed on, as one text (`dmargs`, or the kernel's command line).
//! The words of both are in [`parser`]; where they differ is in what holds
//! when nothing is said ([`Dialect`]).
//!
//! Nothing unknown is an error: it is a line in [`Config::warnings`], and so is
//! what is known and not served yet. An error is what would make another guest
//! of it than the one that was asked for.

mod drives;
mod options;
mod parser;
#[cfg(test)]
mod tests;
mod unserved;

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

pub use drives::{Drive, Media, Place, devids};

/// Whose command line it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// QEMU's, as libxl uses it for `qemu-xen`: there is nothing that is not named.
    Upstream,
    /// qemu-traditional's: a Cirrus card unless told otherwise, no ACPI unless told so.
    Traditional,
}

/// A graphics card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vga {
    /// None at all.
    None,
    /// Bochs VBE, 1234:1111.
    Std,
    /// Cirrus GD5446.
    Cirrus,
    /// QXL.
    Qxl,
}

/// Where a serial port leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SerialLine {
    /// The stub domain's console with this number; 3 is the first of them.
    Console(u32),
    /// There is a port, and nobody at its other end.
    Nowhere,
}

/// One letter of a boot order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootDevice {
    /// `a`, `b`.
    Floppy,
    /// `c`.
    Disk,
    /// `d`.
    Cd,
    /// `n` to `p`.
    Network,
}

/// An emulated network card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nic {
    /// Which chip: `rtl8139`, `e1000`, ….
    pub model: String,
    /// Number of the vif of ours that it sends through.
    pub vif: u32,
    /// Its address.
    pub mac: Option<[u8; 6]>,
}

/// What is plugged into the PCI bus beyond the chip set, in the order of slots:
/// from 3 on, or from 2 without the Xen platform device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PciDevice {
    /// The SCSI controller LSI 53C895A.
    Lsi,
    /// The graphics card, [`Config::vga`].
    Vga,
    /// `Config::nics` at this index.
    Nic(usize),
    /// The AHCI controller.
    Ahci,
    /// A USB controller: its model.
    Usb(String),
    /// A sound card: its model.
    Sound(String),
    /// XenServer's marker device; the value is its device id.
    PvDevice(u16),
}

/// USB.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usb {
    /// The controller within the chip set (slot 1, function 2).
    pub chipset: bool,
    /// What is plugged in: `tablet`, `mouse`, ….
    pub devices: Vec<String>,
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The guest, by its number.
    pub guest: Option<u16>,
    /// The guest's name.
    pub name: Option<String>,
    /// Memory in MiB, without the graphics card's.
    pub memory: Option<u64>,
    /// Memory above this address goes beyond 4 GiB.
    pub ram_below_4g: Option<u64>,
    /// Processors that the guest starts with.
    pub processors: u32,
    /// Most that it may ever have.
    pub most_processors: u32,
    /// The Xen platform device is there.
    pub platform: bool,
    /// The PIIX4 power management function is there.
    pub acpi: bool,
    /// The graphics card.
    pub vga: Vga,
    /// Its memory in MiB.
    pub vga_memory: u32,
    /// Keyboard layout of the viewer.
    pub keymap: Option<String>,
    /// What to boot from, the first first.
    pub boot: Vec<BootDevice>,
    /// COM1 and on.
    pub serials: Vec<SerialLine>,
    /// Disks and CD drives. In the traditional dialect they are not named here
    /// but are all that the store has: [`Drive::from_devid`].
    pub drives: Vec<Drive>,
    /// Network cards.
    pub nics: Vec<Nic>,
    /// PCI devices by slot.
    pub pci: Vec<PciDevice>,
    /// USB.
    pub usb: Usb,
    /// Sound cards.
    pub sound: Vec<String>,
    /// The Intel graphics card of the host is the guest's.
    pub igd: bool,
    /// The devices' state comes over console 2 before the guest runs.
    pub incoming: bool,
    /// Options of our own: names and values.
    pub private: Vec<(String, String)>,
    /// What is unknown or not served, each in one line for the log.
    pub warnings: Vec<String>,
}

/// What cannot be done at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArgumentError {
    /// A kernel to be started without a boot loader: a file of dom0's that is
    /// out of reach from here.
    DirectKernel(String),
}

impl fmt::Display for ArgumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ArgumentError::DirectKernel(file) => write!(
                f,
                "kernel={file}: a device model in a stub domain cannot read files of dom0; \
                 boot from a disk or a CD"
            ),
        }
    }
}

impl core::error::Error for ArgumentError {}

impl Config {
    fn new(dialect: Dialect) -> Config {
        let traditional = dialect == Dialect::Traditional;
        Config {
            guest: None,
            name: None,
            memory: None,
            ram_below_4g: None,
            processors: 1,
            most_processors: 1,
            platform: true,
            acpi: !traditional,
            vga: if traditional { Vga::Cirrus } else { Vga::None },
            vga_memory: 0,
            keymap: None,
            boot: Vec::new(),
            serials: Vec::new(),
            drives: Vec::new(),
            nics: Vec::new(),
            pci: Vec::new(),
            usb: Usb::default(),
            sound: Vec::new(),
            igd: false,
            incoming: false,
            private: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// From the words of `dm-argv`.
    ///
    /// # Errors
    /// [`ArgumentError`].
    pub fn from_argv<W: AsRef<str>>(words: &[W]) -> Result<Config, ArgumentError> {
        let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
        parser::parse(&words, Dialect::Upstream)
    }

    /// From `dmargs`, or the command line of a kernel that `stubdom-dm` started.
    ///
    /// # Errors
    /// [`ArgumentError`].
    pub fn from_text(text: &str) -> Result<Config, ArgumentError> {
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        parser::parse(&words, Dialect::Traditional)
    }

    /// Add `name=value` words of the kernel's command line to the private
    /// options; words of the device model's own are left alone.
    pub fn add_command_line(&mut self, text: &str) {
        let words = text.split_ascii_whitespace();
        for word in words.filter(|word| !word.starts_with('-')) {
            if let Some((name, value)) = word.split_once('=') {
                self.private.push((name.to_string(), value.to_string()));
            }
        }
    }

    /// The value of an option of our own; of several the last counts.
    /// `device_model_args_hvm = ["-ioemu", "name=value"]`, or the kernel's
    /// command line (`stubdomain_cmdline`).
    #[must_use]
    pub fn private(&self, name: &str) -> Option<&str> {
        let found = self.private.iter().rev().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}
