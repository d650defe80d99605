//! Tests of kernel recognition against kernels made by hand.

use super::synthetic::{Builder, linux, linux_notes, note, plain_notes};
use super::*;

const BASE: u64 = 0xffff_ffff_8000_0000;

fn simple(notes: &[u8]) -> Builder {
    let mut b = Builder::new();
    let at = b.append(&[1; 0x3000], 4096);
    b.load(at, 0x10_0000, 0x3000, 0x4000);
    b.notes(notes);
    b
}

#[test]
fn linux_is_read() {
    let k = parse_elf(&linux()).unwrap();
    assert_eq!(k.virt_base, BASE);
    assert_eq!(k.entry, 0xffff_ffff_8107_91c0);
    assert_eq!(k.init_p2m, Some(0x80_0000_0000));
    assert!(k.mod_start_pfn);
    assert_eq!(k.extent, 0x100_0000..0x108_5000);
    assert_eq!(k.hypercall_page, None);
    let n = &k.notes;
    assert_eq!(n.guest_os, "linux");
    assert_eq!(n.guest_version, "2.6");
    assert_eq!(n.xen_version, "xen-3.0");
    assert_eq!(n.loader, "generic");
    assert_eq!(n.pae, Pae::ExtendedCr3);
    assert_eq!(
        n.features,
        Features {
            supported: 0x8801 | 1 | 1 << 4,
            required: 1
        }
    );
    assert_eq!(n.l1_mfn_valid, Some((1, 1)));
    assert_eq!(n.hv_start_low, Some(0xffff_8000_0000_0000));
    assert_eq!(n.phys32_entry, Some(0x100_0000));
    assert!(n.suspend_cancel);
}

#[test]
fn refusals_name_their_reason() {
    let entry = BASE + 0x10_0000;
    let with = |change: &dyn Fn(&mut Builder)| {
        let mut b = simple(&plain_notes(entry));
        change(&mut b);
        parse_elf(&b.build()).unwrap_err().to_string()
    };
    let noted = |extra: &[u8]| {
        let notes = [plain_notes(entry), extra.to_vec()].concat();
        parse_elf(&simple(&notes).build())
            .map(|_| ())
            .map_err(|e| e.to_string())
    };
    assert_eq!(noted(&[]), Ok(()));
    assert_eq!(
        noted(&note(10, b"!writable_page_tables|pae_pgdir_above_4gb\0")),
        Ok(())
    );
    assert_eq!(
        noted(&note(10, b"supervisor_mode_kernel|something_new\0")),
        Ok(())
    );
    let cases: &[(String, &str)] = &[
        (
            with(&|b| {
                b.class64 = false;
                b.machine = 3
            }),
            "32-bit kernel",
        ),
        (
            {
                let mut b = simple(&[plain_notes(entry), note(9, b"yes\0")].concat());
                (b.class64, b.machine) = (false, 3);
                parse_elf(&b.build()).unwrap_err().to_string()
            },
            "32-bit (PAE)",
        ),
        (with(&|b| b.machine = 183), "ELF machine 183"),
        (with(&|b| b.kind = 1), "relocatable"),
        (with(&|b| b.kind = 4), "ELF type 4"),
        (
            parse_elf(&simple(&[]).build()).unwrap_err().to_string(),
            "no Xen notes",
        ),
        (
            parse_elf(&simple(&note(18, &0x10_0000u32.to_le_bytes())).build())
                .unwrap_err()
                .to_string(),
            "PVH/HVM only",
        ),
        (noted(&note(8, b"special\0")).unwrap_err(), "special"),
        (noted(&note(5, b"xen-2.0\0")).unwrap_err(), "xen-2.0"),
        (noted(&note(10, b"!dom0\0")).unwrap_err(), "\"dom0\""),
        (
            noted(&note(10, b"!auto_translated_physmap\0")).unwrap_err(),
            "auto_translated",
        ),
        (
            noted(&note(10, b"!no_such_thing\0")).unwrap_err(),
            "no_such_thing",
        ),
        (noted(&note(1, &1u64.to_le_bytes())).unwrap_err(), "ENTRY"),
        (
            noted(&note(2, &(BASE + 0x20_0000).to_le_bytes())).unwrap_err(),
            "HYPERCALL_PAGE",
        ),
        (
            noted(&note(4, &0x20_0000u64.to_le_bytes())).unwrap_err(),
            "segment address",
        ),
        (with(&|b| b.segments[0].5 = 0x100), "segment size in file"),
        (with(&|b| b.segments[0].2 = u64::MAX), "a segment"),
        (with(&|b| b.segments[0].3 = u64::MAX - 5), "segment address"),
        (with(&|b| b.segments[0].4 = 0x100_0000), "truncated"),
        (parse_elf(b"MZ").unwrap_err().to_string(), "not a kernel"),
        (
            parse_elf(b"\x7fELF\x02\x01\x01").unwrap_err().to_string(),
            "truncated",
        ),
        (
            parse_elf(b"\x7fELF\x07\x01\x01").unwrap_err().to_string(),
            "ELF class",
        ),
    ];
    for (message, part) in cases {
        assert!(message.contains(part), "{message:?} does not say {part:?}");
    }
}

