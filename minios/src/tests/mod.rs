//! The runtime on the toy Xen: what several rooms do together.

mod console;
mod frontend;
mod shutdown;
mod store;
