//! GRUB 2's names of devices and ours.
//!
//! GRUB 2 counts partitions from 1, GRUB Legacy from 0: `(hd0,msdos1)`,
//! `(hd0,gpt1)` and `(hd0,1)` of a grub.cfg are `(hd0,0)`. Its PV build calls
//! disks `(xen/xvda)` too.

use super::super::Reader;
use crate::disk::DeviceName;
use alloc::format;
use alloc::string::String;

/// The device that GRUB 2 calls `name`, with or without parentheses.
pub fn parse(name: &str) -> Option<DeviceName> {
    let name = name.trim();
    let name = name.strip_prefix('(').unwrap_or(name);
    let name = name.strip_suffix(')').unwrap_or(name);
    let (disk, partition) = match name.split_once(',') {
        Some((disk, partition)) => (disk, Some(partition)),
        None => (name, None),
    };
    let disk = match disk.strip_prefix("xen/xvd").map(str::as_bytes) {
        // By its letter: the disks of a guest mostly begin with xvda.
        Some([letter @ b'a'..=b'z']) => u32::from(letter.saturating_sub(b'a')),
        Some(_) => return None,
        None => number(disk.strip_prefix("hd")?)?,
    };
    let Some(partition) = partition else {
        return Some(DeviceName::Disk(disk));
    };
    let bare = ["msdos", "gpt"].iter();
    let bare = bare
        .filter_map(|scheme| partition.strip_prefix(scheme))
        .next();
    let counted = number(bare.unwrap_or(partition))?;
    Some(DeviceName::Partition(disk, counted.checked_sub(1)?))
}

fn number(digits: &str) -> Option<u32> {
    let all = digits.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| digits.parse().ok()).flatten()
}

/// What GRUB 2 calls `device`, without parentheses.
pub fn name(reader: &Reader<'_>, device: DeviceName) -> String {
    match device {
        DeviceName::Partition(disk, partition) => {
            let scheme = if reader.has_gpt(disk) { "gpt" } else { "msdos" };
            format!(
                "hd{disk},{scheme}{}",
                u64::from(partition).saturating_add(1)
            )
        }
        DeviceName::Disk(disk) => format!("hd{disk}"),
        other => format!("{other}").replace(['(', ')'], ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::menu::double::Tree;
    use DeviceName::{Disk, Partition};

    #[test]
    fn names() {
        for (text, expected) in [
            ("hd0", Some(Disk(0))),
            ("(hd1)", Some(Disk(1))),
            ("hd0,msdos1", Some(Partition(0, 0))),
            ("(hd0,gpt2)", Some(Partition(0, 1))),
            ("(hd0,3)", Some(Partition(0, 2))),
            ("xen/xvda", Some(Disk(0))),
            ("(xen/xvdb,gpt1)", Some(Partition(1, 0))),
            ("hd0,0", None),
            ("hd", None),
            ("hd0,bsd1", None),
            ("hd99999999999", None),
            ("xen/xvdaa", None),
            ("lvmid/a/b", None),
            ("", None),
        ] {
            assert_eq!(parse(text), expected, "{text:?}");
        }
        let mut tree = Tree::new(&[("/a", "")]);
        let shown = |tree: &Tree| name(&Reader::new(tree), Partition(0, 0));
        assert_eq!(shown(&tree), "hd0,msdos1");
        tree.gpt = true;
        assert_eq!(shown(&tree), "hd0,gpt1");
        assert_eq!(name(&Reader::new(&tree), Disk(2)), "hd2");
    }
}
