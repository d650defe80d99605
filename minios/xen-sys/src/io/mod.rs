//! Protocols between a frontend and a backend, and the rings they run on.

pub mod blkif;
pub mod console;
pub mod fbif;
pub mod kbdif;
pub mod libxenvchan;
pub mod netif;
pub mod protocols;
pub mod ring;
pub mod xenbus;
pub mod xs_wire;
