//! The symbol table that BSD kernels ask to have loaded behind them
//! (`BSD_SYMTAB`): a length word, a small ELF header with three section
//! headers, the symbol table, the string table. Offsets in the section
//! headers count from that ELF header. Layout as in Xen's libelf-loader.c.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use goblin::elf::section_header::{SHT_STRTAB, SectionHeader};

const EHDR: usize = 64;
const SHDR: usize = 64;
/// Length word, ELF header, section headers.
const HEADERS: usize = 4 + EHDR + 3 * SHDR;

/// Where the symbol table goes and what is in front of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symtab {
    /// Guest-physical bytes taken, the headers first.
    pub extent: Range<u64>,
    /// The generated headers, to stand at `extent.start`.
    pub headers: Vec<u8>,
    /// Copies out of the file: guest-physical address, file offset, length.
    pub copies: [(u64, u64, u64); 2],
}

fn put<const N: usize>(bytes: &mut [u8], at: usize, value: [u8; N]) -> Option<()> {
    *bytes.get_mut(at..)?.first_chunk_mut()? = value;
    Some(())
}

impl Symtab {
    /// Lays out the table of section `table` with the strings of section
    /// `link` at the first fitting address from `after` on. `None` when the
    /// sections do not make a symbol table; the kernel then boots without.
    pub(super) fn new(
        file: &[u8],
        sections: &[SectionHeader],
        table: usize,
        link: usize,
        shoff: u64,
        after: u64,
    ) -> Option<Symtab> {
        let (symbols, strings) = (sections.get(table)?, sections.get(link)?);
        if link == 0 || strings.sh_type != SHT_STRTAB {
            return None;
        }
        for section in [symbols, strings] {
            let end = section.sh_offset.checked_add(section.sh_size)?;
            if end > file.len() as u64 {
                return None;
            }
        }
        let start = after.checked_next_multiple_of(8)?;
        let header = start.checked_add(4)?;
        let symbols_at = start
            .checked_add(HEADERS as u64)?
            .checked_next_multiple_of(8)?;
        let strings_at = symbols_at
            .checked_add(symbols.sh_size)?
            .checked_next_multiple_of(8)?;
        let end = strings_at.checked_add(strings.sh_size)?;

        let mut headers = vec![0; HEADERS];
        put(
            &mut headers,
            0,
            u32::try_from(end.checked_sub(header)?).ok()?.to_le_bytes(),
        )?;
        let elf = headers.get_mut(4..)?;
        elf.get_mut(..EHDR)?.copy_from_slice(file.get(..EHDR)?);
        put(elf, 20, 1u32.to_le_bytes())?; // e_version
        put(elf, 32, 0u64.to_le_bytes())?; // e_phoff
        put(elf, 40, (EHDR as u64).to_le_bytes())?; // e_shoff
        put(elf, 52, (EHDR as u16).to_le_bytes())?; // e_ehsize
        put(elf, 54, 0u32.to_le_bytes())?; // e_phentsize, e_phnum
        put(elf, 58, (SHDR as u16).to_le_bytes())?; // e_shentsize
        put(elf, 60, 3u16.to_le_bytes())?; // e_shnum
        put(elf, 62, 0u16.to_le_bytes())?; // e_shstrndx
        for (slot, index, at) in [(1, table, symbols_at), (2, link, strings_at)] {
            let from = usize::try_from(shoff).ok()?.checked_add(index * SHDR)?;
            let to = elf.get_mut(EHDR + slot * SHDR..)?.get_mut(..SHDR)?;
            to.copy_from_slice(file.get(from..)?.get(..SHDR)?);
            put(to, 24, at.checked_sub(header)?.to_le_bytes())?; // sh_offset
            if slot == 1 {
                put(to, 40, 2u32.to_le_bytes())?; // sh_link
            }
        }
        Some(Symtab {
            extent: start..end.checked_next_multiple_of(8)?,
            headers,
            copies: [
                (symbols_at, symbols.sh_offset, symbols.sh_size),
                (strings_at, strings.sh_offset, strings.sh_size),
            ],
        })
    }
}
