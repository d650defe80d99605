//! Trees: nodes of keys, and a place in one.

use super::corrupt;
use super::volume::Volume;
use crate::disk::bytes::{le32, le64, u8_at};
use crate::fs::FsError;
use alloc::format;
use alloc::rc::Rc;
use alloc::vec::Vec;

/// Bytes of a node's header.
const HEADER: usize = 101;
/// Bytes of an item's entry in a leaf: key, offset, length.
const ITEM: usize = 25;
/// Bytes of a child's entry in a node: key, address, generation.
const CHILD: usize = 33;
/// The highest level of a root.
const HIGHEST: u8 = 8;

/// Kinds of items.
pub mod kind {
    pub const INODE_ITEM: u8 = 1;
    pub const DIR_ITEM: u8 = 84;
    pub const DIR_INDEX: u8 = 96;
    pub const EXTENT_DATA: u8 = 108;
    pub const ROOT_ITEM: u8 = 132;
    pub const CHUNK_ITEM: u8 = 228;
}

/// What items are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub object: u64,
    pub kind: u8,
    pub offset: u64,
}

impl Key {
    /// The key at the start of `bytes`.
    pub fn parse(bytes: &[u8]) -> Key {
        Key {
            object: le64(bytes, 0),
            kind: u8_at(bytes, 8),
            offset: le64(bytes, 9),
        }
    }
}

/// A node with the entry that is looked at.
struct Step {
    node: Rc<[u8]>,
    logical: u64,
    level: u8,
    count: usize,
    at: usize,
}

impl Step {
    /// Reads the node at `logical`, which must be of level `level` if that is
    /// known.
    fn read(volume: &Volume, logical: u64, level: Option<u8>) -> Result<Step, FsError> {
        let node = volume.node(logical)?;
        let count = usize::try_from(le32(&node, 96)).unwrap_or(usize::MAX);
        let own = u8_at(&node, 100);
        let entry = if own == 0 { ITEM } else { CHILD };
        let most = node.len().saturating_sub(HEADER) / entry;
        // Only a tree without anything in it has an empty node: its root.
        let empty = count == 0 && (level.is_some() || own > 0);
        if own > HIGHEST || level.is_some_and(|level| level != own) || count > most || empty {
            return Err(corrupt(format!(
                "the node at {logical} of level {own} has {count} entries"
            )));
        }
        Ok(Step {
            node,
            logical,
            level: own,
            count,
            at: 0,
        })
    }

    /// Entry `at`.
    fn entry(&self, at: usize) -> &[u8] {
        let size = if self.level == 0 { ITEM } else { CHILD };
        let start = at.saturating_mul(size).saturating_add(HEADER);
        self.node.get(start..).unwrap_or_default()
    }

    /// How many entries have keys below `key`.
    fn below(&self, key: Key) -> usize {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low.midpoint(high);
            if Key::parse(self.entry(middle)) < key {
                low = middle.saturating_add(1);
            } else {
                high = middle;
            }
        }
        low
    }

    /// The node that the entry looked at leads to.
    fn child(&self, volume: &Volume) -> Result<Step, FsError> {
        let logical = le64(self.entry(self.at), 17);
        Step::read(volume, logical, self.level.checked_sub(1))
    }
}

/// A place between the items of a tree.
pub struct Cursor {
    /// From the root to the leaf.
    way: Vec<Step>,
}

impl Cursor {
    /// The place of the first item not below `key` in the tree whose root is
    /// at `root`.
    pub fn seek(volume: &Volume, root: u64, key: Key) -> Result<Cursor, FsError> {
        let mut step = Step::read(volume, root, None)?;
        let mut way = Vec::new();
        // Levels count down, so this ends.
        loop {
            let below = step.below(key);
            if step.level == 0 {
                step.at = below;
                way.push(step);
                break;
            }
            // A child holds all from its own key on.
            let exact = Key::parse(step.entry(below)) == key && below < step.count;
            step.at = if exact {
                below
            } else {
                below.saturating_sub(1)
            };
            let child = step.child(volume)?;
            way.push(step);
            step = child;
        }
        let mut cursor = Cursor { way };
        cursor.settle(volume)?;
        Ok(cursor)
    }

    /// Goes on to the next leaf if this one is at its end.
    fn settle(&mut self, volume: &Volume) -> Result<(), FsError> {
        let at_end = |step: &Step| step.at >= step.count;
        if !self.way.last().is_some_and(at_end) {
            return Ok(());
        }
        while self.way.last().is_some_and(at_end) {
            self.way.pop();
            if let Some(step) = self.way.last_mut() {
                step.at = step.at.saturating_add(1);
            }
        }
        while let Some(step) = self.way.last().filter(|step| step.level > 0) {
            let child = step.child(volume)?;
            self.way.push(child);
        }
        Ok(())
    }

    /// The item here; `None` at the end of the tree.
    pub fn item(&self) -> Result<Option<(Key, &[u8])>, FsError> {
        let Some(step) = self.way.last() else {
            return Ok(None);
        };
        let entry = step.entry(step.at);
        let number = |at| usize::try_from(le32(entry, at)).unwrap_or(usize::MAX);
        let start = number(17).saturating_add(HEADER);
        let item = step
            .node
            .get(start..)
            .and_then(|rest| rest.get(..number(21)));
        match item {
            Some(item) => Ok(Some((Key::parse(entry), item))),
            None => Err(corrupt(format!(
                "item {} of the leaf at {} lies outside",
                step.at, step.logical
            ))),
        }
    }

    /// Goes on to the next item.
    pub fn next(&mut self, volume: &Volume) -> Result<(), FsError> {
        if let Some(step) = self.way.last_mut() {
            step.at = step.at.saturating_add(1);
        }
        self.settle(volume)
    }
}
