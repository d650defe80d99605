//! The bus master (SFF-8038i) with disks.

use super::super::{Drive, Identity};
use super::bench::{Bench, Media, pattern};
use crate::surroundings::{DiskError, GuestMemory, Request};

const BASE: u16 = 0x1f0;
/// Command and status of the first channel's bus master.
const COMMAND: u16 = 0xc000;
const STATUS: u16 = 0xc002;

const ACTIVE: u8 = 1;
const ERROR: u8 = 2;
const INTERRUPT: u8 = 4;

#[test]
fn a_read_is_scattered_over_its_regions() {
    let (bench, media) = Bench::disk(1000);
    bench.command(BASE, 0xc8, 3, 4);
    let regions = [(0x1000, 512), (0x3000, 1024), (0x2000, 2), (0x5000, 510)];
    bench.start_dma(0x100, &regions, true);
    assert_eq!(bench.inb(STATUS), INTERRUPT, "the table has ended, too");
    assert!(bench.world.irq(14));
    assert_eq!(bench.inb(BASE + 7), 0x50);
    let mut got = Vec::new();
    for (address, bytes) in regions {
        got.extend(bench.ram(u64::from(address), bytes as usize));
    }
    assert!(got == pattern(3, 4));
    assert_eq!(
        *media.log.borrow(),
        [Request::Read {
            sector: 3,
            count: 4
        }]
    );
}

#[test]
fn a_write_is_gathered_and_large_ones_are_few_requests() {
    let (bench, media) = Bench::disk(5000);
    let new: Vec<u8> = (0..1200 * 512).map(|at| (at % 241) as u8).collect();
    bench.world.write(0x1_0000, &new[..0x8000]).unwrap();
    bench.world.write(0x2_0000, &new[0x8000..]).unwrap();
    bench.command_ext(BASE, 0x35, 100, 1200);
    let rest = (new.len() - 0x8000) as u32;
    let mut regions = vec![(0x1_0000, 0x8000)];
    for at in (0..rest).step_by(0x1_0000) {
        regions.push((0x2_0000 + at, (rest - at).min(0x1_0000) & 0xffff));
    }
    bench.start_dma(0x100, &regions, false);
    assert_eq!(bench.inb(STATUS), INTERRUPT);
    assert_eq!(bench.inb(BASE + 7), 0x50);
    assert!(media.content.borrow()[100 * 512..][..new.len()] == new);
    assert_eq!(media.log.borrow().len(), 2, "one for each 512 KiB");
}

#[test]
fn more_than_a_chunk_goes_through_one_table() {
    let (bench, media) = Bench::disk(10_000);
    bench.command_ext(BASE, 0x25, 0, 5000);
    let regions: Vec<_> = (0..5000 / 128 + 1)
        .map(|i| (0x1_0000, if i == 39 { 5000 % 128 * 512 } else { 0 }))
        .collect();
    bench.start_dma(0x100, &regions, true);
    assert_eq!(bench.inb(STATUS), INTERRUPT);
    let tail = 5000 % 128;
    assert!(bench.ram(0x1_0000, tail * 512) == pattern(5000 - tail, tail));
    assert_eq!(media.log.borrow().len(), 5, "one for each 512 KiB");
}

#[test]
fn the_order_of_command_and_start_does_not_matter() {
    for early in [false, true] {
        let (bench, _) = Bench::disk(100);
        bench.hold.set(true);
        if early {
            bench.start_dma(0x100, &[(0x1000, 512)], true);
            assert_eq!(bench.inb(STATUS), ACTIVE);
        }
        bench.command(BASE, 0xc8, 1, 1);
        assert_eq!(bench.inb(BASE + 7) & 0x80, 0x80);
        if !early {
            bench.start_dma(0x100, &[(0x1000, 512)], true);
        }
        assert_eq!(bench.inb(STATUS), ACTIVE);
        bench.finish();
        assert_eq!(bench.inb(STATUS), INTERRUPT);
        assert_eq!(bench.ram(0x1000, 512), pattern(1, 1));
    }
}

#[test]
fn status_bits_are_cleared_by_ones_and_the_drives_bits_are_kept() {
    let (bench, _) = Bench::disk(100);
    bench.command(BASE, 0xc8, 1, 1);
    bench.start_dma(0x100, &[(0x1000, 512)], true);
    bench.outb(STATUS, 0x60);
    assert_eq!(bench.inb(STATUS), INTERRUPT | 0x60);
    bench.outb(STATUS, 0x60 | INTERRUPT);
    assert_eq!(bench.inb(STATUS), 0x60);
    bench.outb(COMMAND, 0xff);
    assert_eq!(bench.inb(COMMAND), 9);
    bench.outl(COMMAND + 4, 0xffff_ffff);
    let table = [4, 5, 6, 7].map(|at| bench.inb(COMMAND + at));
    assert_eq!(table, [0xfc, 0xff, 0xff, 0xff]);
}

