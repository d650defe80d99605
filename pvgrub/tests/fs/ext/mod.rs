//! The ext reader against images that e2fsprogs makes: the same tree and the
//! same bytes, whatever the features; dirty journals.

mod fast_commit;
mod journal;
mod matrix;
mod seeds;
mod special;
