//! Xen ELF notes (public/elfnote.h) and the `__xen_guest` section that came
//! before them, read the way Xen's libelf reads them.

use alloc::string::String;

use xen_sys::elfnote::*;

use super::{Features, ImageError};

/// PAE as a 32-bit kernel states it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pae {
    /// Not stated.
    #[default]
    No,
    /// Page directory below 4 GiB.
    Yes,
    /// Page directory anywhere.
    ExtendedCr3,
    /// Runs with and without.
    Bimodal,
}

/// What a kernel tells its loader.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// True when the values stem from a `__xen_guest` section, whose
    /// `paddr_offset` defaults differently.
    pub legacy: bool,
    /// `ENTRY`: virtual address to start at.
    pub entry: Option<u64>,
    /// `HYPERCALL_PAGE`: virtual address of the page to fill with transfer code.
    pub hypercall_page: Option<u64>,
    /// `VIRT_BASE`: virtual address of guest-physical 0.
    pub virt_base: Option<u64>,
    /// `INIT_P2M`: virtual address wanted for the p2m list.
    pub init_p2m: Option<u64>,
    /// `PADDR_OFFSET`: subtracted from every `p_paddr`.
    pub paddr_offset: Option<u64>,
    /// `HV_START_LOW`: lowest address of Xen that the kernel bears (32-bit only).
    pub hv_start_low: Option<u64>,
    /// `XEN_VERSION`.
    pub xen_version: String,
    /// `GUEST_OS`.
    pub guest_os: String,
    /// `GUEST_VERSION`.
    pub guest_version: String,
    /// `LOADER`.
    pub loader: String,
    /// `PAE_MODE`.
    pub pae: Pae,
    /// `FEATURES` and `SUPPORTED_FEATURES`.
    pub features: Features,
    /// `BSD_SYMTAB`: the symbol table is wanted behind the kernel.
    pub bsd_symtab: bool,
    /// `L1_MFN_VALID`: mask and value that tell a present entry (not used by loaders).
    pub l1_mfn_valid: Option<(u64, u64)>,
    /// `SUSPEND_CANCEL`.
    pub suspend_cancel: bool,
    /// `MOD_START_PFN`: the module need not be mapped and is given by frame.
    pub mod_start_pfn: bool,
    /// `PHYS32_ENTRY`: entry for PVH, not used by us.
    pub phys32_entry: Option<u64>,
    /// `PHYS32_RELOC`: alignment, lowest and highest address for PVH.
    pub phys32_reloc: Option<[u32; 3]>,
}

/// More notes than this are taken for nonsense (libelf has the same limit).
const MAX_NOTES: usize = 8192;

fn number(desc: &[u8]) -> u64 {
    match desc.len() {
        1 | 2 | 4 | 8 => desc
            .iter()
            .rev()
            .fold(0, |value, &byte| value << 8 | u64::from(byte)),
        _ => 0,
    }
}

fn words(desc: &[u8]) -> impl Iterator<Item = u32> {
    let (words, _) = desc.as_chunks::<4>();
    words.iter().map(|w| u32::from_le_bytes(*w))
}

fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or(bytes)).into_owned()
}

/// One note: owner, type, descriptor.
struct Note<'a> {
    name: &'a [u8],
    kind: u32,
    desc: &'a [u8],
}

/// Walks the notes of a segment or section. Name and descriptor are padded to
/// four bytes whatever the segment's alignment says, as in Xen.
struct Walk<'a>(&'a [u8]);

impl<'a> Iterator for Walk<'a> {
    type Item = Note<'a>;

    fn next(&mut self) -> Option<Note<'a>> {
        let (header, rest) = self.0.split_at_checked(12)?;
        let mut header = words(header);
        let (namesz, descsz, kind) = (header.next()?, header.next()?, header.next()?);
        let (name, rest) = take(rest, namesz)?;
        let (desc, rest) = take(rest, descsz)?;
        self.0 = rest;
        Some(Note { name, kind, desc })
    }
}

/// Splits `size` bytes off, and the padding after them (which the last note may lack).
fn take(bytes: &[u8], size: u32) -> Option<(&[u8], &[u8])> {
    let size = usize::try_from(size).ok()?;
    let (taken, _) = bytes.split_at_checked(size)?;
    let rest = bytes
        .get(size.checked_next_multiple_of(4)?..)
        .unwrap_or(&[]);
    Some((taken, rest))
}

impl Notes {
    /// Reads the Xen notes among `bytes`; returns how many there were.
    ///
    /// # Errors
    /// A required feature of unknown name, or absurdly many notes.
    pub fn add_notes(&mut self, bytes: &[u8]) -> Result<usize, ImageError> {
        let mut found = 0;
        for (index, note) in Walk(bytes).enumerate() {
            if index >= MAX_NOTES {
                return Err(ImageError::Corrupt {
                    what: "number of ELF notes",
                    value: index as u64,
                });
            }
            if matches!(note.name, b"Xen\0" | b"Xen") {
                self.add(note.kind, note.desc)?;
                found += 1;
            }
        }
        Ok(found)
    }

