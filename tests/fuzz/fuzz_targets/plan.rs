//! From an ELF file to a plan for its domain: every page of the plan lies in
//! the domain and has one source, no page of a buffer is given away twice,
//! edits stay within their pages and sources, and the page tables map just
//! what the plan says, themselves read-only.
//!
//! An input is a byte for the domain's size, one for the initrd's, the file.

use pvgrub::build::{self, Buffer, Modules, PAGE, Plan, Request, Source, What, page_tables};
use pvgrub::image::parse_elf;
use std::collections::{HashMap, HashSet};

pub fn fuzz(data: &[u8]) {
    let [size, initrd, file @ ..] = data else {
        return;
    };
    let Ok(kernel) = parse_elf(file) else {
        return;
    };
    let initrd = u64::from(*initrd) * 1000;
    let request = Request {
        kernel: &kernel,
        modules: Modules::Initrd(initrd),
        cmdline: b"x",
        nr_pages: u64::from(*size) * 64,
        flags: 0xffff,
    };
    if let Ok(plan) = build::plan(&request) {
        check_runs(&plan, file.len(), initrd as usize);
        check_edits(&plan, file.len());
        check_tables(&plan);
    }
}

fn check_runs(plan: &Plan, file: usize, initrd: usize) {
    let mut next = 0;
    let mut given = HashSet::new();
    for run in &plan.runs {
        assert!(run.first >= next && run.count > 0);
        next = run.first + run.count;
        if let Source::Buffer { buffer, page } = run.source {
            let size = match buffer {
                Buffer::Kernel => file,
                Buffer::Module(0) => initrd,
                Buffer::Module(n) => panic!("there is no module {n}"),
            };
            for page in page..page + run.count as usize {
                assert!(page < size.div_ceil(PAGE));
                assert!(given.insert((buffer == Buffer::Kernel, page)));
            }
        }
    }
    assert!(next <= plan.nr_pages);
}

fn check_edits(plan: &Plan, file: usize) {
    let mut altered = false;
    for edit in &plan.edits {
        assert!(edit.len > 0 && edit.offset + edit.len <= PAGE);
        let source = plan.source(edit.pfn).expect("an edited page has a source");
        match edit.what {
            What::Copy { buffer, at } => {
                assert!(!altered && source == Source::Zeroed);
                assert!(buffer == Buffer::Kernel && at + edit.len <= file);
            }
            What::Bytes(at) => assert!(at + edit.len <= plan.bytes.len()),
            What::Zero => {}
        }
        altered |= matches!(source, Source::Buffer { .. });
    }
}

fn check_tables(plan: &Plan) {
    let mut tables = HashMap::new();
    page_tables::emit(plan, &|pfn| pfn, &mut |pfn, table| {
        assert_eq!(plan.source(pfn), Some(Source::PageTable));
        assert!(tables.insert(pfn, *table).is_none());
    });
    let mut mapped = 0;
    for map in &plan.maps {
        assert!(map.first + map.count <= plan.nr_pages);
        mapped += map.count;
        for n in 0..map.count {
            let virt = map.virt + (n << 12);
            let mut entry = plan.root() << 12;
            for level in (0..4).rev() {
                entry = tables[&(entry >> 12)][(virt >> (12 + 9 * level)) as usize & 511];
                assert!(entry & 1 != 0);
            }
            let pfn = map.first + n;
            assert_eq!(entry >> 12, pfn);
            assert_eq!(entry & 2 == 0, tables.contains_key(&pfn));
        }
    }
    let entries = tables.values().flatten().filter(|e| **e != 0).count() as u64;
    assert_eq!(entries, mapped + tables.len() as u64 - 1);
}
