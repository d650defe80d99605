//! Tests of the plan: libxenguest's layout for a known kernel, and an
//! executor in miniature that checks every byte of what a plan makes.

use std::collections::HashMap;

use super::*;
use crate::image::synthetic::{Builder, linux, note, plain_notes};
use crate::image::{Kernel, Segment, parse_elf};

const BASE: u64 = 0xffff_ffff_8000_0000;

fn request<'a>(kernel: &'a Kernel, modules: Modules<'a>, mib: u64) -> Request<'a> {
    Request {
        kernel,
        modules,
        cmdline: b"root=/dev/xvda1",
        nr_pages: mib * 256,
        flags: 0x10,
    }
}

/// Debian's 6.1 as far as its layout goes.
fn debian() -> Kernel {
    let mut kernel = parse_elf(&linux()).unwrap();
    kernel.segments = vec![Segment {
        target: 0x100_0000,
        offset: 0x20_0000,
        filesz: 0x3a0_0000,
        memsz: 0x3a0_0000,
    }];
    kernel.extent = 0x100_0000..0x4a0_0000;
    kernel.entry = 0xffff_ffff_8307_91c0;
    kernel
}

#[test]
fn layout_of_debian_6_1_is_libxenguests() {
    let kernel = debian();
    let plan = plan(&request(&kernel, Modules::Initrd(3 << 20), 512)).unwrap();
    assert_eq!(plan.start_info_pfn, 0x4a00);
    assert_eq!(plan.store_pfn, 0x4a01);
    assert_eq!(plan.console_pfn, 0x4a02);
    assert_eq!(plan.root(), 0x4a03);
    assert_eq!(plan.told.nr_pt_frames, 0x29);
    assert_eq!(plan.boot_stack_pfn, 0x4a2c);
    assert_eq!(plan.boot_stack_top, 0xffff_ffff_84a2_d000);
    assert_eq!(
        plan.maps[0],
        Mapping {
            virt: BASE,
            first: 0,
            count: 0x4c00
        }
    );
    assert_eq!(plan.told.mod_start, 0x4c00);
    assert_eq!(plan.told.mod_len, 3 << 20);
    assert_eq!(plan.told.flags, 0x18);
    assert_eq!(plan.told.mfn_list, 0x80_0000_0000);
    assert_eq!(plan.p2m_list, 0x4f00..0x5000);
    assert_eq!(
        (plan.told.first_p2m_pfn, plan.told.nr_p2m_frames),
        (0x4f00, 0x103)
    );
    assert_eq!(plan.entry, 0xffff_ffff_8307_91c0);
    assert_eq!(
        plan.source(0x1000),
        Some(Source::Buffer {
            buffer: Buffer::Kernel,
            page: 0x200
        })
    );
    assert_eq!(
        plan.source(0x49ff),
        Some(Source::Buffer {
            buffer: Buffer::Kernel,
            page: 0x3bff
        })
    );
    assert_eq!(plan.source(0xfff), None);
    assert_eq!(
        plan.source(0x4c01),
        Some(Source::Buffer {
            buffer: Buffer::Module(0),
            page: 1
        })
    );
    assert!(plan.edits.is_empty());
}

#[test]
fn layout_of_grub_2_is_libxenguests() {
    // no INIT_P2M, no MOD_START_PFN: all in one map
    let mut kernel = debian();
    (kernel.virt_base, kernel.entry) = (0, 0);
    (kernel.init_p2m, kernel.mod_start_pfn) = (None, false);
    kernel.segments = vec![Segment {
        target: 0,
        offset: 0x1000,
        filesz: 0x61_3dc8,
        memsz: 0x61_3dc8,
    }];
    kernel.extent = 0..0x61_3dc8;
    let plan = plan(&request(&kernel, Modules::Initrd(3 << 20), 512)).unwrap();
    assert_eq!(plan.told.mod_start, 0x61_4000);
    assert_eq!(plan.told.mfn_list, 0x91_4000);
    assert_eq!(plan.start_info_pfn, 0xa14);
    assert_eq!(plan.root(), 0xa17);
    assert_eq!(plan.told.nr_pt_frames, 9);
    assert_eq!(plan.boot_stack_pfn, 0xa20);
    assert_eq!(
        plan.maps,
        [Mapping {
            virt: 0,
            first: 0,
            count: 0xc00
        }]
    );
    assert_eq!(plan.told.flags, 0x10);
    assert_eq!((plan.told.first_p2m_pfn, plan.told.nr_p2m_frames), (0, 0));
    // the tail of the last page is not the kernel's
    let zero = Edit {
        pfn: 0x613,
        offset: 0xdc8,
        len: 0x238,
        what: What::Zero,
    };
    assert_eq!(plan.edits, [zero]);
}

