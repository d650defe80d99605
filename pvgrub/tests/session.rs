//! A session on real disks: ext4 made by e2fsprogs, with and without a
//! partition table, under the library's public interface alone.
//!
//! Needs `mke2fs` (Debian: e2fsprogs), no root.

use pvgrub::command::{Error, Machine};
use pvgrub::disk::{BlockDevice, DiskError, Disks};
use pvgrub::fs::{File, Storage};
use pvgrub::screen::Terminal;
use pvgrub::session::{Exit, Start, run};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};

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
    make(name, &["-t", "ext4"], &[("menu.lst", MENU)])
}

/// The same with other options for mke2fs and other files in /boot/grub.
fn make(name: &str, options: &[&str], files: &[(&str, &str)]) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("session-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    let tree = folder.join("tree");
    fs::create_dir_all(tree.join("boot/grub")).unwrap();
    for (file, content) in files {
        fs::write(tree.join("boot/grub").join(file), content).unwrap();
    }
    fs::write(tree.join("boot/vmlinuz-6.1"), vec![b'k'; 300_000]).unwrap();
    fs::write(tree.join("boot/initrd.img"), "ramdisk").unwrap();
    symlink("boot/vmlinuz-6.1", tree.join("vmlinuz")).unwrap();
    let image = folder.join("image");
    tool("mke2fs", |command| {
        let command = command.args(["-q", "-F"]).args(options).arg("-d");
        command.args([&tree, &image]).arg("4M")
    });
    let bytes = fs::read(&image).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    bytes
}

/// Runs a tool of e2fsprogs, which must succeed.
fn tool(name: &str, with: impl FnOnce(&mut Command) -> &mut Command) {
    let mut command = Command::new(name);
    command.env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin");
    let output = with(&mut command)
        .output()
        .expect("e2fsprogs is there (Debian package e2fsprogs)");
    let said = [output.stdout, output.stderr].concat();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&said)
    );
}

/// Whether e2fsck finds nothing to say about a file system.
fn check(bytes: &[u8]) {
    let image = tempfile(bytes);
    tool("e2fsck", |command| command.arg("-fn").arg(&image));
    fs::remove_file(image).unwrap();
}

/// A new file with these bytes.
fn tempfile(bytes: &[u8]) -> PathBuf {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("session-check-{}-{number}", std::process::id());
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, bytes).unwrap();
    path
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

/// A disk that is written to, or refuses.
struct Writable {
    bytes: RefCell<Vec<u8>>,
    read_only: bool,
}

impl BlockDevice for Writable {
    fn sector_size(&self) -> u32 {
        512
    }

    fn len(&self) -> u64 {
        self.bytes.borrow().len() as u64
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), DiskError> {
        self.bytes.borrow().read_at(offset, buf)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        assert!(
            offset.is_multiple_of(512) && bytes.len().is_multiple_of(512),
            "whole sectors"
        );
        if self.read_only {
            return Err(DiskError::Write {
                offset,
                length: bytes.len() as u64,
                reason: "the disk is read-only".into(),
            });
        }
        self.bytes.borrow_mut()[offset as usize..][..bytes.len()].copy_from_slice(bytes);
        Ok(())
    }
}

/// Runs a session on a disk that can be written; gives the disk after it,
/// what was loaded and what was shown.
fn session_on(disk: Vec<u8>, read_only: bool, keys: &str) -> (Vec<u8>, Vec<String>, String) {
    let disk = Rc::new(Writable {
        bytes: RefCell::new(disk),
        read_only,
    });
    let storage = Storage::new(Disks::new([disk.clone() as Rc<dyn BlockDevice>]));
    let mut terminal = Keys {
        keys: keys.bytes().collect(),
        now: 0,
        written: Vec::new(),
    };
    let mut machine = Notes::default();
    run(&mut terminal, &storage, &mut machine, &Start::default());
    let shown = String::from_utf8(terminal.written).unwrap();
    let bytes = disk.bytes.borrow().clone();
    (bytes, machine.0, shown.replace("\r\n", "\n"))
}

/// Where two disks differ.
fn differences(a: &[u8], b: &[u8]) -> Vec<usize> {
    assert_eq!(a.len(), b.len());
    (0..a.len()).filter(|&at| a[at] != b[at]).collect()
}

const SAVING: &str = "\
default saved
timeout 0
title a
savedefault 1
kernel /vmlinuz a
title b
savedefault 0
kernel /vmlinuz b
";

/// What grub-set-default writes, in short.
const DEFAULT: &str = "0\n#\n#\n#\n#\n#\n#\n# Lines are not to be removed.\n";

