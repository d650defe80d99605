//! The ELF file of a kernel: where its segments go, and whether it is a
//! kernel for Xen PV x86_64 at all. Same rules as Xen's libelf: segments are
//! placed by `p_paddr` less `PADDR_OFFSET`, never by `p_vaddr`.

use alloc::vec::Vec;
use core::ops::Range;

use goblin::container::Ctx;
use goblin::elf::Elf;
use goblin::elf::header::{
    EI_CLASS, EI_DATA, ELFCLASS32, ELFCLASS64, ELFDATA2LSB, EM_386, EM_X86_64, ET_DYN, ET_EXEC,
    ET_REL, Header,
};
use goblin::elf::program_header::{PF_R, PF_W, PF_X, PT_LOAD, PT_NOTE, ProgramHeader};
use goblin::elf::section_header::{SHT_NOTE, SectionHeader};

use super::{ImageError, Notes, Pae, Symtab};

/// A loadable segment with its place in guest-physical memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Guest-physical address (bytes from PFN 0).
    pub target: u64,
    /// Where its bytes begin in the file.
    pub offset: u64,
    /// Bytes taken from the file.
    pub filesz: u64,
    /// Bytes in memory; those beyond `filesz` are zero.
    pub memsz: u64,
}

/// A kernel that can be booted as a Xen PV x86_64 guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// Segments in file order; a later one overwrites an earlier one.
    pub segments: Vec<Segment>,
    /// Virtual address to start at.
    pub entry: u64,
    /// Virtual address of PFN 0.
    pub virt_base: u64,
    /// Guest-physical bytes the kernel takes, its symbol table included.
    pub extent: Range<u64>,
    /// Virtual address of the hypercall page, where one is wanted.
    pub hypercall_page: Option<u64>,
    /// Virtual address for the p2m list, where the kernel takes it outside the ordinary map.
    pub init_p2m: Option<u64>,
    /// True if the initrd is to be handed over by frame and left unmapped.
    pub mod_start_pfn: bool,
    /// Symbol table to load behind the kernel.
    pub symtab: Option<Symtab>,
    /// Everything the notes said.
    pub notes: Notes,
}

/// Kernels have a handful of segments.
const MAX_SEGMENTS: usize = 256;

/// Reads an unpacked kernel.
///
/// # Errors
/// Anything that keeps it from booting as a PV x86_64 guest, by its name: see [`ImageError`].
pub fn parse_elf(file: &[u8]) -> Result<Kernel, ImageError> {
    let elf = ElfFile::parse(file)?;
    let notes = elf.notes()?;
    let header = &elf.header;
    if header.e_machine == EM_386 || header.e_ident.get(EI_CLASS) == Some(&ELFCLASS32) {
        return Err(match &notes {
            Some(notes) if notes.phys32_entry.is_some() && notes.entry.is_none() => {
                ImageError::PvhOnly
            }
            Some(notes) => ImageError::ThirtyTwoBit {
                pae: notes.pae != Pae::No,
            },
            None => ImageError::ThirtyTwoBit { pae: false },
        });
    }
    let notes = notes.ok_or(ImageError::NoXenNotes)?;
    check_notes(&notes)?;
    elf.kernel(notes)
}

/// The notes' own demands.
fn check_notes(notes: &Notes) -> Result<(), ImageError> {
    if notes.phys32_entry.is_some() && notes.entry.is_none() && notes.virt_base.is_none() {
        return Err(ImageError::PvhOnly);
    }
    if !notes.loader.starts_with("generic") && !notes.guest_os.starts_with("linux") {
        return Err(ImageError::ForeignLoader {
            loader: notes.loader.clone(),
            guest_os: notes.guest_os.clone(),
        });
    }
    if !notes.xen_version.starts_with("xen-3.0") {
        return Err(ImageError::XenVersion(notes.xen_version.clone()));
    }
    if let Some(name) = notes.features.refused() {
        return Err(ImageError::RequiredFeature(name.into()));
    }
    Ok(())
}

/// A file whose ELF and program headers are in order.
struct ElfFile<'a> {
    file: &'a [u8],
    header: Header,
    ctx: Ctx,
    segments: Vec<ProgramHeader>,
}

fn corrupt(what: &'static str, value: u64) -> ImageError {
    ImageError::Corrupt { what, value }
}