#[test]
fn too_little_memory_says_how_much() {
    let kernel = debian();
    let e = plan(&request(&kernel, Modules::Initrd(60 << 20), 128)).unwrap_err();
    // 76 MiB mapped, 60 of initrd, p2m list and its tables
    assert_eq!(e.to_string(), "too little memory: needs 137 MiB, has 128");
    plan(&request(&kernel, Modules::Initrd(60 << 20), 137)).unwrap();
    let e = plan(&request(&kernel, Modules::None, 64)).unwrap_err();
    assert_eq!(e.to_string(), "too little memory: needs 77 MiB, has 64");
}

#[test]
fn refusals() {
    let kernel = debian();
    let base = request(&kernel, Modules::None, 512);
    let long = [b'x'; 1024];
    assert!(
        plan(&Request {
            cmdline: &long[..1023],
            ..base
        })
        .is_ok()
    );
    let e = plan(&Request {
        cmdline: &long,
        ..base
    })
    .unwrap_err();
    assert_eq!(e, BuildError::CommandLineTooLong(1024));
    let m = MultibootModule {
        len: 1,
        cmdline: b"",
    };
    let many = [m; 256];
    assert!(
        plan(&Request {
            modules: Modules::Multiboot(&many[..255]),
            ..base
        })
        .is_ok()
    );
    let e = plan(&Request {
        modules: Modules::Multiboot(&many),
        ..base
    })
    .unwrap_err();
    assert_eq!(e, BuildError::TooManyModules(256));
    for virt_base in [
        0xffff_8000_0000_0000,
        0x7fff_ff00_0000,
        0xffff_ffff_fff0_0000,
    ] {
        let bad = Kernel {
            virt_base,
            init_p2m: None,
            ..kernel.clone()
        };
        let e = plan(&request(&bad, Modules::None, 512)).unwrap_err();
        assert!(
            matches!(e, BuildError::AddressSpace { .. }),
            "{virt_base:#x}: {e}"
        );
    }
}

/// What a domain's memory holds after the plan was carried out.
fn execute(plan: &Plan, elf: &[u8], modules: &[Vec<u8>]) -> HashMap<Pfn, Vec<u8>> {
    let pad = |b: &[u8]| {
        let mut b = b.to_vec();
        b.resize(b.len().next_multiple_of(PAGE), 0xbb); // what lies behind a file is foreign
        b
    };
    let mut kernel = pad(elf);
    let mut modules: Vec<Vec<u8>> = modules.iter().map(|m| pad(m)).collect();
    let mut fresh: HashMap<Pfn, Vec<u8>> = HashMap::new();
    let mut taken = std::collections::HashSet::new();
    let mut last = None;
    for run in &plan.runs {
        assert!(
            run.count > 0 && last.is_none_or(|last| run.first > last),
            "runs overlap"
        );
        last = Some(run.first + run.count - 1);
        assert!(last < Some(plan.nr_pages));
        for pfn in run.first..run.first + run.count {
            match plan.source(pfn).unwrap() {
                Source::Buffer { buffer, page } => {
                    assert!(
                        taken.insert((format!("{buffer:?}"), page)),
                        "page given twice"
                    );
                }
                _ => {
                    fresh.insert(pfn, vec![0; PAGE]);
                }
            }
        }
    }
    let mut altered = false;
    for edit in &plan.edits {
        let bytes: Vec<u8> = match edit.what {
            What::Zero => vec![0; edit.len],
            What::Bytes(at) => plan.bytes[at..at + edit.len].to_vec(),
            What::Copy {
                buffer: Buffer::Kernel,
                at,
            } => {
                assert!(!altered, "copy after a buffer was changed");
                kernel[at..at + edit.len].to_vec()
            }
            What::Copy { .. } => panic!("modules are never copied"),
        };
        let page = match plan.source(edit.pfn).unwrap() {
            Source::Buffer { buffer, page } => {
                altered = true;
                let whole = match buffer {
                    Buffer::Kernel => &mut kernel,
                    Buffer::Module(n) => &mut modules[n],
                };
                &mut whole[page * PAGE..(page + 1) * PAGE]
            }
            _ => fresh.get_mut(&edit.pfn).unwrap(),
        };
        page[edit.offset..edit.offset + edit.len].copy_from_slice(&bytes);
    }
    for run in &plan.runs {
        for pfn in run.first..run.first + run.count {
            if let Some(Source::Buffer { buffer, page }) = plan.source(pfn) {
                let whole = match buffer {
                    Buffer::Kernel => &kernel,
                    Buffer::Module(n) => &modules[n],
                };
                fresh.insert(pfn, whole[page * PAGE..(page + 1) * PAGE].to_vec());
            }
        }
    }
    fresh
}

