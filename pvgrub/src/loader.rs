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

use crate::build::{self, BuildError, Modules, MultibootModule, Plan, Request};
use crate::command::{Error, ErrorKind, Machine};
use crate::fs::File;
use crate::image::{self, Codec, Container, ImageError, Kernel};

/// Starts a planned kernel with its buffers: the kernel, and the initrd or the
/// modules. Comes back only with the reason why it did not.
pub type Starter = Box<dyn FnMut(&Plan, PageBuf, Vec<PageBuf>) -> Box<dyn fmt::Display>>;

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
    /// With their command lines. There is an initrd or there are modules.
    modules: Vec<(PageBuf, String)>,
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
            let (codec, payload, size) = match image::identify(&file).map_err(bad_image)? {
                Container::Elf => return Ok((file, layers)),
                Container::BzImage {
                    codec,
                    payload,
                    unpacked_len,
                } => (codec, payload, Size::Exact(unpacked_len)),
                Container::Compressed {
                    codec,
                    unpacked_len,
                } => {
                    let guess = (file.len() as u64).saturating_mul(4);
                    let size = Size::AtLeast(unpacked_len.unwrap_or(guess));
                    (codec, 0..file.len(), size)
                }
            };
            if layers.len() == MAX_LAYERS {
                return Err(Error::because(
                    ErrorKind::BadExecutable,
                    "packed in itself too often",
                ));
            }
            layers.push(codec.name());
            let packed = file.get(payload).unwrap_or_default();
            file = self.unpack_layer(codec, packed, size)?;
        }
    }

    fn unpack_layer(&self, codec: Codec, packed: &[u8], size: Size) -> Result<PageBuf, Error> {
        let (mut len, exact) = match size {
            Size::Exact(len) => (len, true),
            Size::AtLeast(len) => (len.max(PAGE_SIZE as u64), false),
        };
        loop {
            let mut unpacked = self.pages(len, "the unpacked kernel")?;
            match image::decompress(codec, packed, &mut unpacked) {
                Ok(unpacked_len) => {
                    unpacked.truncate(unpacked_len);
                    return Ok(unpacked);
                }
                // Ends when memory does.
                Err(ImageError::OutputTooSmall { .. }) if !exact => len = len.saturating_mul(2),
                Err(error) => return Err(bad_image(error)),
            }
        }
    }
}

/// A module as the plan wants it.
fn listed((module, command_line): &(PageBuf, String)) -> MultibootModule<'_> {
    MultibootModule {
        len: module.len() as u64,
        cmdline: command_line.as_bytes(),
    }
}

