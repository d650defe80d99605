//! The command line, in the words that clients of the protocol write: options
//! that say what the board is made of are kept, options that only concern
//! another emulator's host side are known and passed over, all others are
//! errors.

mod list;

pub use list::List;

use super::date::Date;
use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Which board.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Board {
    /// None at all: only questions are answered.
    None,
    /// A PC.
    Pc,
    /// A PC as Xen's HVM guests know it: with the Xen platform device.
    Xen,
}

/// Everything that the command line says.
#[derive(Debug)]
pub struct Options {
    /// `-machine`.
    pub board: Board,
    /// `-m`, in bytes.
    pub ram: u64,
    /// `-smp`.
    pub cpus: u16,
    /// `-nodefaults`.
    pub no_defaults: bool,
    /// `-no-shutdown`: a guest that switches itself off does not end us.
    pub no_shutdown: bool,
    /// `-nographic`.
    pub no_graphic: bool,
    /// `-vga none` takes the default display away.
    pub vga: bool,
    /// `-bios` and flash drives: what lies below 4 GiB.
    pub firmware: Option<PathBuf>,
    /// `-boot`.
    pub boot: List,
    /// `-no-fd-bootchk`.
    pub skip_boot_signature: bool,
    /// `-uuid`.
    pub uuid: [u8; 16],
    /// `-rtc base=`; none is the host's time.
    pub date: Option<Date>,
    /// `-drive`, and what is short for it.
    pub drives: Vec<List>,
    /// `-blockdev`.
    pub nodes: Vec<List>,
    /// `-device`.
    pub devices: Vec<List>,
    /// `-serial`.
    pub serials: Vec<String>,
    /// `-global`: driver, property, value.
    pub globals: Vec<(String, String, String)>,
    /// `-qtest`: the client's socket.
    pub qtest: Option<PathBuf>,
    /// The sockets of `-qmp` and of the monitors in mode control.
    pub monitors: Vec<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            board: Board::Pc,
            ram: 128 << 20,
            cpus: 1,
            no_defaults: false,
            no_shutdown: false,
            no_graphic: false,
            vga: true,
            firmware: None,
            boot: List::default(),
            skip_boot_signature: false,
            uuid: [0; 16],
            date: None,
            drives: Vec::new(),
            nodes: Vec::new(),
            devices: Vec::new(),
            serials: Vec::new(),
            globals: Vec::new(),
            qtest: None,
            monitors: Vec::new(),
        }
    }
}

/// Options without a value that say nothing about the board.
const IDLE: &[&str] = &[
    "S",
    "no-reboot",
    "no-user-config",
    "no-acpi",
    "no-hpet",
    "enable-kvm",
    "daemonize",
];

/// The same with a value.
const IDLE_WITH_VALUE: &[&str] = &[
    "accel",
    "audio",
    "audiodev",
    "cpu",
    "D",
    "d",
    "display",
    "k",
    "L",
    "monitor",
    "msg",
    "name",
    "net",
    "netdev",
    "nic",
    "object",
    "parallel",
    "pidfile",
    "qtest-log",
    "sandbox",
    "smbios",
    "trace",
    "vnc",
];

