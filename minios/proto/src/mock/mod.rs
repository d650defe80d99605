//! The other side of each protocol, for everyone's tests: honest, and hostile on request.

mod page;

pub use page::Page;
