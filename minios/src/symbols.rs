//! Names for the crash report: the image's own symbol table.
//!
//! Our BSD_SYMTAB note makes the domain builder load it behind the image: a
//! word with the size, an ELF header, three section headers (none, symbols,
//! strings), then the two tables; offsets count from the ELF header (comment in
//! xen/common/libelf/libelf-loader.c). A loader that ignores the note leaves
//! zeros there, and then there are only numbers.

use rustc_demangle::demangle;

/// The two tables.
#[derive(Clone, Copy)]
pub(crate) struct Symbols<'a> {
    symbols: &'a [u8],
    strings: &'a [u8],
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

fn word(bytes: &[u8], at: usize) -> Option<usize> {
    field(bytes, at)
        .map(u64::from_le_bytes)
        .and_then(|value| value.try_into().ok())
}

impl<'a> Symbols<'a> {
    const ELF_HEADER: usize = 64;
    const SECTION_HEADER: usize = 64;
    const SYMBOL: usize = 24;

    /// Find the tables in what lies behind the image.
    pub(crate) fn parse(area: &'a [u8]) -> Option<Self> {
        let size = u32::from_le_bytes(field(area, 0)?) as usize;
        let elf = area.get(4..)?;
        let elf = elf.get(..size.min(elf.len()))?;
        if !elf.starts_with(b"\x7fELF") {
            return None;
        }
        // Elf64_Shdr: sh_offset at 24, sh_size at 32.
        let section = |index: usize| {
            let header = Self::ELF_HEADER + index * Self::SECTION_HEADER;
            let start = word(elf, header + 24)?;
            elf.get(start..start.checked_add(word(elf, header + 32)?)?)
        };
        Some(Symbols {
            symbols: section(1)?,
            strings: section(2)?,
        })
    }

    /// The function that `address` lies in: its name, and how far in.
    pub(crate) fn find(&self, address: u64) -> Option<(&'a str, u64)> {
        // Elf64_Sym: st_name 0, st_info 4, st_value 8, st_size 16.
        let (name, start) = self
            .symbols
            .chunks_exact(Self::SYMBOL)
            .filter_map(|symbol| {
                let is_function = symbol.get(4)? & 0xf == 2;
                let start = u64::from_le_bytes(field(symbol, 8)?);
                let size = u64::from_le_bytes(field(symbol, 16)?);
                let inside = address >= start && address - start < size;
                (is_function && inside).then_some((u32::from_le_bytes(field(symbol, 0)?), start))
            })
            .max_by_key(|&(_, start)| start)?;
        let name = self.strings.get(name as usize..)?;
        let name = name.split(|&byte| byte == 0).next()?;
        Some((core::str::from_utf8(name).ok()?, address - start))
    }

    /// `address` for a person: `0x104020 pvgrub::main+0x20`.
    pub(crate) fn write(
        this: Option<Self>,
        to: &mut impl core::fmt::Write,
        address: u64,
    ) -> core::fmt::Result {
        match this.and_then(|symbols| symbols.find(address)) {
            Some((name, offset)) => write!(to, "{address:#x} {:#}+{offset:#x}", demangle(name)),
            None => write!(to, "{address:#x}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The layout of the comment above, by hand.
    fn area() -> Vec<u8> {
        let strings = b"\0first\0_ZN6pvgrub4main17h0123456789abcdefE\0data\0";
        let mut symbols = vec![0u8; 24];
        for (name, info, start, size) in [
            (1u32, 2u8, 0x1000u64, 0x10u64),
            (7, 0x12, 0x1010, 0x100),
            (44, 1, 0x1000, 0x1000),
        ] {
            symbols.extend(name.to_le_bytes());
            symbols.extend([info, 0, 1, 0]);
            symbols.extend(start.to_le_bytes());
            symbols.extend(size.to_le_bytes());
        }
        let mut elf = vec![0u8; 64 + 3 * 64];
        elf[..4].copy_from_slice(b"\x7fELF");
        let mut put = |index: usize, offset: usize, size: usize| {
            elf[64 + index * 64 + 24..][..8].copy_from_slice(&(offset as u64).to_le_bytes());
            elf[64 + index * 64 + 32..][..8].copy_from_slice(&(size as u64).to_le_bytes());
        };
        put(1, 256, symbols.len());
        put(2, 256 + symbols.len(), strings.len());
        elf.extend(symbols);
        elf.extend(strings);
        let mut area = (elf.len() as u32).to_le_bytes().to_vec();
        area.extend(elf);
        area
    }

    #[test]
    fn addresses_become_demangled_names() {
        let area = area();
        let symbols = Symbols::parse(&area);
        for (address, text) in [
            (0x1000, "0x1000 first+0x0"),
            (0x100f, "0x100f first+0xf"),
            (0x1020, "0x1020 pvgrub::main+0x10"),
            (0x1110, "0x1110"),
            (0xfff, "0xfff"),
        ] {
            let mut out = String::new();
            Symbols::write(symbols, &mut out, address).unwrap();
            assert_eq!(out, text);
        }
    }

    #[test]
    fn anything_else_behind_the_image_means_no_names() {
        assert!(Symbols::parse(&[0; 4096]).is_none());
        assert!(Symbols::parse(&[]).is_none());
        let full = area();
        for len in 0..full.len() {
            let _ = Symbols::parse(&full[..len]).map(|symbols| symbols.find(0x1000));
        }
        for at in 0..full.len() {
            let mut broken = full.clone();
            broken[at] ^= 0xff;
            let _ = Symbols::parse(&broken).map(|symbols| symbols.find(0x1020));
        }
    }
}
