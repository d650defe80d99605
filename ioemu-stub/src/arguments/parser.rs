//! The words of a command line, one after the other.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::options::{Options, mac, mebibytes, number};
use super::{
    ArgumentError, BootDevice, Config, Dialect, Drive, Media, Nic, PciDevice, Place, SerialLine,
    Vga, drives, unserved,
};

/// Number of the first console that is a serial port (libxl's STUBDOM_CONSOLE_SERIAL).
const FIRST_SERIAL: u32 = 3;
/// Most serial ports of a PC.
const MOST_SERIALS: usize = 4;

/// Options with nothing behind them that make no difference here.
const SILENT: &[&str] = &[
    "-no-shutdown",
    "-nodefaults",
    "-no-user-config",
    "-nographic",
    "-no-reboot",
    "-S",
    "-sdl",
    "-disable-opengl",
    "-vncunused",
    "-xen-domid-restrict",
    "-enable-kvm",
];

/// Those with a value: who shows the screen, and what is dom0's own business.
const SILENT_VALUES: &[&str] = &[
    "-display",
    "-vnc",
    "-monitor",
    "-pidfile",
    "-D",
    "-trace",
    "-msg",
    "-netdev",
    "-cpu",
    "-uuid",
    "-vcpu_avail",
    "-runas",
    "-chroot",
    "-run-with",
];

/// A `-drive` that waits for the device that uses it.
struct Backing {
    id: String,
    index: Option<u32>,
    read_only: bool,
}

struct Parser {
    config: Config,
    backings: Vec<Backing>,
    drives: Vec<Drive>,
}

/// Understand `words`.
pub fn parse(words: &[&str], dialect: Dialect) -> Result<Config, ArgumentError> {
    let mut parser = Parser {
        config: Config::new(dialect),
        backings: Vec::new(),
        drives: Vec::new(),
    };
    let mut words = words.iter().copied().peekable();
    while let Some(word) = words.next() {
        if !word.starts_with('-') {
            parser.warn(format!("no option: {word}"));
            continue;
        }
        let option = match word.strip_prefix("--") {
            Some(name) => format!("-{name}"),
            None => word.to_string(),
        };
        if parser.switch(&option) {
            continue;
        }
        let value = words.next_if(|value| !value.starts_with('-'));
        let known = match value {
            Some(value) => parser.option(&option, value)?,
            None => false,
        };
        if !known {
            let value = value.map(|value| format!(" {value}")).unwrap_or_default();
            parser.warn(format!("unknown option: {option}{value}"));
        }
    }
    Ok(parser.finish())
}

impl Parser {
    fn warn(&mut self, line: String) {
        self.config.warnings.push(line);
    }

    /// An option without a value.
    fn switch(&mut self, option: &str) -> bool {
        match option {
            "-usb" => self.config.usb.chipset = true,
            "-acpi" => self.config.acpi = true,
            "-no-acpi" => self.config.acpi = false,
            "-std-vga" => self.config.vga = Vga::Std,
            "-gfx_passthru" => self.config.igd = true,
            "-localtime" => self.warn("-localtime: the clock is Xen's".into()),
            _ => return SILENT.contains(&option),
        }
        true
    }

    /// An option with its value; false if there is no such option.
    fn option(&mut self, option: &str, value: &str) -> Result<bool, ArgumentError> {
        match option {
            "-kernel" => return Err(ArgumentError::DirectKernel(value.to_string())),
            "-initrd" | "-append" => self.warn(format!("{option} without a kernel")),
            "-xen-domid" => self.config.guest = value.parse().ok(),
            // QEMU's own -d is about its log.
            "-d" => self.config.guest = value.parse().ok().or(self.config.guest),
            "-name" | "-domain-name" => {
                let options = Options::parse(value, "guest");
                self.config.name = options.get("guest").map(str::to_string);
            }
            "-k" => self.config.keymap = Some(value.to_string()),
            "-m" => self.memory(value),
            "-smp" | "-vcpus" => self.processors(value),
            "-boot" => self.boot(value),
            "-machine" | "-M" => self.machine(value),
            "-vga" => self.vga(value),
            "-videoram" => self.config.vga_memory = value.parse().unwrap_or(0),
            "-serial" => self.serial(value),
            "-device" => self.device(value),
            "-drive" => self.drive(value),
            "-net" => self.net(value),
            "-soundhw" => {
                let cards = value.split(',').map(str::to_string);
                self.config.sound.extend(cards);
            }
            "-usbdevice" => self.config.usb.devices.push(value.to_string()),
            "-incoming" | "-loadvm" => self.config.incoming = true,
            "-ioemu" => {
                let options = Options::parse(value, "mode").into_all();
                self.config.private.extend(options);
            }
            "-chardev" => self.chardev(value),
            "-object" | "-mon" | "-global" | "-rtc" => {
                self.warn(format!("not served: {option} {value}"));
            }
            _ => return Ok(SILENT_VALUES.contains(&option)),
        }
        Ok(true)
    }

