//! Boot Loader Specification entries: a file of `key value` lines for each.
//!
//! <https://uapi-group.org/specifications/specs/boot_loader_specification/>,
//! "Type #1": what systemd-boot, and GRUB's `blscfg` on Fedora and its kin,
//! make a menu of. Those expand `$kernelopts` and the like in the values, from
//! the environment block or the grub.cfg; so does this.

use super::lexer::{Line, MAX_LINE};
use super::{Entry, MAX_ENTRIES, Menu, Reader, grubenv, version};
use crate::disk::{DeviceName, PartitionKind};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cmp::Ordering;

/// Where entries are, seen from the root of their file system.
pub const FOLDERS: &[&str] = &["/boot/loader/entries", "/loader/entries"];

/// Where they are on partitions made for boot loaders.
const OWN_FOLDER: &str = "/loader/entries";

/// The types of those: the EFI system partition, and beside it the extended
/// boot loader partition. As in a GPT, and as in an MBR.
const ESP: ([u8; 16], u8) = (
    *b"\x28\x73\x2a\xc1\x1f\xf8\xd2\x11\xba\x4b\x00\xa0\xc9\x3e\xc9\x3b",
    0xef,
);
const XBOOTLDR: ([u8; 16], u8) = (
    *b"\xff\xc2\x13\xbc\xe6\x59\x62\x42\xa3\x52\xb2\x75\xfd\x6f\x71\x72",
    0xea,
);

/// Where the environment block may be.
const GRUBENVS: &[&str] = &[
    "/boot/grub2/grubenv",
    "/grub2/grubenv",
    "/boot/grub/grubenv",
    "/grub/grubenv",
];

/// Seconds that a menu waits whose loader.conf says nothing.
const TIMEOUT: u32 = 5;

/// The value of a variable, if it has one.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The entries of a folder.
#[derive(Debug, Default)]
pub struct Entries {
    /// Each with its name, that of its file without `.conf` and counters.
    pub entries: Vec<(String, Entry)>,
    /// Those that are no entry for this machine, and why.
    pub left_out: Vec<String>,
}

/// The keys of an entry that count.
#[derive(Debug, Default)]
struct Keys {
    id: String,
    /// From the name: how often it may be tried yet.
    tries_left: Option<u32>,
    title: String,
    version: String,
    machine_id: String,
    sort_key: String,
    architecture: String,
    linux: Option<(u32, String)>,
    /// With the number of the first.
    initrds: Vec<(u32, String)>,
    options: String,
}

/// The other partition of the same disk whose entries belong into the same
/// menu as those of `device`, and whether that is the EFI system partition.
fn partner(reader: &Reader<'_>, device: DeviceName) -> Option<(DeviceName, bool)> {
    let DeviceName::Partition(disk, number) = device else {
        return None;
    };
    let is = |kind: PartitionKind, wanted: ([u8; 16], u8)| match kind {
        PartitionKind::Gpt(guid) => guid == wanted.0,
        PartitionKind::Mbr(kind) => kind == wanted.1,
    };
    let partitions = reader.partitions(disk);
    let own = partitions.iter().find(|entry| entry.number == number)?;
    let (wanted, esp) = match own.kind {
        kind if is(kind, ESP) => (XBOOTLDR, false),
        kind if is(kind, XBOOTLDR) => (ESP, true),
        _ => return None,
    };
    let other = partitions.iter().find(|entry| is(entry.kind, wanted))?;
    Some((DeviceName::Partition(disk, other.number), esp))
}

