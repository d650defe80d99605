//! extlinux.conf, syslinux.cfg, isolinux.cfg: the menus of the Syslinux family.
//!
//! Alpine, small distributions, live CDs and U-Boot's generators write them.
//! Keywords (in any case) and their meaning are those of Syslinux 6: settings
//! before the first `LABEL` hold for all labels. File names without a slash in
//! front are seen from the folder of the first file, `..` included.

use super::lexer::{Line, word};
use super::{Entry, MAX_ENTRIES, Menu, Reader};
use crate::disk::DeviceName;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Where the file may be, seen from the root of its file system.
pub const PATHS: &[&str] = &[
    "/boot/extlinux/extlinux.conf",
    "/boot/extlinux.conf",
    "/extlinux/extlinux.conf",
    "/extlinux.conf",
    "/boot/syslinux/syslinux.cfg",
    "/syslinux/syslinux.cfg",
    "/syslinux.cfg",
    "/boot/isolinux/isolinux.cfg",
    "/isolinux/isolinux.cfg",
    "/isolinux.cfg",
];

/// How deep files may include each other, and how many in all.
const MAX_DEPTH: usize = 8;
const MAX_FILES: usize = 64;
/// How many lines count, in all files.
const MAX_LINES: usize = 16 * 1024;

/// Words that change nothing here: looks, other firmware, other machines.
const IGNORED: &[&str] = &[
    "allowoptions",
    "console",
    "devicetree",
    "devicetree-overlay",
    "display",
    "fdt",
    "fdtdir",
    "fdtoverlays",
    "font",
    "implicit",
    "ipappend",
    "kbdmap",
    "nocomplete",
    "noescape",
    "nohalt",
    "ontimeout",
    "onerror",
    "path",
    "say",
    "serial",
    "sysappend",
    "totaltimeout",
];

/// A label while it is read.
#[derive(Debug, Default)]
struct Label {
    name: String,
    file: Option<Rc<str>>,
    line: u32,
    title: Option<String>,
    kernel: Option<(u32, String)>,
    append: Option<String>,
    initrd: Option<String>,
    /// A word that makes it something else than a kernel to load.
    other: Option<String>,
}

/// What is read so far.
struct Conf<'a> {
    reader: &'a Reader<'a>,
    device: DeviceName,
    /// The folder of the first file, without a slash at the end.
    folder: &'a str,
    menu: Menu,
    labels: Vec<Label>,
    append: Option<String>,
    default: Option<String>,
    /// The label that says so itself: `MENU DEFAULT`.
    marked: Option<usize>,
    /// With its line: in tenths of a second.
    timeout: Option<(u32, u32)>,
    prompt: bool,
    /// There is a menu, not only a prompt.
    with_menu: bool,
    in_text: bool,
    lines: usize,
    files: usize,
}

/// The menu in the file `path`.
///
/// # Errors
/// Why it cannot be read, in words.
pub fn menu(reader: &Reader<'_>, device: DeviceName, path: &str) -> Result<Menu, String> {
    let bytes = reader.read(device, path)?;
    Ok(menu_of(&bytes, reader, device, path))
}

/// Whether a text looks like such a menu.
pub fn is_one(text: &str) -> bool {
    let first = |line: &str| word(line.trim_start()).0.eq_ignore_ascii_case("label");
    text.lines().any(first)
}

/// The menu of a text that is not on a disk, as if it were at `path` on
/// `device`.
pub fn menu_of(bytes: &[u8], reader: &Reader<'_>, device: DeviceName, path: &str) -> Menu {
    let mut conf = Conf {
        reader,
        device,
        folder: path.rsplit_once('/').map_or("", |(folder, _)| folder),
        menu: Menu::default(),
        labels: Vec::new(),
        append: None,
        default: None,
        marked: None,
        timeout: None,
        prompt: false,
        with_menu: false,
        in_text: false,
        lines: 0,
        files: 0,
    };
    conf.read(bytes, None, 0);
    conf.finish()
}

