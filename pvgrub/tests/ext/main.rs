//! The ext reader against images that e2fsprogs makes: the same tree and the
//! same bytes, whatever the features; dirty journals; corruption.
//!
//! Needs `mke2fs`, `debugfs` and `e2fsck` (Debian: e2fsprogs), no root.

mod corruption;
mod fast_commit;
mod images;
mod journal;
mod matrix;
mod seeds;
mod special;
mod tree;
