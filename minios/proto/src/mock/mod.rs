//! The other side of each protocol, for everyone's tests: honest, and hostile on request.

pub mod blkback;
mod clock;
mod console;
pub mod netback;
mod page;
pub mod store;
mod xenbus;

pub use clock::Clock;
pub use console::ConsoleBackend;
pub use page::{Joined, Page};
pub use xenbus::BackendState;
