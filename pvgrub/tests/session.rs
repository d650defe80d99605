//! A session on real disks: ext4 made by e2fsprogs, with and without a
//! partition table, under the library's public interface alone.
//!
//! Needs `mke2fs` (Debian: e2fsprogs), no root.

use pvgrub::command::{Error, Machine};
use pvgrub::disk::{BlockDevice, Disks};
use pvgrub::fs::{File, Storage};
use pvgrub::screen::Terminal;
use pvgrub::session::{Exit, Start, run};
use std::collections::VecDeque;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::rc::Rc;

const MENU: &str = "\
timeout 3
fallback 1
title broken
root (hd0,0)
kernel /boot/vmlinuz-of-yesterday
title good
root (hd0,0)
kernel /vmlinuz root=/dev/xvda1 console=hvc0
initrd /boot/initrd.img
";

/// The bytes of an ext4 file system of 4 MiB with a menu in it.
fn ext4(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("session-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    let tree = folder.join("tree");
    fs::create_dir_all(tree.join("boot/grub")).unwrap();
    fs::write(tree.join("boot/grub/menu.lst"), MENU).unwrap();
    fs::write(tree.join("boot/vmlinuz-6.1"), vec![b'k'; 300_000]).unwrap();
    fs::write(tree.join("boot/initrd.img"), "ramdisk").unwrap();
    symlink("boot/vmlinuz-6.1", tree.join("vmlinuz")).unwrap();
    let image = folder.join("image");
    let output = Command::new("mke2fs")
        .env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin")
        .args(["-q", "-F", "-t", "ext4", "-d"])
        .args([&tree, &image])
        .arg("4M")
        .output()
        .expect("mke2fs is there (Debian package e2fsprogs)");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let bytes = fs::read(&image).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    bytes
}

/// A disk whose first partition, from the first MiB on, is `content`.
fn partitioned(content: &[u8]) -> Vec<u8> {
    const START: u32 = 2048;
    let mut disk = vec![0; START as usize * 512];
    disk.extend_from_slice(content);
    let entry = &mut disk[446..462];
    entry[4] = 0x83;
    entry[8..12].copy_from_slice(&START.to_le_bytes());
    entry[12..16].copy_from_slice(&u32::try_from(content.len() / 512).unwrap().to_le_bytes());
    disk[510..512].copy_from_slice(&[0x55, 0xaa]);
    disk
}

/// A keyboard; once all is typed, time runs.
struct Keys {
    keys: VecDeque<u8>,
    now: u64,
    written: Vec<u8>,
}

impl Terminal for Keys {
    fn write(&mut self, bytes: &[u8]) {
        self.written.extend_from_slice(bytes);
    }

    fn read_key_byte(&mut self, deadline: Option<u64>) -> Option<u8> {
        let key = self.keys.pop_front();
        if key.is_none() {
            self.now = self.now.max(deadline?);
        }
        key
    }

    fn now(&self) -> u64 {
        self.now
    }
}

/// Notes what it is given, by length.
#[derive(Default)]
struct Notes(Vec<String>);

impl Machine for Notes {
    fn memory_kib(&self) -> u64 {
        262_144
    }

    fn load_kernel(
        &mut self,
        name: &str,
        file: &mut dyn File,
        arguments: &str,
    ) -> Result<String, Error> {
        let mut bytes = vec![0; usize::try_from(file.len()).unwrap()];
        let read = file.read_at(0, &mut bytes)?;
        assert!(bytes.iter().all(|&byte| byte == b'k'));
        self.0.push(format!("{name}: {read} bytes, {arguments}"));
        Ok("kernel".into())
    }

    fn load_initrd(&mut self, files: &mut [Box<dyn File>]) -> Result<String, Error> {
        let lengths: Vec<u64> = files.iter().map(|file| file.len()).collect();
        self.0.push(format!("initrd: {lengths:?}"));
        Ok("initrd".into())
    }

    fn boot(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// Runs a session; gives how it ended, what was loaded, what was shown.
fn session(disks: Vec<Vec<u8>>, command_line: &str, keys: &str) -> (Exit, Vec<String>, String) {
    let disks = disks
        .into_iter()
        .map(|disk| Rc::new(disk) as Rc<dyn BlockDevice>);
    let storage = Storage::new(Disks::new(disks));
    let mut terminal = Keys {
        keys: keys.bytes().collect(),
        now: 0,
        written: Vec::new(),
    };
    let mut machine = Notes::default();
    let start = Start {
        command_line,
        ramdisk: None,
    };
    let exit = run(&mut terminal, &storage, &mut machine, &start);
    let shown = String::from_utf8(terminal.written)
        .unwrap()
        .replace("\r\n", "\n");
    (exit, machine.0, shown)
}

const LOADED: &[&str] = &[
    "(hd0,0)/vmlinuz: 300000 bytes, root=/dev/xvda1 console=hvc0",
    "initrd: [7]",
];

#[test]
fn boots_the_fallback_from_any_kind_of_disk() {
    let plain = ext4("plain");
    for (disk, command_line, menu) in [
        (partitioned(&plain), "(hd0,0)/boot/grub/menu.lst", "(hd0,0)"),
        (partitioned(&plain), "", "(hd0,0)"),
        (plain.clone(), "(hd0)/boot/grub/menu.lst", "(hd0)"),
        (plain.clone(), "(hd0,0)/boot/grub/menu.lst", "(hd0,0)"),
        (plain, "", "(hd0)"),
    ] {
        let (exit, loaded, shown) = session(vec![disk], command_line, "");
        assert_eq!(exit, Exit::Booted, "{shown}");
        assert_eq!(loaded, LOADED);
        let error = format!(
            "Error 15: (hd0,0)/boot/vmlinuz-of-yesterday: no such file ({menu}/boot/grub/menu.lst line 5)"
        );
        assert!(shown.contains(&error), "{shown}");
    }
}

#[test]
fn keys_at_the_menu() {
    let disk = partitioned(&ext4("keys"));
    let (exit, loaded, _) = session(vec![disk.clone()], "", "\x1b[B\r");
    assert_eq!((exit, loaded.len()), (Exit::Booted, 2));
    // The broken line edited by completion: what is yesterday's gives way.
    let keys = format!("e\x1b[Be{}6\t\rb", "\x7f".repeat("of-yesterday".len()));
    let (exit, loaded, shown) = session(vec![disk.clone()], "", &keys);
    assert_eq!(exit, Exit::Booted, "{shown}");
    assert_eq!(loaded, ["(hd0,0)/boot/vmlinuz-6.1: 300000 bytes, "]);
    let keys = "ccat /boot/grub/m\t\rfind /vmlinuz\rhalt\r";
    let (exit, _, shown) = session(vec![disk], "", keys);
    assert_eq!(exit, Exit::Halt);
    assert!(shown.contains(MENU), "{shown}");
    assert!(shown.contains("\n (hd0,0)\n"), "{shown}");
}

#[test]
fn disks_without_a_menu() {
    let (exit, _, shown) = session(vec![], "", "");
    assert_eq!(exit, Exit::InputEnded);
    assert!(shown.contains("This guest has no disk."), "{shown}");
    let empty = vec![0; 1 << 20];
    let (_, _, shown) = session(vec![empty.clone(), partitioned(&empty)], "", "");
    assert!(shown.contains("    (hd0): no known file system"), "{shown}");
    assert!(
        shown.contains("    (hd1,0): no known file system"),
        "{shown}"
    );
    let (_, _, shown) = session(vec![empty], "(hd3,0)/menu.lst", "");
    assert!(shown.contains("Error 21: (hd3): "), "{shown}");
}
