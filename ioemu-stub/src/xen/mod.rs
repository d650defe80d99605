//! Where the machine meets its guest: what Xen gives of the
//! [`surroundings`](crate::surroundings), and the requests that Xen sends.
//!
//! [`request`] is what Xen asks, [`dispatch`] carries it to the machine (pure,
//! both), [`server`] is the event loop between them. The rest provides one
//! trait of the surroundings each.

pub mod disks;
pub mod dispatch;
pub mod media;
mod memory;
pub mod monitor;
mod outputs;
pub mod plan;
mod request;
pub mod screen;
mod serial;
mod server;
pub mod stub;
mod video;

pub use memory::XenMemory;
pub use outputs::{XenClock, XenPins, XenPower, XenRanges};
pub use request::{Kind, Request, buffered};
pub use serial::Wire;
pub use server::{Refusal, Server};
pub use video::{Video, VideoError};
