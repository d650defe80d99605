//! The lab's dom0: Debian's kernel with an initramfs of Xen's tools and
//! busybox, packed once and kept in the cache. A test's own files are appended
//! to it as a second archive.

use crate::cpio::Cpio;
use crate::elf::{Modules, libraries};
use crate::packages::{self, Flavour, Kernel, Root};
use crate::paths;
use anyhow::{Context, Result};
use flate2::read::GzDecoder;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

const INIT: &str = include_str!("../dom0/init");
const BLOCK: &str = include_str!("../dom0/block-lab");

/// Programs taken along, by their place in the package root.
const PROGRAMS: &[&str] = &[
    "usr/lib/xen-4.17/bin/xl",
    "usr/lib/xen-4.17/bin/xenstored",
    "usr/lib/xen-4.17/bin/xenconsoled",
    "usr/lib/xen-4.17/bin/xenconsole",
    "usr/lib/xen-4.17/bin/xen-init-dom0",
    "usr/lib/xen-4.17/bin/xenctx",
    "usr/lib/xen-4.17/bin/libxl-save-helper",
    "usr/bin/xenstore",
    // By its path, or busybox's own is run, which knows no sector sizes.
    "sbin/losetup",
];

/// Names under which `xenstore` is called.
const XENSTORE: &[&str] = &[
    "chmod", "exists", "list", "ls", "read", "rm", "watch", "write",
];

/// Where libxl looks for it.
const QEMU: &str = "usr/libexec/xen-qemu-system-i386";
const KEYMAP: &str = "usr/share/qemu/keymaps/en-us";

/// What HVM guests need in dom0, as (place there, place in the package root).
const HVM_FILES: &[(&str, &str)] = &[
    (QEMU, QEMU),
    (KEYMAP, KEYMAP),
    (
        "usr/lib/xen-4.17/boot/hvmloader",
        "usr/lib/xen-4.17/boot/hvmloader",
    ),
    (
        "usr/share/seabios/bios-256k.bin",
        "usr/share/seabios/bios-256k.bin",
    ),
    (
        "usr/share/seabios/vgabios-stdvga.bin",
        "usr/share/seabios/vgabios-stdvga.bin",
    ),
    (
        "usr/share/seabios/vgabios-cirrus.bin",
        "usr/share/seabios/vgabios-cirrus.bin",
    ),
    // Where libxl calls it, Debian has a shell script around it.
    ("usr/bin/vchan-socket-proxy", VCHAN_PROXY),
    (EVENTS, EVENTS),
];
const EVENTS: &str = "usr/lib/xen-4.17/bin/lsevtchn";
const VCHAN_PROXY: &str = "usr/lib/xen-4.17/bin/vchan-socket-proxy";

/// The programs among them.
const HVM_PROGRAMS: &[&str] = &[QEMU, VCHAN_PROXY, EVENTS];

/// Loaded by init in this order, each after what it needs.
const MODULES: &[&str] = &[
    "xen-privcmd",
    "xen-evtchn",
    "xen-gntdev",
    "xen-gntalloc",
    "xenfs",
    "loop",
    "xen-blkback",
    "virtio_pci",
    "virtio_console",
    "virtio_blk",
];

/// What QEMU is given to boot.
#[derive(Clone, Debug)]
pub struct Dom0 {
    /// Xen itself, unpacked.
    pub xen: PathBuf,
    /// dom0's Linux.
    pub kernel: PathBuf,
    /// dom0's initramfs, without a test's own files.
    pub initramfs: PathBuf,
    /// The tools it was made from.
    pub root: Root,
}

/// A file to be added to dom0 for one test.
#[derive(Clone, Debug)]
pub enum Extra {
    /// A file of the host, with its permissions.
    File(PathBuf),
    /// Bytes; executable.
    Bytes(Vec<u8>),
}

impl Dom0 {
    /// Fetches and packs what is not in the cache yet.
    pub fn ready() -> Result<Dom0> {
        let root = packages::root()?;
        let kernel = packages::kernel(Flavour::Stock)?;
        let mut hasher = DefaultHasher::new();
        (
            root.path(""),
            kernel.vmlinuz(),
            INIT,
            BLOCK,
            PROGRAMS,
            MODULES,
            2,
        )
            .hash(&mut hasher);
        let dir = paths::cache().join(format!("dom0-{:016x}", hasher.finish()));
        let dom0 = Dom0 {
            xen: dir.join("xen"),
            kernel: kernel.vmlinuz(),
            initramfs: dir.join("initramfs"),
            root,
        };
        if !dir.exists() {
            // Built aside, then renamed: whoever is first wins, nobody sees half.
            let new = tempfile::tempdir_in(paths::cache())?;
            dom0.build(&kernel, new.path()).context("packing dom0")?;
            if let Err(e) = fs::rename(new.path(), &dir)
                && !dir.exists()
            {
                return Err(e.into());
            }
        }
        Ok(dom0)
    }