    fn memory(&mut self, value: &str) {
        let options = Options::parse(value, "size");
        self.config.memory = options.get("size").and_then(mebibytes);
        if self.config.memory.is_none() {
            self.warn(format!("no size: -m {value}"));
        }
    }

    fn processors(&mut self, value: &str) {
        let options = Options::parse(value, "cpus");
        let now: Option<u32> = options.number("cpus");
        let most: Option<u32> = options.number("maxcpus");
        let (Some(now), true) = (now.or(most), now.or(most) > Some(0)) else {
            return self.warn(format!("no number of processors: {value}"));
        };
        self.config.processors = now;
        self.config.most_processors = most.unwrap_or(now).max(now);
    }

    fn boot(&mut self, value: &str) {
        let options = Options::parse(value, "order");
        self.config.boot.clear();
        for letter in options.get("order").unwrap_or_default().chars() {
            let device = match letter {
                'a' | 'b' => BootDevice::Floppy,
                'c' => BootDevice::Disk,
                'd' => BootDevice::Cd,
                'n'..='p' => BootDevice::Network,
                _ => {
                    self.warn(format!("unknown boot device: {letter}"));
                    continue;
                }
            };
            self.config.boot.push(device);
        }
    }

    fn machine(&mut self, value: &str) {
        let options = Options::parse(value, "type");
        let kind = options.get("type").unwrap_or("xenfv");
        self.config.platform = kind.starts_with("xenfv");
        if !kind.starts_with("xenfv") && kind != "pc" && !kind.starts_with("pc-i440fx") {
            self.warn(format!("machine {kind} is served as pc"));
        }
        self.config.ram_below_4g = options.get("max-ram-below-4g").and_then(number);
        self.config.igd |= options.is_on("igd-passthru");
        if options.get("acpi") == Some("off") {
            self.config.acpi = false;
        }
    }

    fn vga(&mut self, value: &str) {
        self.config.vga = match value {
            "std" => Vga::Std,
            "cirrus" => Vga::Cirrus,
            "qxl" => Vga::Qxl,
            "none" => Vga::None,
            _ => return self.warn(format!("unknown graphics card: {value}")),
        };
    }

    fn serial(&mut self, value: &str) {
        let at = self.config.serials.len();
        if at >= MOST_SERIALS {
            return self.warn(format!("more than {MOST_SERIALS} serial ports: {value}"));
        }
        let console = value.strip_prefix("/dev/hvc").map(str::parse);
        let line = match (value, console) {
            ("none" | "null", _) => SerialLine::Nowhere,
            (_, Some(Ok(number))) => SerialLine::Console(number),
            // Whatever dom0 has at the other end, here it is a console.
            _ => SerialLine::Console(FIRST_SERIAL.saturating_add(at as u32)),
        };
        self.config.serials.push(line);
    }

    fn chardev(&mut self, value: &str) {
        let options = Options::parse(value, "backend");
        let id = options.get("id").unwrap_or_default();
        self.warn(if id.starts_with("libxl-channel") {
            format!("channels are not served: {value}")
        } else {
            format!("not served: -chardev {value}")
        });
    }

    /// qemu-traditional's cards.
    fn net(&mut self, value: &str) {
        let options = Options::parse(value, "kind");
        match options.get("kind") {
            Some("nic") => {
                let vif = options.number("vlan").unwrap_or(0);
                let model = options.get("model").unwrap_or("rtl8139");
                self.nic(model, vif, options.get("macaddr"));
            }
            Some("none" | "tap" | "user") => {}
            _ => self.warn(format!("unknown option: -net {value}")),
        }
    }

    fn nic(&mut self, model: &str, vif: u32, address: Option<&str>) {
        let at = self.config.nics.len();
        self.config.nics.push(Nic {
            model: model.to_string(),
            vif,
            mac: address.and_then(mac),
        });
        self.config.pci.push(PciDevice::Nic(at));
    }

    fn device(&mut self, value: &str) {
        let options = Options::parse(value, "driver");
        let driver = options.get("driver").unwrap_or_default().to_string();
        if let Some(netdev) = options.get("netdev") {
            let vif = netdev.strip_prefix("net").and_then(|n| n.parse().ok());
            let vif = vif.unwrap_or(0);
            return self.nic(&driver, vif, options.get("mac"));
        }
        match driver.as_str() {
            "VGA" => self.card(Vga::Std, options.number("vgamem_mb")),
            "cirrus-vga" => self.card(Vga::Cirrus, options.number("vgamem_mb")),
            "qxl-vga" => {
                let half: Option<u32> = options.number("vram_size_mb");
                self.card(Vga::Qxl, half.map(|half| half.saturating_mul(2)));
            }
            "lsi53c895a" => self.config.pci.push(PciDevice::Lsi),
            "ahci" | "ich9-ahci" => self.config.pci.push(PciDevice::Ahci),
            "xen-platform" => self.config.platform = true,
            "xen-pvdevice" => {
                let id = options.get("device-id").and_then(number).unwrap_or(0xc000);
                self.config.pci.push(PciDevice::PvDevice(id as u16));
            }
            "ide-cd" | "ide-hd" | "scsi-hd" | "scsi-cd" => self.plug(&driver, &options),
            _ if driver.contains("-usb-") => self.config.pci.push(PciDevice::Usb(driver)),
            _ if is_sound(&driver) => {
                // The codec behind the bus is no card of its own.
                if driver != "hda-duplex" {
                    self.config.pci.push(PciDevice::Sound(driver.clone()));
                    self.config.sound.push(driver);
                }
            }
            _ if driver.starts_with("usb-") => {
                let device = driver.strip_prefix("usb-").unwrap_or_default();
                self.config.usb.devices.push(device.to_string());
            }
            _ => self.warn(format!("unknown device: {value}")),
        }
    }

