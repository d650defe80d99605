//! From the command line to the board.

use super::outside::SerialFile;
use crate::qtest::chip::fw_cfg::Contents;
use crate::qtest::date::Date;
use crate::qtest::disk::geometry::{self, Geometry, Translation};
use crate::qtest::disk::{Drive, Faults, Image, OnError};
use crate::qtest::memory::{Ram, VideoRam};
use crate::qtest::options::{Board as Kind, List, Options};
use anyhow::{Context, Result, bail, ensure};
use ioemu_stub::chip::cmos;
use ioemu_stub::machine::{self, Backends, Config, Vga};
use ioemu_stub::surroundings::{Serial, VideoMemory};
use std::fs;
use std::path::Path;
use std::rc::Rc;

/// The devices that `-device` knows: name and what it is a kind of.
pub const DEVICES: &[(&str, &str)] = &[
    ("VGA", "pci-device"),
    ("ide-cd", "ide-device"),
    ("ide-hd", "ide-device"),
    ("pc-testdev", "isa-device"),
    ("xen-platform", "pci-device"),
];

/// Most bytes of firmware.
const FIRMWARE: u64 = 16 << 20;
const VIDEO_RAM: usize = 16 << 20;
/// A disk that is nowhere has this size if nothing else is said.
const NULL_DISK: u64 = 1 << 30;

/// A drive at its place on the cables.
pub struct BoardDrive {
    /// As a client calls it.
    pub name: String,
    /// 0 to 3: bus 0 unit 0, bus 0 unit 1, …
    pub place: usize,
    /// A CD drive.
    pub cd: bool,
    /// What is behind it.
    pub drive: Rc<Drive>,
    serial: Option<String>,
    firmware: Option<String>,
    geometry: Option<Geometry>,
    /// The geometry that firmware is told through `fw_cfg`.
    logical: Option<[u32; 3]>,
}

/// What survives a reset.
pub struct Parts {
    pub(super) config: Config,
    /// The boot order of the first start, where it differs.
    pub(super) once: Option<Vec<cmos::BootDevice>>,
    pub(super) fw_cfg: Contents,
    pub(super) drives: Vec<BoardDrive>,
    pub(super) serials: Vec<Rc<dyn Serial>>,
    pub(super) ram: Rc<Ram>,
    pub(super) video: Option<Rc<VideoRam>>,
    pub(super) firmware: Vec<u8>,
    pub(super) test_device: bool,
    pub(super) date: Date,
}

impl Parts {
    /// Gathers what `options` want.
    ///
    /// # Errors
    /// With what is wrong about them.
    pub fn new(options: &Options) -> Result<Self> {
        let drives = drives(options)?;
        let ram = Rc::new(Ram::new(options.ram));
        let mut config = Config {
            processors: options.cpus.into(),
            low_memory: ram.low(),
            high_memory: ram.high(),
            boot: boot_devices(options.boot.get("order").unwrap_or("cad")),
            check_floppy: !options.skip_boot_signature,
            platform: options.board == Kind::Xen,
            vga: (options.vga && !options.no_defaults).then_some(Vga::Std),
            ..Config::default()
        };
        let mut test_device = false;
        for device in &options.devices {
            match device.get("driver").unwrap_or_default() {
                "VGA" => config.vga = Some(Vga::Std),
                "xen-platform" => config.platform = true,
                "pc-testdev" => test_device = true,
                "ide-hd" | "ide-cd" => {}
                other => bail!("'{other}' is not a valid device model name"),
            }
        }
        for drive in &drives {
            if let Some(place) = config.geometry.get_mut(drive.place) {
                *place = drive.geometry.map(for_cmos);
            }
        }
        let video = config.vga.map(|_| Rc::new(VideoRam::new(VIDEO_RAM)));
        Ok(Parts {
            once: options.boot.get("once").map(boot_devices),
            fw_cfg: contents(options, &drives)?,
            firmware: options
                .firmware
                .as_deref()
                .map_or(Ok(Vec::new()), firmware)?,
            serials: serials(options)?,
            date: options.date.unwrap_or_else(Date::now),
            config,
            drives,
            ram,
            video,
            test_device,
        })
    }

