//! Classes of bugs that IDE emulations have had, each with its name.

use super::super::{Drive, Identity};
use super::bench::{Bench, Media, pattern};
use crate::bus::Width;
use crate::surroundings::{GuestMemory, Request};

const BASE: u16 = 0x1f0;

/// CVE-2020-29443: a read from block -1 walked out of the ATAPI buffer.
#[test]
fn cve_2020_29443_atapi_block_minus_one() {
    for (opcode, count) in [(0x28, 1), (0x28, 0xffff), (0xa8, 0xffff)] {
        for dma in [false, true] {
            let (bench, media) = Bench::cd(100);
            let mut packet = vec![opcode, 0, 0xff, 0xff, 0xff, 0xff];
            match opcode {
                0x28 => packet.extend([0, (count >> 8) as u8, count as u8]),
                _ => packet.extend([0xff; 4]),
            }
            bench.packet(0x170, &packet, 2048, dma);
            assert_eq!(bench.inb(0x177) & 0x89, 0x01);
            assert!(media.log.borrow().is_empty());
            assert_eq!(bench.ins(0x170, Width::Dword, 64), [0xff; 64]);
        }
    }
}

/// CVE-2015-5154: commands during a data phase left indices beyond the buffer.
#[test]
fn cve_2015_5154_commands_while_data_is_requested() {
    for first in [0xec, 0x20, 0x30, 0xc4] {
        let (bench, _) = Bench::disk(100);
        bench.command(BASE, first, 0, 2);
        assert_eq!(bench.inb(BASE + 7) & 0x88, 0x08);
        bench.ins(BASE, Width::Word, 100);
        for other in [0xef, 0xec, 0xb0, 0x20, 0xc8, 0x08, 0xa0] {
            bench.outb(BASE + 7, other);
            assert_eq!(bench.inb(BASE + 7) & 0x88, 0x08, "{other:#x} is not heard");
        }
        // Far more than there is, in both directions and all widths.
        for width in [Width::Byte, Width::Word, Width::Dword] {
            bench.outs(BASE, width, &[0x5a; 8192]);
            bench.ins(BASE, width, 8192);
        }
        assert_eq!(bench.inb(BASE + 7) & 0x88, 0, "{first:#x}");
        bench.identify(BASE, 0xec);
    }
}

/// The ATAPI side of the same: packets and registers during a data phase.
#[test]
fn cve_2015_5154_packets_while_data_is_requested() {
    let (bench, _) = Bench::cd(100);
    bench.packet(0x170, &[0x12, 0, 0, 0, 36], 7, false);
    for register in 1..7 {
        bench.outb(0x170 + register, 0xff);
    }
    bench.outb(0x177, 0xa0);
    let mut data = Vec::new();
    while bench.inb(0x376) & 8 != 0 {
        let count = u16::from_le_bytes([bench.inb(0x174), bench.inb(0x175)]);
        assert!((1..=7).contains(&count));
        data.extend(bench.ins(0x170, Width::Word, usize::from(count).next_multiple_of(2)));
    }
    assert_eq!(data.len(), 36);
    // DEVICE RESET is heard even then.
    bench.packet(0x170, &[0x12, 0, 0, 0, 36], 7, false);
    bench.outb(0x177, 0x08);
    assert_eq!(bench.inb(0x177), 0);
    bench.identify(0x170, 0xa1);
}

/// CVE-2014-2894: the self-test log's index was off by one.
#[test]
fn cve_2014_2894_smart_self_tests() {
    let (bench, _) = Bench::disk(100);
    for subcommand in 0..=255 {
        for count in [0, 1, 2, 255] {
            bench.outb(BASE + 1, subcommand);
            bench.outb(BASE + 2, count);
            for (register, value) in [(3, 0x06), (4, 0x4f), (5, 0xc2), (7, 0xb0)] {
                bench.outb(BASE + register, value);
            }
            let status = bench.inb(BASE + 7);
            assert_eq!(status & 0x80, 0);
            if status & 8 != 0 {
                bench.ins(BASE, Width::Word, 512);
                assert_eq!(bench.inb(BASE + 7), 0x50);
            }
            // DISABLE OPERATIONS was among them.
            for (register, value) in [(1, 0xd8), (4, 0x4f), (5, 0xc2), (7, 0xb0)] {
                bench.outb(BASE + register, value);
            }
        }
    }
}

