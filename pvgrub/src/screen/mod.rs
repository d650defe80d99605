//! The menu on a vt100 console: layout, keys, line editing; and the same on a
//! frame buffer.
//!
//! [`Terminal`] is what the unikernel implements; [`Console`] puts keys and
//! harmless text on top of it; [`list`] draws a menu and [`edit`] edits a
//! line. A frame buffer is a terminal as well: [`vt`] makes cells of what is
//! written to it, [`paint`] makes pixels of the cells, over a [`picture`] if
//! there is one, and [`keymap`] makes bytes of the keys of its keyboard.
//! Nothing here knows what a menu entry means.

pub mod colour;
pub mod console;
#[cfg(test)]
pub(crate) mod double;
pub mod edit;
pub mod key;
pub mod keymap;
pub mod list;
pub mod paint;
pub mod picture;
mod terminal;
pub mod vt;

pub use console::{Console, Manner};
pub use key::Key;
pub use terminal::{Outputs, Terminal};
