//! What is understood but not there yet. A row goes when its device comes.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::{Config, PciDevice, Place, Vga};

/// One line for everything in `config` that the guest will not get.
pub(super) fn lines(config: &Config) -> Vec<String> {
    let mut lines = Vec::new();
    match config.vga {
        Vga::Cirrus => lines.push("cirrus-vga is served as standard VGA".into()),
        Vga::Qxl => lines.push("qxl-vga is served as standard VGA".into()),
        Vga::None | Vga::Std => {}
    }
    for nic in &config.nics {
        let model = &nic.model;
        lines.push(format!(
            "network card {model} is not served yet; PV drivers have their own"
        ));
    }
    for device in &config.pci {
        match device {
            PciDevice::Lsi => lines.push("the SCSI controller is not served yet".into()),
            PciDevice::Ahci => lines.push("the AHCI controller is not served yet".into()),
            PciDevice::Usb(model) => {
                lines.push(format!("USB controller {model} is not served yet"))
            }
            PciDevice::PvDevice(id) => {
                lines.push(format!("device 5853:{id:04x} is not served yet"));
            }
            PciDevice::Vga | PciDevice::Nic(_) | PciDevice::Sound(_) => {}
        }
    }
    if config.usb.chipset {
        lines.push("USB is not served yet".into());
    }
    for device in &config.usb.devices {
        lines.push(format!("USB device {device} is not served yet"));
    }
    for model in &config.sound {
        lines.push(format!("sound card {model} is not served yet"));
    }
    for drive in &config.drives {
        if !matches!(drive.place, Place::Ide { .. }) {
            lines.push(format!(
                "a disk at {:?} is not served yet; PV drivers see it",
                drive.place
            ));
        }
    }
    if config.igd {
        lines.push("graphics passthrough is not served yet".into());
    }
    lines
}