/// The menu that the folder `folder` makes, with what loader.conf and the
/// environment block say about it; `None` if no entry is in it. The entries of
/// the EFI system partition and of the extended boot loader partition beside it
/// are one menu, and their loader.conf is on the former.
pub fn menu(reader: &Reader<'_>, device: DeviceName, folder: &str) -> Option<Menu> {
    reader
        .folder(device, folder)?
        .iter()
        .find(|name| name.ends_with(".conf"))?;
    let partner = match folder {
        OWN_FOLDER => partner(reader, device),
        _ => None,
    };
    let others = partner.map(|(device, _)| device);
    let devices: Vec<DeviceName> = core::iter::once(device).chain(others).collect();
    let blocks = GRUBENVS.iter().filter_map(|path| {
        reader.is_file(device, path)?;
        grubenv::parse(&reader.read(device, path).ok()?)
    });
    let block: BTreeMap<String, String> = blocks.flatten().collect();
    let found = read(reader, &devices, folder, &|name| block.get(name).cloned());
    let mut menu = Menu::default();
    for text in &found.left_out {
        menu.warn(0, text.clone());
    }
    let (names, entries): (Vec<String>, Vec<Entry>) = found.entries.into_iter().unzip();
    menu.entries = entries;
    let base = folder.strip_suffix("/entries").unwrap_or(folder);
    let mut places = devices;
    if partner.is_some_and(|(_, esp)| esp) {
        places.reverse();
    }
    let conf = |device: &DeviceName| reader.read(*device, &format!("{base}/loader.conf")).ok();
    let conf = LoaderConf::parse(&places.iter().find_map(conf).unwrap_or_default());
    let wanted = conf.default.or_else(|| block.get("saved_entry").cloned());
    let wanted = wanted.and_then(|pattern| default_entry(&names, &pattern));
    if let Some(entry) = wanted {
        menu.global.push(Line::made(1, &format!("default {entry}")));
    }
    menu.global.extend(conf.lines);
    Some(menu)
}

/// The entry that `pattern` means: the first whose name it fits, or a number
/// as GRUB saves it.
fn default_entry(names: &[String], pattern: &str) -> Option<usize> {
    let pattern = pattern.strip_suffix(".conf").unwrap_or(pattern);
    let by_name = names.iter().position(|name| fits(name, pattern));
    by_name.or_else(|| pattern.parse().ok().filter(|&at: &usize| at < names.len()))
}

/// Whether `name` fits `pattern`, in which `*` stands for anything and `?`
/// for one character.
fn fits(name: &str, pattern: &str) -> bool {
    let (name, pattern) = (name.as_bytes(), pattern.as_bytes());
    let (mut at, mut to) = (0usize, 0usize);
    // After the last star, and how far it reaches.
    let mut star: Option<(usize, usize)> = None;
    while let Some(&byte) = name.get(at) {
        match pattern.get(to) {
            Some(b'*') => {
                to = to.saturating_add(1);
                star = Some((to, at));
            }
            Some(&wanted) if wanted == b'?' || wanted == byte => {
                (at, to) = (at.saturating_add(1), to.saturating_add(1));
            }
            _ => match &mut star {
                Some((behind, reach)) => {
                    *reach = reach.saturating_add(1);
                    (at, to) = (*reach, *behind);
                }
                None => return false,
            },
        }
    }
    let rest = pattern.get(to..).unwrap_or(&[]);
    rest.iter().all(|&byte| byte == b'*')
}

/// What loader.conf says: systemd-boot's settings.
struct LoaderConf {
    default: Option<String>,
    /// Lines of a menu.lst that mean the same.
    lines: Vec<Line>,
}

impl LoaderConf {
    fn parse(bytes: &[u8]) -> Self {
        let mut conf = LoaderConf {
            default: None,
            lines: Vec::new(),
        };
        let mut timeout = (1, TIMEOUT.to_string());
        for (number, key, value) in lines(&String::from_utf8_lossy(bytes)) {
            match key {
                // Names with `@` are kept in the firmware's memory.
                "default" if !value.starts_with('@') => conf.default = Some(value.into()),
                "timeout" => timeout = (number, value.into()),
                _ => {}
            }
        }
        let (number, timeout) = timeout;
        match timeout.as_str() {
            "menu-force" => {}
            "menu-hidden" | "menu-disabled" => conf.lines.push(Line::made(number, "timeout 0")),
            seconds => {
                let seconds = seconds.parse().unwrap_or(TIMEOUT);
                let line = format!("timeout {seconds}");
                conf.lines.push(Line::made(number, &line));
            }
        }
        conf
    }
}