impl<'a> ElfFile<'a> {
    fn parse(file: &'a [u8]) -> Result<Self, ImageError> {
        if !file.starts_with(b"\x7fELF") {
            return Err(ImageError::NotAKernel);
        }
        let class = file.get(EI_CLASS).copied().unwrap_or(0);
        let size: usize = match class {
            ELFCLASS32 => 52,
            ELFCLASS64 => 64,
            _ if file.len() > EI_CLASS => return Err(corrupt("ELF class", u64::from(class))),
            _ => 64,
        };
        if file.len() < size {
            return Err(ImageError::Truncated {
                what: "the ELF header",
                needed: size as u64,
                have: file.len() as u64,
            });
        }
        let encoding = file.get(EI_DATA).copied().unwrap_or(0);
        if encoding != ELFDATA2LSB {
            return Err(corrupt("ELF byte order", u64::from(encoding)));
        }
        let header = Elf::parse_header(file).map_err(|_| corrupt("ELF header", 0))?;
        match (header.e_machine, class) {
            (EM_X86_64, ELFCLASS64) | (EM_386, ELFCLASS32) => {}
            (machine, _) => return Err(ImageError::OtherMachine(machine)),
        }
        match header.e_type {
            ET_EXEC | ET_DYN => {}
            ET_REL => return Err(ImageError::Relocatable),
            other => return Err(ImageError::NotExecutable(other)),
        }
        let ctx = Ctx::new(
            header.container().map_err(|_| corrupt("ELF class", 0))?,
            header
                .endianness()
                .map_err(|_| corrupt("ELF byte order", 0))?,
        );
        let mut elf = ElfFile {
            file,
            header,
            ctx,
            segments: Vec::new(),
        };
        elf.check_tables()?;
        let count = usize::from(elf.header.e_phnum);
        let offset = usize::try_from(elf.header.e_phoff).unwrap_or(usize::MAX);
        elf.segments = ProgramHeader::parse(file, offset, count, ctx)
            .map_err(|_| corrupt("ELF program headers", elf.header.e_phoff))?;
        Ok(elf)
    }

    /// Both header tables must lie within the file and have entries of the usual size.
    fn check_tables(&self) -> Result<(), ImageError> {
        let h = &self.header;
        let (phent, shent) = match self.ctx.container {
            goblin::container::Container::Little => (32, 40),
            goblin::container::Container::Big => (56, 64),
        };
        let tables = [
            (
                "the ELF program headers",
                h.e_phoff,
                h.e_phentsize,
                h.e_phnum,
                phent,
            ),
            (
                "the ELF section headers",
                h.e_shoff,
                h.e_shentsize,
                h.e_shnum,
                shent,
            ),
        ];
        for (what, offset, size, count, usual) in tables {
            if count == 0 {
                continue;
            }
            if size != usual {
                return Err(corrupt("ELF header entry size", u64::from(size)));
            }
            let bytes = u64::from(size) * u64::from(count);
            self.bytes(what, offset, bytes)?;
        }
        Ok(())
    }