    /// What is behind the machine's devices.
    pub(super) fn backends(&self) -> Backends {
        let mut backends = Backends::default();
        for drive in &self.drives {
            if let Some(place) = backends.drives.get_mut(drive.place) {
                *place = Some(machine::Drive {
                    cd: drive.cd,
                    disk: drive.drive.clone(),
                    serial: drive.serial.clone(),
                    firmware: drive.firmware.clone(),
                });
            }
        }
        backends.serials.clone_from(&self.serials);
        backends.video = self.video.clone().map(|video| video as Rc<dyn VideoMemory>);
        backends
    }
}

fn for_cmos(geometry: Geometry) -> cmos::Geometry {
    cmos::Geometry {
        cylinders: geometry.cylinders as u16,
        heads: geometry.heads as u8,
        sectors: geometry.sectors as u8,
        translation: geometry.translation as u8,
    }
}

/// At most three letters count.
fn boot_devices(letters: &str) -> Vec<cmos::BootDevice> {
    let device = |letter| match letter {
        'b' => Some(cmos::BootDevice::Floppy),
        letter => cmos::BootDevice::from_letter(letter),
    };
    letters.chars().filter_map(device).take(3).collect()
}

fn firmware(path: &Path) -> Result<Vec<u8>> {
    let firmware = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    ensure!(
        firmware.len() as u64 <= FIRMWARE,
        "{}: firmware of more than 16 MiB",
        path.display()
    );
    Ok(firmware)
}

/// COM1 to COM4: what `-serial` says; one that leads nowhere if it says
/// nothing.
fn serials(options: &Options) -> Result<Vec<Rc<dyn Serial>>> {
    let nowhere = ["null".to_owned()];
    let named = match &options.serials[..] {
        [] if options.no_defaults => &[],
        [] => &nowhere[..],
        named => named,
    };
    let file = |name: &String| match name.strip_prefix("file:") {
        Some(path) => fs::File::create(path)
            .with_context(|| format!("-serial {name}"))
            .map(Some),
        None if name == "null" => Ok(None),
        None => bail!("-serial {name}: only file:PATH and null"),
    };
    let serial = |name| file(name).map(|file| Rc::new(SerialFile(file)) as Rc<dyn Serial>);
    named.iter().take(4).map(serial).collect()
}

fn contents(options: &Options, drives: &[BoardDrive]) -> Result<Contents> {
    let mut contents = Contents {
        ram: options.ram,
        cpus: options.cpus,
        uuid: options.uuid,
        no_graphic: options.no_graphic,
        boot_menu: options.boot.on("menu")?,
        files: [("bootorder".to_owned(), Vec::new())].into(),
    };
    if let Some(timeout) = options.boot.get("reboot-timeout") {
        let timeout: i32 = timeout.parse().context("-boot reboot-timeout")?;
        let file = timeout.to_le_bytes().to_vec();
        contents.files.insert("etc/boot-fail-wait".into(), file);
    }
    if let Some(time) = options.boot.get("splash-time") {
        let time: u16 = time.parse().context("-boot splash-time")?;
        let file = time.to_le_bytes().to_vec();
        contents.files.insert("etc/boot-menu-wait".into(), file);
    }
    let mut geometries = String::new();
    for drive in drives {
        if let Some([cylinders, heads, sectors]) = drive.logical {
            let (bus, unit) = (drive.place / 2, drive.place % 2);
            geometries += &format!(
                "/pci@i0cf8/ide@1,1/drive@{bus}/disk@{unit} {cylinders} {heads} {sectors}\n"
            );
        }
    }
    if !geometries.is_empty() {
        geometries.push('\0');
        contents
            .files
            .insert("bios-geometry".into(), geometries.into());
    }
    let high = options.ram.saturating_sub(0xe000_0000);
    let ranges = [(0, options.ram - high), (1 << 32, high)];
    let e820 = ranges.iter().filter(|(_, length)| *length > 0);
    let e820 = e820.flat_map(|(start, length): &(u64, u64)| {
        let ram = 1u32;
        [
            &start.to_le_bytes()[..],
            &length.to_le_bytes(),
            &ram.to_le_bytes(),
        ]
        .concat()
    });
    contents.files.insert("etc/e820".into(), e820.collect());
    Ok(contents)
}