/// The lines of a file of `key value` lines: number, key, value.
fn lines(text: &str) -> impl Iterator<Item = (u32, &str, &str)> {
    (1u32..).zip(text.lines()).filter_map(|(number, line)| {
        let line = line.trim();
        let (key, value) = line
            .split_once(|c: char| c.is_ascii_whitespace())
            .unwrap_or((line, ""));
        (!key.is_empty() && !key.starts_with('#')).then_some((number, key, value.trim_start()))
    })
}

/// The entries in `folder` of all `devices`, in the order of the
/// specification.
pub fn read(
    reader: &Reader<'_>,
    devices: &[DeviceName],
    folder: &str,
    variables: Variables<'_>,
) -> Entries {
    let mut found = Entries::default();
    let mut all = Vec::new();
    let mut names = Vec::new();
    for &device in devices {
        let here = reader.folder(device, folder).unwrap_or_default();
        let here = here.into_iter().filter(|name| name.ends_with(".conf"));
        names.extend(here.map(|name| (name, device)));
    }
    names.sort_unstable();
    if names.len() > MAX_ENTRIES {
        let text = format!("{folder}: only {MAX_ENTRIES} entries are taken");
        found.left_out.push(text);
        names.truncate(MAX_ENTRIES);
    }
    for (name, device) in names {
        let path = format!("{folder}/{name}");
        let keys = reader.read(device, &path).and_then(|bytes| {
            let keys = parse(&name, &String::from_utf8_lossy(&bytes));
            keys.check().map(|()| keys)
        });
        match keys {
            Ok(keys) => all.push((device, path, keys)),
            Err(reason) => found.left_out.push(format!("{name} is left out: {reason}")),
        }
    }
    all.sort_by(|(.., a), (.., b)| order(a, b));
    let titles: Vec<&str> = all.iter().map(|(.., keys)| keys.title.as_str()).collect();
    let twice: Vec<bool> = titles
        .iter()
        .map(|title| titles.iter().filter(|other| *other == title).count() > 1)
        .collect();
    for ((device, path, keys), twice) in all.iter().zip(twice) {
        let entry = entry(reader, *device, path, keys, twice, variables);
        found.entries.push((keys.id.clone(), entry));
    }
    found
}

/// The keys in a file called `name`.
fn parse(name: &str, text: &str) -> Keys {
    let stem = name.strip_suffix(".conf").unwrap_or(name);
    let (id, tries_left) = counters(stem);
    let mut keys = Keys {
        id: id.into(),
        tries_left,
        ..Keys::default()
    };
    for (number, key, value) in lines(text) {
        match key {
            "title" => keys.title = value.into(),
            "version" => keys.version = value.into(),
            "machine-id" => keys.machine_id = value.into(),
            "sort-key" => keys.sort_key = value.into(),
            "architecture" => keys.architecture = value.into(),
            "linux" => keys.linux = Some((number, value.into())),
            "initrd" => keys.initrds.push((number, value.into())),
            "options" => {
                if !keys.options.is_empty() {
                    keys.options.push(' ');
                }
                keys.options.push_str(value);
            }
            _ => {}
        }
    }
    if keys.title.is_empty() {
        keys.title = keys.id.clone();
    }
    keys
}

/// Takes boot counting's `+LEFT` or `+LEFT-DONE` off a name.
fn counters(stem: &str) -> (&str, Option<u32>) {
    let Some((id, counters)) = stem.rsplit_once('+') else {
        return (stem, None);
    };
    let (left, done) = match counters.split_once('-') {
        Some((left, done)) => (left, done),
        None => (counters, "0"),
    };
    match (left.parse(), done.parse::<u32>()) {
        (Ok(left), Ok(_)) => (id, Some(left)),
        _ => (stem, None),
    }
}

