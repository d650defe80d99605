//! The classic way: a program in dom0 makes the stub domain for a guest that is
//! there already (`stubdom-dm`). Here is what it writes: the configuration of
//! the stub domain for `xl`, from the device model's command line, the guest's
//! devices, and what the administrator has put down for this guest.
//!
//! Pure; the program itself, which asks dom0 and runs `xl`, is
//! `bin/stubdom-dm`.

#[cfg(test)]
mod tests;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write as _;

use crate::arguments::{BootDevice, Config, Media, SerialLine, Vga};

/// A disk of the guest, as its backend in dom0 has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    /// Its name: `hda`.
    pub vdev: String,
    /// Disk or CD.
    pub media: Media,
    /// May be written to.
    pub writable: bool,
    /// Device or file in dom0; nothing for an empty CD drive.
    pub target: String,
    /// `phy` or `qdisk`.
    pub backend: String,
    /// The script that attaches it, unless it is the usual one.
    pub script: Option<String>,
}

/// A network card of the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Its address, as text.
    pub mac: String,
    /// Where it is plugged in, if that is known.
    pub bridge: Option<String>,
    /// The script that attaches it, unless it is the usual one.
    pub script: Option<String>,
}

/// A guest, and how it is to be seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guest {
    /// Its number.
    pub id: u16,
    /// Its name.
    pub name: String,
    /// Its disks.
    pub disks: Vec<Disk>,
    /// Its network cards.
    pub cards: Vec<Card>,
    /// Settings of the screen, by xl's names (`vnc`, `vnclisten`, `sdl`, …).
    pub screen: Vec<(String, String)>,
}

/// Where the stub domain's files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The kernel.
    pub kernel: String,
    /// The ROM pack.
    pub ramdisk: String,
}

/// One assignment of a configuration: name, and value as written.
pub type Assignment = (String, String);

/// The assignments of an xl or xm configuration. A list may go over several lines.
#[must_use]
pub fn assignments(text: &str) -> Vec<Assignment> {
    let mut found: Vec<Assignment> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        let line = without_comment(line).trim();
        if open {
            if let Some((_, value)) = found.last_mut() {
                value.push(' ');
                value.push_str(line);
                open = is_open(value);
            }
        } else if let Some((name, value)) = line.split_once('=') {
            let value = value.trim().to_string();
            open = is_open(&value);
            found.push((name.trim().to_string(), value));
        }
    }
    found
}

fn without_comment(line: &str) -> &str {
    let mut quote = None;
    for (at, letter) in line.char_indices() {
        match (quote, letter) {
            (None, '#') => return line.get(..at).unwrap_or_default(),
            (None, '"' | '\'') => quote = Some(letter),
            (Some(end), _) if end == letter => quote = None,
            _ => {}
        }
    }
    line
}

fn is_open(value: &str) -> bool {
    let count = |bracket| value.chars().filter(|letter| *letter == bracket).count();
    value.starts_with('[') && count('[') > count(']')
}

/// A value without its quotes.
fn plain(value: &str) -> &str {
    let trimmed = value.trim();
    let inner = |quote| trimmed.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or(inner('\'')).unwrap_or(trimmed)
}

/// How an assignment of the administrator's is treated.
enum Treatment {
    /// xl knows it: it takes the place of ours.
    Pass,
    /// A setting of the screen that once stood alone.
    Screen,
    /// More words for the stub domain.
    Words,
    /// Once for xend, and no longer of any use.
    Drop,
}

const SCREEN: &[&str] = &[
    "vnc",
    "vnclisten",
    "vncdisplay",
    "vncunused",
    "vncpasswd",
    "sdl",
    "opengl",
    "display",
    "xauthority",
    "keymap",
];
const DROPPED: &[&str] = &[
    "target",
    "builder",
    "device_model",
    "vncviewer",
    "vncconsole",
    "serial",
    "monitor",
    "stdvga",
    "videoram",
    "name",
    "uuid",
    "type",
    "bootloader",
    "root",
];

fn treatment(name: &str) -> Treatment {
    match name {
        "extra" | "cmdline" => Treatment::Words,
        _ if SCREEN.contains(&name) => Treatment::Screen,
        _ if DROPPED.contains(&name) => Treatment::Drop,
        _ => Treatment::Pass,
    }
}

/// What was written, and what of the administrator's settings has no effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The configuration.
    pub text: String,
    /// Lines for the administrator.
    pub notes: Vec<String>,
}

/// The configuration of the stub domain. `own` is what the administrator has
/// put down in `/etc/xen/stubdoms/<name>`.
#[must_use]
pub fn configuration(config: &Config, guest: &Guest, files: &Files, own: &[Assignment]) -> Written {
    let mut notes = Vec::new();
    let mut screen = guest.screen.clone();
    let mut words = words(config, guest);
    let mut passed: Vec<Assignment> = Vec::new();
    for (name, value) in own {
        match treatment(name) {
            Treatment::Pass => passed.push((name.clone(), value.clone())),
            Treatment::Screen => screen.push((name.clone(), plain(value).to_string())),
            Treatment::Words => {
                words.push(' ');
                words.push_str(plain(value));
            }
            Treatment::Drop => notes.push(format!("{name} = {value}: no longer of any use")),
        }
    }
    let ours = ours(config, guest, files, &screen, &words);
    let mut text = format!(
        "# Made by stubdom-dm for {}; what stands in the file of that name counts more.\n",
        quoted(&guest.name)
    );
    let kept = ours
        .iter()
        .filter(|(name, _)| !passed.iter().any(|(other, _)| other == name));
    for (name, value) in kept.chain(&passed) {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{name} = {value}");
    }
    Written { text, notes }
}