impl Options {
    /// Reads the words after the program's name.
    ///
    /// # Errors
    /// With the option that is not understood.
    pub fn parse(words: impl IntoIterator<Item = String>) -> Result<Self> {
        let mut options = Options::default();
        let mut sockets = BTreeMap::new();
        let mut monitors = Vec::new();
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let name = word
                .strip_prefix("--")
                .or(word.strip_prefix('-'))
                .with_context(|| format!("{word}: not an option"))?;
            if options.switch(name) {
                continue;
            }
            let value = words
                .next()
                .with_context(|| format!("-{name}: unknown, or without its value"))?;
            match name {
                "chardev" => {
                    let list = List::parse(&value, "type");
                    let id = list.get("id").context("-chardev: no id")?.to_owned();
                    sockets.insert(id, list.get("path").map(PathBuf::from));
                }
                "mon" => monitors.push(List::parse(&value, "chardev")),
                _ => options
                    .setting(name, &value)
                    .with_context(|| format!("-{name} {value}"))?,
            }
        }
        for monitor in monitors {
            let id = monitor.get("chardev").unwrap_or_default();
            let socket = sockets.get(id);
            let socket = socket.with_context(|| format!("-mon: no chardev {id}"))?;
            if monitor.get("mode") == Some("control") {
                options.monitors.extend(socket.clone());
            }
        }
        Ok(options)
    }

    /// An option without a value.
    fn switch(&mut self, name: &str) -> bool {
        match name {
            "nodefaults" => self.no_defaults = true,
            "no-shutdown" => self.no_shutdown = true,
            "nographic" => self.no_graphic = true,
            "no-fd-bootchk" => self.skip_boot_signature = true,
            "snapshot" => self.drives.iter_mut().for_each(|drive| {
                drive.set("snapshot", "on");
            }),
            _ => return IDLE.contains(&name),
        }
        true
    }

    /// An option with a value.
    fn setting(&mut self, name: &str, value: &str) -> Result<()> {
        match name {
            "machine" | "M" => self.board = board(value)?,
            "m" => self.ram = size(List::parse(value, "size").get("size").unwrap_or("128M"))?,
            "smp" => {
                let cpus = List::parse(value, "cpus").number("cpus")?.unwrap_or(1);
                ensure!((1..=255).contains(&cpus), "1 to 255 CPUs");
                self.cpus = cpus as u16;
            }
            "vga" => self.vga = value != "none",
            "bios" => self.firmware = Some(value.into()),
            "boot" => self.boot.extend(List::parse(value, "order")),
            "uuid" => self.uuid = uuid(value)?,
            "rtc" => match List::parse(value, "base").get("base") {
                None | Some("utc" | "localtime") => {}
                Some(base) => self.date = Some(Date::parse(base)?),
            },
            "drive" => self.drive(List::parse(value, ""))?,
            "hda" | "hdb" | "hdc" | "hdd" | "cdrom" => self.short_drive(name, value),
            "blockdev" => self.nodes.push(List::parse(value, "driver")),
            "device" => self.devices.push(List::parse(value, "driver")),
            "serial" => self.serials.push(value.to_owned()),
            "global" => self.globals.push(global(value)?),
            "qtest" => self.qtest = Some(unix(value)?),
            "qmp" => self.monitors.push(unix(value)?),
            _ if IDLE_WITH_VALUE.contains(&name) => {}
            _ => bail!("unknown option"),
        }
        Ok(())
    }

    fn drive(&mut self, list: List) -> Result<()> {
        if list.get("if") == Some("pflash") {
            self.firmware = Some(list.get("file").context("no file")?.into());
        } else {
            self.drives.push(list);
        }
        Ok(())
    }

    fn short_drive(&mut self, name: &str, file: &str) {
        let index = match name {
            "hda" => "0",
            "hdb" => "1",
            "hdd" => "3",
            _ => "2",
        };
        let mut list = List::default();
        list.set("file", file);
        list.set("index", index);
        if name == "cdrom" {
            list.set("media", "cdrom");
        }
        self.drives.push(list);
    }

    /// A property of the device `list`: its own, or the one that `-global`
    /// gives all of its kind.
    pub fn property<'a>(&'a self, list: &'a List, name: &str) -> Option<&'a str> {
        let driver = list.get("driver");
        let global = self.globals.iter().rev();
        let mut global = global.filter(|(of, key, _)| Some(of.as_str()) == driver && key == name);
        list.get(name)
            .or_else(|| global.next().map(|(_, _, value)| value.as_str()))
    }
}