/// What is known of the length that a compressed file unpacks to.
enum Size {
    /// A bzImage says it.
    Exact(u64),
    /// A guess, or what is left of it modulo 2^32 (gzip).
    AtLeast(u64),
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
            modules: Vec::new(),
        });
        Ok(text)
    }

    fn load_initrd(&mut self, files: &mut [Box<dyn File>]) -> Result<String, Error> {
        let no_kernel = || Error::new(ErrorKind::NoKernelForInitrd, "");
        let loaded = self.loaded.as_mut().ok_or_else(no_kernel)?;
        loaded.modules.clear();
        let before = loaded.initrd.take();
        let before = before.as_deref().unwrap_or_default();
        let mut len = before.len() as u64;
        for file in files.iter() {
            len = len.next_multiple_of(4).saturating_add(file.len());
        }
        let mut pages = self.pages(len, "the initrd")?;
        let mut at = before.len();
        if let Some(place) = pages.get_mut(..at) {
            place.copy_from_slice(before);
        }
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

    fn load_module(
        &mut self,
        name: &str,
        file: &mut dyn File,
        command_line: &str,
        unzip: bool,
    ) -> Result<String, Error> {
        let no_kernel = || Error::new(ErrorKind::NoKernelForModule, "");
        self.loaded.as_mut().ok_or_else(no_kernel)?.initrd = None;
        let mut module = self.read(file, "the module")?;
        let packed_len = module.len();
        let mut text = String::new();
        if unzip && Codec::sniff(&module) == Some(Codec::Gzip) {
            let claimed = image::unpacked_len(Codec::Gzip, &module).unwrap_or_default();
            module = self.unpack_layer(Codec::Gzip, &module, Size::AtLeast(claimed))?;
            text = format!(" unpacked from {} of gzip", size(packed_len));
        }
        let text = format!("module, {}{text}", size(module.len()));
        log::info!("{name}: {text}");
        let loaded = self.loaded.as_mut().ok_or_else(no_kernel)?;
        loaded.modules.push((module, command_line.into()));
        Ok(text)
    }

    fn boot(&mut self) -> Result<(), Error> {
        let loaded = self
            .loaded
            .take()
            .ok_or_else(|| Error::new(ErrorKind::NoKernel, ""))?;
        let list: Vec<MultibootModule<'_>> = loaded.modules.iter().map(listed).collect();
        let modules = match &loaded.initrd {
            Some(initrd) => Modules::Initrd(initrd.len() as u64),
            None if list.is_empty() => Modules::None,
            None => Modules::Multiboot(&list),
        };
        let plan = build::plan(&Request {
            kernel: &loaded.kernel,
            modules,
            cmdline: loaded.command_line.as_bytes(),
            nr_pages: self.domain.pages,
            flags: self.domain.flags,
        })
        .map_err(bad_plan)?;
        let modules = loaded.modules.into_iter().map(|(module, _)| module);
        let modules = loaded.initrd.into_iter().chain(modules).collect();
        let reason = (self.start)(&plan, loaded.file, modules);
        Err(Error::because(ErrorKind::BootFailed, reason.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::FsError;
    use crate::image::synthetic;
    use alloc::rc::Rc;
    use core::cell::RefCell;

    /// A file in memory, which may promise more than it holds.
    struct Bytes(Vec<u8>, u64);

    impl Bytes {
        fn new(bytes: impl Into<Vec<u8>>) -> Bytes {
            let bytes = bytes.into();
            let len = bytes.len() as u64;
            Bytes(bytes, len)
        }
    }

    impl File for Bytes {
        fn len(&self) -> u64 {
            self.1
        }

        fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<usize, FsError> {
            let from = self.0.get(offset as usize..).unwrap_or_default();
            let len = from.len().min(buf.len());
            buf[..len].copy_from_slice(&from[..len]);
            Ok(len)
        }
    }

    /// What the starter was given: pages of the plan, the kernel's bytes, the modules'.
    type Started = Rc<RefCell<Option<(u64, Vec<u8>, Vec<Vec<u8>>)>>>;

    fn loader(pages: u64) -> (Loader, Started) {
        let started = Started::default();
        let seen = started.clone();
        let start: Starter = Box::new(move |plan, kernel, modules| {
            let modules = modules.iter().map(|module| module.to_vec()).collect();
            *seen.borrow_mut() = Some((plan.nr_pages, kernel.to_vec(), modules));
            Box::new("the double starts nothing")
        });
        (Loader::new(Domain { pages, flags: 0 }, start), started)
    }

    fn load(loader: &mut Loader, bytes: impl Into<Vec<u8>>) -> Result<String, Error> {
        loader.load_kernel("(hd0)/k", &mut Bytes::new(bytes), "quiet")
    }

    /// `file` as a legacy LZ4 stream that repeats its last byte `more` times:
    /// short to write and many times longer unpacked, which the format does not tell.
    fn lz4(file: &[u8], more: usize) -> Vec<u8> {
        let count = |n: usize| {
            let mut bytes = vec![255u8; (n - 15) / 255];
            bytes.push(((n - 15) % 255) as u8);
            bytes
        };
        let mut block = vec![0xff];
        block.extend(count(file.len()));
        block.extend_from_slice(file);
        block.extend([1, 0]);
        block.extend(count(more - 5 - 4));
        // The last five bytes are literals.
        block.push(0x50);
        block.extend([0; 5]);
        let mut stream = vec![0x02, 0x21, 0x4c, 0x18];
        stream.extend((block.len() as u32).to_le_bytes());
        stream.extend(block);
        stream
    }

    #[test]
    fn a_kernel_and_its_initrd_reach_the_starter() {
        let (mut loader, started) = loader(0x8000);
        let kernel = synthetic::linux();
        let text = load(&mut loader, kernel.clone()).unwrap();
        assert!(text.starts_with("linux kernel, "), "{text}");
        let files = [&b"12345"[..], b"abc"];
        let mut files = files.map(|bytes| Box::new(Bytes::new(bytes)) as Box<dyn File>);
        loader.load_initrd(&mut files).unwrap();
        // More of it, by another line of the menu.
        let mut more: [Box<dyn File>; 1] = [Box::new(Bytes::new(*b"de"))];
        loader.load_initrd(&mut more).unwrap();
        let error = loader.boot().unwrap_err();
        assert_eq!(error.to_string(), "Error 9: the double starts nothing");
        let (pages, elf, initrd) = started.borrow_mut().take().unwrap();
        assert_eq!((pages, elf), (0x8000, kernel));
        assert_eq!(
            initrd,
            [b"12345\0\0\0abc\0de"],
            "each begins at a multiple of 4"
        );
        let error = loader.boot().unwrap_err();
        assert_eq!(
            error.kind,
            ErrorKind::NoKernel,
            "a failed boot leaves nothing loaded"
        );
    }

    #[test]
    fn a_new_kernel_forgets_the_old_initrd() {
        let (mut loader, started) = loader(0x8000);
        load(&mut loader, synthetic::linux()).unwrap();
        loader
            .load_initrd(&mut [Box::new(Bytes::new(*b"old"))])
            .unwrap();
        load(&mut loader, synthetic::linux()).unwrap();
        loader.boot().unwrap_err();
        assert!(started.borrow_mut().take().unwrap().2.is_empty());
    }

    #[test]
    fn modules_reach_the_starter_in_place_of_an_initrd() {
        // `module` by gzip -n.
        const GZIPPED: &[u8] = &[
            0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 0x03, 0xcb, 0xcd, 0x4f, 0x29, 0xcd, 0x49, 0x05, 0,
            0x28, 0x26, 0x24, 0x0c, 6, 0, 0, 0,
        ];
        let (mut loader, started) = loader(0x8000);
        let error = loader.load_module("m", &mut Bytes::new(*b"x"), "", true);
        assert_eq!(error.unwrap_err().kind, ErrorKind::NoKernelForModule);
        load(&mut loader, synthetic::linux()).unwrap();
        loader
            .load_initrd(&mut [Box::new(Bytes::new(*b"initrd"))])
            .unwrap();
        for unzip in [true, false] {
            let mut file = Bytes::new(GZIPPED);
            loader.load_module("m", &mut file, "/m a b", unzip).unwrap();
        }
        loader.boot().unwrap_err();
        let modules = started.borrow_mut().take().unwrap().2;
        assert_eq!(modules, [b"module", GZIPPED]);
        // A new kernel forgets them, an initrd too.
        load(&mut loader, synthetic::linux()).unwrap();
        loader.boot().unwrap_err();
        assert!(started.borrow_mut().take().unwrap().2.is_empty());
        load(&mut loader, synthetic::linux()).unwrap();
        let mut file = Bytes::new(*b"m");
        loader.load_module("m", &mut file, "/m", true).unwrap();
        loader
            .load_initrd(&mut [Box::new(Bytes::new(*b"initrd"))])
            .unwrap();
        loader.boot().unwrap_err();
        assert_eq!(started.borrow_mut().take().unwrap().2, [b"initrd"]);
    }

    #[test]
    fn a_stream_that_does_not_tell_its_length_gets_what_it_needs() {
        let (mut loader, started) = loader(0x8000);
        let mut kernel = synthetic::linux();
        let packed = lz4(&kernel, 6 << 20);
        assert!(
            packed.len() * 8 < 6 << 20,
            "more than two doublings of the first guess"
        );
        let text = load(&mut loader, packed).unwrap();
        assert!(text.contains("lz4"), "{text}");
        loader.boot().unwrap_err();
        kernel.resize(kernel.len() + (6 << 20), 0);
        assert!(started.borrow_mut().take().unwrap().1 == kernel);
    }

    #[test]
    fn what_does_not_fit_or_is_cut_short_says_so() {
        let (mut loader, _) = loader(0x8000);
        let mut huge = Bytes(Vec::new(), u64::MAX);
        let error = loader.load_kernel("k", &mut huge, "").unwrap_err();
        assert_eq!(error.kind, ErrorKind::OutOfMemory, "{error}");
        let mut short = Bytes(vec![0; 100], 4000);
        let error = loader.load_kernel("k", &mut short, "").unwrap_err();
        assert_eq!(error.to_string(), "Error 25: ends after 100 of 4000 bytes");
        let error = load(&mut loader, b"not a kernel".to_vec()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::BadExecutable, "{error}");
        let error = loader.load_initrd(&mut []).unwrap_err();
        assert_eq!(error.kind, ErrorKind::NoKernelForInitrd);
    }

    #[test]
    fn a_domain_too_small_for_the_kernel_is_told_how_much_it_needs() {
        let (mut loader, started) = loader(0x400);
        load(&mut loader, synthetic::linux()).unwrap();
        let error = loader.boot().unwrap_err();
        assert_eq!(error.kind, ErrorKind::OutOfMemory, "{error}");
        assert!(started.borrow().is_none());
    }
}
