//! The list of devices as a table for people.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{DEVICES, Device, Irq, Slot, State};

/// The table, in Markdown.
pub fn table() -> String {
    let mut table = String::from(
        "| device | PCI | ports | memory | interrupts | against a hostile guest |\n\
         |---|---|---|---|---|---|\n",
    );
    for device in DEVICES {
        let cells = [
            name(device),
            pci(device),
            ranges(device.ports, |port| format!("{port:x}")),
            ranges(device.memory, |address| format!("{address:x}")),
            irqs(device),
            device.threats.to_string(),
        ];
        table += &format!("| {} |\n", cells.join(" | "));
    }
    table
}

fn name(device: &Device) -> String {
    match device.state {
        State::Here(..) => device.name.to_string(),
        State::NotYet => format!("*not yet: {}*", device.name),
    }
}

fn pci(device: &Device) -> String {
    let slot = match device.slot {
        Slot::None => return String::new(),
        Slot::At(device, function) => format!("{device:02x}.{function}"),
        Slot::Next => "next free".to_string(),
    };
    match device.id {
        Some((vendor, id)) => format!("{slot} {vendor:04x}:{id:04x}"),
        None => slot,
    }
}

fn ranges<T: Copy + PartialEq>(ranges: &[(T, T)], show: impl Fn(T) -> String) -> String {
    let shown = ranges.iter().map(|(first, last)| match first == last {
        true => show(*first),
        false => format!("{}-{}", show(*first), show(*last)),
    });
    shown.collect::<Vec<_>>().join(", ")
}

fn irqs(device: &Device) -> String {
    let shown = device.irqs.iter().map(|irq| match irq {
        Irq::Isa(irq) => irq.to_string(),
        Irq::Intx(pin) => format!("INT{}", char::from(b'A' + pin % 4)),
    });
    shown.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::table;

    const START: &str = "<!-- the table -->\n";
    const END: &str = "<!-- its end -->";

    #[test]
    fn the_readme_has_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
        let readme = std::fs::read_to_string(path).expect("there is a README");
        let (before, rest) = readme.split_once(START).expect("the table's start");
        let (shown, after) = rest.split_once(END).expect("the table's end");
        if std::env::var_os("UPDATE_TABLE").is_some() {
            let new = format!("{before}{START}{}{END}{after}", table());
            return std::fs::write(path, new).expect("writing the README");
        }
        assert_eq!(shown, table(), "UPDATE_TABLE=1 writes it anew");
    }
}
