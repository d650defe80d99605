//! The [`Machine`] that a menu's commands act on: reads a kernel and its
//! initrd into pages, and starts them.
//!
//! The last room before the jump. A kernel file is read into pages, unpacked
//! into others (the packed one is given back), and parsed; an initrd is read
//! as it is. `boot` makes the [plan](crate::build) and hands it to the
//! starter, which the unikernel supplies.

#![forbid(unsafe_code)]

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use minios::mm::{self, PAGE_SIZE, PageBuf};
use minios::time;

use crate::build::{self, BuildError, Modules, Plan, Request};
use crate::command::{Error, ErrorKind, Machine};
use crate::fs::File;
use crate::image::{self, Container, ImageError, Kernel};

/// Starts a planned kernel with its buffers: `kernel` and `initrd`. Comes back
/// only with the reason why it did not.
pub type Starter = Box<dyn FnMut(&Plan, PageBuf, Option<PageBuf>) -> Box<dyn fmt::Display>>;

/// What the running domain has.
#[derive(Clone, Copy, Debug)]
pub struct Domain {
    /// Pages of memory (`start_info.nr_pages`).
    pub pages: u64,
    /// `start_info.flags`.
    pub flags: u32,
}

/// A kernel that was read and understood.
struct Loaded {
    file: PageBuf,
    kernel: Kernel,
    command_line: String,
    initrd: Option<PageBuf>,
}

/// The loader's state.
pub struct Loader {
    domain: Domain,
    start: Starter,
    loaded: Option<Loaded>,
}

/// How deep files may be packed in each other: a bzImage in a gzip file.
const MAX_LAYERS: usize = 3;

impl Loader {
    /// Nothing loaded yet.
    pub fn new(domain: Domain, start: Starter) -> Self {
        Loader {
            domain,
            start,
            loaded: None,
        }
    }

    /// Pages for `len` bytes of `what`.
    fn pages(&self, len: u64, what: &str) -> Result<PageBuf, Error> {
        let no_room = || {
            let mib = |bytes: u64| bytes.div_ceil(1 << 20);
            let free = (mm::free_pages() * PAGE_SIZE) as u64;
            let text = format!(
                "{what} needs {} MiB, {} MiB of this guest's memory are free",
                mib(len),
                mib(free)
            );
            Error::because(ErrorKind::OutOfMemory, text)
        };
        let size = usize::try_from(len)
            .ok()
            .filter(|_| len <= self.domain.pages * PAGE_SIZE as u64);
        PageBuf::new(size.ok_or_else(no_room)?).map_err(|_| no_room())
    }

    fn read(&self, file: &mut dyn File, what: &str) -> Result<PageBuf, Error> {
        let mut pages = self.pages(file.len(), what)?;
        read_whole(file, &mut pages)?;
        Ok(pages)
    }

    /// Unpack `file` until an ELF file is left; says what it went through.
    fn unpack(&self, mut file: PageBuf) -> Result<(PageBuf, Vec<&'static str>), Error> {
        let mut layers = Vec::new();
        loop {
            let (codec, payload, len) = match image::identify(&file).map_err(bad_image)? {
                Container::Elf => return Ok((file, layers)),
                Container::BzImage {
                    codec,
                    payload,
                    unpacked_len,
                } => (codec, payload, Some(unpacked_len)),
                Container::Compressed {
                    codec,
                    unpacked_len,
                } => (codec, 0..file.len(), unpacked_len),
            };
            if layers.len() == MAX_LAYERS {
                return Err(Error::because(
                    ErrorKind::BadExecutable,
                    "packed in itself too often",
                ));
            }
            layers.push(codec.name());
            let packed = file.get(payload).unwrap_or_default();
            // A format that does not tell gets what can be had.
            let len = len.unwrap_or_else(|| (packed.len() as u64).saturating_mul(16));
            let mut unpacked = self.pages(len, "the unpacked kernel")?;
            let unpacked_len =
                image::decompress(codec, packed, &mut unpacked).map_err(bad_image)?;
            unpacked.truncate(unpacked_len);
            file = unpacked;
        }
    }
}