    fn card(&mut self, vga: Vga, memory: Option<u32>) {
        self.config.vga = vga;
        self.config.vga_memory = memory.unwrap_or(self.config.vga_memory);
        self.config.pci.push(PciDevice::Vga);
    }

    fn drive(&mut self, value: &str) {
        let options = Options::parse(value, "file");
        let file = options.get("file");
        let index = file.and_then(disk_index);
        if let (Some(file), None) = (file, index) {
            self.warn(format!("no disk of this domain: {file}"));
        }
        let read_only = options.is_on("readonly") || options.is_on("read-only");
        let id = options.get("id").map(str::to_string);
        if options.get("if") == Some("none") {
            let id = id.unwrap_or_default();
            self.backings.push(Backing {
                id,
                index,
                read_only,
            });
            return;
        }
        let Some(place) = options.number("index").and_then(Place::ide) else {
            return self.warn(format!("no place for -drive {value}"));
        };
        let cd = options.get("media") == Some("cdrom");
        self.drives.push(Drive {
            id,
            place,
            media: if cd { Media::Cd } else { Media::Disk },
            index,
            read_only: read_only || cd,
        });
    }

    /// The device at the front of a drive.
    fn plug(&mut self, driver: &str, options: &Options) {
        let backing = options.get("drive").and_then(|id| {
            let found = self.backings.iter().find(|backing| backing.id == id);
            found.map(|backing| (backing.index, backing.read_only))
        });
        let cd = driver.ends_with("-cd");
        let (index, read_only) = backing.unwrap_or((None, cd));
        let Some(place) = place(driver, options) else {
            let bus = options.get("bus").unwrap_or_default();
            return self.warn(format!("no place for {driver} on {bus}"));
        };
        let id = options.get("id").or(options.get("drive"));
        self.drives.push(Drive {
            id: id.map(str::to_string),
            place,
            media: if cd { Media::Cd } else { Media::Disk },
            index,
            read_only: read_only || cd,
        });
    }

    fn finish(mut self) -> Config {
        let (kept, doubles) = drives::without_doubles(self.drives);
        for drive in doubles {
            let line = format!("a second drive at {:?} is left out", drive.place);
            self.config.warnings.push(line);
        }
        self.config.drives = kept;
        let named = self.config.pci.contains(&PciDevice::Vga);
        if !named && self.config.vga != Vga::None {
            // A card that was not a -device comes before all that were.
            self.config.pci.insert(0, PciDevice::Vga);
        }
        let unserved = unserved::lines(&self.config);
        self.config.warnings.extend(unserved);
        self.config
    }
}

/// `/dev/xvdc` is disk 2.
fn disk_index(file: &str) -> Option<u32> {
    let letters = file.strip_prefix("/dev/xvd")?;
    let mut index = 0u32;
    for letter in letters.bytes() {
        let digit = letter
            .is_ascii_lowercase()
            .then(|| u32::from(letter - b'a'))?;
        index = index.checked_mul(26)?.checked_add(digit + 1)?;
    }
    index.checked_sub(1)
}

fn place(driver: &str, options: &Options) -> Option<Place> {
    if driver.starts_with("scsi-") {
        return options.number("scsi-id").map(Place::Scsi);
    }
    let bus = options.get("bus")?;
    if let Some(bus) = bus.strip_prefix("ide.") {
        let bus: u32 = bus.parse().ok().filter(|bus| *bus < 2)?;
        let unit: u32 = options.number("unit").unwrap_or(0);
        return Place::ide(bus * 2 + Some(unit).filter(|unit| *unit < 2)?);
    }
    let port = bus.strip_prefix("ahci0.")?;
    port.parse().ok().filter(|port| *port < 6).map(Place::Ahci)
}

fn is_sound(driver: &str) -> bool {
    const CARDS: [&str; 9] = [
        "intel-hda",
        "hda-duplex",
        "hda",
        "ac97",
        "es1370",
        "sb16",
        "adlib",
        "gus",
        "cs4231a",
    ];
    CARDS.iter().any(|card| driver.eq_ignore_ascii_case(card))
}
