//! SMART, honestly: this disk has neither heads nor flash to wear out, so it
//! tells of the errors that its medium has reported, and no others.

use alloc::vec;
use alloc::vec::Vec;

use super::super::engine::{Core, Way};
use super::super::registers::error;
use super::{Ata, SECTOR};

/// What SMART keeps.
#[derive(Debug)]
pub(super) struct Smart {
    enabled: bool,
    autosave: bool,
    /// Reads that failed.
    pub read_errors: u32,
    /// Writes that failed.
    pub write_errors: u32,
}

impl Default for Smart {
    fn default() -> Self {
        Smart {
            enabled: true,
            autosave: true,
            read_errors: 0,
            write_errors: 0,
        }
    }
}

impl Smart {
    pub fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// Number of an attribute, flags, and its raw value.
    fn attributes(&self) -> [(u8, u16, u32); 2] {
        // Pre-failure and online collection: 3.
        [(1, 3, self.read_errors), (200, 3, self.write_errors)]
    }
}

/// SMART by its subcommand in Features; LBA Mid and High hold a key.
pub(super) fn smart(ata: &mut Ata, core: &mut Core) {
    let registers = &core.registers;
    let subcommand = registers.features.now;
    let keyed = (registers.lba_mid.now, registers.lba_high.now) == (0x4f, 0xc2);
    if !keyed || !(ata.smart.enabled || subcommand == 0xd8) {
        core.fail(error::ABRT);
        return;
    }
    match subcommand {
        0xd0 => core.offer(data(&ata.smart), Way::Pio(SECTOR)),
        0xd1 => core.offer(thresholds(&ata.smart), Way::Pio(SECTOR)),
        // ENABLE/DISABLE ATTRIBUTE AUTOSAVE.
        0xd2 => match registers.count.now {
            0x00 | 0xf1 => {
                ata.smart.autosave = registers.count.now == 0xf1;
                core.done();
            }
            _ => core.fail(error::ABRT),
        },
        0xd5 => read_log(core),
        0xd8 | 0xd9 => {
            ata.smart.enabled = subcommand == 0xd8;
            core.done();
        }
        // RETURN STATUS: the key unchanged means that no threshold is exceeded.
        0xda => core.done(),
        // Self-tests among them: there is nothing to test.
        _ => core.fail(error::ABRT),
    }
}

/// SMART READ LOG: the directory of logs (which are none), by itself.
fn read_log(core: &mut Core) {
    if (core.registers.lba_low.now, core.registers.count.now) != (0, 1) {
        core.fail(error::ABRT);
        return;
    }
    let mut log = vec![0; SECTOR];
    log[0] = 1;
    core.offer(log, Way::Pio(SECTOR));
}

/// SMART READ DATA (ATA/ATAPI-6, 8.55.5).
fn data(smart: &Smart) -> Vec<u8> {
    let mut data = vec![0; SECTOR];
    data[0] = 0x10;
    for (slot, (number, flags, raw)) in data[2..362].chunks_mut(12).zip(smart.attributes()) {
        slot[0] = number;
        slot[1..3].copy_from_slice(&u16::to_le_bytes(flags));
        // The value and the worst: 100 is as good as it can be.
        let value = 100u32.saturating_sub(raw).max(1) as u8;
        slot[3] = value;
        slot[4] = value;
        slot[5..9].copy_from_slice(&u32::to_le_bytes(raw));
    }
    // Off-line data collection: never started. SMART capability: saves before
    // a power-saving mode, and autosave.
    data[368..370].copy_from_slice(&3u16.to_le_bytes());
    sum(data)
}

/// SMART READ THRESHOLDS (ATA-3).
fn thresholds(smart: &Smart) -> Vec<u8> {
    let mut data = vec![0; SECTOR];
    data[0] = 0x10;
    for (slot, (number, _, _)) in data[2..362].chunks_mut(12).zip(smart.attributes()) {
        slot[0] = number;
        // No disk fails because of its past.
        slot[1] = 0;
    }
    sum(data)
}

/// The last byte makes the sum of all zero.
fn sum(mut data: Vec<u8>) -> Vec<u8> {
    let sum = data.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
    if let Some(last) = data.last_mut() {
        *last = last.wrapping_sub(sum);
    }
    data
}