impl Conf<'_> {
    /// Reads a file; `name` unless it is the first.
    fn read(&mut self, bytes: &[u8], name: Option<&Rc<str>>, depth: usize) {
        let text = String::from_utf8_lossy(bytes);
        for (number, line) in (1u32..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            self.lines = self.lines.saturating_add(1);
            if self.lines > MAX_LINES {
                let text = format!("more than {MAX_LINES} lines; the rest is left out");
                return self.warn(name, number, &text);
            }
            self.line(line, name, number, depth);
        }
    }

    fn warn(&mut self, file: Option<&Rc<str>>, number: u32, text: &str) {
        match file {
            None => self.menu.warn(number, text),
            Some(file) => self.menu.warn(0, format!("{file}:{number}: {text}")),
        }
    }

    fn line(&mut self, line: &str, file: Option<&Rc<str>>, number: u32, depth: usize) {
        let (key, value) = split(line);
        let key = key.to_ascii_lowercase();
        if self.in_text {
            self.in_text = key != "endtext";
            return;
        }
        match key.as_str() {
            "text" => self.in_text = value.eq_ignore_ascii_case("help"),
            "menu" => self.menu_line(value, file, number, depth),
            "include" => self.include(value, file, number, depth),
            "default" => self.default = Some(value.into()),
            "timeout" => self.timeout = value.parse().ok().map(|tenths| (number, tenths)),
            "prompt" => self.prompt = value != "0",
            "ui" => self.with_menu = true,
            "label" => self.label(value, file, number),
            // F1 and so on: help texts.
            key if key.starts_with('f') && key.get(1..).is_some_and(is_number) => {}
            key if IGNORED.contains(&key) => {}
            _ => self.label_line(&key, value, file, number),
        }
    }

    /// A word that belongs to a label, if to anything.
    fn label_line(&mut self, key: &str, value: &str, file: Option<&Rc<str>>, number: u32) {
        let label = self.labels.last_mut();
        match (key, label) {
            ("append", Some(label)) => label.append = Some(value.into()),
            ("append", None) => self.append = Some(value.into()),
            ("kernel" | "linux", Some(label)) => label.kernel = Some((number, value.into())),
            ("initrd", Some(label)) => label.initrd = Some(value.into()),
            (
                "localboot" | "com32" | "boot" | "bss" | "pxe" | "fdimage" | "comboot" | "config"
                | "uki",
                Some(label),
            ) => label.other = Some(key.into()),
            ("kernel" | "linux" | "initrd", None) => {
                self.warn(file, number, &format!("`{key}' before the first label"));
            }
            _ => {
                let key: String = key.chars().take(32).collect();
                let text = format!("`{key}' is not known here; passed over");
                self.warn(file, number, &text);
            }
        }
    }

    fn label(&mut self, name: &str, file: Option<&Rc<str>>, number: u32) {
        if self.labels.len() >= MAX_ENTRIES {
            let text = format!("only {MAX_ENTRIES} labels are taken");
            return self.warn(file, number, &text);
        }
        self.labels.push(Label {
            name: name.into(),
            file: file.cloned(),
            line: number,
            ..Label::default()
        });
    }

    fn menu_line(&mut self, value: &str, file: Option<&Rc<str>>, number: u32, depth: usize) {
        let (key, value) = split(value);
        self.with_menu = true;
        let at = self.labels.len().checked_sub(1);
        match key.to_ascii_lowercase().as_str() {
            "include" => self.include(value, file, number, depth),
            "label" => {
                if let Some(label) = self.labels.last_mut() {
                    // A caret stands before the letter that chooses it.
                    label.title = Some(value.replace('^', ""));
                }
            }
            "default" => self.marked = at,
            // All else is looks. Submenus are shown in one with the rest.
            _ => {}
        }
    }

    fn include(&mut self, value: &str, file: Option<&Rc<str>>, number: u32, depth: usize) {
        let name = word(value).0;
        let path = absolute(self.folder, name);
        self.files = self.files.saturating_add(1);
        if depth >= MAX_DEPTH || self.files > MAX_FILES {
            return self.warn(file, number, "files include each other without end");
        }
        match self.reader.read(self.device, &path) {
            Ok(bytes) => {
                let name = Rc::from(format!("{}{path}", self.device));
                self.read(&bytes, Some(&name), depth.saturating_add(1));
            }
            Err(reason) => self.warn(file, number, &reason),
        }
    }

    /// From labels to entries.
    fn finish(mut self) -> Menu {
        let labels = core::mem::take(&mut self.labels);
        let mut wanted = None;
        for (at, label) in labels.iter().enumerate() {
            let Some(entry) = self.entry(label) else {
                continue;
            };
            let by_name = || self.default.as_ref().is_some_and(|name| names(name, label));
            if self.marked == Some(at) || (self.marked.is_none() && wanted.is_none() && by_name()) {
                wanted = Some(self.menu.entries.len());
            }
            self.menu.entries.push(entry);
        }
        if let Some(entry) = wanted {
            let line = Line::made(1, &format!("default {entry}"));
            self.menu.global.push(line);
        }
        let seconds = match self.timeout {
            Some((line, tenths)) if tenths > 0 => Some((line, tenths.div_ceil(10))),
            // Neither menu nor prompt: it boots at once.
            _ if !self.with_menu && !self.prompt => Some((1, 0)),
            _ => None,
        };
        if let Some((line, seconds)) = seconds {
            let line = Line::made(line, &format!("timeout {seconds}"));
            self.menu.global.push(line);
        }
        self.menu
    }

    /// The commands that mean what `label` says.
    fn entry(&mut self, label: &Label) -> Option<Entry> {
        let not_a_kernel = match (&label.other, &label.kernel) {
            (Some(other), _) => Some(format!("`{other}' means nothing in a guest")),
            (None, None) => Some("it names no kernel".to_string()),
            (None, Some((_, kernel))) if is_module(kernel) => {
                Some(format!("{kernel} is a program for Syslinux"))
            }
            _ => None,
        };
        if let Some(reason) = not_a_kernel {
            let text = format!("label `{}' is left out: {reason}", label.name);
            self.warn(label.file.as_ref(), label.line, &text);
            return None;
        }
        let (number, kernel) = label.kernel.clone()?;
        let append = match label.append.as_deref() {
            Some("-") => "",
            Some(own) => own,
            None => self.append.as_deref().unwrap_or_default(),
        };
        // The same file may stand behind an option `initrd=`.
        let option = append.split_ascii_whitespace().rev();
        let option = option.filter_map(|option| option.strip_prefix("initrd="));
        let initrd = label.initrd.as_deref().or(option.clone().next());
        let kernel = absolute(self.folder, &kernel);
        let mut commands = Vec::new();
        commands.push(Line::made(number, &format!("root {}", self.device)));
        commands.push(Line::made(
            number,
            format!("kernel {kernel} {append}").trim_end(),
        ));
        let files = initrd.unwrap_or_default().split([',', ' ', '\t']);
        let files = files.filter(|file| !file.is_empty());
        let files: Vec<String> = files.map(|file| absolute(self.folder, file)).collect();
        if !files.is_empty() {
            commands.push(Line::made(number, &format!("initrd {}", files.join(" "))));
        }
        let title = label.title.as_ref().unwrap_or(&label.name);
        Some(Entry {
            title: Line::made(label.line, title).text,
            file: label.file.clone(),
            line: label.line,
            commands,
        })
    }
}

/// Whether `DEFAULT name …` means this label: by its name, or by its kernel.
fn names(default: &str, label: &Label) -> bool {
    default == label.name || split(default).0 == label.name
}

/// A program that runs inside Syslinux, or a boot sector.
fn is_module(kernel: &str) -> bool {
    let kernel = kernel.to_ascii_lowercase();
    let modules = [".c32", ".com", ".cbt", ".bs", ".bin", ".0"];
    modules.iter().any(|end| kernel.ends_with(end))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The first word and the rest, separated by blanks.
fn split(line: &str) -> (&str, &str) {
    let line = line.trim();
    let (first, rest) = line
        .split_once(|c: char| c.is_ascii_whitespace())
        .unwrap_or((line, ""));
    (first, rest.trim_start())
}

/// A file name seen from `folder`, without `.` and `..`.
fn absolute(folder: &str, name: &str) -> String {
    let name = name.trim();
    let whole = match name.starts_with('/') {
        true => name.to_string(),
        false => format!("{folder}/{name}"),
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests;