#[test]
fn every_truncation_is_an_error() {
    let file = linux();
    for len in (0..0x3000)
        .chain((0x3000..file.len()).step_by(4093))
        .chain([file.len() - 1])
    {
        parse_elf(&file[..len]).unwrap_err();
    }
}

#[test]
fn notes_of_sections_serve_when_no_segment_has_any() {
    let mut b = simple(&[]);
    b.segments.pop();
    b.section(".notes", 7, &plain_notes(BASE + 0x10_0000), 0);
    assert_eq!(parse_elf(&b.build()).unwrap().entry, BASE + 0x10_0000);
}

#[test]
fn guest_section_of_old_kernels() {
    let mut b = Builder::new();
    let at = b.append(&[1; 0x3000], 4096);
    // such kernels have virtual addresses in p_paddr
    b.load(at, BASE + 0x10_0000, 0x3000, 0x4000);
    b.entry = BASE + 0x10_0010;
    let text = b"GUEST_OS=linux,GUEST_VER=2.6,XEN_VER=xen-3.0,VIRT_BASE=0xffffffff80000000,\
        HYPERCALL_PAGE=0x101,LOADER=generic,PAE=yes[extended-cr3],FEATURES=writable_page_tables|\
        auto_translated_physmap,BSD_SYMTAB=no\0";
    b.section("__xen_guest", 1, text, 0);
    let k = parse_elf(&b.build()).unwrap();
    assert_eq!(k.extent, 0x10_0000..0x10_4000);
    assert_eq!(k.entry, BASE + 0x10_0010);
    assert_eq!(k.hypercall_page, Some(BASE + 0x10_1000));
    assert_eq!(k.notes.features.supported, 0b101);
    assert_eq!(k.notes.pae, Pae::ExtendedCr3);
}

#[test]
fn paddr_offset_moves_segments() {
    let mut b = Builder::new();
    let at = b.append(&[1; 0x1000], 4096);
    b.load(at, 0x4000_5000, 0x1000, 0x1000);
    b.notes(
        &[
            plain_notes(BASE + 0x5000),
            note(4, &0x4000_0000u64.to_le_bytes()),
        ]
        .concat(),
    );
    assert_eq!(parse_elf(&b.build()).unwrap().extent, 0x5000..0x6000);
    let mut b = simple(&[]);
    b.segments.pop();
    b.notes(
        &[
            note(8, b"generic\0"),
            note(5, b"xen-3.0\0"),
            note(4, &[0; 8]),
        ]
        .concat(),
    );
    let e = parse_elf(&b.build()).unwrap_err().to_string();
    assert!(e.contains("PADDR_OFFSET without VIRT_BASE"), "{e}");
}