/// Memory beside the screen's, in MiB.
const MEMORY: u32 = 16;

fn ours(
    config: &Config,
    guest: &Guest,
    files: &Files,
    screen: &[(String, String)],
    words: &str,
) -> Vec<Assignment> {
    let mut all: Vec<Assignment> = Vec::new();
    let mut set = |name: &str, value: String| all.push((name.to_string(), value));
    set("name", quoted(&format!("{}-dm", guest.name)));
    set("kernel", quoted(&files.kernel));
    set("ramdisk", quoted(&files.ramdisk));
    set(
        "memory",
        MEMORY.saturating_add(config.vga_memory.max(4)).to_string(),
    );
    set("vcpus", "1".to_string());
    set("extra", quoted(words));
    set("on_poweroff", quoted("destroy"));
    set("on_reboot", quoted("destroy"));
    set("on_crash", quoted("destroy"));
    set("disk", list(guest.disks.iter().map(disk)));
    set("vif", list(guest.cards.iter().map(card)));
    let settings = screen.iter().map(|(name, value)| format!("{name}={value}"));
    let settings: Vec<String> = settings.collect();
    if !settings.is_empty() {
        set("vfb", list([settings.join(",")].into_iter()));
    }
    let ports = (0..config.serials.len()).filter(|at| is_console(config, *at));
    let channel = |at| format!("connection=pty,name=serial{at}");
    // xl gives the first channel the number of the domain's own console, 0, and
    // then refuses it: that one is nobody's.
    let nobodys = ["connection=pty,name=nobodys".to_string()];
    let channels: Vec<String> = ports.map(channel).collect();
    if !channels.is_empty() {
        set("channel", list(nobodys.into_iter().chain(channels)));
    }
    all
}

fn is_console(config: &Config, at: usize) -> bool {
    matches!(config.serials.get(at), Some(SerialLine::Console(_)))
}

/// A text in quotes. What cannot be within them is left out.
fn quoted(text: &str) -> String {
    let fits = |letter: &char| !letter.is_control() && !matches!(letter, '"' | '\\');
    format!("\"{}\"", text.chars().filter(fits).collect::<String>())
}

fn list(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.map(|item| quoted(&item)).collect();
    format!("[{}]", items.join(", "))
}

fn disk(disk: &Disk) -> String {
    let mut text = format!("vdev={},format=raw", disk.vdev);
    text.push_str(if disk.writable {
        ",access=rw"
    } else {
        ",access=ro"
    });
    if disk.media == Media::Cd {
        text.push_str(",devtype=cdrom");
    }
    if !disk.backend.is_empty() {
        text.push_str(",backendtype=");
        text.push_str(&disk.backend);
    }
    if let Some(script) = &disk.script {
        text.push_str(",script=");
        text.push_str(script);
    }
    // The last one: it may contain commas.
    text.push_str(",target=");
    text.push_str(&disk.target);
    text
}

fn card(card: &Card) -> String {
    let mut text = format!("mac={}", card.mac);
    for (name, value) in [("bridge", &card.bridge), ("script", &card.script)] {
        if let Some(value) = value {
            text.push_str(&format!(",{name}={value}"));
        }
    }
    text
}

/// The command line for the stub domain, in qemu-traditional's words: disks and
/// names are not in it, the store has them.
#[must_use]
pub fn words(config: &Config, guest: &Guest) -> String {
    let mut words = Vec::from([format!("-d {}", guest.id)]);
    match config.vga {
        Vga::None => words.push("-vga none".to_string()),
        Vga::Std => words.push("-std-vga".to_string()),
        Vga::Cirrus | Vga::Qxl => {}
    }
    if config.vga_memory > 0 {
        words.push(format!("-videoram {}", config.vga_memory));
    }
    if let Some(memory) = config.memory {
        words.push(format!("-m {memory}"));
    }
    let letter = |device: &BootDevice| match device {
        BootDevice::Floppy => 'a',
        BootDevice::Disk => 'c',
        BootDevice::Cd => 'd',
        BootDevice::Network => 'n',
    };
    let order: String = config.boot.iter().map(letter).collect();
    if !order.is_empty() {
        words.push(format!("-boot {order}"));
    }
    if config.acpi {
        words.push("-acpi".to_string());
    }
    if config.most_processors > 1 {
        words.push(format!(
            "-vcpus {},maxcpus={}",
            config.processors, config.most_processors
        ));
    }
    words.push(match config.platform {
        true => "-M xenfv".to_string(),
        false => "-M pc".to_string(),
    });
    // The channels that xl makes consoles of, from number 1 on: see `ours`.
    let mut console = 0;
    for at in 0..config.serials.len() {
        if is_console(config, at) {
            console += 1;
            words.push(format!("-serial /dev/hvc{console}"));
        } else {
            words.push("-serial null".to_string());
        }
    }
    if config.usb.chipset {
        words.push("-usb".to_string());
    }
    for device in &config.usb.devices {
        words.push(format!("-usbdevice {device}"));
    }
    for nic in &config.nics {
        let mac = nic
            .mac
            .map(|mac| mac.map(|byte| format!("{byte:02x}")).join(":"));
        let mac = mac.map(|mac| format!(",macaddr={mac}")).unwrap_or_default();
        words.push(format!(
            "-net nic,vlan={},model={}{mac}",
            nic.vif, nic.model
        ));
    }
    words.join(" ")
}
