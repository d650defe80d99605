//! Every file system against images that its own tools make: the same tree
//! and the same bytes, whatever the features; corruption.
//!
//! Needs e2fsprogs, dosfstools, mtools, xorriso, genisoimage, xfsprogs,
//! btrfs-progs and squashfs-tools (Debian's packages); no root.

mod btrfs;
mod by_linux;
mod corruption;
mod ext;
mod fat;
mod images;
mod iso9660;
mod seeds;
mod squashfs;
mod tree;
mod xfs;
