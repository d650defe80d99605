//! README's table of devices, made from the stub domain's own list, so that it
//! stays true: a test compares them, `cargo xtask devices` writes it anew.

use crate::paths;
use anyhow::{Context, Result};
use ioemu_stub::machine::{DEVICES, Device, Irq, Slot, State};
use std::fs;

const BEGIN: &str = "<!-- cargo xtask devices: begin -->\n";
const END: &str = "<!-- cargo xtask devices: end -->\n";

/// The table.
pub fn table() -> String {
    let mut table =
        "| device | PCI | ports and memory | IRQ | there |\n|---|---|---|---|---|\n".to_owned();
    for device in DEVICES {
        table += &row(device);
    }
    table
}

fn row(device: &Device) -> String {
    let slot = match device.slot {
        Slot::None => String::new(),
        Slot::At(device, function) => format!("{device:02x}.{function}"),
        Slot::Next => "next".to_owned(),
    };
    let id = device
        .id
        .map(|(vendor, device)| format!(" `{vendor:04x}:{device:04x}`"));
    let ports = device
        .ports
        .iter()
        .map(|(first, last)| match first == last {
            true => format!("{first:x}"),
            false => format!("{first:x}–{last:x}"),
        });
    let memory = device
        .memory
        .iter()
        .map(|(first, last)| format!("{first:x}–{last:x}"));
    let irqs = device.irqs.iter().map(|irq| match irq {
        Irq::Isa(n) => n.to_string(),
        Irq::Intx(n) => format!("INT{}", char::from(b'A' + n % 4)),
    });
    format!(
        "| {} | {slot}{} | {} | {} | {} |\n",
        device.name,
        id.unwrap_or_default(),
        ports.chain(memory).collect::<Vec<_>>().join(", "),
        irqs.collect::<Vec<_>>().join(", "),
        match device.state {
            State::Here(..) => "yes",
            State::NotYet => "not yet",
        }
    )
}

/// README as it should be.
fn readme() -> Result<(String, String)> {
    let text = fs::read_to_string(paths::workspace().join("README.md"))?;
    let (head, rest) = text
        .split_once(BEGIN)
        .context("README's table of devices")?;
    let (_, tail) = rest.split_once(END).context("its end")?;
    let right = format!("{head}{BEGIN}{}{END}{tail}", table());
    Ok((text, right))
}

/// Writes README's table anew.
pub fn write() -> Result<()> {
    let (_, right) = readme()?;
    Ok(fs::write(paths::workspace().join("README.md"), right)?)
}

#[cfg(test)]
mod tests {
    #[test]
    fn readme_lists_the_devices_that_are_there() {
        let (text, right) = super::readme().unwrap();
        assert!(
            text == right,
            "README's table of devices is not machine.rs's: cargo xtask devices"
        );
    }
}