impl Keys {
    /// Whether this is an entry that a PV guest can boot.
    fn check(&self) -> Result<(), String> {
        let ours = ["", "x64", "x86-64", "x86_64", "amd64"];
        let is = |name: &&str| self.architecture.eq_ignore_ascii_case(name);
        if !ours.iter().any(is) {
            return Err(format!("it is for the architecture {}", self.architecture));
        }
        match self.linux {
            None => Err("it names no `linux'".into()),
            Some(_) => Ok(()),
        }
    }
}

/// The order of entries: what has failed too often last; what has a sort key
/// first, by that, machine and version; then by name, newest first.
fn order(a: &Keys, b: &Keys) -> Ordering {
    let spent = |keys: &Keys| keys.tries_left == Some(0);
    let keyed = match (a.sort_key.is_empty(), b.sort_key.is_empty()) {
        (false, false) => a
            .sort_key
            .cmp(&b.sort_key)
            .then_with(|| a.machine_id.cmp(&b.machine_id))
            .then_with(|| version::compare(&b.version, &a.version)),
        (a, b) => a.cmp(&b),
    };
    spent(a)
        .cmp(&spent(b))
        .then(keyed)
        .then_with(|| version::compare(&b.id, &a.id))
}

/// The commands that mean what `keys` say.
fn entry(
    reader: &Reader<'_>,
    device: DeviceName,
    path: &str,
    keys: &Keys,
    with_version: bool,
    variables: Variables<'_>,
) -> Entry {
    let (number, linux) = keys.linux.clone().unwrap_or_default();
    let linux = absolute(&linux);
    // On a disk without a partition for /boot, some write names as if it were.
    let missing = |prefix: &str| {
        reader
            .is_file(device, &format!("{prefix}{linux}"))
            .is_none()
    };
    let prefix = match path.starts_with("/boot/") && missing("") && !missing("/boot") {
        true => "/boot",
        false => "",
    };
    let options = expand(&keys.options, variables);
    let kernel = format!("kernel {prefix}{linux} {}", options.trim());
    let mut commands = Vec::new();
    commands.push(Line::made(number, &format!("root {device}")));
    commands.push(Line::made(number, kernel.trim_end()));
    let mut files = String::new();
    for (_, initrd) in &keys.initrds {
        for file in expand(initrd, variables).split_ascii_whitespace() {
            if files.len() < MAX_LINE {
                files += &format!(" {prefix}{}", absolute(file));
            }
        }
    }
    if let Some((number, _)) = keys.initrds.first().filter(|_| !files.is_empty()) {
        commands.push(Line::made(*number, &format!("initrd{files}")));
    }
    let title = match with_version && !keys.version.is_empty() {
        true => format!("{} ({})", keys.title, keys.version),
        false => keys.title.clone(),
    };
    Entry {
        title: Line::made(1, &title).text,
        file: Some(Rc::from(format!("{device}{path}"))),
        line: 1,
        commands,
    }
}

/// Paths are seen from the root of the file system, with or without a slash.
fn absolute(path: &str) -> String {
    format!("/{}", path.trim_start_matches('/'))
}

/// Puts the values of variables in; what has none goes away.
fn expand(text: &str, variables: Variables<'_>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('$') {
        out += before;
        if out.len() > MAX_LINE {
            return out;
        }
        let belongs = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let braced = behind
            .strip_prefix('{')
            .and_then(|inner| inner.split_once('}'))
            .filter(|(name, _)| name.chars().all(belongs));
        let (name, after) = braced.unwrap_or_else(|| {
            let end = behind.find(|c| !belongs(c)).unwrap_or(behind.len());
            behind.split_at_checked(end).unwrap_or((behind, ""))
        });
        match name {
            "" => out.push('$'),
            "kernelopts" => {
                let default = || variables("default_kernelopts");
                out += &variables(name).or_else(default).unwrap_or_default();
            }
            name => out += &variables(name).unwrap_or_default(),
        }
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests;