/// The kernel's memory as libelf would fill it.
fn loaded(kernel: &Kernel, elf: &[u8]) -> Vec<u8> {
    let start = kernel.extent.start & !0xfff;
    let mut memory = vec![0; (kernel.extent.end - start) as usize];
    for s in &kernel.segments {
        let to = &mut memory[(s.target - start) as usize..][..s.memsz as usize];
        to.fill(0);
        to[..s.filesz as usize].copy_from_slice(&elf[s.offset as usize..][..s.filesz as usize]);
    }
    if let Some(s) = &kernel.symtab {
        memory[(s.extent.start - start) as usize..][..s.headers.len()].copy_from_slice(&s.headers);
        for (to, from, len) in s.copies {
            memory[(to - start) as usize..][..len as usize]
                .copy_from_slice(&elf[from as usize..][..len as usize]);
        }
    }
    memory.resize(memory.len().next_multiple_of(PAGE), 0);
    if let Some(virt) = kernel.hypercall_page {
        let at = (virt - kernel.virt_base - start) as usize;
        memory[at..at + PAGE].copy_from_slice(&hypercall_page::page());
    }
    memory
}

fn check_memory(elf: &[u8]) -> Plan {
    let kernel = parse_elf(elf).unwrap();
    let modules = vec![vec![0xa5; 5000]];
    let plan = plan(&request(&kernel, Modules::Initrd(5000), 64)).unwrap();
    let memory = execute(&plan, elf, &modules);
    let first = kernel.extent.start >> 12;
    for (page, pfn) in loaded(&kernel, elf).chunks(PAGE).zip(first..) {
        assert!(
            memory[&pfn] == page,
            "page {pfn:#x} differs, {:?}",
            plan.source(pfn)
        );
    }
    let module = match kernel.mod_start_pfn {
        true => plan.told.mod_start,
        false => (plan.told.mod_start - kernel.virt_base) >> 12,
    };
    assert_eq!(memory[&module], vec![0xa5; PAGE]);
    let mut tail = vec![0xa5; 5000 - PAGE];
    tail.resize(PAGE, 0);
    assert_eq!(memory[&(module + 1)], tail);
    plan
}

fn patterned(len: usize) -> Vec<u8> {
    (0..len).map(|n| (n * 7 + n / 256) as u8 | 1).collect()
}

fn copies(plan: &Plan) -> usize {
    plan.edits
        .iter()
        .filter(|e| matches!(e.what, What::Copy { .. }))
        .count()
}

/// (file offset within the data, address, size in file, size in memory)
type Segments = &'static [(u64, u64, u64, u64)];

