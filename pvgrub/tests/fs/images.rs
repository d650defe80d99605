//! Makes images with the file systems' own tools and opens them.

use pvgrub::disk::{BlockDevice, Cache, DiskError, check_range};
use pvgrub::fs::{FileSystem, FsError, probe};
use std::cell::Cell;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::sync::OnceLock;

/// Where images are made. mke2fs waits for the disk at its end, so memory is
/// many times faster; but in a container there may be little of it.
fn base() -> &'static Path {
    static BASE: OnceLock<PathBuf> = OnceLock::new();
    BASE.get_or_init(|| {
        let df = Command::new("df")
            .args(["-k", "--output=avail", "/dev/shm"])
            .output();
        let text = df.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        let free = text
            .ok()
            .and_then(|text| text.lines().nth(1)?.trim().parse::<u64>().ok());
        let roomy = free.is_some_and(|kib| kib >= 4 << 20);
        if roomy {
            "/dev/shm"
        } else {
            env!("CARGO_TARGET_TMPDIR")
        }
        .into()
    })
}

/// A folder for one test, removed at its end.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Self {
        let path = base().join(format!("pvgrub-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs a tool and gives what it printed; its exit code must be one of
/// `allowed`.
pub fn run(tool: &str, args: &[&str], input: &str, allowed: &[i32]) -> String {
    use std::io::Write;
    let mut child = Command::new(tool)
        .args(args)
        .env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin")
        // mtools takes names to be in the locale's encoding.
        .env("LC_ALL", "C.UTF-8")
        .env(
            "MKE2FS_CONFIG",
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fs/ext/mke2fs.conf"),
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| {
            panic!("cannot run {tool} (see main.rs for its Debian package): {error}")
        });
    // A tool that asks nothing may be gone before it is answered.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(
        output
            .status
            .code()
            .is_some_and(|code| allowed.contains(&code)),
        "{tool} {args:?}: {}\n{text}",
        output.status
    );
    text
}

/// Makes the image `image` of `size` (as mke2fs takes it) from the folder
/// `tree`.
pub fn mke2fs(image: &Path, tree: Option<&Path>, args: &str, size: &str) {
    let image = image.to_str().unwrap();
    let mut all = vec!["-q", "-F"];
    all.extend(args.split_whitespace());
    if let Some(tree) = tree {
        all.extend(["-d", tree.to_str().unwrap()]);
    }
    all.extend([image, size]);
    // Blocks beyond the page size are asked about.
    run("mke2fs", &all, "y\n", &[0]);
}

/// Runs debugfs commands on `image`, writing.
pub fn debugfs(image: &Path, commands: &str) -> String {
    run(
        "debugfs",
        &["-w", "-f", "/dev/stdin", image.to_str().unwrap()],
        commands,
        &[0],
    )
}

/// A file as a disk, which counts reads.
pub struct FileDisk {
    file: File,
    length: u64,
    pub reads: Cell<u64>,
    pub bytes: Cell<u64>,
}

impl FileDisk {
    pub fn open(path: &Path) -> Rc<Self> {
        let file = File::open(path).unwrap();
        let length = file.metadata().unwrap().len();
        Rc::new(FileDisk {
            file,
            length,
            reads: Cell::new(0),
            bytes: Cell::new(0),
        })
    }
}

impl BlockDevice for FileDisk {
    fn sector_size(&self) -> u32 {
        512
    }

    fn len(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), DiskError> {
        check_range(offset, buf.len(), self.length)?;
        self.reads.set(self.reads.get() + 1);
        self.bytes.set(self.bytes.get() + buf.len() as u64);
        self.file.read_exact_at(buf, offset).unwrap();
        Ok(())
    }
}

/// Opens the file system in `image`.
pub fn open(image: &Path) -> Result<Box<dyn FileSystem>, FsError> {
    probe(Rc::new(Cache::new(FileDisk::open(image))))
}

/// All of the file at `path`.
pub fn read(fs: &dyn FileSystem, path: &str) -> Result<Vec<u8>, FsError> {
    let mut file = fs.open(path)?;
    let mut bytes = vec![0xa5; usize::try_from(file.len()).unwrap()];
    let count = file.read_at(0, &mut bytes)?;
    assert_eq!(count, bytes.len());
    Ok(bytes)
}

/// Makes the FAT image `image` of `kib` KiB and copies the folder `tree` to it.
pub fn mkfs_fat(image: &Path, tree: &Path, args: &str, kib: u64) {
    let _ = std::fs::remove_file(image);
    let (name, size) = (image.to_str().unwrap(), kib.to_string());
    let mut all: Vec<&str> = args.split_whitespace().collect();
    all.extend(["-C", name, &size]);
    run("mkfs.fat", &all, "", &[0]);
    let mut names: Vec<String> = std::fs::read_dir(tree)
        .unwrap()
        .map(|entry| entry.unwrap().path().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    let mut all = vec!["-i", name, "-s", "-Q"];
    all.extend(names.iter().map(String::as_str));
    all.push("::");
    run("mcopy", &all, "", &[0]);
}

/// Makes the ISO 9660 image `image` of the folder `tree` with xorriso, which
/// takes `args` as mkisofs would.
pub fn xorriso(image: &Path, tree: &Path, args: &str) {
    let mut all = vec!["-as", "mkisofs", "-quiet", "-iso-level", "3"];
    all.extend(args.split_whitespace());
    all.extend(["-o", image.to_str().unwrap(), tree.to_str().unwrap()]);
    run("xorriso", &all, "", &[0]);
}

/// The same with genisoimage.
pub fn genisoimage(image: &Path, tree: &Path, args: &str) {
    let mut all = vec!["-quiet", "-allow-limited-size", "-input-charset", "utf-8"];
    all.extend(args.split_whitespace());
    all.extend(["-o", image.to_str().unwrap(), tree.to_str().unwrap()]);
    run("genisoimage", &all, "", &[0]);
}

/// Makes the XFS image `image` of `size` from the folder `tree`, whose names
/// must have no spaces.
pub fn mkfs_xfs(image: &Path, tree: &Path, args: &str, size: &str) {
    let _ = std::fs::remove_file(image);
    let mut proto = String::from("/dev/null\n0 0\nd--755 0 0\n");
    prototype(tree, &mut proto);
    proto.push_str("$\n");
    let file = image.with_extension("proto");
    std::fs::write(&file, proto).unwrap();
    let data = format!("name={},size={size},file", image.display());
    let mut all = vec!["-q", "--unsupported", "-f", "-p", file.to_str().unwrap()];
    all.extend(args.split_whitespace());
    all.extend(["-d", &data]);
    run("mkfs.xfs", &all, "", &[0]);
}

/// The lines for what the folder `tree` holds.
fn prototype(tree: &Path, proto: &mut String) {
    for entry in std::fs::read_dir(tree).unwrap() {
        let entry = entry.unwrap();
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        let name = entry.file_name().into_string().unwrap();
        if kind.is_dir() {
            *proto += &format!("{name} d--755 0 0\n");
            prototype(&path, proto);
            *proto += "$\n";
        } else if kind.is_symlink() {
            let target = std::fs::read_link(&path).unwrap();
            *proto += &format!("{name} l--777 0 0 {}\n", target.display());
        } else {
            *proto += &format!("{name} ---644 0 0 {}\n", path.display());
        }
    }
}

/// Makes the btrfs image `image` of `size` from the folder `tree`.
pub fn mkfs_btrfs(image: &Path, tree: &Path, args: &str, size: &str) {
    let _ = std::fs::remove_file(image);
    let name = image.to_str().unwrap();
    run("truncate", &["-s", size, name], "", &[0]);
    let mut all = vec!["-q", "--rootdir", tree.to_str().unwrap()];
    all.extend(args.split_whitespace());
    all.push(name);
    run("mkfs.btrfs", &all, "", &[0]);
}

/// Makes the squashfs image `image` from the folder `tree`.
pub fn mksquashfs(image: &Path, tree: &Path, args: &str) {
    let _ = std::fs::remove_file(image);
    let mut all = vec![tree.to_str().unwrap(), image.to_str().unwrap()];
    all.extend(["-quiet", "-no-progress", "-all-root"]);
    all.extend(args.split_whitespace());
    run("mksquashfs", &all, "", &[0]);
}
