//! Base address registers: PCI Local Bus Specification 2.1, 6.2.5.

use super::register;
use crate::bus::Shared;

/// What kind of addresses a register holds. Sizes are powers of two.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BarKind {
    /// Ports.
    Io {
        /// At least 4.
        size: u64,
    },
    /// Memory below 4 GiB.
    Memory32 {
        /// At least 16.
        size: u64,
        /// Whether reads have no side effects.
        prefetchable: bool,
    },
    /// Memory anywhere; takes two registers.
    Memory64 {
        /// At least 16.
        size: u64,
        /// Whether reads have no side effects.
        prefetchable: bool,
    },
}

impl BarKind {
    /// In bytes or ports.
    pub const fn size(self) -> u64 {
        match self {
            BarKind::Io { size }
            | BarKind::Memory32 { size, .. }
            | BarKind::Memory64 { size, .. } => size,
        }
    }

    /// The bits that are fixed and tell the kind.
    const fn type_bits(self) -> u64 {
        match self {
            BarKind::Io { .. } => 1,
            BarKind::Memory32 { prefetchable, .. } => (prefetchable as u64) << 3,
            BarKind::Memory64 { prefetchable, .. } => 4 | (prefetchable as u64) << 3,
        }
    }
}

/// One base address register and what is behind it.
pub struct Bar {
    index: u8,
    kind: BarKind,
    /// The chip's registers; `None` if it is memory.
    target: Option<(Shared, u8)>,
    /// Where it shows now.
    pub(super) at: Option<u64>,
}

impl Bar {
    pub(super) fn of_registers(index: u8, kind: BarKind, chip: Shared, region: u8) -> Self {
        Bar {
            index,
            kind,
            target: Some((chip, region)),
            at: None,
        }
    }

    pub(super) fn of_memory(index: u8, kind: BarKind) -> Self {
        Bar {
            index,
            kind,
            target: None,
            at: None,
        }
    }

    /// 0 to 5; 6 is the ROM.
    pub fn index(&self) -> u8 {
        self.index
    }

    /// Its kind and size.
    pub fn kind(&self) -> BarKind {
        self.kind
    }

    pub(super) fn target(&self) -> Option<&(Shared, u8)> {
        self.target.as_ref()
    }

    /// The offset of its register.
    pub(super) fn register(&self) -> u8 {
        match self.index {
            super::ROM => register::ROM_BASE_ADDRESS,
            index => register::BASE_ADDRESS + 4 * index,
        }
    }

    pub(super) fn is_64_bit(&self) -> bool {
        matches!(self.kind, BarKind::Memory64 { .. })
    }

    /// The value after reset, and the bits of the address that can be written.
    pub(super) fn layout(&self) -> (u64, u64) {
        let type_bits = match self.index {
            super::ROM => 0,
            _ => self.kind.type_bits(),
        };
        (type_bits, !(self.kind.size() - 1))
    }

    /// Where a register value makes it show. Not at zero and not at the very
    /// end: the one is a register nobody has set, the other is one that is
    /// being sized with its decoding left on.
    pub(super) fn shows_at(&self, value: u64) -> Option<u64> {
        let size = self.kind.size();
        let start = value & !(size - 1);
        let last = start.checked_add(size - 1)?;
        let highest = match self.kind {
            BarKind::Io { .. } => 0xffff,
            BarKind::Memory32 { .. } => 0xffff_fffe,
            // No processor that Xen runs on has more.
            BarKind::Memory64 { .. } => (1 << 52) - 1,
        };
        (start != 0 && last <= highest).then_some(start)
    }
}