#[test]
fn bsd_symbols_stand_behind_the_kernel() {
    let mut b = simple(&[plain_notes(BASE + 0x10_0000), note(11, b"yes\0")].concat());
    b.segments[0].5 = 0x4003;
    b.section(".symtab", 2, &[7; 48], 2)
        .section(".strtab", 3, b"\0name\0", 0);
    let file = b.build();
    let k = parse_elf(&file).unwrap();
    let s = k.symtab.unwrap();
    // length word, 64-byte header, three section headers: 260 bytes, rounded to 264
    assert_eq!(s.extent, 0x10_4008..0x10_4008 + 264 + 48 + 8);
    assert_eq!(k.extent.end, s.extent.end);
    assert_eq!(s.copies[0].0, 0x10_4008 + 264);
    assert_eq!(s.copies[1].0, 0x10_4008 + 264 + 48);
    let (_, at, len) = s.copies[1];
    assert_eq!(&file[at as usize..(at + len) as usize], b"\0name\0");
    let h = &s.headers;
    assert_eq!(h.len(), 260);
    // bytes from the ELF header to the end of the strings
    assert_eq!(h[..4], (260u32 + 48 + 6).to_le_bytes());
    assert_eq!(&h[4..8], b"\x7fELF");
    assert_eq!(h[4 + 40..4 + 48], 64u64.to_le_bytes());
    assert_eq!(h[4 + 60..4 + 62], 3u16.to_le_bytes());
    let sh = |n: usize, at: usize| {
        let at = 4 + 64 + n * 64 + at;
        u64::from_le_bytes(h[at..at + 8].try_into().unwrap())
    };
    assert_eq!(sh(1, 24), 260);
    assert_eq!(sh(1, 32), 48);
    assert_eq!(sh(1, 40) as u32, 2);
    assert_eq!(sh(2, 24), 260 + 48);
    assert!(h[68..132].iter().all(|&b| b == 0));
}

fn bzimage(payload: &[u8], setup_sects: u8, protocol: u16) -> Vec<u8> {
    let real = if setup_sects == 0 {
        4
    } else {
        usize::from(setup_sects)
    };
    let mut f = vec![0; (real + 1) * 512 + 0x100];
    f[0x1f1] = setup_sects;
    f[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
    f[0x202..0x206].copy_from_slice(b"HdrS");
    f[0x206..0x208].copy_from_slice(&protocol.to_le_bytes());
    f[0x248..0x24c].copy_from_slice(&0x100u32.to_le_bytes());
    f[0x24c..0x250].copy_from_slice(&(payload.len() as u32).to_le_bytes());
    f.extend(payload);
    f.extend([0xee; 100]);
    f
}

#[test]
fn bzimage_payloads() {
    let magics: &[(&[u8], Codec, usize)] = &[
        (&[0x1f, 0x8b], Codec::Gzip, 16),
        (b"BZh9", Codec::Bzip2, 12),
        (&[0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], Codec::Xz, 12),
        (&[0x5d, 0, 0, 0, 4], Codec::Lzma, 12),
        (&[0x89, 0x4c, 0x5a, 0x4f, 0], Codec::Lzo, 12),
        (&[0x02, 0x21, 0x4c, 0x18], Codec::Lz4, 12),
        (&[0x28, 0xb5, 0x2f, 0xfd], Codec::Zstd, 12),
    ];
    for &(magic, codec, stream) in magics {
        for setup_sects in [0, 1, 4, 39] {
            let mut payload = magic.to_vec();
            payload.resize(12, 0x11);
            payload.extend(0x123_4567u32.to_le_bytes());
            let file = bzimage(&payload, setup_sects, 0x20f);
            let Container::BzImage {
                codec: c,
                payload,
                unpacked_len,
            } = identify(&file).unwrap()
            else {
                panic!("{codec} not seen as bzImage");
            };
            assert_eq!(
                (c, unpacked_len, payload.len()),
                (codec, 0x123_4567, stream)
            );
            assert!(file[payload].starts_with(magic));
        }
    }
    let say = |file: &[u8]| identify(file).unwrap_err().to_string();
    let good = bzimage(b"BZh9........", 0, 0x208);
    assert!(identify(&good).is_ok());
    assert!(say(&good[..good.len() - 101]).contains("truncated"));
    assert!(say(&good[..0x249]).contains("truncated"));
    assert!(say(&bzimage(b"BZh9........", 0, 0x207)).contains("2.07"));
    assert!(say(&bzimage(b"what is this", 0, 0x208)).contains("unknown format"));
    assert!(say(&bzimage(b"BZ", 0, 0x208)).contains("corrupt"));
    assert!(say(b"hello").contains("not a kernel"));
    assert!(say(b"").contains("not a kernel"));
    assert_eq!(identify(&linux()).unwrap(), Container::Elf);
    assert!(matches!(
        identify(&[0x1f, 0x8b, 8, 0, 9, 0, 0, 0]).unwrap(),
        Container::Compressed {
            codec: Codec::Gzip,
            unpacked_len: Some(9)
        }
    ));
    assert_eq!(linux_notes().len() % 4, 0);
}