#[test]
fn pages_end_up_as_libelf_loads_them() {
    let cases: &[(&str, Segments, usize)] = &[
        (
            "aligned",
            &[
                (0, 0x10_0000, 0x4000, 0x4000),
                (0x4000, 0x10_4000, 0x1000, 0x9000),
            ],
            0,
        ),
        ("head and tail", &[(0x123, 0x10_0123, 0x2fff, 0x8000)], 0),
        (
            "two in one page, same page of the file",
            &[
                (0, 0x10_0000, 0x1800, 0x1800),
                (0x1800, 0x10_1800, 0x1000, 0x1000),
            ],
            2,
        ),
        (
            "file page used at two addresses",
            &[
                (0, 0x10_0000, 0x1800, 0x1800),
                (0x1800, 0x10_2800, 0x1000, 0x1000),
            ],
            1,
        ),
        ("not congruent", &[(0x10, 0x10_0000, 0x3000, 0x3000)], 3),
        (
            "later covers earlier",
            &[
                (0, 0x10_0000, 0x4000, 0x4000),
                (0x6000, 0x10_1800, 0x400, 0x1000),
            ],
            2,
        ),
        (
            "bss of a later one erases",
            &[
                (0, 0x10_0000, 0x4000, 0x4000),
                (0x6000, 0x10_1000, 0, 0x1000),
            ],
            0,
        ),
        (
            "a gap is zero",
            &[
                (0, 0x10_0000, 0x1000, 0x1000),
                (0x1000, 0x10_5000, 0x1000, 0x1000),
            ],
            0,
        ),
        (
            "empty segment",
            &[(0, 0x10_0000, 0x1000, 0x1000), (0, 0x10_0800, 0, 0)],
            0,
        ),
        ("within one page", &[(0x200, 0x10_0200, 0x100, 0x200)], 0),
    ];
    for (name, segments, expected) in cases {
        let mut b = Builder::new();
        let at = b.append(&patterned(0x8000), 4096);
        for &(offset, paddr, filesz, memsz) in *segments {
            b.load(at + offset, paddr, filesz, memsz);
        }
        b.notes(&plain_notes(BASE + segments[0].1));
        let plan = check_memory(&b.build());
        assert_eq!(copies(&plan), *expected, "{name}");
    }
    check_memory(&linux());
}

#[test]
fn hypercall_page_and_symbols_are_written() {
    let mut b = Builder::new();
    let at = b.append(&patterned(0x3000), 4096);
    b.load(at, 0x10_0000, 0x3000, 0x4321);
    let page = (BASE + 0x10_1000).to_le_bytes();
    b.notes(
        &[
            plain_notes(BASE + 0x10_0000),
            note(2, &page),
            note(11, b"yes\0"),
        ]
        .concat(),
    );
    b.section(".symtab", 2, &patterned(0x2345), 2)
        .section(".strtab", 3, &patterned(333), 0);
    check_memory(&b.build());
}

#[test]
fn hypercall_slots() {
    let page = hypercall_page::page();
    let slot = |n: usize| &page[n * 32..n * 32 + 32];
    for n in (0..128).filter(|&n| n != 23) {
        let code = [
            0x51, 0x41, 0x53, 0xb8, n as u8, 0, 0, 0, 0x0f, 0x05, 0x41, 0x5b, 0x59, 0xc3,
        ];
        assert_eq!(slot(n)[..14], code);
    }
    assert_eq!(
        slot(23)[..11],
        [0x51, 0x41, 0x53, 0x50, 0xb8, 23, 0, 0, 0, 0x0f, 0x05]
    );
}

#[test]
fn multiboot_list() {
    static LIST: [MultibootModule<'static>; 2] = [
        MultibootModule {
            len: 5000,
            cmdline: b"/a one",
        },
        MultibootModule {
            len: 4096,
            cmdline: b"/b",
        },
    ];
    let kernel = debian();
    let plan = plan(&request(&kernel, Modules::Multiboot(&LIST), 512)).unwrap();
    assert_eq!(plan.told.flags, 0x1c);
    // header, 2 + 1, 1 + 1
    assert_eq!(plan.told.mod_len, 6 * 4096);
    let memory = execute(&plan, &vec![0; 0x3c0_0000], &[vec![1; 5000], vec![2; 4096]]);
    let at = plan.told.mod_start;
    let words: Vec<u32> = memory[&at]
        .chunks(4)
        .take(12)
        .map(|w| u32::from_le_bytes(w.try_into().unwrap()))
        .collect();
    let expected = [
        4096,
        4096 + 4999,
        0x3000,
        0,
        0x4000,
        0x4fff,
        0x5000,
        0,
        0,
        0,
        0,
        0,
    ];
    assert_eq!(words, expected);
    assert!(memory[&(at + 3)].starts_with(b"/a one\0"));
    assert!(memory[&(at + 5)].starts_with(b"/b\0"));
    assert_eq!(memory[&(at + 4)], [2; 4096]);
    assert_eq!(memory[&(at + 2)][5000 - 4096..], [0; 8192 - 5000]);
}