/// A table without an end, over all of the address space: no more is moved than
/// the drive has.
#[test]
fn prd_tables_that_never_end_move_no_more_than_the_drive_has() {
    let (bench, _) = Bench::disk(600);
    for at in (0..0x1_0000u64).step_by(8) {
        // Regions of two bytes, no end; every one the same.
        bench
            .world
            .write(0x2_0000 + at, &[0, 0, 8, 0, 2, 0, 0, 0])
            .unwrap();
    }
    bench.command(BASE, 0xc8, 0, 0);
    bench.outl(0xc004, 0x2_0000);
    bench.outb(0xc000, 9);
    // 256 sectors are 65536 regions of two bytes, more than the table has.
    assert_ne!(bench.inb(0xc002) & 7, 1, "it is over");
    assert_eq!(bench.inb(BASE + 7) & 0x80, 0);
}

/// A table that overwrites itself while it is walked.
#[test]
fn prd_tables_may_be_overwritten_by_their_own_transfer() {
    let (bench, _) = Bench::disk(600);
    bench.command(BASE, 0xc8, 0, 128);
    bench.start_dma(0x100, &[(0x100, 2), (0x100, 64), (0, 0)], true);
    assert_eq!(bench.inb(BASE + 7) & 0x88, 0);
    bench.outb(0xc000, 0);
    bench.identify(BASE, 0xec);
}

/// A region that ends beyond 4 GiB must not go on above it, nor at 0.
#[test]
fn prd_regions_do_not_wrap() {
    let (bench, _) = Bench::disk(600);
    bench.world.write(0, &[0x77; 4096]).unwrap();
    bench.command(BASE, 0xc8, 0, 128);
    bench.start_dma(0x8000, &[(0xffff_fff0, 0)], true);
    assert_eq!(bench.inb(0xc002) & 3, 2, "an error on the bus");
    assert_eq!(bench.ram(0, 4096), [0x77; 4096]);
}

/// CVE-2015-8558 and others: DMA to device memory called the device again.
#[test]
fn dma_to_device_memory_reaches_no_device() {
    for target in [0xfeb0_0000, 0x000f_fff0u32.wrapping_add(0x10)] {
        let (bench, _) = Bench::cd(100);
        bench.packet(0x170, &[0x28, 0, 0, 0, 0, 0, 0, 0, 1], 0, true);
        bench.start_dma_at(0xc008, 0x100, &[(target, 2048)], true);
        assert_eq!(bench.inb(0xc00a) & 3, 2);
        assert_eq!(bench.inb(0x177) & 0x89, 0x01);
    }
}

/// A reset while the medium works: its answer must not touch what came after.
#[test]
fn an_answer_from_before_a_reset_finds_nobody() {
    for dma in [false, true] {
        let (bench, media) = Bench::disk(100);
        bench.hold.set(true);
        bench.command(BASE, if dma { 0xc8 } else { 0x20 }, 5, 1);
        if dma {
            bench.start_dma(0x100, &[(0x1000, 512)], true);
        }
        bench.outb(0x3f6, 0x04);
        bench.outb(0x3f6, 0x00);
        assert_eq!(bench.inb(BASE + 7), 0x50);
        // Another command, whose own request has to wait its turn.
        bench.command(BASE, 0x20, 9, 1);
        assert_eq!(media.waiting(), 1);
        assert!(media.end_one());
        assert!(!bench.world.irq(14), "that was the old one");
        assert_eq!(bench.inb(BASE + 7) & 0x80, 0x80);
        bench.finish();
        assert_eq!(bench.ins(BASE, Width::Word, 512), pattern(9, 1));
        assert_eq!(bench.ram(0x1000, 512), [0; 512]);
    }
}

