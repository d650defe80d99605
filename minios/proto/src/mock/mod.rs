//! The other side of each protocol, for everyone's tests: honest, and hostile on request.

mod console;
mod page;

pub use console::ConsoleBackend;
pub use page::Page;