/// The drives of `-drive if=ide` and of `-device ide-…`.
fn drives(options: &Options) -> Result<Vec<BoardDrive>> {
    let mut drives: Vec<BoardDrive> = Vec::new();
    let mut add = |drive: BoardDrive| {
        let taken = drives.iter().any(|other| other.place == drive.place);
        ensure!(
            !taken,
            "two drives at place {} of the IDE cables",
            drive.place
        );
        drives.push(drive);
        Ok(())
    };
    for list in &options.drives {
        if matches!(list.get("if"), None | Some("ide")) {
            let cd = list.get("media") == Some("cdrom");
            let default = if cd { 2 } else { 0 };
            let place = list.number("index")?.unwrap_or(default) as usize;
            let driver = if cd { "ide-cd" } else { "ide-hd" };
            add(drive(
                options,
                &List::parse(driver, "driver"),
                Some(list),
                place,
            )?)?;
        }
    }
    for device in &options.devices {
        if let Some("ide-hd" | "ide-cd") = device.get("driver") {
            let backend = device
                .get("drive")
                .map(|id| backend(options, id))
                .transpose()?;
            add(drive(options, device, backend, place(device)?)?)?;
        }
    }
    let has_cd = drives.iter().any(|drive| drive.cd || drive.place == 2);
    if !options.no_defaults && !has_cd {
        drives.push(drive(options, &List::parse("ide-cd", "driver"), None, 2)?);
    }
    Ok(drives)
}

/// The drive or node that a device calls `id`.
fn backend<'a>(options: &'a Options, id: &str) -> Result<&'a List> {
    let mut drives = options.drives.iter();
    let mut nodes = options.nodes.iter();
    drives
        .find(|list| list.get("id") == Some(id))
        .or_else(|| nodes.find(|list| list.get("node-name") == Some(id)))
        .with_context(|| format!("no drive '{id}'"))
}

/// `bus=ide.1,unit=0`; the first place without words.
fn place(device: &List) -> Result<usize> {
    let bus = match device.get("bus") {
        None | Some("ide.0") => 0,
        Some("ide.1") => 1,
        Some(other) => bail!("Bus '{other}' not found"),
    };
    let unit = device.number("unit")?.unwrap_or(0) as usize;
    ensure!(
        unit < 2,
        "Can't create IDE unit {unit}, bus supports only 2 units"
    );
    Ok(2 * bus + unit)
}

fn drive(
    options: &Options,
    device: &List,
    backend: Option<&List>,
    place: usize,
) -> Result<BoardDrive> {
    ensure!(place < 4, "there are four IDE drives at most");
    let cd = device.get("driver") == Some("ide-cd");
    let kind = if cd { "cd" } else { "hd" };
    let default = format!("ide{}-{kind}{}", place / 2, place % 2);
    let name = backend.and_then(|list| list.get("id")).unwrap_or(&default);
    let none = List::default();
    let list = backend.unwrap_or(&none);
    let (image, faults) = image(list, cd)?;
    ensure!(cd || image.is_some(), "{name}: a disk needs its file");
    let on_error = match (list.get("werror"), list.get("rerror")) {
        (Some("stop"), _) | (_, Some("stop")) => OnError::Stop,
        _ => OnError::Report,
    };
    let drive = Rc::new(Drive::new(image, faults, on_error));
    let geometry = (!cd).then(|| geometry(device, &drive)).transpose()?;
    let property = |name| options.property(device, name).map(str::to_owned);
    Ok(BoardDrive {
        name: name.to_owned(),
        place,
        cd,
        serial: property("serial"),
        firmware: property("ver"),
        geometry,
        logical: triple(device, ["lcyls", "lheads", "lsecs"])?.filter(|chs| *chs != [0; 3]),
        drive,
    })
}