#[test]
fn what_is_saved_is_there_at_the_next_boot_and_nothing_else_changes() {
    for options in [
        &["-t", "ext4"][..],
        &["-t", "ext4", "-O", "metadata_csum,64bit"],
        &["-t", "ext2", "-b", "1024"],
        &["-t", "ext4", "-O", "bigalloc"],
    ] {
        let plain = make(
            "saved",
            options,
            &[("menu.lst", SAVING), ("default", DEFAULT)],
        );
        let before = partitioned(&plain);
        let (after, loaded, shown) = session_on(before.clone(), false, "");
        assert_eq!(
            loaded,
            ["(hd0,0)/vmlinuz: 300000 bytes, a"],
            "{options:?}: {shown}"
        );
        let changed = differences(&before, &after);
        assert!(
            !changed.is_empty() && changed.len() <= 10,
            "{options:?}: {shown}"
        );
        assert!(changed[changed.len() - 1] - changed[0] < 10);
        assert_eq!(after[changed[0]..][..10], *b"1\n\n\n\n\n\n\n\n\n");
        check(&after[2048 * 512..]);
        let (again, loaded, _) = session_on(after, false, "");
        assert_eq!(loaded, ["(hd0,0)/vmlinuz: 300000 bytes, b"], "{options:?}");
        assert_eq!(again[changed[0]], b'0');
        check(&again[2048 * 512..]);
    }
}

