//! The bus master of one channel: it moves data between a drive and the
//! guest's memory along a table of regions (SFF-8038i; PIIX3 data sheet 2.3).
//!
//! The guest writes the table, at any time. Each entry moves at least two
//! bytes and no more is moved than the drive has, so that no table (a loop
//! cannot be written, but one that never ends can) keeps us for longer than
//! its transfer.

use crate::surroundings::GuestMemory;

/// Bits of BMICX, the command register.
mod command {
    /// Start/stop.
    pub const SSBM: u8 = 0x01;
    /// The direction: set when memory is written.
    pub const RWCON: u8 = 0x08;
}

/// Bits of BMISX, the status register.
mod status {
    pub const ACTIVE: u8 = 0x01;
    pub const ERROR: u8 = 0x02;
    pub const INTERRUPT: u8 = 0x04;
    /// Set by software: a drive can do DMA.
    pub const CAPABLE: u8 = 0x60;
}

/// Offsets.
mod offset {
    pub const BMICX: u64 = 0;
    pub const BMISX: u64 = 2;
    pub const BMIDTPX: u64 = 4;
}

/// End of the table, in an entry's second half.
const EOT: u32 = 1 << 31;

/// How a transfer went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moved {
    /// All bytes.
    All,
    /// The table ended before.
    Short,
    /// A region (or the table) is not RAM.
    Fault,
}

/// The bus master of one channel.
#[derive(Default, Debug)]
pub struct BusMaster {
    /// The PCI function may master the bus.
    pub enabled: bool,
    command: u8,
    status: u8,
    /// BMIDTPX.
    table: u32,
    /// The next entry.
    next: u32,
    /// The rest of the current region.
    address: u32,
    left: u32,
    /// The current region is the last.
    last: bool,
}

impl BusMaster {
    /// Whether it runs.
    pub fn is_active(&self) -> bool {
        self.status & status::ACTIVE != 0
    }

    /// As after power-on.
    pub fn reset(&mut self) {
        *self = BusMaster {
            enabled: self.enabled,
            ..BusMaster::default()
        };
    }

    /// The processor reads a byte at `at` (0 to 7).
    pub fn read(&self, at: u64) -> u8 {
        match at {
            offset::BMICX => self.command,
            offset::BMISX => self.status,
            offset::BMIDTPX.. => {
                let bytes = self.table.to_le_bytes();
                bytes
                    .get((at - offset::BMIDTPX) as usize)
                    .copied()
                    .unwrap_or(0)
            }
            _ => 0,
        }
    }

    /// The processor writes a byte at `at` (0 to 7). True if that stopped a
    /// transfer.
    pub fn write(&mut self, at: u64, value: u8) -> bool {
        match at {
            offset::BMICX => return self.write_command(value),
            offset::BMISX => {
                let cleared = value & (status::ERROR | status::INTERRUPT);
                let kept = self.status & !cleared & !status::CAPABLE;
                self.status = kept | value & status::CAPABLE;
            }
            offset::BMIDTPX.. => {
                let mut bytes = self.table.to_le_bytes();
                if let Some(byte) = bytes.get_mut((at - offset::BMIDTPX) as usize) {
                    *byte = value;
                }
                self.table = u32::from_le_bytes(bytes) & !3;
            }
            _ => {}
        }
        false
    }

    fn write_command(&mut self, value: u8) -> bool {
        let was = self.command & command::SSBM != 0;
        let is = value & command::SSBM != 0;
        self.command = value & (command::SSBM | command::RWCON);
        if is && !was {
            self.next = self.table;
            self.left = 0;
            self.last = false;
            self.status |= status::ACTIVE;
        }
        let stopped = !is && self.is_active();
        if !is {
            self.status &= !status::ACTIVE;
        }
        stopped
    }

    /// The drive's interrupt has come: a transfer that used its table up is over.
    pub fn interrupt(&mut self) {
        self.status |= status::INTERRUPT;
        if self.last && self.left == 0 {
            self.status &= !status::ACTIVE;
        }
    }

    /// Stops after a transfer that did not end well.
    pub fn give_up(&mut self, moved: Moved) {
        self.status &= !status::ACTIVE;
        if moved == Moved::Fault {
            self.status |= status::ERROR;
        }
    }

    /// From the drive to memory.
    pub fn deliver(&mut self, memory: &dyn GuestMemory, data: &[u8]) -> Moved {
        let mut rest = data;
        while !rest.is_empty() {
            let (address, bytes) = match self.region(memory, rest.len()) {
                Ok(region) => region,
                Err(moved) => return moved,
            };
            let (now, later) = rest.split_at(bytes);
            // What a function without the right to master the bus sends is lost.
            if self.enabled && memory.write(address, now).is_err() {
                return Moved::Fault;
            }
            rest = later;
        }
        Moved::All
    }

    /// From memory to the drive.
    pub fn collect(&mut self, memory: &dyn GuestMemory, data: &mut [u8]) -> Moved {
        if !self.enabled {
            return Moved::Fault;
        }
        let mut rest = data;
        while !rest.is_empty() {
            let (address, bytes) = match self.region(memory, rest.len()) {
                Ok(region) => region,
                Err(moved) => return moved,
            };
            let (now, later) = rest.split_at_mut(bytes);
            if memory.read(address, now).is_err() {
                return Moved::Fault;
            }
            rest = later;
        }
        Moved::All
    }

    /// The next piece of memory, of at most `most` bytes.
    fn region(&mut self, memory: &dyn GuestMemory, most: usize) -> Result<(u64, usize), Moved> {
        if self.left == 0 {
            if self.last {
                return Err(Moved::Short);
            }
            self.fetch(memory)?;
        }
        // The address has 32 bits: what is above them is out of reach.
        let reach = (1 << 32) - u64::from(self.address);
        let bytes = most.min(self.left as usize).min(reach as usize);
        let address = u64::from(self.address);
        self.address = self.address.wrapping_add(bytes as u32);
        self.left -= bytes as u32;
        Ok((address, bytes))
    }

    /// Reads an entry of the table: base address, and byte count with EOT.
    fn fetch(&mut self, memory: &dyn GuestMemory) -> Result<(), Moved> {
        let mut entry = [0; 8];
        // Without the right to master the bus nothing comes back.
        if self.enabled && memory.read(u64::from(self.next), &mut entry).is_err() {
            return Err(Moved::Fault);
        }
        let [a, b, c, d, e, f, g, h] = entry;
        let count = u32::from_le_bytes([e, f, g, h]);
        // Bit 0 of both is not there; a count of 0 is 64 KiB.
        self.address = u32::from_le_bytes([a, b, c, d]) & !1;
        self.left = match count & 0xfffe {
            0 => 0x1_0000,
            bytes => bytes,
        };
        self.last = count & EOT != 0;
        self.next = self.next.wrapping_add(8);
        Ok(())
    }
}