/// A write that a reset left behind must not be overtaken by its repetition.
#[test]
fn writes_around_a_reset_keep_their_order() {
    let (bench, media) = Bench::disk(100);
    bench.hold.set(true);
    for value in [1, 2] {
        bench.command(BASE, 0x30, 5, 1);
        bench.outs(BASE, Width::Word, &[value; 512]);
        if value == 1 {
            bench.outb(0x3f6, 0x04);
            bench.outb(0x3f6, 0x00);
        }
    }
    assert_eq!(media.waiting(), 1, "one at a time");
    bench.finish();
    assert_eq!(bench.inb(BASE + 7), 0x50);
    assert_eq!(media.content.borrow()[5 * 512..6 * 512], [2; 512]);
}

/// The bus master stops while the medium works: nothing comes to memory later.
#[test]
fn a_stopped_bus_master_writes_nothing_later() {
    let (bench, _) = Bench::disk(100);
    bench.hold.set(true);
    bench.command(BASE, 0xc8, 5, 1);
    bench.start_dma(0x100, &[(0x1000, 512)], true);
    bench.outb(0xc000, 0);
    assert_eq!(bench.inb(0xc002) & 7, 0);
    bench.finish();
    assert_eq!(bench.ram(0x1000, 512), [0; 512]);
    assert!(!bench.world.irq(14));
    assert_eq!(bench.inb(BASE + 7), 0x50);
    bench.outb(0xc000, 9);
    assert_eq!(bench.ram(0x1000, 512), [0; 512]);
}

/// The other drive can't be chosen while one is busy, nor be sent commands.
#[test]
fn the_other_drive_cannot_be_chosen_while_one_is_busy() {
    let (first, second) = (Media::new(100), Media::new(100));
    let drives = [
        Some(Drive::disk(first.clone(), Identity::of_disk(0), None)),
        Some(Drive::disk(second.clone(), Identity::of_disk(1), None)),
        None,
        None,
    ];
    let bench = Bench::new(drives, &[&first, &second]);
    bench.hold.set(true);
    bench.command(BASE, 0x20, 5, 1);
    bench.outb(BASE + 6, 0xb0);
    bench.outb(BASE + 7, 0x30);
    bench.outb(BASE + 7, 0x90);
    assert_eq!((first.waiting(), second.waiting()), (1, 0));
    bench.finish();
    assert_eq!(bench.inb(BASE + 7), 0x58);
    assert_eq!(bench.ins(BASE, Width::Word, 512), pattern(5, 1));
}

/// Ranges of TRIM that overflow, and lists that are longer than their command.
#[test]
fn trim_ranges_do_not_overflow() {
    let entries: [u64; 4] = [
        u64::MAX,
        (0xffff << 48) | ((1 << 48) - 1),
        1 << 48 | 100,
        2 << 48 | 99,
    ];
    for entry in entries {
        let (bench, media) = Bench::disk(100);
        bench.world.write(0x1000, &entry.to_le_bytes()).unwrap();
        bench.outb(BASE + 1, 1);
        bench.command(BASE, 0x06, 0, 1);
        bench.start_dma(0x100, &[(0x1000, 512)], false);
        assert_eq!(bench.inb(BASE + 7) & 0x81, 0x01, "{entry:#x}");
        assert!(media.log.borrow().is_empty());
    }
    for blocks in [0, 9, 255] {
        let (bench, _) = Bench::disk(100);
        bench.outb(BASE + 1, 1);
        bench.command(BASE, 0x06, 0, blocks);
        assert_eq!(bench.inb(BASE + 7) & 0x89, 0x01);
    }
}

/// A controller that is gone takes its completions with it.
#[test]
fn an_answer_after_the_end_of_the_machine_finds_nobody() {
    let (bench, media) = Bench::disk(100);
    bench.hold.set(true);
    bench.command(BASE, 0x20, 5, 1);
    let Bench { ide, .. } = bench;
    drop(ide);
    assert!(media.end_one());
    assert_eq!(media.log.borrow().len(), 1);
    assert_eq!(
        media.log.borrow()[0],
        Request::Read {
            sector: 5,
            count: 1
        }
    );
}
