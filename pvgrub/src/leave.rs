//! The way out: everything this kernel has of the world is given back, in the
//! order that lets the next one take it over, and then comes the jump.

#![forbid(unsafe_code)]

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use minios::executor::block_on;
use minios::mm::{OutOfMemory, PAGE_SIZE, PageBuf, free_pages};
use minios::xenstore::Store;
use minios::{console, grant, shutdown, time};

use crate::build::Plan;
use crate::jump::{Buffers, JumpError, prepare};
use crate::loader::Starter;
use crate::vbd::Disks;
use crate::vfb::Vfb;
use crate::vif::{self, Vif};

/// How long the store and the console may take to settle.
const PATIENCE: Duration = Duration::from_secs(5);

/// Heap to have in hand before page tables are prepared: mapping more RAM
/// afterwards would make page tables that the new kernel knows nothing of.
const HEAP_IN_HAND: usize = 1 << 20;

/// The devices that are closed before the jump.
#[derive(Default)]
pub struct Devices {
    /// The disks.
    pub disks: Rc<Disks>,
    /// The network, if there is one.
    pub network: Option<Rc<Vif>>,
    /// The frame buffer with its keyboard, if there is one.
    pub vfb: Option<Vfb>,
}

/// What starts a plan, with `devices` closed first.
pub fn starter(store: Store, devices: Devices) -> Starter {
    Box::new(move |plan, kernel, modules| start(&store, &devices, plan, kernel, modules))
}

fn start(
    store: &Store,
    devices: &Devices,
    plan: &Plan,
    kernel: PageBuf,
    modules: Vec<PageBuf>,
) -> Box<dyn fmt::Display> {
    if Vec::<u8>::new().try_reserve_exact(HEAP_IN_HAND).is_err() {
        return Box::new(JumpError::Memory(OutOfMemory {
            wanted: HEAP_IN_HAND / PAGE_SIZE,
            free: free_pages(),
        }));
    }
    match prepare(plan, Buffers { kernel, modules }) {
        Ok(ready) => {
            block_on(give_back(store, devices));
            ready.jump()
        }
        Err(error) => Box::new(error),
    }
}

/// Close every device, drop every watch, let the last byte be read.
async fn give_back(store: &Store, devices: &Devices) {
    devices.disks.close().await;
    if let Some(network) = &devices.network {
        vif::close(network).await;
    }
    if let Some(vfb) = &devices.vfb {
        vfb.close().await;
    }
    if grant::in_use() > 0 {
        // Said, for there is nothing more to be done: all memory goes to the next kernel.
        log::error!(
            "{} pages are still lent to other domains, which may change them",
            grant::in_use()
        );
    }
    shutdown::withdraw(store).await;
    if let Err(error) = store.reset_watches().await {
        log::debug!("reset of watches: {error}");
    }
    if time::timeout(PATIENCE, store.settle()).await.is_err() {
        log::warn!("the store still owes answers, which the next kernel will see");
    }
    console::drain(PATIENCE).await;
}
