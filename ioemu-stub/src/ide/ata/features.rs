//! SET FEATURES.

use super::super::engine::Core;
use super::super::registers::error;
use super::Ata;

/// The transfer mode that the host has chosen. It changes no speed here, but
/// hosts look whether the drive has understood.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) enum TransferMode {
    /// Multiword DMA 0 to 2.
    Multiword(u8),
    /// Ultra DMA 0 to 5.
    Ultra(u8),
}

impl Default for TransferMode {
    fn default() -> Self {
        TransferMode::Ultra(5)
    }
}

impl TransferMode {
    /// What this one becomes by a number in Sector Count (ATA/ATAPI-6, table
    /// 45). A mode of the data port changes nothing for DMA.
    pub(in super::super) fn set(self, code: u8) -> Option<Self> {
        Some(match code {
            0x00..=0x01 | 0x08..=0x0c => self,
            0x20..=0x22 => TransferMode::Multiword(code & 7),
            0x40..=0x45 => TransferMode::Ultra(code & 7),
            _ => return None,
        })
    }

    /// IDENTIFY word 63: multiword modes known and chosen.
    pub(in super::super) fn word_63(self) -> u16 {
        match self {
            TransferMode::Multiword(mode) => 0x0007 | 0x0100 << mode,
            _ => 0x0007,
        }
    }

    /// IDENTIFY word 88: ultra modes known and chosen.
    pub(in super::super) fn word_88(self) -> u16 {
        match self {
            TransferMode::Ultra(mode) => 0x003f | 0x0100 << mode,
            _ => 0x003f,
        }
    }
}

pub(super) fn set_features(ata: &mut Ata, core: &mut Core) {
    match core.registers.features.now {
        0x02 => ata.write_cache = true,
        // What is in the cache must not wait there for ever.
        0x82 => {
            ata.write_cache = false;
            ata.flush(core);
            return;
        }
        0x03 => match ata.mode.set(core.registers.count.now) {
            Some(mode) => ata.mode = mode,
            None => {
                core.fail(error::ABRT);
                return;
            }
        },
        0xaa => ata.look_ahead = true,
        0x55 => ata.look_ahead = false,
        // A soft reset changes no setting here, so both are the case.
        0x66 | 0xcc => {}
        _ => {
            core.fail(error::ABRT);
            return;
        }
    }
    core.done();
}