/// Fill `to` from the beginning of `file`, in one read.
fn read_whole(file: &mut dyn File, to: &mut [u8]) -> Result<(), Error> {
    let read = file.read_at(0, to)?;
    if read < to.len() {
        let text = format!("ends after {read} of {} bytes", to.len());
        return Err(Error::because(ErrorKind::ReadError, text));
    }
    Ok(())
}

fn bad_image(error: ImageError) -> Error {
    let kind = match error {
        ImageError::Corrupt { .. } | ImageError::OutputTooSmall { .. } => {
            ErrorKind::BadCompressedData
        }
        _ => ErrorKind::BadExecutable,
    };
    Error::because(kind, error.to_string())
}

fn bad_plan(error: BuildError) -> Error {
    let kind = match error {
        BuildError::TooLittleMemory { .. } => ErrorKind::OutOfMemory,
        BuildError::CommandLineTooLong(_) | BuildError::ModuleCommandLineTooLong { .. } => {
            ErrorKind::BadArgument
        }
        _ => ErrorKind::BadExecutable,
    };
    Error::because(kind, error.to_string())
}

/// `17.3 MiB`, `512 KiB`.
fn size(bytes: usize) -> String {
    match bytes {
        0..0x10_0000 => format!("{} KiB", bytes.div_ceil(1024)),
        _ => format!("{}.{} MiB", bytes >> 20, ((bytes % (1 << 20)) * 10) >> 20),
    }
}

impl Machine for Loader {
    fn memory_kib(&self) -> u64 {
        self.domain.pages * 4
    }

    fn load_kernel(
        &mut self,
        name: &str,
        file: &mut dyn File,
        command_line: &str,
    ) -> Result<String, Error> {
        self.loaded = None;
        let begin = time::now_ns();
        let packed = self.read(file, "the kernel")?;
        let packed_len = packed.len();
        let read = time::now_ns();
        let (file, layers) = self.unpack(packed)?;
        let kernel = image::parse_elf(&file).map_err(bad_image)?;
        let ms = |from: u64, to: u64| (to - from) / 1_000_000;
        log::info!(
            "{name}: read in {} ms, unpacked in {} ms",
            ms(begin, read),
            ms(read, time::now_ns())
        );
        let mut text = format!("{} kernel, {}", kernel.notes.guest_os, size(file.len()));
        if !layers.is_empty() {
            text += &format!(
                " unpacked from {} of {}",
                size(packed_len),
                layers.join(" in ")
            );
        }
        self.loaded = Some(Loaded {
            file,
            kernel,
            command_line: command_line.into(),
            initrd: None,
        });
        Ok(text)
    }

    fn load_initrd(&mut self, files: &mut [Box<dyn File>]) -> Result<String, Error> {
        let no_kernel = || Error::new(ErrorKind::NoKernelForInitrd, "");
        self.loaded.as_mut().ok_or_else(no_kernel)?.initrd = None;
        let mut len = 0u64;
        for file in files.iter() {
            len = len.next_multiple_of(4).saturating_add(file.len());
        }
        let mut pages = self.pages(len, "the initrd")?;
        let mut at = 0usize;
        for file in files.iter_mut() {
            at = at.next_multiple_of(4);
            let end = at + file.len() as usize;
            let place = pages
                .get_mut(at..end)
                .ok_or_else(|| Error::new(ErrorKind::ReadError, ""))?;
            read_whole(&mut **file, place)?;
            at = end;
        }
        let text = format!("initrd, {}", size(at));
        self.loaded.as_mut().ok_or_else(no_kernel)?.initrd = Some(pages);
        Ok(text)
    }

    fn boot(&mut self) -> Result<(), Error> {
        let loaded = self
            .loaded
            .take()
            .ok_or_else(|| Error::new(ErrorKind::NoKernel, ""))?;
        let modules = match &loaded.initrd {
            Some(initrd) => Modules::Initrd(initrd.len() as u64),
            None => Modules::None,
        };
        let plan = build::plan(&Request {
            kernel: &loaded.kernel,
            modules,
            cmdline: loaded.command_line.as_bytes(),
            nr_pages: self.domain.pages,
            flags: self.domain.flags,
        })
        .map_err(bad_plan)?;
        let reason = (self.start)(&plan, loaded.file, loaded.initrd);
        Err(Error::because(ErrorKind::BootFailed, reason.to_string()))
    }
}
