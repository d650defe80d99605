//! Tests in the lab: real Xen, real `xl`, real Linux.
//!
//! Run them with `cargo xtask lab run [filter]`.

mod peers;
mod support;
