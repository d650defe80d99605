//! Chain-boots its ramdisk, with its own command line: the jump alone, without
//! disks, menus or file systems.
#![no_std]
#![no_main]
extern crate alloc;

use minios::boot::{Environment, start_info};
use minios::mm::PageBuf;
use minios::{Shutdown, println};
use pvgrub::command::{Error, Machine};
use pvgrub::fs::{File, FsError};
use pvgrub::leave::{Devices, starter};
use pvgrub::loader::{Domain, Loader};

minios::main!(run);

/// The ramdisk as a file.
struct Ramdisk(PageBuf);

impl File for Ramdisk {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<usize, FsError> {
        let from = self.0.get(offset as usize..).unwrap_or_default();
        let len = from.len().min(buf.len());
        buf[..len].copy_from_slice(&from[..len]);
        Ok(len)
    }
}

async fn run(environment: Environment) -> Result<Shutdown, Error> {
    let info = start_info();
    let domain = Domain {
        pages: info.nr_pages,
        flags: info.flags,
    };
    let start = starter(environment.store.clone(), Devices::default());
    let mut loader = Loader::new(domain, start);
    let Some(ramdisk) = environment.ramdisk else {
        println!("no ramdisk");
        return Ok(Shutdown::Crash);
    };
    let mut file = Ramdisk(ramdisk);
    let text = loader.load_kernel("ramdisk", &mut file, &environment.command_line)?;
    println!("chain: {text}");
    loader.boot()?;
    Ok(Shutdown::Crash)
}
