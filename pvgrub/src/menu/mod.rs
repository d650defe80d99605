//! menu.lst: lexer, parser, model.
//!
//! Pure: bytes in, a [`Menu`] out, whatever the bytes. What the lines mean is
//! the commands' business; the parser only needs to know which words are
//! commands.

pub mod lexer;
mod parser;

pub use lexer::Line;
pub use parser::{Entry, MAX_LINES, Menu, Warning, parse};
