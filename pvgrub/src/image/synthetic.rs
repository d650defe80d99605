//! Kernels made by hand for the tests.

/// An ELF under construction: x86_64, little-endian, two-page header area.
pub struct Builder {
    pub class64: bool,
    pub machine: u16,
    pub kind: u16,
    pub entry: u64,
    /// (type, flags, offset, paddr, filesz, memsz)
    pub segments: Vec<(u32, u32, u64, u64, u64, u64)>,
    /// (name, type, offset, size, link)
    pub sections: Vec<(&'static str, u32, u64, u64, u32)>,
    pub file: Vec<u8>,
}

pub fn note(kind: u32, desc: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(4u32.to_le_bytes());
    out.extend((desc.len() as u32).to_le_bytes());
    out.extend(kind.to_le_bytes());
    out.extend(b"Xen\0");
    out.extend(desc);
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

/// The notes of a Linux 6.1.
pub fn linux_notes() -> Vec<u8> {
    [
        note(6, b"linux\0"),
        note(7, b"2.6\0"),
        note(5, b"xen-3.0\0"),
        note(3, &0xffff_ffff_8000_0000u64.to_le_bytes()),
        note(15, &0x80_0000_0000u64.to_le_bytes()),
        note(1, &0xffff_ffff_8107_91c0u64.to_le_bytes()),
        note(10, b"!writable_page_tables|pae_pgdir_above_4gb\0"),
        note(17, &0x8801u32.to_le_bytes()),
        note(9, b"yes\0"),
        note(8, b"generic\0"),
        note(13, &[1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]),
        note(14, &1u32.to_le_bytes()),
        note(16, &1u32.to_le_bytes()),
        note(12, &0xffff_8000_0000_0000u64.to_le_bytes()),
        note(4, &0u64.to_le_bytes()),
        note(18, &0x100_0000u32.to_le_bytes()),
    ]
    .concat()
}

/// Minimal notes with an entry, `VIRT_BASE` 0xffffffff80000000.
pub fn plain_notes(entry: u64) -> Vec<u8> {
    [
        note(6, b"toy\0"),
        note(8, b"generic\0"),
        note(5, b"xen-3.0\0"),
        note(3, &0xffff_ffff_8000_0000u64.to_le_bytes()),
        note(1, &entry.to_le_bytes()),
    ]
    .concat()
}

impl Builder {
    pub fn new() -> Builder {
        Builder {
            class64: true,
            machine: 62,
            kind: 2,
            entry: 0,
            segments: Vec::new(),
            sections: Vec::new(),
            file: vec![0; 0x2000],
        }
    }

    /// Appends bytes at the next multiple of `align`; returns their offset.
    pub fn append(&mut self, bytes: &[u8], align: usize) -> u64 {
        let at = self.file.len().next_multiple_of(align);
        self.file.resize(at, 0);
        self.file.extend_from_slice(bytes);
        at as u64
    }

    pub fn load(&mut self, offset: u64, paddr: u64, filesz: u64, memsz: u64) -> &mut Builder {
        self.segments.push((1, 7, offset, paddr, filesz, memsz));
        self
    }

    pub fn notes(&mut self, notes: &[u8]) -> &mut Builder {
        let at = self.append(notes, 4);
        self.segments.push((4, 4, at, 0, notes.len() as u64, 0));
        self
    }

    pub fn section(
        &mut self,
        name: &'static str,
        kind: u32,
        bytes: &[u8],
        link: u32,
    ) -> &mut Builder {
        let at = self.append(bytes, 8);
        self.sections
            .push((name, kind, at, bytes.len() as u64, link));
        self
    }

    pub fn build(&self) -> Vec<u8> {
        let mut file = self.file.clone();
        let mut names = vec![0u8];
        let mut headers = vec![[0u8; 64]];
        let mut all = self.sections.clone();
        all.push((".shstrtab", 3, 0, 0, 0));
        for (name, kind, offset, size, link) in &all {
            let mut h = [0u8; 64];
            h[0..4].copy_from_slice(&(names.len() as u32).to_le_bytes());
            h[4..8].copy_from_slice(&kind.to_le_bytes());
            h[24..32].copy_from_slice(&offset.to_le_bytes());
            h[32..40].copy_from_slice(&size.to_le_bytes());
            h[40..44].copy_from_slice(&link.to_le_bytes());
            headers.push(h);
            names.extend(name.as_bytes());
            names.push(0);
        }
        let last = headers.len() - 1;
        headers[last][24..32].copy_from_slice(&(file.len() as u64).to_le_bytes());
        headers[last][32..40].copy_from_slice(&(names.len() as u64).to_le_bytes());
        file.extend(&names);
        file.resize(file.len().next_multiple_of(8), 0);
        let shoff = file.len() as u64;
        if self.class64 {
            file.extend(headers.concat());
        }
        let mut head = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
        head[4] = if self.class64 { 2 } else { 1 };
        head.extend(self.kind.to_le_bytes());
        head.extend(self.machine.to_le_bytes());
        head.extend(1u32.to_le_bytes());
        let count = self.segments.len() as u16;
        if self.class64 {
            head.extend(self.entry.to_le_bytes());
            head.extend(64u64.to_le_bytes());
            head.extend(shoff.to_le_bytes());
            head.extend([0; 4]);
            for half in [64, 56, count, 64, headers.len() as u16, last as u16] {
                head.extend(half.to_le_bytes());
            }
            for &(kind, flags, offset, paddr, filesz, memsz) in &self.segments {
                head.extend(kind.to_le_bytes());
                head.extend(flags.to_le_bytes());
                for word in [offset, paddr, paddr, filesz, memsz, 4096] {
                    head.extend(word.to_le_bytes());
                }
            }
        } else {
            for word in [self.entry as u32, 52, 0, 0] {
                head.extend(word.to_le_bytes());
            }
            for half in [52, 32, count, 40, 0, 0] {
                head.extend(half.to_le_bytes());
            }
            for &(kind, flags, offset, paddr, filesz, memsz) in &self.segments {
                for word in [offset, paddr, paddr, filesz, memsz] {
                    if word == offset {
                        head.extend(kind.to_le_bytes());
                    }
                    head.extend((word as u32).to_le_bytes());
                }
                head.extend(flags.to_le_bytes());
                head.extend(4096u32.to_le_bytes());
            }
        }
        assert!(head.len() <= 0x2000);
        file[..head.len()].copy_from_slice(&head);
        file
    }
}

/// A Linux-like kernel: text, data with bss, notes.
pub fn linux() -> Vec<u8> {
    let mut b = Builder::new();
    let text = b.append(&[0x90; 0x8_0000], 4096);
    let data = b.append(&[0xda; 0x1800], 4096);
    b.load(text, 0x100_0000, 0x8_0000, 0x8_0000);
    b.load(data, 0x108_0000, 0x1800, 0x5000);
    b.notes(&linux_notes());
    b.build()
}
