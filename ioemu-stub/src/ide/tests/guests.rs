//! What firmware and drivers do to find drives, step by step.

use super::super::{Drive, Identity};
use super::bench::{Bench, Media, pattern};
use crate::bus::Width;
use crate::surroundings::GuestMemory;

/// A disk as hda and a CD as hdc.
fn machine() -> Bench {
    let (hda, hdc) = (Media::new(1000), Media::new(400));
    let drives = [
        Some(Drive::disk(hda.clone(), Identity::of_disk(0), None)),
        None,
        Some(Drive::cd(hdc.clone(), Identity::of_cd(2))),
        None,
    ];
    Bench::new(drives, &[&hda, &hdc])
}

/// SeaBIOS: for each place, wait until not busy, select, see whether the
/// registers keep a pattern, reset, then IDENTIFY PACKET, then IDENTIFY.
#[test]
fn seabios_finds_a_disk_and_a_cd() {
    let bench = machine();
    let mut found = Vec::new();
    for (base, control) in [(0x1f0, 0x3f6), (0x170, 0x376)] {
        for slave in [0, 0x10] {
            assert_eq!(bench.inb(base + 7) & 0x80, 0);
            bench.outb(base + 6, 0xa0 | slave);
            assert_eq!(bench.inb(base + 7) & 0x80, 0);
            bench.outb(base + 2, 0x55);
            bench.outb(base + 3, 0xaa);
            let kept = (
                bench.inb(base + 2),
                bench.inb(base + 3),
                bench.inb(base + 6),
            );
            if kept != (0x55, 0xaa, 0xa0 | slave) {
                continue;
            }
            bench.outb(control, 0x0e);
            bench.outb(control, 0x0a);
            assert_eq!(bench.inb(base + 7) & 0x80, 0);
            bench.outb(base + 6, 0xa0 | slave);
            for opcode in [0xa1, 0xec] {
                bench.outb(base + 7, opcode);
                let status = bench.inb(base + 7);
                if status & 0x89 == 0x08 {
                    let data = bench.ins(base, Width::Word, 512);
                    assert_eq!(bench.inb(control) & 0x89, 0);
                    found.push((base, slave, opcode, data[0]));
                    break;
                }
            }
        }
    }
    assert_eq!(found, [(0x1f0, 0, 0xec, 0x40), (0x170, 0, 0xa1, 0xc0)]);
    bench.outb(0x176, 0xa0);
    // It reads the CD by PIO with nIEN set, a block a burst.
    bench.packet(0x170, &[0x28, 0, 0, 0, 0, 5, 0, 0, 2], 2048, false);
    let mut data = Vec::new();
    for _ in 0..2 {
        assert_eq!(bench.inb(0x177) & 0x89, 0x08);
        data.extend(bench.ins(0x170, Width::Dword, 2048));
    }
    assert_eq!(bench.inb(0x177) & 0x89, 0);
    assert!(data == pattern(20, 8));
    assert_eq!(bench.world.take_rises(), 0);
}

/// libata: devchk, SRST, signatures, IDENTIFY, SET FEATURES, DMA.
#[test]
fn linux_probes_and_reads_with_dma() {
    let bench = machine();
    for (base, control, signature) in [(0x1f0, 0x3f6, (0, 0)), (0x170, 0x376, (0x14, 0xeb))] {
        let mut present = Vec::new();
        for device in [0xa0, 0xb0] {
            bench.outb(base + 6, device);
            for (count, low) in [(0x55, 0xaa), (0xaa, 0x55), (0x55, 0xaa)] {
                bench.outb(base + 2, count);
                bench.outb(base + 3, low);
            }
            present.push((bench.inb(base + 2), bench.inb(base + 3)) == (0x55, 0xaa));
        }
        assert!(present[0]);
        bench.outb(base + 6, 0xa0);
        for value in [0x08, 0x0c, 0x08] {
            bench.outb(control, value);
        }
        assert_eq!(bench.inb(base + 7) & 0x80, 0);
        assert_eq!(bench.inb(base + 1), 0x01, "diagnostics passed");
        let found = (bench.inb(base + 4), bench.inb(base + 5));
        assert_eq!(found, signature);
        assert_eq!((bench.inb(base + 2), bench.inb(base + 3)), (1, 1));
        // Device 1 does not exist: its Status is 0.
        bench.outb(base + 6, 0xb0);
        assert_eq!(bench.inb(base + 7), 0);
        bench.outb(base + 6, 0xa0);
        bench.outb(control, 0x0a);
        bench.identify(base, if signature.0 == 0 { 0xec } else { 0xa1 });
        // SET FEATURES: transfer mode, multiword DMA 2.
        for (register, value) in [(1, 0x03), (2, 0x22), (7, 0xef)] {
            bench.outb(base + register, value);
        }
        assert_eq!(bench.inb(base + 7) & 0xa9, 0);
        bench.outb(control, 0x08);
    }
    // READ DMA, in libata's order: table, direction, status, command, start.
    bench
        .world
        .write(0x200, &[0, 0x10, 0, 0, 0, 2, 0, 0x80])
        .unwrap();
    bench.outl(0xc004, 0x200);
    bench.outb(0xc000, 0x08);
    let status = bench.inb(0xc002);
    bench.outb(0xc002, status | 0x06);
    bench.hold.set(true);
    bench.command(0x1f0, 0xc8, 9, 1);
    bench.outb(0xc000, 0x09);
    bench.finish();
    assert!(bench.world.irq(14));
    assert_eq!(bench.inb(0xc002) & 7, 4);
    bench.outb(0xc000, 0x08);
    bench.inb(0x3f6);
    assert_eq!(bench.inb(0x3f6) & 0x88, 0);
    assert_eq!(bench.inb(0x1f7), 0x50);
    assert!(!bench.world.irq(14));
    bench.outb(0xc002, 0x04);
    assert_eq!(bench.inb(0xc002) & 7, 0);
    assert_eq!(bench.ram(0x1000, 512), pattern(9, 1));
}

/// atapi.sys: the drive's own reset, then packets with an interrupt for each
/// part.
#[test]
fn windows_resets_the_cd_and_reads_its_capacity() {
    let bench = machine();
    bench.outb(0x176, 0xa0);
    bench.outb(0x177, 0x08);
    assert_eq!(bench.inb(0x377 - 1) & 0x80, 0);
    assert_eq!((bench.inb(0x174), bench.inb(0x175)), (0x14, 0xeb));
    bench.identify(0x170, 0xa1);
    bench.world.take_rises();
    bench.packet(0x170, &[0x25], 0xffff, false);
    assert!(bench.world.irq(15));
    assert_eq!(bench.inb(0x172) & 3, 2);
    assert_eq!((bench.inb(0x174), bench.inb(0x175)), (8, 0));
    bench.inb(0x177);
    assert_eq!(bench.ins(0x170, Width::Word, 8), [0, 0, 0, 99, 0, 0, 8, 0]);
    assert!(bench.world.irq(15));
    assert_eq!(bench.inb(0x172) & 3, 3);
    assert_eq!(bench.inb(0x177) & 0x89, 0);
    assert_eq!(bench.world.take_rises(), 2);
}