    fn build(&self, kernel: &Kernel, dir: &Path) -> Result<()> {
        let mut names = fs::read_dir(self.root.path("boot"))?.filter_map(|e| e.ok());
        let gz = names
            .find(|e| e.file_name().to_string_lossy().ends_with("-amd64.gz"))
            .context("no Xen in the packages")?;
        let mut xen = File::create(dir.join("xen"))?;
        io::copy(&mut GzDecoder::new(File::open(gz.path())?), &mut xen)?;

        let out = BufWriter::new(File::create(dir.join("initramfs"))?);
        let mut cpio = Cpio::new(out);
        cpio.bytes("init", 0o755, INIT.as_bytes())?;
        cpio.chardev("dev/console", 0o600, 5, 1)?;
        for dir in [
            "proc",
            "sys",
            "root",
            "mnt",
            "etc/xen/scripts",
            "usr/libexec",
            "var/lib",
        ] {
            cpio.dir(dir)?;
        }
        cpio.symlink("var/run", "/run")?;
        cpio.dir("run")?;
        cpio.bytes("etc/xen/xl.conf", 0o644, b"autoballoon=\"off\"\n")?;
        cpio.bytes("etc/xen/scripts/block-lab", 0o755, BLOCK.as_bytes())?;
        self.programs(&mut cpio)?;
        let modules = Modules::open(&kernel.modules())?.closure(&self.root, MODULES)?;
        let mut order = String::new();
        for (name, content) in modules {
            cpio.bytes(&format!("lib/modules/{name}"), 0o644, &content)?;
            order += &format!("{name}\n");
        }
        cpio.bytes("lib/modules/order", 0o644, order.as_bytes())?;
        cpio.finish()?;
        Ok(())
    }

    fn programs<W: Write>(&self, cpio: &mut Cpio<W>) -> Result<()> {
        cpio.file("bin/busybox", &self.root.path("bin/busybox"))?;
        let programs: Vec<PathBuf> = PROGRAMS.iter().map(|p| self.root.path(p)).collect();
        for (name, path) in PROGRAMS.iter().zip(&programs) {
            cpio.file(name, path)?;
        }
        for name in XENSTORE {
            cpio.symlink(&format!("usr/bin/xenstore-{name}"), "xenstore")?;
        }
        let mut roots = programs.clone();
        // Opened by name when a thread is cancelled.
        let unwinder = self.root.library("libgcc_s.so.1")?;
        roots.push(unwinder.clone());
        let mut libraries = libraries(&self.root, &roots)?;
        libraries.insert("libgcc_s.so.1".to_owned(), unwinder);
        for (name, path) in libraries {
            let place = match name.starts_with("ld-linux") {
                true => format!("lib64/{name}"),
                false => format!("lib/x86_64-linux-gnu/{name}"),
            };
            cpio.file(&place, &path)?;
        }
        Ok(())
    }

    /// QEMU as a backend in dom0: a test's own files, by their paths in dom0.
    pub fn qemu(&self) -> Result<Vec<(String, PathBuf)>> {
        self.with_libraries(&[(QEMU, QEMU), (KEYMAP, KEYMAP)], &[QEMU])
    }

    /// Files of the package root, as (place in dom0, place in the root), and the
    /// libraries of those among them that are programs.
    fn with_libraries(
        &self,
        files: &[(&str, &str)],
        programs: &[&str],
    ) -> Result<Vec<(String, PathBuf)>> {
        let mut all: Vec<(String, PathBuf)> = files
            .iter()
            .map(|(place, path)| ((*place).to_owned(), self.root.path(path)))
            .collect();
        let programs: Vec<PathBuf> = programs.iter().map(|p| self.root.path(p)).collect();
        for (name, path) in libraries(&self.root, &programs)? {
            if !name.starts_with("ld-linux") {
                all.push((format!("lib/x86_64-linux-gnu/{name}"), path));
            }
        }
        Ok(all)
    }

    /// The archive with all that HVM guests need in dom0: hvmloader, SeaBIOS,
    /// QEMU as a device model and as the backend of a stub domain, and the
    /// program that carries QMP to one. Packed on first use.
    pub fn hvm(&self) -> Result<PathBuf> {
        let mut hasher = DefaultHasher::new();
        (self.root.path(""), HVM_FILES, HVM_PROGRAMS, BLOCK, 1).hash(&mut hasher);
        let archive = paths::cache().join(format!("hvm-{:016x}", hasher.finish()));
        if !archive.exists() {
            let new = tempfile::NamedTempFile::new_in(paths::cache())?;
            let mut cpio = Cpio::new(BufWriter::new(new.reopen()?));
            for (place, path) in self.with_libraries(HVM_FILES, HVM_PROGRAMS)? {
                cpio.file(&place, &path)?;
            }
            // A disk with a script of its own is not emulated by QEMU, so ours
            // is the one that xl runs for all.
            cpio.bytes("etc/xen/scripts/block", 0o755, BLOCK.as_bytes())?;
            cpio.finish()?;
            new.persist(&archive)?;
        }
        Ok(archive)
    }

    /// dom0's initramfs with further archives and a test's own files behind it.
    pub fn with_files(
        &self,
        archives: &[PathBuf],
        files: &[(String, Extra)],
        to: &Path,
    ) -> Result<()> {
        let mut out = File::create(to)?;
        for archive in std::iter::once(&self.initramfs).chain(archives) {
            io::copy(&mut File::open(archive)?, &mut out)?;
        }
        let mut cpio = Cpio::new(BufWriter::with_capacity(1 << 20, out));
        for (path, extra) in files {
            match extra {
                Extra::File(host) => cpio.file(path, host)?,
                Extra::Bytes(bytes) => cpio.bytes(path, 0o755, bytes)?,
            }
        }
        cpio.finish()?;
        Ok(())
    }
}
