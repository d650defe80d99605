//! The feature bits of the superblock (Linux: Documentation/filesystems/
//! ext4/super.rst), and which of them this reader can live with.

use super::error::unsupported;
use crate::fs::FsError;
use alloc::format;
use alloc::string::String;

/// `s_feature_compat`: of no matter to who does not know them.
pub mod compat {
    /// Has a journal.
    pub const HAS_JOURNAL: u32 = 0x4;
    /// Backups of the superblock only in the two groups it names.
    pub const SPARSE_SUPER2: u32 = 0x200;
}

/// `s_feature_ro_compat`: who does not know them may still read.
pub mod ro_compat {
    /// Backups of the superblock only in some groups.
    pub const SPARSE_SUPER: u32 = 0x1;
    /// Has files of 2 GiB and more.
    pub const LARGE_FILE: u32 = 0x2;
    /// Once meant for directories as trees; set by ancient kernels.
    pub const BTREE_DIR: u32 = 0x4;
    /// Group descriptors carry a CRC-16.
    pub const GDT_CSUM: u32 = 0x10;
    /// All metadata carries a CRC-32C.
    pub const METADATA_CSUM: u32 = 0x400;
    /// Those with which a block in use may be overwritten: these, huge files
    /// (0x8), many folders (0x20), larger inodes (0x40), quota (0x100),
    /// clusters (0x200), project quota (0x2000), verity of some files
    /// (0x8000), orphans in a file (0x10000). Not snapshots (0x80), replicas
    /// (0x800), a file system sealed for good (0x1000), shared blocks
    /// (0x4000).
    pub const HARMLESS: u32 = 0x1_a77f;
}

/// `s_feature_incompat`: who does not know one must keep out.
pub mod incompat {
    /// Directory entries tell the kind of file.
    pub const FILETYPE: u32 = 0x2;
    /// The journal has to be replayed.
    pub const RECOVER: u32 = 0x4;
    /// Not a file system but a journal for one.
    pub const JOURNAL_DEV: u32 = 0x8;
    /// Group descriptors are spread over the groups.
    pub const META_BG: u32 = 0x10;
    /// Some files are mapped by extents.
    pub const EXTENTS: u32 = 0x40;
    /// Block numbers of 64 bits.
    pub const BIT64: u32 = 0x80;
    /// Protection against being mounted twice; no matter to a reader.
    pub const MMP: u32 = 0x100;
    /// Metadata of several groups lies together.
    pub const FLEX_BG: u32 = 0x200;
    /// Large attributes in inodes of their own; none that we read.
    pub const EA_INODE: u32 = 0x400;
    /// The seed of all checksums is stored, not made from the UUID.
    pub const CSUM_SEED: u32 = 0x2000;
    /// Directories above 2 GiB, or trees of three levels.
    pub const LARGEDIR: u32 = 0x4000;
    /// Small files and directories lie inside of their inodes.
    pub const INLINE_DATA: u32 = 0x8000;
    /// Some files are encrypted.
    pub const ENCRYPT: u32 = 0x10000;
    /// Some directories do not tell upper from lower case.
    pub const CASEFOLD: u32 = 0x20000;
}

/// All incompatible features that this reader can deal with.
const KNOWN: u32 = incompat::FILETYPE
    | incompat::RECOVER
    | incompat::META_BG
    | incompat::EXTENTS
    | incompat::BIT64
    | incompat::MMP
    | incompat::FLEX_BG
    | incompat::EA_INODE
    | incompat::CSUM_SEED
    | incompat::LARGEDIR
    | incompat::INLINE_DATA
    | incompat::ENCRYPT
    | incompat::CASEFOLD;

/// Refuses a file system with an incompatible feature that we do not know.
///
/// # Errors
/// [`FsError::Unsupported`], naming every such bit.
pub fn check(features: u32) -> Result<(), FsError> {
    if features & incompat::JOURNAL_DEV != 0 {
        return Err(unsupported("a journal of another file system".into()));
    }
    let unknown = features & !KNOWN;
    if unknown == 0 {
        return Ok(());
    }
    let mut names = String::new();
    for bit in (0..32)
        .map(|shift| 1u32 << shift)
        .filter(|bit| unknown & bit != 0)
    {
        if !names.is_empty() {
            names.push_str(", ");
        }
        names.push_str(&match bit {
            0x1 => "compression (0x1)".into(),
            0x1000 => "dirdata (0x1000)".into(),
            _ => format!("{bit:#x}"),
        });
    }
    Err(unsupported(format!("incompatible feature {names}")))
}

#[cfg(test)]
mod tests {
    #[test]
    fn unknown_bits_are_named() {
        assert!(super::check(0x3f7d6).is_err(), "dirdata is in there");
        assert!(super::check(0x3e7d6).is_ok());
        let error = super::check(0x4000_1001).unwrap_err().to_string();
        for name in ["compression (0x1)", "dirdata (0x1000)", "0x40000000"] {
            assert!(error.contains(name), "{error}");
        }
        assert!(
            super::check(0x8)
                .unwrap_err()
                .to_string()
                .contains("journal")
        );
    }
}
