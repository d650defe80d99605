//! What a menu is written in: where each format is searched for, which it is
//! by its name, and how it is read.
//!
//! menu.lst is the session's own; everything else becomes a [`Menu`] whose
//! lines mean the same.

use super::Session;
use crate::command::{Error, ErrorKind};
use crate::disk::{DeviceName, FileSpec, FileTarget};
use crate::menu::{Entry, Line, Menu, Reader, bls, extlinux, grub};
use alloc::format;
use alloc::string::ToString;

/// What a menu is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// GRUB Legacy's menu.lst.
    MenuLst,
    /// A kernel that knows how to go on: what the guest's own GRUB 2 is
    /// installed as for loaders like this one.
    PvBoot,
    /// GRUB 2's script.
    GrubCfg,
    /// The Syslinux family's.
    Extlinux,
    /// A folder of Boot Loader Specification entries.
    Bls,
}

/// Where a menu.lst may be, seen from the root of its file system.
const MENU_LST: &[&str] = &[
    "/boot/grub/menu.lst",
    "/grub/menu.lst",
    "/boot/grub/grub.conf",
    "/grub/grub.conf",
];

/// Where Xen's x86-xenpv-bootloader document puts the guest's own loader, on
/// its root or on a /boot of its own.
const PVBOOT: &[&str] = &["/boot/xen/pvboot-x86_64.elf", "/xen/pvboot-x86_64.elf"];

/// What is searched for, in words.
pub(super) const LOOKED_FOR: &str = "menu.lst, grub.cfg, extlinux.conf and the like";

/// The names that a menu may have, in the order they are tried.
pub(super) fn paths() -> impl Iterator<Item = &'static str> {
    let formats = [MENU_LST, PVBOOT, grub::PATHS, extlinux::PATHS, bls::FOLDERS];
    formats.into_iter().flatten().copied()
}

impl Format {
    /// The format of what `spec` names.
    pub(super) fn of(spec: &FileSpec) -> Self {
        let FileTarget::Path(path) = &spec.target else {
            return Format::MenuLst;
        };
        let path = path.trim_end_matches('/');
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        match name {
            "entries" if folder.ends_with("/loader") => Format::Bls,
            "extlinux.conf" | "syslinux.cfg" | "isolinux.cfg" => Format::Extlinux,
            "pvboot-x86_64.elf" => Format::PvBoot,
            name if name.ends_with(".cfg") => Format::GrubCfg,
            _ => Format::MenuLst,
        }
    }
}

/// Reads a menu of another format than menu.lst, `device` filled in. One
/// without entries counts as an error.
pub(super) fn read(
    session: &Session<'_, '_>,
    device: DeviceName,
    spec: &FileSpec,
) -> Result<Menu, Error> {
    let files = session.context.files;
    let reader = Reader::new(files);
    let FileTarget::Path(path) = &spec.target else {
        return Err(Error::new(ErrorKind::BadFileName, spec.to_string()));
    };
    let format = Format::of(spec);
    if format != Format::Bls {
        // For the sake of its error.
        files.open(spec, device)?;
    }
    let unreadable = |reason| Error::because(ErrorKind::BadArgument, reason);
    let menu = match format {
        Format::MenuLst => None,
        Format::PvBoot => Some(pvboot(device, path)),
        Format::GrubCfg => Some(grub::menu(&reader, device, path).map_err(unreadable)?),
        Format::Extlinux => Some(extlinux::menu(&reader, device, path).map_err(unreadable)?),
        Format::Bls => bls::menu(&reader, device, path.trim_end_matches('/')),
    };
    let wrong = |kind, reason: &str| Error::because(kind, reason).about(&spec.to_string());
    match menu {
        Some(menu) if !menu.entries.is_empty() => Ok(menu),
        Some(menu) => {
            let reason = "no entry in it can be booted here";
            let reason = match menu.warnings.first() {
                Some(first) => format!("{reason}: {first}"),
                None => reason.to_string(),
            };
            Err(wrong(ErrorKind::BadArgument, &reason))
        }
        None => Err(wrong(ErrorKind::FileNotFound, "holds no menu")),
    }
}

/// The menu in a text that comes from nowhere on the disks, and is no menu.lst:
/// it is what it looks like. It sees the disks as if it were where such menus
/// are on the first partition.
pub(super) fn of_text(session: &Session<'_, '_>, bytes: &[u8]) -> Option<Menu> {
    let text = core::str::from_utf8(bytes).ok()?;
    let reader = Reader::new(session.context.files);
    let device = DeviceName::Partition(0, 0);
    let menu = match text {
        text if grub::is_one(text) => grub::menu_of(bytes, &reader, device, "/boot/grub/grub.cfg"),
        text if extlinux::is_one(text) => {
            extlinux::menu_of(bytes, &reader, device, "/boot/extlinux.conf")
        }
        _ => return None,
    };
    (!menu.entries.is_empty()).then_some(menu)
}

/// A menu that starts the loader `path` at once.
fn pvboot(device: DeviceName, path: &str) -> Menu {
    let mut menu = Menu::default();
    menu.global.push(Line::made(1, "timeout 0"));
    let commands = [format!("root {device}"), format!("kernel {path}")];
    menu.entries.push(Entry {
        title: format!("The guest's own boot loader, {path}"),
        file: None,
        line: 1,
        commands: commands.iter().map(|text| Line::made(1, text)).collect(),
    });
    menu
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_name() {
        for (name, format) in [
            ("/boot/grub/menu.lst", Format::MenuLst),
            ("(hd0,0)/grub/grub.conf", Format::MenuLst),
            ("(hd0)0+4", Format::MenuLst),
            ("(hd1)/boot/grub/grub.cfg", Format::GrubCfg),
            ("/boot/grub/custom.cfg", Format::GrubCfg),
            ("/isolinux/isolinux.cfg", Format::Extlinux),
            ("/extlinux.conf", Format::Extlinux),
            ("/loader/entries/", Format::Bls),
            ("/entries", Format::MenuLst),
            ("/xen/pvboot-x86_64.elf", Format::PvBoot),
        ] {
            let spec = FileSpec::parse(name).unwrap();
            assert_eq!(Format::of(&spec), format, "{name}");
        }
        // What is searched for is read as what it is searched for as.
        let others = paths().map(|path| Format::of(&FileSpec::parse(path).unwrap()));
        let order = others.map(|format| format as u8).collect::<Vec<_>>();
        assert!(order.is_sorted() && order.last() == Some(&(Format::Bls as u8)));
    }
}