/// Three numbers that come together.
fn triple(list: &List, names: [&str; 3]) -> Result<Option<[u32; 3]>> {
    let mut numbers = [0; 3];
    let mut any = false;
    for (number, name) in numbers.iter_mut().zip(names) {
        if let Some(value) = list.number(name)? {
            *number = value;
            any = true;
        }
    }
    Ok(any.then_some(numbers))
}

fn geometry(device: &List, drive: &Drive) -> Result<Geometry> {
    let mut geometry = geometry::guess(drive.sectors(), &drive.peek(0));
    if let Some([cylinders, heads, sectors]) = triple(device, ["cyls", "heads", "secs"])? {
        let sane = (1..=65535).contains(&cylinders)
            && (1..=16).contains(&heads)
            && (1..=255).contains(&sectors);
        ensure!(
            sane,
            "cyls={cylinders},heads={heads},secs={sectors}: no geometry"
        );
        geometry = Geometry {
            cylinders,
            heads,
            sectors,
            translation: Translation::fitting(cylinders, heads, sectors),
        };
    }
    match device.get("bios-chs-trans") {
        None | Some("auto") => {}
        Some(name) => {
            let translation = Translation::parse(name);
            geometry.translation = translation.with_context(|| format!("bios-chs-trans={name}"))?;
        }
    }
    Ok(geometry)
}

/// What is in a drive, and what goes wrong there.
fn image(list: &List, cd: bool) -> Result<(Option<Image>, Faults)> {
    let file = list
        .get("file")
        .or(list.get("filename"))
        .or(list.get("file.filename"));
    let driver = list.get("driver").filter(|driver| *driver != "file");
    let format = list.get("format").or(driver).unwrap_or("raw");
    let (file, faults) = match file {
        Some(file) => faults(file)?,
        None => ("", Faults::default()),
    };
    let read_only = cd || list.on("readonly")? || list.on("read-only")?;
    let image = match (file, format) {
        (null, _) if null.starts_with("null-co:") => Image::null(null_size(list)?),
        (_, "null-co") => Image::null(null_size(list)?),
        ("", _) => return Ok((None, faults)),
        (file, "raw") => Image::raw(file.as_ref(), read_only || list.on("snapshot")?)?,
        (file, "qcow2") => Image::qcow2(file.as_ref())?,
        (_, format) => bail!("format {format}: only raw, qcow2 and null-co"),
    };
    let image = match list.on("snapshot")? && !read_only {
        true => image.snapshot(),
        false => image,
    };
    Ok((Some(image), faults))
}

fn null_size(list: &List) -> Result<u64> {
    let size = list.get("size").or(list.get("file.size"));
    match size {
        None => Ok(NULL_DISK),
        Some(size) => size.parse().with_context(|| format!("size={size}")),
    }
}

/// `blkdebug:SCRIPT:FILE` is FILE with the faults of SCRIPT; an empty script is
/// none.
fn faults(file: &str) -> Result<(&str, Faults)> {
    let Some((script, file)) = file
        .strip_prefix("blkdebug:")
        .and_then(|rest| rest.split_once(':'))
    else {
        return Ok((file, Faults::default()));
    };
    if script.is_empty() {
        return Ok((file, Faults::default()));
    }
    let text = fs::read_to_string(script).with_context(|| format!("reading {script}"))?;
    Ok((file, Faults::parse(&text)?))
}