/// Walks emitted tables as the processor does; the page and its entry's low bits.
fn walk(tables: &HashMap<Pfn, [u64; 512]>, root: Pfn, virt: u64) -> Option<(u64, u64)> {
    let mut mfn = root + 0x100_0000;
    for level in (0..4).rev() {
        let entry = tables[&(mfn - 0x100_0000)][(virt >> (12 + 9 * level)) as usize & 511];
        if entry & 1 == 0 {
            return None;
        }
        mfn = entry >> 12;
        if level == 0 {
            return Some((mfn - 0x100_0000, entry & 0xfff));
        }
        assert_eq!(entry & 0xfff, 0x67);
    }
    unreachable!()
}

#[test]
fn page_tables_map_everything_and_themselves_read_only() {
    for mib in [80, 512, 4096] {
        let kernel = debian();
        let plan = plan(&request(&kernel, Modules::None, mib)).unwrap();
        let mut tables = HashMap::new();
        page_tables::emit(&plan, &|pfn| pfn + 0x100_0000, &mut |pfn, table| {
            assert!(tables.insert(pfn, *table).is_none());
            assert_eq!(plan.source(pfn), Some(Source::PageTable));
        });
        let owned = plan.runs.iter().filter(|r| r.source == Source::PageTable);
        assert_eq!(owned.map(|r| r.count).sum::<u64>(), tables.len() as u64);
        for map in &plan.maps {
            for n in 0..map.count {
                let read_only = tables.contains_key(&(map.first + n));
                let bits = if read_only { 0x21 } else { 0x23 };
                let found = walk(&tables, plan.root(), map.virt + (n << 12));
                assert_eq!(
                    found,
                    Some((map.first + n, bits)),
                    "{:#x}",
                    map.virt + (n << 12)
                );
            }
            assert_eq!(
                walk(&tables, plan.root(), map.virt + (map.count << 12)),
                None
            );
        }
        let entries = tables.values().flatten().filter(|e| **e != 0).count() as u64;
        let mapped: u64 = plan.maps.iter().map(|m| m.count).sum();
        assert_eq!(entries, mapped + tables.len() as u64 - 1);
    }
}

#[test]
fn start_info_fields_stand_where_the_abi_has_them() {
    let kernel = debian();
    let plan = plan(&request(&kernel, Modules::Initrd(3 << 20), 512)).unwrap();
    let given = Given {
        shared_info: 0x1234_5000,
        store_mfn: 0x51,
        store_evtchn: 1,
        console_mfn: 0xc0,
        console_evtchn: 2,
    };
    let page = start_info(&plan, &given);
    let word = |at: usize| u64::from_le_bytes(page[at..at + 8].try_into().unwrap());
    assert_eq!(&page[..15], b"xen-3.0-x86_64\0");
    let fields: Vec<u64> = (32..136).step_by(8).map(word).collect();
    let expected = [
        0x2_0000,
        0x1234_5000,
        0x18,
        0x51,
        1,
        0xc0,
        2,
        0xffff_ffff_84a0_3000,
        0x29,
        0x80_0000_0000,
        0x4c00,
        3 << 20,
    ];
    assert_eq!(fields[..12], expected);
    assert!(page[128..].starts_with(b"root=/dev/xvda1\0"));
    assert_eq!(word(128 + 1024), 0x4f00);
    assert_eq!(word(128 + 1032), 0x103);
}
