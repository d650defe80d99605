//! The menu on a vt100 console: layout, keys, line editing.
//!
//! [`Terminal`] is what the unikernel implements; [`Console`] puts keys and
//! harmless text on top of it; [`list`] draws a menu and [`edit`] edits a
//! line. Nothing here knows what a menu entry means.

pub mod console;
#[cfg(test)]
pub(crate) mod double;
pub mod edit;
pub mod key;
pub mod list;
mod terminal;

pub use console::{Console, Manner};
pub use key::Key;
pub use terminal::Terminal;