/// The three cases of the specification's table, by size of transfer and table.
#[test]
fn tables_that_are_short_right_or_long() {
    for sectors in [1, 2, 16, 128] {
        for size in (0..0x1_0000).step_by(0x1000).chain([512, 514, 1, 1024]) {
            let (bench, _) = Bench::disk(200);
            let have = if size & 0xfffe == 0 {
                0x1_0000
            } else {
                size & 0xfffe
            };
            bench.command(BASE, 0xc8, 0, sectors);
            bench.start_dma(0x100, &[(0x1_0000, size)], true);
            let status = bench.inb(STATUS);
            let expected = match have.cmp(&(u32::from(sectors) * 512)) {
                core::cmp::Ordering::Less => 0,
                core::cmp::Ordering::Equal => INTERRUPT,
                core::cmp::Ordering::Greater => INTERRUPT | ACTIVE,
            };
            assert_eq!(status, expected, "{sectors} sectors, table of {size}");
            assert_eq!(bench.world.irq(14), expected != 0);
            assert_eq!(bench.inb(BASE + 7), 0x50);
            bench.outb(COMMAND, 0);
            assert_eq!(bench.inb(STATUS), expected & !ACTIVE);
        }
    }
}

#[test]
fn without_the_right_to_master_the_bus_memory_is_safe() {
    let (bench, media) = Bench::disk(600);
    bench.ide.borrow_mut().set_bus_master(false);
    bench.world.write(0, &[0xaa; 4096]).unwrap();
    bench.command(BASE, 0xc8, 0, 0);
    bench.start_dma(0x100, &[(0, 512)], true);
    assert_eq!(bench.inb(STATUS), INTERRUPT | ACTIVE);
    assert_eq!(bench.inb(BASE + 7) & 0x21, 0);
    assert_eq!(bench.ram(0, 0x100), [0xaa; 0x100]);
    bench.outb(COMMAND, 0);
    // And so is the disk.
    bench.command(BASE, 0xca, 0, 1);
    bench.start_dma(0x100, &[(0, 512)], false);
    assert_eq!(bench.inb(BASE + 7) & 0x81, 0x01);
    assert_eq!(media.content.borrow()[..512], pattern(0, 1));
}

#[test]
fn a_disk_error_ends_the_transfer() {
    let (bench, media) = Bench::disk(10_000);
    media.bad.set(Some((3000, DiskError::Failed)));
    bench.hold.set(true);
    bench.command_ext(BASE, 0x25, 1000, 3000);
    let regions: Vec<_> = (0..30).map(|_| (0x1_0000, 0)).collect();
    bench.start_dma(0x100, &regions, true);
    bench.finish();
    assert_eq!(bench.inb(STATUS), INTERRUPT | ACTIVE);
    assert_eq!(bench.inb(BASE + 7) & 0x81, 0x01);
    assert_eq!(bench.inb(BASE + 1), 0x40);
    let named = [3, 4, 5].map(|register| u32::from(bench.inb(BASE + register)));
    let named = named[0] | named[1] << 8 | named[2] << 16;
    assert!(
        (1000..=3000).contains(&named),
        "{named} and all after it are in doubt"
    );
}

#[test]
fn what_is_not_ram_is_an_error_on_the_bus() {
    for (table, region) in [(0x100, 0xfee0_0000), (0x100, 0xf_ff00), (0xf000_0000u32, 0)] {
        let (bench, _) = Bench::disk(100);
        bench.command(BASE, 0xc8, 0, 1);
        if table == 0x100 {
            bench.start_dma(table, &[(region, 512)], true);
        } else {
            bench.outl(COMMAND + 4, table);
            bench.outb(COMMAND, 9);
        }
        assert_eq!(bench.inb(STATUS), INTERRUPT | ERROR, "{region:#x}");
        assert_eq!(bench.inb(BASE + 7) & 0x81, 0x01);
        // The drive is there for the next command.
        bench.outb(COMMAND, 0);
        bench.command(BASE, 0x40, 0, 1);
        assert_eq!(bench.inb(BASE + 7), 0x50);
    }
}

#[test]
fn ranges_are_trimmed() {
    let (bench, media) = Bench::disk(2000);
    let range = |sector: u64, count: u64| (count << 48 | sector).to_le_bytes();
    let list = [range(0, 2), range(6, 8), range(14, 2), range(7, 0)].concat();
    bench.world.write(0x1000, &list).unwrap();
    let trim = || {
        bench.outb(BASE + 1, 1);
        bench.command(BASE, 0x06, 0, 1);
        bench.start_dma(0x100, &[(0x1000, 512)], false);
        assert_eq!(bench.inb(STATUS), INTERRUPT);
    };
    trim();
    assert_eq!(bench.inb(BASE + 7), 0x50);
    let discard = |sector, count| Request::Discard { sector, count };
    assert_eq!(
        media.log.take(),
        [discard(0, 2), discard(6, 10)],
        "neighbours joined"
    );
    // One range beyond the end, and none of them is done.
    bench
        .world
        .write(0x1000, &[range(10, 1), range(1999, 2)].concat())
        .unwrap();
    bench.outb(COMMAND, 0);
    trim();
    assert_eq!(bench.inb(BASE + 7), 0x51);
    assert_eq!(bench.inb(BASE + 1), 4);
    assert!(media.log.borrow().is_empty());
}

#[test]
fn a_medium_that_cannot_discard_says_so() {
    let media = Media::new(100);
    media.change(|medium| medium.discard = false);
    let drive = Drive::disk(media.clone(), Identity::of_disk(0), None);
    let bench = Bench::new([Some(drive), None, None, None], &[&media]);
    assert_eq!(bench.identify(BASE, 0xec)[169], 0);
    bench.outb(BASE + 1, 1);
    bench.command(BASE, 0x06, 0, 1);
    assert_eq!(bench.inb(BASE + 7), 0x51);
}
