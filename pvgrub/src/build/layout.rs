//! The order of things in the new domain, and the plan made of it.

use alloc::vec::Vec;
use core::ops::Range;

use xen_sys::start_info::{SIF_MOD_START_PFN, SIF_MULTIBOOT_MOD, SIF_VIRT_P2M_4TOOLS};

use super::module::Placed;
use super::page_tables::Tables;
use super::start_info::{Told, check_cmdline};
use super::{
    BuildError, Mapping, PAGE, PAGE_SHIFT, Pfn, Plan, Request, Source, hypercall_page, pages,
    segments,
};
use crate::image::Kernel;

const SIZE: u64 = PAGE as u64;
/// Slack that must be mapped after the boot stack.
const SLACK_PAGES: u64 = 512 * 1024 / SIZE;
/// What the end of the map is rounded up to.
const END_ALIGN: u64 = 4 << 20;
/// Addresses Xen keeps for itself, with the non-canonical ones below.
const NOT_FOR_GUESTS: Range<u64> = 0x0000_8000_0000_0000..0xffff_8800_0000_0000;
/// No domain has more pages than this (64 TiB).
const MAX_PAGES: u64 = 1 << 34;
/// No kernel or module is laid out that has more than this (1 TiB).
const MAX_IMAGE: u64 = 1 << 28;

/// Where everything lies, as page numbers.
struct Layout {
    module: Option<Pfn>,
    p2m: Pfn,
    p2m_pages: u64,
    start_info: Pfn,
    tables: Tables,
    table_pages: Range<Pfn>,
    boot_stack: Pfn,
    p2m_tables: u64,
    maps: Vec<Mapping>,
    end: Pfn,
}

/// Makes the plan.
///
/// # Errors
/// See [`BuildError`]; above all a domain with too little memory.
pub fn plan(request: &Request<'_>) -> Result<Plan, BuildError> {
    check_cmdline(request.cmdline)?;
    let kernel = request.kernel;
    let mod_len = request.modules.len()?;
    let layout = Layout::new(kernel, pages(mod_len), request.nr_pages)?;
    if layout.end > request.nr_pages {
        // A larger domain needs a larger p2m list: say what would really do.
        let larger = Layout::new(kernel, pages(mod_len), layout.end)?;
        return Err(BuildError::TooLittleMemory {
            needed: larger.end,
            have: request.nr_pages,
        });
    }
    let mut placed = Placed::default();
    segments::place(kernel, &mut placed);
    if let Some(at) = layout.module {
        request.modules.place(at, &mut placed);
    }
    layout.place(&mut placed);
    if let Some(virt) = kernel.hypercall_page {
        let pfn = virt.wrapping_sub(kernel.virt_base) >> PAGE_SHIFT;
        placed.bytes(pfn, &hypercall_page::page());
    }
    placed.runs.sort_by_key(|run| run.first);
    Ok(layout.into_plan(request, mod_len, placed))
}

impl Layout {
    fn new(kernel: &Kernel, module_pages: u64, nr_pages: u64) -> Result<Layout, BuildError> {
        let too_much = |needed| BuildError::TooLittleMemory {
            needed,
            have: nr_pages,
        };
        let mut next = pages(kernel.extent.end);
        if next > MAX_IMAGE || module_pages > MAX_IMAGE {
            return Err(too_much(next.max(module_pages)));
        }
        let nr_pages = nr_pages.min(MAX_PAGES);
        let mut take = |count: u64| {
            let at = next;
            next += count;
            at
        };
        let mut module = (module_pages > 0 && !kernel.mod_start_pfn).then(|| take(module_pages));
        let p2m_pages = pages(nr_pages * 8);
        let mut p2m = if kernel.init_p2m.is_none() {
            take(p2m_pages)
        } else {
            0
        };
        let start_info = take(3); // then the rings of xenstore and console
        let (map, mut tables) = first_map(kernel, start_info + 3)?;
        let table_pages = tables.add(&map, start_info + 3);
        let tables_at = take(table_pages);
        let boot_stack = take(1);
        let mut maps = Vec::from([map]);
        next = map.count;
        if module_pages > 0 && module.is_none() {
            module = Some(next);
            next += module_pages;
        }
        let mut p2m_tables = 0;
        if let Some(virt) = kernel.init_p2m {
            p2m = next;
            let map = Mapping {
                virt,
                first: p2m,
                count: p2m_pages,
            };
            check_address_space(&map)?;
            check_apart(&maps, &map)?;
            p2m_tables = tables.add(&map, p2m + p2m_pages);
            maps.push(map);
            next += p2m_pages + p2m_tables;
        }
        Ok(Layout {
            module,
            p2m,
            p2m_pages,
            start_info,
            tables,
            table_pages: tables_at..tables_at + table_pages,
            boot_stack,
            p2m_tables,
            maps,
            end: next,
        })
    }

