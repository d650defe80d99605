//! What concerns HVM guests (`hvm/*.h`): for a device model.

pub mod dm_op;
pub mod hvm_op;
pub mod ioreq;
pub mod params;
