//! Which page tables the new domain starts with, and what is in them.

use alloc::vec::Vec;

use super::{Mapping, Mfn, PAGE_SHIFT, Pfn, Plan};

/// Levels of x86_64 paging; 4 is the root.
pub const LEVELS: u32 = 4;
const ENTRIES: u64 = 512;
const ENTRY_BITS: u32 = 9;
const VIRT_BITS: u32 = 48;

const PRESENT: u64 = 1;
const WRITE: u64 = 1 << 1;
const USER: u64 = 1 << 2;
const ACCESSED: u64 = 1 << 5;
const DIRTY: u64 = 1 << 6;
/// Bits of an entry that points to a page. Xen adds `USER`, which kernels of
/// 64-bit PV guests need to run at all.
const LEAF: u64 = PRESENT | WRITE | ACCESSED;
/// Bits of an entry that points to a table.
const BRANCH: u64 = PRESENT | WRITE | USER | ACCESSED | DIRTY;

/// One page table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// 4 (root) to 1.
    pub level: u32,
    /// Which of its level: the virtual address divided by what a table of the level spans.
    pub index: u64,
    /// The page it is in.
    pub pfn: Pfn,
}

/// All page tables, sorted by descending level, then by index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tables(Vec<Table>);

/// Address bits that a table of `level` spans.
fn span(level: u32) -> u32 {
    PAGE_SHIFT + level * ENTRY_BITS
}

fn masked(virt: u64) -> u64 {
    virt & ((1 << VIRT_BITS) - 1)
}

fn order(table: &Table) -> (u32, u64) {
    (LEVELS - table.level, table.index)
}

impl Tables {
    /// Tables that `map` needs and that are not there yet, top level first:
    /// the order in which their pages are laid out.
    fn missing(&self, map: &Mapping) -> impl Iterator<Item = (u32, u64)> {
        let first = masked(map.virt);
        let last = first + (map.count.max(1) << PAGE_SHIFT) - 1;
        (1..=LEVELS)
            .rev()
            .flat_map(move |level| {
                let indices = (first >> span(level))..=(last >> span(level));
                indices.map(move |index| (level, index))
            })
            .filter(|&(level, index)| self.find(level, index).is_none())
    }

    /// How many more tables `map` needs.
    #[must_use]
    pub fn count_missing(&self, map: &Mapping) -> u64 {
        self.missing(map).count() as u64
    }

    /// Adds the tables that `map` needs, in pages from `first` on; returns how many.
    pub fn add(&mut self, map: &Mapping, first: Pfn) -> u64 {
        let new: Vec<Table> = self
            .missing(map)
            .zip(first..)
            .map(|((level, index), pfn)| Table { level, index, pfn })
            .collect();
        let count = new.len() as u64;
        self.0.extend(new);
        self.0.sort_by_key(order);
        count
    }

    fn find(&self, level: u32, index: u64) -> Option<Pfn> {
        let key = (LEVELS - level, index);
        let at = self.0.binary_search_by_key(&key, order).ok()?;
        self.0.get(at).map(|table| table.pfn)
    }

    /// The page of the root; 0 if there are no tables.
    #[must_use]
    pub fn root(&self) -> Pfn {
        self.0.first().map_or(0, |table| table.pfn)
    }

    /// All tables, the root first.
    #[must_use]
    pub fn as_slice(&self) -> &[Table] {
        &self.0
    }
}

/// Writes out every page table: `out` gets the page it belongs in and its
/// entries. `p2m` gives a page's frame in the new domain. Table pages are
/// mapped read-only wherever they are mapped.
pub fn emit(plan: &Plan, p2m: &dyn Fn(Pfn) -> Mfn, out: &mut dyn FnMut(Pfn, &[u64; 512])) {
    let mut own: Vec<Pfn> = plan.tables.0.iter().map(|table| table.pfn).collect();
    own.sort_unstable();
    for table in &plan.tables.0 {
        let mut entries = [0u64; ENTRIES as usize];
        let first = table.index * ENTRIES;
        if table.level > 1 {
            for (entry, index) in entries.iter_mut().zip(first..) {
                if let Some(pfn) = plan.tables.find(table.level - 1, index) {
                    *entry = p2m(pfn) << PAGE_SHIFT | BRANCH;
                }
            }
        } else {
            for map in &plan.maps {
                fill_leaf(map, first, &mut entries, &own, p2m);
            }
        }
        out(table.pfn, &entries);
    }
}

/// Enters what `map` has within the table whose first entry maps virtual page `first`.
fn fill_leaf(
    map: &Mapping,
    first: u64,
    entries: &mut [u64; 512],
    own: &[Pfn],
    p2m: &dyn Fn(Pfn) -> Mfn,
) {
    let start = masked(map.virt) >> PAGE_SHIFT;
    for (entry, page) in entries.iter_mut().zip(first..) {
        let Some(ahead) = page.checked_sub(start).filter(|&n| n < map.count) else {
            continue;
        };
        let pfn = map.first + ahead;
        let bits = if own.binary_search(&pfn).is_ok() {
            LEAF & !WRITE
        } else {
            LEAF
        };
        *entry = p2m(pfn) << PAGE_SHIFT | bits;
    }
}