    /// `size` bytes of the file at `offset`.
    fn bytes(&self, what: &'static str, offset: u64, size: u64) -> Result<&'a [u8], ImageError> {
        let have = self.file.len() as u64;
        let needed = offset
            .checked_add(size)
            .ok_or_else(|| corrupt(what, offset))?;
        let range = usize::try_from(offset)
            .ok()
            .zip(usize::try_from(needed).ok());
        range
            .and_then(|(start, end)| self.file.get(start..end))
            .ok_or(ImageError::Truncated { what, needed, have })
    }

    fn sections(&self) -> Vec<SectionHeader> {
        let offset = usize::try_from(self.header.e_shoff).unwrap_or(usize::MAX);
        let count = usize::from(self.header.e_shnum);
        if count == 0 {
            return Vec::new();
        }
        SectionHeader::parse(self.file, offset, count, self.ctx).unwrap_or_default()
    }

    /// Note segments first; failing them note sections; failing those `__xen_guest`.
    fn notes(&self) -> Result<Option<Notes>, ImageError> {
        let mut notes = Notes::default();
        let mut found = 0;
        for ph in self.segments.iter().filter(|ph| ph.p_type == PT_NOTE) {
            if ph.p_offset != 0 {
                found +=
                    notes.add_notes(self.bytes("a note segment", ph.p_offset, ph.p_filesz)?)?;
            }
        }
        if found > 0 {
            return Ok(Some(notes));
        }
        let sections = self.sections();
        for sh in sections.iter().skip(1).filter(|sh| sh.sh_type == SHT_NOTE) {
            found += notes.add_notes(self.bytes("a note section", sh.sh_offset, sh.sh_size)?)?;
        }
        if found > 0 {
            return Ok(Some(notes));
        }
        let Some(sh) = self.section_named(&sections, b"__xen_guest\0") else {
            return Ok(None);
        };
        notes.add_guest_section(self.bytes("__xen_guest", sh.sh_offset, sh.sh_size)?)?;
        Ok(Some(notes))
    }

    fn section_named<'s>(
        &self,
        sections: &'s [SectionHeader],
        name: &[u8],
    ) -> Option<&'s SectionHeader> {
        let names = sections.get(usize::from(self.header.e_shstrndx))?;
        let names = self.bytes("", names.sh_offset, names.sh_size).ok()?;
        sections.iter().skip(1).find(|sh| {
            names
                .get(sh.sh_name..)
                .is_some_and(|rest| rest.starts_with(name))
        })
    }

    /// The loadable segments, each within the file and at its guest-physical place.
    fn load_segments(&self, paddr_offset: u64) -> Result<Vec<Segment>, ImageError> {
        let mut out = Vec::new();
        let loadable = self
            .segments
            .iter()
            .filter(|ph| ph.p_type == PT_LOAD && ph.p_flags & (PF_R | PF_W | PF_X) != 0);
        for ph in loadable {
            if out.len() == MAX_SEGMENTS {
                return Err(corrupt(
                    "number of loadable segments",
                    u64::from(self.header.e_phnum),
                ));
            }
            self.bytes("a segment", ph.p_offset, ph.p_filesz)?;
            if ph.p_filesz > ph.p_memsz {
                return Err(corrupt("segment size in file", ph.p_filesz));
            }
            let target = ph
                .p_paddr
                .checked_sub(paddr_offset)
                .filter(|t| t.checked_add(ph.p_memsz).is_some())
                .ok_or_else(|| corrupt("segment address", ph.p_paddr))?;
            out.push(Segment {
                target,
                offset: ph.p_offset,
                filesz: ph.p_filesz,
                memsz: ph.p_memsz,
            });
        }
        Ok(out)
    }

    fn kernel(&self, notes: Notes) -> Result<Kernel, ImageError> {
        if notes.paddr_offset.is_some() && notes.virt_base.is_none() {
            return Err(ImageError::Notes(
                "PADDR_OFFSET without VIRT_BASE",
                notes.paddr_offset.unwrap_or(0),
            ));
        }
        let virt_base = notes.virt_base.unwrap_or(0);
        let default_offset = if notes.legacy { virt_base } else { 0 };
        let paddr_offset = notes.paddr_offset.unwrap_or(default_offset);
        let segments = self.load_segments(paddr_offset)?;
        let start = segments.iter().map(|s| s.target).min();
        let end = segments.iter().map(|s| s.target + s.memsz).max();
        let (Some(start), Some(end)) = (start, end) else {
            return Err(corrupt("number of loadable segments", 0));
        };
        // A later segment may cover an earlier one, but not without end.
        let total = segments
            .iter()
            .try_fold(0u64, |sum, s| sum.checked_add(s.memsz));
        if total.is_none_or(|total| total > (end - start).saturating_mul(2)) {
            return Err(corrupt(
                "total size of the segments",
                total.unwrap_or(u64::MAX),
            ));
        }
        let symtab = if notes.bsd_symtab {
            self.symtab(end)
        } else {
            None
        };
        let end = symtab.as_ref().map_or(end, |s| s.extent.end);
        let kernel = Kernel {
            segments,
            entry: notes.entry.unwrap_or(self.header.e_entry),
            virt_base,
            extent: start..end,
            hypercall_page: notes.hypercall_page,
            init_p2m: notes
                .init_p2m
                .filter(|&p2m| p2m < virt_base && p2m & 0xfff == 0),
            mod_start_pfn: notes.mod_start_pfn,
            symtab,
            notes,
        };
        kernel.check_addresses()?;
        Ok(kernel)
    }

    /// The symbol table as BSD kernels want it; a file without one boots without.
    fn symtab(&self, after: u64) -> Option<Symtab> {
        let sections = self.sections();
        let table = sections
            .iter()
            .position(|sh| sh.sh_type == goblin::elf::section_header::SHT_SYMTAB)?;
        let link = usize::try_from(sections.get(table)?.sh_link).ok()?;
        Symtab::new(
            self.file,
            &sections,
            table,
            link,
            self.header.e_shoff,
            after,
        )
    }
}

impl Kernel {
    /// Virtual address of a guest-physical one.
    #[must_use]
    pub fn virt(&self, target: u64) -> u64 {
        self.virt_base.wrapping_add(target)
    }

    fn check_addresses(&self) -> Result<(), ImageError> {
        let end = self.virt_base.checked_add(self.extent.end);
        let Some(end) = end else {
            return Err(ImageError::Notes(
                "VIRT_BASE beyond the address space",
                self.virt_base,
            ));
        };
        let start = self.virt(self.extent.start);
        if self.entry < start || self.entry > end {
            return Err(ImageError::Notes("ENTRY outside the kernel", self.entry));
        }
        if let Some(page) = self.hypercall_page
            && (page & 0xfff != 0 || page < start & !0xfff || page >= end)
        {
            return Err(ImageError::Notes("HYPERCALL_PAGE outside the kernel", page));
        }
        Ok(())
    }
}