/// What grub-mkconfig writes, in short.
const ONCE: &str = "\
load_env
if [ \"$next_entry\" ]; then
  set default=\"$next_entry\"
  set next_entry=
  save_env next_entry
fi
set timeout=0
menuentry a { linux /vmlinuz a; }
menuentry b { linux /vmlinuz b; }
";

#[test]
fn an_entry_of_grub_cfg_that_is_meant_for_once_is_booted_once() {
    let lines = "# GRUB Environment Block\nnext_entry=b\n";
    let block = format!("{lines}{}", "#".repeat(1024 - lines.len()));
    let files = [("grub.cfg", ONCE), ("grubenv", block.as_str())];
    let before = partitioned(&make("grubenv", &["-t", "ext4"], &files));
    let (after, loaded, shown) = session_on(before.clone(), false, "");
    let kernel = |name: &str| format!("(hd0,0)/vmlinuz: 300000 bytes, BOOT_IMAGE=/vmlinuz {name}");
    assert_eq!(loaded, [kernel("b")], "{shown}");
    // Only the value and what moved up in its place.
    let changed = differences(&before, &after);
    assert!(!changed.is_empty() && changed.len() <= 2, "{changed:?}");
    let expected = lines.replace("=b", "=") + "#";
    let start = changed[0] + 1 - (lines.len() - 1);
    assert_eq!(&after[start..][..expected.len()], expected.as_bytes());
    check(&after[2048 * 512..]);
    let (again, loaded, shown) = session_on(after.clone(), false, "");
    assert_eq!(loaded, [kernel("a")], "{shown}");
    assert_eq!(differences(&after, &again), [0; 0]);
}

/// What cannot be promised to do no harm is not done: the entry boots all the
/// same, and says why the next one will be the same.
#[test]
fn what_cannot_be_saved_changes_nothing() {
    for (options, default, read_only, reason) in [
        (&["-t", "ext4"][..], DEFAULT, true, "the disk is read-only"),
        (&["-t", "ext4"], "0\n", false, "the file has only 2 bytes"),
        (
            &["-t", "ext4", "-O", "inline_data"],
            DEFAULT,
            false,
            "inside its inode",
        ),
        (
            &["-t", "ext4", "-O", "mmp"],
            DEFAULT,
            false,
            "mounted elsewhere",
        ),
    ] {
        let plain = make(
            "unsaved",
            options,
            &[("menu.lst", SAVING), ("default", default)],
        );
        let before = partitioned(&plain);
        let (after, loaded, shown) = session_on(before.clone(), read_only, "");
        assert_eq!(loaded, ["(hd0,0)/vmlinuz: 300000 bytes, a"], "{shown}");
        assert!(shown.contains("Error 29: "), "{options:?}: {shown}");
        assert!(shown.contains(reason), "{options:?}: {shown}");
        assert!(shown.contains("/boot/grub/default"), "{options:?}: {shown}");
        assert_eq!(differences(&before, &after), [0; 0]);
    }
    // Marked as damaged by the kernel: blocks may belong to several files.
    let mut plain = make(
        "damaged",
        &["-t", "ext2"],
        &[("menu.lst", SAVING), ("default", DEFAULT)],
    );
    plain[1024 + 0x3a] |= 2;
    let before = partitioned(&plain);
    let (after, _, shown) = session_on(before.clone(), false, "");
    assert!(shown.contains("marked as damaged"), "{shown}");
    assert_eq!(differences(&before, &after), [0; 0]);
}

#[test]
fn partition_tables_are_changed_with_care() {
    let plain = make("table", &["-t", "ext2"], &[("menu.lst", "title x\nboot\n")]);
    let mut disk = partitioned(&plain);
    let end = disk.len() / 512;
    disk.extend_from_slice(&[0; 1 << 20]);
    let entry = |disk: &[u8], slot: usize| disk[446 + 16 * slot..][..16].to_vec();
    let typed = |disk: &[u8], commands: &str| {
        let (after, _, shown) = session_on(disk.to_vec(), false, &format!("c{commands}\r"));
        let changed = differences(disk, &after);
        assert!(
            changed.iter().all(|at| (446..510).contains(at)),
            "{commands}"
        );
        (after, shown)
    };
    let (hidden, _) = typed(&disk, "hide (hd0,0)");
    assert_eq!(differences(&disk, &hidden), [446 + 4]);
    assert_eq!(hidden[446 + 4], 0x93);
    assert_eq!(typed(&hidden, "unhide (hd0,0)").0, disk);
    assert_eq!(typed(&disk, "parttype (hd0,0) 0x07").0[446 + 4], 7);
    let (active, _) = typed(&disk, "root (hd0,0)\rmakeactive");
    assert_eq!(differences(&disk, &active), [446]);
    assert_eq!(active[446], 0x80);
    let (new, _) = typed(&disk, &format!("partnew (hd0,2) 0x82 {end} 2048"));
    assert_eq!(entry(&new, 2)[4], 0x82);
    assert_eq!(
        entry(&new, 2)[8..12],
        u32::try_from(end).unwrap().to_le_bytes()
    );
    assert_eq!(entry(&new, 2)[12..], 2048u32.to_le_bytes());
    assert_eq!(entry(&new, 0), entry(&disk, 0));
    // The one that became active is the only one.
    let (other, _) = typed(
        &typed(&new, "root (hd0,0)\rmakeactive").0,
        "rootnoverify (hd0,2)\rmakeactive",
    );
    assert_eq!((entry(&other, 0)[0], entry(&other, 2)[0]), (0, 0x80));
    for (commands, error) in [
        (format!("partnew (hd0,0) 0x82 {end} 8"), "is in use"),
        (
            format!("partnew (hd0,4) 0x82 {end} 8"),
            "no primary partition",
        ),
        (
            format!("partnew (hd0,1) 0x82 {} 8", end - 1),
            "overlap partition 0",
        ),
        ("partnew (hd0,1) 0x82 64 4000".into(), "overlap partition 0"),
        (
            format!("partnew (hd0,1) 0x82 {end} 2049"),
            "inside the disk",
        ),
        ("partnew (hd0,1) 0x82 0 8".into(), "inside the disk"),
        (format!("partnew (hd0,1) 0xee {end} 8"), "stands for a GPT"),
        (format!("partnew (hd0,1) 0 {end} 8"), "no partition"),
        ("parttype (hd0,3) 7".into(), "Error 22"),
        ("hide (hd0)".into(), "is no partition"),
    ] {
        let (after, shown) = typed(&disk, &commands);
        assert!(shown.contains(error), "{commands}: {shown}");
        assert_eq!(after, disk, "{commands}");
    }
    // A disk that is one file system has no table to put anything into.
    let (after, _, shown) = session_on(plain.clone(), false, "cpartnew (hd0,1) 0x82 64 8\r");
    assert!(shown.contains("the whole disk is a file system"), "{shown}");
    assert_eq!(after, plain);
    // A table that only stands before a GPT.
    let mut gpt = disk.clone();
    gpt[446 + 16 + 4] = 0xee;
    let (after, _, shown) = session_on(
        gpt.clone(),
        false,
        "chide (hd0,0)\rpartnew (hd0,2) 0x82 64 8\r",
    );
    assert!(shown.contains("Error "), "{shown}");
    assert_eq!(after, gpt);
}

#[test]
fn where_a_file_lies() {
    let plain = make(
        "places",
        &["-t", "ext4"],
        &[("menu.lst", "title x\nboot\n")],
    );
    let (_, _, shown) = session_on(partitioned(&plain), false, "cblocklist /vmlinuz\r");
    let list = shown
        .lines()
        .find_map(|line| line.strip_prefix(" (hd0,0)"))
        .unwrap();
    let mut bytes = Vec::new();
    for run in list.split(',') {
        let (start, length) = match run.split_once('+') {
            Some((start, count)) => (start, count.parse::<usize>().unwrap() * 512),
            None => {
                let (start, rest) = run.split_once("[0-").unwrap();
                (start, rest.trim_end_matches(']').parse().unwrap())
            }
        };
        bytes.extend_from_slice(&plain[start.parse::<usize>().unwrap() * 512..][..length]);
    }
    assert_eq!(bytes, vec![b'k'; 300_000]);
}

/// What a tool of e2fsprogs says about the image of a file system.
fn asked(image: &Path, command: &str) -> String {
    let output = Command::new("debugfs")
        .env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin")
        .args(["-R", command])
        .arg(image)
        .output()
        .expect("debugfs is there (Debian package e2fsprogs)");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A journal that was not replayed: what it holds of the file would replace
/// what is written, so nothing is; what it holds of others does not matter.
#[test]
fn a_dirty_journal_gets_what_is_its_own() {
    for (journaled, saved) in [("/boot/grub/default", false), ("/boot/initrd.img", true)] {
        let plain = make(
            "dirty",
            &["-t", "ext4", "-b", "1024"],
            &[("menu.lst", SAVING), ("default", DEFAULT)],
        );
        let image = tempfile(&plain);
        let block: usize = asked(&image, &format!("blocks {journaled}"))
            .parse()
            .unwrap();
        let copy = tempfile(&plain[block * 1024..][..1024]);
        let script = tempfile(format!("jo\njw -b {block} {}\njc\n", copy.display()).as_bytes());
        tool("debugfs", |command| {
            command.arg("-w").arg("-f").args([&script, &image])
        });
        let dirty = partitioned(&fs::read(&image).unwrap());
        let (after, loaded, shown) = session_on(dirty.clone(), false, "");
        assert_eq!(loaded, ["(hd0,0)/vmlinuz: 300000 bytes, a"], "{shown}");
        assert_eq!(!shown.contains("Error 29: "), saved, "{shown}");
        assert_eq!(!differences(&dirty, &after).is_empty(), saved, "{shown}");
        assert!(
            saved || shown.contains("its journal will write there"),
            "{shown}"
        );
        // The system comes, and replays it.
        fs::write(&image, &after[2048 * 512..]).unwrap();
        let replay = Command::new("/sbin/e2fsck").arg("-fy").arg(&image).output();
        assert!(replay.is_ok());
        tool("e2fsck", |command| command.arg("-fn").arg(&image));
        let (_, loaded, _) = session_on(partitioned(&fs::read(&image).unwrap()), false, "");
        let entry = if saved { "b" } else { "a" };
        assert_eq!(loaded, [format!("(hd0,0)/vmlinuz: 300000 bytes, {entry}")]);
        for file in [image, copy, script] {
            fs::remove_file(file).unwrap();
        }
    }
}

/// A menu on one disk, the kernel on another; and menus of EC2's two kinds,
/// for a disk that is one file system (`hd0`) and for a partitioned one
/// (`hd00`), where only the second is right on both.
#[test]
fn two_disks_and_the_conventions_of_ec2() {
    let menu = "timeout 0\ntitle x\nroot (hd1)\nkernel /vmlinuz from the other\n";
    let first = partitioned(&make("first", &["-t", "ext4"], &[("menu.lst", menu)]));
    let second = make("second", &["-t", "ext2"], &[]);
    for extra in ["", "(hd0,0)", "(hd0,0)/boot/grub/menu.lst"] {
        let (exit, loaded, shown) = session(vec![first.clone(), second.clone()], extra, "");
        assert_eq!(exit, Exit::Booted, "{shown}");
        assert_eq!(loaded, ["(hd1)/vmlinuz: 300000 bytes, from the other"]);
    }
    for (root, whole, partition) in [("(hd0)", true, false), ("(hd0,0)", true, true)] {
        let menu = format!("timeout 0\ntitle x\nroot {root}\nkernel /vmlinuz\n");
        let plain = make("ec2", &["-t", "ext4"], &[("menu.lst", &menu)]);
        for (disk, extra, boots) in [
            (plain.clone(), "(hd0)/boot/grub/menu.lst", whole),
            (plain.clone(), "", whole),
            (partitioned(&plain), "(hd0,0)/boot/grub/menu.lst", partition),
        ] {
            // What EC2 puts there is passed over.
            let line = format!("{extra} root=/dev/sda1 ro 4");
            let (exit, _, shown) = session(vec![disk], &line, "");
            assert_eq!(exit == Exit::Booted, boots, "{line}: {shown}");
            if !boots {
                // And it says what to write instead.
                assert!(shown.contains("Error 17: (hd0): "), "{shown}");
                assert!(shown.contains("with partitions (hd0,0)"), "{shown}");
            }
        }
    }
}
