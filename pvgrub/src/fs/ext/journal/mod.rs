//! The journal (jbd2; Linux: Documentation/filesystems/ext4/journal.rst,
//! all numbers big-endian), replayed in memory.
//!
//! A journal is a ring of blocks in an inode. Each transaction in it is one
//! or more descriptor blocks, each followed by copies of the blocks that it
//! lists, maybe revoke blocks (lists of blocks of which older copies no
//! longer count), and a commit block. Transactions without a commit block
//! never happened. `scan` finds the newest copy of every block; `overlay`
//! then serves it in place of what the file system has there. `fast` knows of
//! changes that are noted in other ways.
//!
//! Memory: 32 bytes for each block that a dirty journal holds, at most
//! [`scan::MAX_COPIES`] of them.

mod fast;
mod log;
mod overlay;
mod scan;
mod superblock;

pub use fast::FastCommits;
pub use overlay::Overlay;

use super::volume::Volume;
use crate::disk::BlockDevice;
use crate::fs::FsError;
use ::log::{info, warn};
use superblock::JournalSuperblock;

/// What every block that is not a copy starts with.
const MAGIC: u32 = 0xc03b_3998;

/// What a journal holds.
#[derive(Default)]
pub struct Replayed {
    /// Blocks of transactions.
    pub overlay: Overlay,
    /// Changes on top of them.
    pub fast: FastCommits,
}

/// Finds the blocks that the journal of `plain`, which is read past any
/// journal, would replace.
pub fn replay(plain: &Volume, device: &dyn BlockDevice) -> Result<Replayed, FsError> {
    let mut log = log::Log::open(plain, device)?;
    let sb = JournalSuperblock::read(&log, plain.sb.block_size())?;
    log.limit(sb.length)?;
    if sb.start == 0 {
        return Ok(Replayed::default());
    }
    let found = scan::scan(&log, &sb)?;
    // Without them the transactions still are a state that once was.
    let fast = FastCommits::read(&log, &sb, found.next_sequence).unwrap_or_else(|error| {
        warn!("fast commits not replayed: {error}");
        FastCommits::default()
    });
    info!(
        "journal replayed in memory: {} blocks of {} transactions{}",
        found.copies.len(),
        found.next_sequence.wrapping_sub(sb.sequence),
        if fast.is_empty() {
            ""
        } else {
            ", and fast commits"
        }
    );
    Ok(Replayed {
        overlay: Overlay::new(&log, &sb, found.copies),
        fast,
    })
}