fn board(value: &str) -> Result<Board> {
    let list = List::parse(value, "type");
    Ok(match list.get("type") {
        Some("none") => Board::None,
        Some("pc" | "pc-i440fx-xen") | None => Board::Pc,
        Some("xenfv") => Board::Xen,
        Some(other) => bail!("no machine {other}; there are none, pc and xenfv"),
    })
}

/// A size with its unit; without one in MiB.
fn size(text: &str) -> Result<u64> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let shift = match &text[digits.len()..] {
        "k" | "K" => 10,
        "" | "m" | "M" => 20,
        "g" | "G" => 30,
        unit => bail!("unit {unit}"),
    };
    let number: u64 = digits.parse()?;
    let bytes = number.checked_mul(1 << shift);
    // More would not be a test any more.
    bytes
        .filter(|bytes| (1 << 20..=8 << 30).contains(bytes))
        .context("1 MiB to 8 GiB")
}

fn uuid(text: &str) -> Result<[u8; 16]> {
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'-').collect();
    ensure!(digits.len() == 32, "no UUID");
    let mut uuid = [0; 16];
    for (byte, pair) in uuid.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(str::from_utf8(pair)?, 16)?;
    }
    Ok(uuid)
}

/// `driver.property=value`, or `driver=,property=,value=`.
fn global(text: &str) -> Result<(String, String, String)> {
    let list = List::parse(text, "");
    if let (Some(driver), Some(property), Some(value)) =
        (list.get("driver"), list.get("property"), list.get("value"))
    {
        return Ok((driver.into(), property.into(), value.into()));
    }
    let (name, value) = text.split_once('=').context("no value")?;
    let (driver, property) = name.split_once('.').context("no property")?;
    Ok((driver.into(), property.into(), value.into()))
}

/// `unix:PATH,…`.
fn unix(text: &str) -> Result<PathBuf> {
    let list = List::parse(text, "address");
    let path = list.get("address").and_then(|at| at.strip_prefix("unix:"));
    Ok(path.context("only unix sockets")?.into())
}

#[cfg(test)]
mod tests {
    use super::{Board, Options};

    fn parse(line: &str) -> anyhow::Result<Options> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn the_line_that_clients_write_is_understood() {
        let options = parse(
            "-qtest unix:/tmp/q.sock -qtest-log /dev/null \
             -chardev socket,path=/tmp/q.qmp,id=char0 -mon chardev=char0,mode=control \
             -display none -audio none -machine pc -m 32M -nodefaults -drive if=ide,file=a \
             -device ide-hd,drive=x,cyls=4 -global ide-hd.serial=S -accel qtest",
        )
        .unwrap();
        assert_eq!(options.qtest.as_deref(), Some("/tmp/q.sock".as_ref()));
        assert_eq!(
            options.monitors,
            ["/tmp/q.qmp"].map(Into::<std::path::PathBuf>::into)
        );
        assert_eq!(options.ram, 32 << 20);
        assert!(options.no_defaults);
        let device = &options.devices[0];
        assert_eq!(options.property(device, "serial"), Some("S"));
        assert_eq!(options.property(device, "cyls"), Some("4"));
        assert_eq!(options.property(device, "ver"), None);
    }

    #[test]
    fn without_a_word_the_board_is_a_pc_of_128_mib() {
        let options = parse("").unwrap();
        assert_eq!((options.board, options.ram), (Board::Pc, 128 << 20));
    }

    #[test]
    fn boot_options_are_merged() {
        let options = parse("-boot once=a -boot order=nda -boot once=b").unwrap();
        assert_eq!(options.boot.get("once"), Some("b"));
        assert_eq!(options.boot.get("order"), Some("nda"));
        assert_eq!(parse("-boot c").unwrap().boot.get("order"), Some("c"));
        assert_eq!(parse("-boot order=").unwrap().boot.get("order"), Some(""));
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for line in [
            "-frobnicate x",
            "-m",
            "-m 1T",
            "-m x",
            "-machine q35",
            "-uuid 12",
            "-qtest tcp:1",
            "-mon chardev=none",
            "word",
            "-global x",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
