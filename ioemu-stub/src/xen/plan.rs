//! From what the toolstack wants to the machine that there is.
//!
//! Pure. What this machine does not have yet is a line for the log, and the
//! guest starts without it.

use alloc::vec::Vec;

use crate::arguments::{self, Config as Wanted};
use crate::chip::cmos::BootDevice;
use crate::machine::{Config, Vga};

/// RAM below 4 GiB ends here at the latest (HVM_BELOW_4G_RAM_END).
const BELOW_4G_END: u64 = 0xf000_0000;

/// Video memory of a Bochs VGA that nobody gave a size: QEMU's.
const VGA_MEMORY_MIB: u32 = 16;

/// The machine for `wanted`; `processors` is how many Xen has made.
pub fn machine(wanted: &Wanted, processors: u32) -> Config {
    let ram = wanted.memory.unwrap_or(0) << 20;
    let below_4g = wanted
        .ram_below_4g
        .unwrap_or(BELOW_4G_END)
        .min(BELOW_4G_END);
    Config {
        processors: wanted.processors.min(processors).max(1),
        low_memory: ram.min(below_4g),
        high_memory: ram.saturating_sub(below_4g),
        boot: boot_order(wanted),
        acpi: wanted.acpi,
        platform: wanted.platform,
        vga: vga_pages(wanted).map(|_| Vga::Std),
        ..Config::default()
    }
}

fn boot_order(wanted: &Wanted) -> Vec<BootDevice> {
    let device = |device: &arguments::BootDevice| match device {
        arguments::BootDevice::Floppy => BootDevice::Floppy,
        arguments::BootDevice::Disk => BootDevice::Disk,
        arguments::BootDevice::Cd => BootDevice::Cd,
        arguments::BootDevice::Network => BootDevice::Network,
    };
    match &wanted.boot[..] {
        [] => Config::default().boot,
        order => order.iter().map(device).collect(),
    }
}

/// How many pages of video memory; `None` without a display adapter.
pub fn vga_pages(wanted: &Wanted) -> Option<usize> {
    let mib = match (wanted.vga, wanted.vga_memory) {
        (arguments::Vga::None | arguments::Vga::Qxl, _) => return None,
        (_, 0) => VGA_MEMORY_MIB,
        (_, mib) => mib,
    };
    // A base address register has a power of two, and Xen moves no more at once.
    let mib = mib.clamp(1, 256).next_power_of_two();
    Some((mib as usize) << (20 - 12))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(words: &str) -> Wanted {
        let words: Vec<_> = words.split(' ').collect();
        Wanted::from_argv(&words).unwrap()
    }

    #[test]
    fn memory_is_cut_where_the_toolstack_cuts_it() {
        const GIB: u64 = 1 << 30;
        for (mib, low, high) in [
            (256, GIB / 4, 0),
            (3840, 0xf000_0000, 0),
            (8192, 0xf000_0000, 8 * GIB - 0xf000_0000),
        ] {
            let config = machine(&wanted(&alloc::format!("-m {mib}")), 1);
            assert_eq!((config.low_memory, config.high_memory), (low, high));
        }
        let cut = wanted("-m 4096 -machine xenfv,suppress-vmdesc=on,max-ram-below-4g=2147483648");
        let config = machine(&cut, 1);
        assert_eq!((config.low_memory, config.high_memory), (2 * GIB, 2 * GIB));
    }

    #[test]
    fn a_card_that_is_not_served_is_a_plain_vga() {
        let pages = |words| vga_pages(&wanted(words));
        assert_eq!(pages("-device VGA,vgamem_mb=16"), Some(4096));
        assert_eq!(pages("-device cirrus-vga,vgamem_mb=8"), Some(2048));
        assert_eq!(pages("-device VGA,vgamem_mb=9"), Some(4096));
        assert_eq!(pages("-m 64"), None);
    }

    #[test]
    fn processors_are_those_that_xen_has() {
        assert_eq!(machine(&wanted("-smp 2,maxcpus=4"), 4).processors, 2);
        assert_eq!(machine(&wanted("-smp 9"), 4).processors, 4);
        assert_eq!(machine(&wanted("-m 64"), 4).processors, 1);
    }

    #[test]
    fn the_boot_order_is_the_guests() {
        let order = machine(&wanted("-boot order=dcn"), 1).boot;
        assert_eq!(
            order,
            [BootDevice::Cd, BootDevice::Disk, BootDevice::Network]
        );
        assert_eq!(machine(&wanted("-m 64"), 1).boot, Config::default().boot);
    }
}
