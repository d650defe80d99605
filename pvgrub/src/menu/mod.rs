//! Menus: GRUB Legacy's menu.lst, and what distributions write today.
//!
//! menu.lst is [`lexer`] and [`parser`]: bytes in, a [`Menu`] out, whatever
//! the bytes. What the lines mean is the commands' business; the parser only
//! needs to know which words are commands. The other formats ([`grub`],
//! [`extlinux`], [`bls`]) each come to the same [`Menu`]: entries made of `root`, `kernel` and `initrd`
//! lines, which run, and can be edited, like those of a menu.lst. They may
//! name further files, which they get from a [`Reader`] within limits.

pub mod bls;
#[cfg(test)]
pub(crate) mod double;
pub mod extlinux;
pub mod grub;
pub mod grubenv;
pub mod lexer;
mod parser;
mod reader;
mod version;

pub use lexer::Line;
pub use parser::{Entry, MAX_LINES, Menu, Warning, parse};
pub use reader::Reader;

/// How many entries a menu of the newer formats may have.
const MAX_ENTRIES: usize = 512;