    fn place(&self, out: &mut Placed) {
        out.run(self.p2m, self.p2m_pages, Source::P2m);
        out.run(self.start_info, 1, Source::StartInfo);
        out.run(self.start_info + 1, 1, Source::Store);
        out.run(self.start_info + 2, 1, Source::Console);
        let tables = &self.table_pages;
        out.run(tables.start, tables.end - tables.start, Source::PageTable);
        out.run(self.boot_stack, 1, Source::BootStack);
        out.run(
            self.p2m + self.p2m_pages,
            self.p2m_tables,
            Source::PageTable,
        );
    }

    fn into_plan(self, request: &Request<'_>, mod_len: u64, placed: Placed) -> Plan {
        let kernel = request.kernel;
        let virt = |pfn: Pfn| kernel.virt(pfn << PAGE_SHIFT);
        let apart = kernel.init_p2m.is_some();
        let mut flags = request.flags & SIF_VIRT_P2M_4TOOLS;
        if request.modules.is_list() {
            flags |= SIF_MULTIBOOT_MOD;
        }
        let mod_start = match self.module {
            None => 0,
            Some(pfn) if kernel.mod_start_pfn => {
                flags |= SIF_MOD_START_PFN;
                pfn
            }
            Some(pfn) => virt(pfn),
        };
        Plan {
            nr_pages: request.nr_pages,
            runs: placed.runs,
            edits: placed.edits,
            bytes: placed.bytes,
            p2m_list: self.p2m..self.p2m + self.p2m_pages,
            start_info_pfn: self.start_info,
            store_pfn: self.start_info + 1,
            console_pfn: self.start_info + 2,
            boot_stack_pfn: self.boot_stack,
            start_info_virt: virt(self.start_info),
            boot_stack_top: virt(self.boot_stack + 1),
            entry: kernel.entry,
            told: Told {
                pt_base: virt(self.table_pages.start),
                nr_pt_frames: self.table_pages.end - self.table_pages.start,
                mfn_list: kernel.init_p2m.unwrap_or(virt(self.p2m)),
                mod_start,
                mod_len,
                flags,
                first_p2m_pfn: if apart { self.p2m } else { 0 },
                nr_p2m_frames: if apart {
                    self.p2m_pages + self.p2m_tables
                } else {
                    0
                },
                cmdline: request.cmdline.into(),
            },
            maps: self.maps,
            tables: self.tables,
        }
    }
}

/// The map from `VIRT_BASE` on, large enough for its own page tables, which
/// begin at page `tables_at`, the boot stack and the slack.
fn first_map(kernel: &Kernel, tables_at: Pfn) -> Result<(Mapping, Tables), BuildError> {
    let tables = Tables::default();
    let mut table_pages = 0;
    loop {
        let used = (tables_at + table_pages + 1 + SLACK_PAGES) << PAGE_SHIFT;
        let last = kernel.virt(used) | (END_ALIGN - 1);
        let map = Mapping {
            virt: kernel.virt_base,
            first: 0,
            count: (last.wrapping_sub(kernel.virt_base) >> PAGE_SHIFT) + 1,
        };
        check_address_space(&map)?;
        let needed = tables.count_missing(&map);
        if (tables_at + needed + 1 + SLACK_PAGES) <= map.count {
            return Ok((map, tables));
        }
        table_pages = needed;
    }
}

/// Maps may only have addresses that Xen leaves to guests.
fn check_address_space(map: &Mapping) -> Result<(), BuildError> {
    let start = map.virt;
    let last = (map.count.max(1) << PAGE_SHIFT)
        .checked_sub(1)
        .and_then(|len| start.checked_add(len));
    let bad = BuildError::AddressSpace {
        start,
        last: last.unwrap_or(u64::MAX),
    };
    let Some(last) = last else { return Err(bad) };
    let clear = last < NOT_FOR_GUESTS.start || start >= NOT_FOR_GUESTS.end;
    if clear && start.is_multiple_of(SIZE) {
        Ok(())
    } else {
        Err(bad)
    }
}

/// Two maps may not overlap.
fn check_apart(maps: &[Mapping], new: &Mapping) -> Result<(), BuildError> {
    let last = |map: &Mapping| map.virt + ((map.count.max(1) << PAGE_SHIFT) - 1);
    if maps
        .iter()
        .any(|m| m.virt <= last(new) && new.virt <= last(m))
    {
        return Err(BuildError::AddressSpace {
            start: new.virt,
            last: last(new),
        });
    }
    Ok(())
}