    fn add(&mut self, kind: u32, desc: &[u8]) -> Result<(), ImageError> {
        match kind {
            XEN_ELFNOTE_ENTRY => self.entry = Some(number(desc)),
            XEN_ELFNOTE_HYPERCALL_PAGE => self.hypercall_page = Some(number(desc)),
            XEN_ELFNOTE_VIRT_BASE => self.virt_base = Some(number(desc)),
            XEN_ELFNOTE_PADDR_OFFSET => self.paddr_offset = Some(number(desc)),
            XEN_ELFNOTE_XEN_VERSION => self.xen_version = text(desc),
            XEN_ELFNOTE_GUEST_OS => self.guest_os = text(desc),
            XEN_ELFNOTE_GUEST_VERSION => self.guest_version = text(desc),
            XEN_ELFNOTE_LOADER => self.loader = text(desc),
            XEN_ELFNOTE_PAE_MODE => self.pae = pae_mode(&text(desc), self.pae),
            XEN_ELFNOTE_FEATURES => self.add_features(&text(desc))?,
            XEN_ELFNOTE_BSD_SYMTAB => self.bsd_symtab |= text(desc) == "yes",
            XEN_ELFNOTE_HV_START_LOW => self.hv_start_low = Some(number(desc)),
            XEN_ELFNOTE_L1_MFN_VALID => self.l1_mfn_valid = l1_mfn_valid(desc),
            XEN_ELFNOTE_SUSPEND_CANCEL => self.suspend_cancel = number(desc) != 0,
            XEN_ELFNOTE_INIT_P2M => self.init_p2m = Some(number(desc)),
            XEN_ELFNOTE_MOD_START_PFN => self.mod_start_pfn = number(desc) != 0,
            XEN_ELFNOTE_SUPPORTED_FEATURES => {
                self.features.supported |= words(desc).next().unwrap_or(0)
            }
            XEN_ELFNOTE_PHYS32_ENTRY => self.phys32_entry = Some(number(desc)),
            XEN_ELFNOTE_PHYS32_RELOC => {
                let mut reloc = [0, 0, u32::MAX];
                for (slot, word) in reloc.iter_mut().zip(words(desc)) {
                    *slot = word;
                }
                self.phys32_reloc = Some(reloc);
            }
            _ => {} // INFO and what later Xens define: nothing for a loader
        }
        Ok(())
    }

    fn add_features(&mut self, list: &str) -> Result<(), ImageError> {
        self.features
            .add_string(list)
            .map_err(ImageError::RequiredFeature)
    }

    /// Reads a `__xen_guest` section: `KEY=VALUE,KEY=VALUE`, up to a NUL.
    ///
    /// # Errors
    /// A required feature of unknown name.
    pub fn add_guest_section(&mut self, bytes: &[u8]) -> Result<(), ImageError> {
        self.legacy = true;
        for item in text(bytes).split(',') {
            let (key, value) = item.split_once('=').unwrap_or((item, ""));
            match key {
                "LOADER" => self.loader = value.into(),
                "GUEST_OS" => self.guest_os = value.into(),
                "GUEST_VER" => self.guest_version = value.into(),
                "XEN_VER" => self.xen_version = value.into(),
                "PAE" if value == "yes[extended-cr3]" => self.pae = Pae::ExtendedCr3,
                "PAE" if value.starts_with("yes") => self.pae = Pae::Yes,
                "BSD_SYMTAB" => self.bsd_symtab = true,
                "VIRT_BASE" => self.virt_base = Some(c_number(value)),
                "VIRT_ENTRY" => self.entry = Some(c_number(value)),
                "ELF_PADDR_OFFSET" => self.paddr_offset = Some(c_number(value)),
                // counted in pages from VIRT_BASE
                "HYPERCALL_PAGE" => self.hypercall_page = Some(c_number(value) << 12),
                "FEATURES" => self.add_features(value)?,
                _ => {}
            }
        }
        if let (Some(page), Some(base)) = (self.hypercall_page, self.virt_base) {
            self.hypercall_page = Some(page.wrapping_add(base));
        }
        Ok(())
    }
}

fn pae_mode(mode: &str, before: Pae) -> Pae {
    if mode.contains("bimodal") {
        Pae::Bimodal
    } else if mode == "yes" {
        Pae::ExtendedCr3
    } else {
        before
    }
}

fn l1_mfn_valid(desc: &[u8]) -> Option<(u64, u64)> {
    let half = desc.len() / 2;
    let (mask, value) = desc.split_at_checked(half)?;
    (half > 0).then(|| (number(mask), number(value)))
}

/// A number as C's `strtoull(…, 0)` reads it.
fn c_number(text: &str) -> u64 {
    let text = text.trim_start();
    let (digits, radix) = if let Some(hex) = text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        (hex, 16)
    } else if text.starts_with('0') {
        (text, 8)
    } else {
        (text, 10)
    };
    digits
        .chars()
        .map_while(|c| c.to_digit(radix))
        .fold(0u64, |value, digit| {
            value
                .saturating_mul(u64::from(radix))
                .saturating_add(u64::from(digit))
        })
}
