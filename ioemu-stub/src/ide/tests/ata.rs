//! Disks through the data port, and the commands without data.

use super::super::{Drive, Geometry, Identity};
use super::bench::{Bench, Media, pattern};
use crate::bus::Width;
use crate::surroundings::{DiskError, Request};

const BASE: u16 = 0x1f0;

#[test]
fn identify_tells_what_a_disk_tells() {
    let media = Media::new(1);
    media.change(|medium| medium.sectors = 20 << 20);
    let drive = Drive::disk(media.clone(), Identity::of_disk(0), None);
    let bench = Bench::new([Some(drive), None, None, None], &[&media]);
    bench.outb(BASE + 6, 0xa0);
    let words = bench.identify(BASE, 0xec);
    let text = |range: core::ops::Range<usize>| -> String {
        let bytes = words[range].iter().flat_map(|word| word.to_be_bytes());
        bytes.map(char::from).collect()
    };
    assert_eq!(text(10..20), "QM00001             ");
    assert_eq!(text(23..27), "2.5+    ");
    assert_eq!(text(27..47).trim(), "QEMU HARDDISK");
    assert_eq!((words[1], words[3], words[6]), (16383, 16, 63));
    assert_eq!(words[60] as u32 | (words[61] as u32) << 16, 20 << 20);
    assert_eq!((words[100], words[101], words[102]), (0, 0x140, 0));
    assert_eq!(words[49] & 0x0300, 0x0300, "LBA and DMA");
    assert_eq!(words[83] & 0xf400, 0x7400, "valid, LBA48, both flushes");
    assert_eq!(words[85] & 0x20, 0x20, "the write cache is on");
    assert_eq!(words[88] & 0xff, 0x3f, "Ultra DMA up to 5");
    assert_eq!(words[169], 1, "TRIM");
    let sum: u32 = words
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .map(u32::from)
        .sum();
    assert_eq!((words[255] & 0xff, sum % 256), (0xa5, 0));
}

#[test]
fn sectors_are_read_by_every_way_and_width() {
    let (bench, media) = Bench::disk(2000);
    for (opcode, block) in [(0x20, 1), (0x21, 1), (0x24, 1), (0xc4, 16), (0x29, 16)] {
        for width in [Width::Word, Width::Dword] {
            let wide = matches!(opcode, 0x24 | 0x29);
            match wide {
                true => bench.command_ext(BASE, opcode, 1000, 300),
                false => bench.command(BASE, opcode, 1000, 40),
            }
            let sectors: usize = if wide { 300 } else { 40 };
            let mut data = Vec::new();
            while data.len() < sectors * 512 {
                assert!(bench.world.irq(14), "for each block");
                assert_eq!(bench.inb(BASE + 7), 0x58);
                assert!(!bench.world.irq(14), "Status was read");
                let bytes = (sectors * 512 - data.len()).min(block * 512);
                data.extend(bench.ins(BASE, width, bytes));
            }
            assert!(!bench.world.irq(14), "none at the end");
            assert_eq!(bench.inb(BASE + 7), 0x50);
            assert!(data == pattern(1000, sectors), "{opcode:#x} {width:?}");
        }
    }
    let requests = media.log.borrow().len();
    assert!(
        requests <= 14,
        "one request for many sectors, not {requests}"
    );
}

#[test]
fn sectors_are_written_by_every_way_and_then_acknowledged() {
    for (opcode, sectors, block) in [(0x30, 5, 1), (0x34, 5, 1), (0xc5, 21, 16), (0x39, 21, 16)] {
        let (bench, media) = Bench::disk(100);
        let new: Vec<u8> = (0..sectors * 512).map(|at| (at % 249) as u8).collect();
        match opcode {
            0x34 | 0x39 => bench.command_ext(BASE, opcode, 9, sectors as u16),
            _ => bench.command(BASE, opcode, 9, sectors as u8),
        }
        assert!(!bench.world.irq(14), "the host knows that it may write");
        let mut chunks = new.chunks(block * 512).peekable();
        bench.hold.set(true);
        while let Some(chunk) = chunks.next() {
            assert_eq!(bench.inb(BASE + 7), 0x58);
            bench.outs(BASE, Width::Word, chunk);
            assert_eq!(bench.world.irq(14), chunks.peek().is_some());
        }
        assert_eq!(
            bench.inb(0x3f6) & 0x80,
            0x80,
            "busy until the medium has it"
        );
        bench.finish();
        assert!(bench.world.irq(14));
        assert_eq!(bench.inb(BASE + 7), 0x50);
        assert!(media.content.borrow()[9 * 512..][..new.len()] == new);
        assert_eq!(media.content.borrow()[..9 * 512], pattern(0, 9));
    }
}

#[test]
fn addresses_are_lba_or_cylinder_head_sector() {
    let (bench, media) = Bench::disk(16 * 63 * 4);
    // Cylinder 2, head 3, sector 4.
    for (register, value) in [(2, 1), (3, 4), (4, 2), (5, 0), (6, 0xa3), (7, 0x20)] {
        bench.outb(BASE + register, value);
    }
    let sector = (2 * 16 + 3) * 63 + 3;
    let read = |sector| Request::Read { sector, count: 1 };
    assert_eq!(media.log.borrow()[0], read(sector as u64));
    assert_eq!(bench.ins(BASE, Width::Word, 512), pattern(sector, 1));
    // Sector 0 and head 16 of 16 do not exist.
    for (low, device) in [(0, 0xa0), (64, 0xa0)] {
        for (register, value) in [(2, 1), (3, low), (4, 0), (5, 0), (6, device), (7, 0x20)] {
            bench.outb(BASE + register, value);
        }
        assert_eq!(bench.inb(BASE + 7) & 0x89, 0x01);
        assert_eq!(bench.inb(BASE + 1), 0x10, "IDNF");
    }
    // INITIALIZE DEVICE PARAMETERS: 4 heads, 17 sectors.
    for (register, value) in [(2, 17), (6, 0xa3), (7, 0x91)] {
        bench.outb(BASE + register, value);
    }
    assert_eq!(bench.inb(BASE + 7), 0x50);
    for (register, value) in [(2, 1), (3, 1), (4, 1), (5, 0), (6, 0xa0), (7, 0x20)] {
        bench.outb(BASE + register, value);
    }
    assert_eq!(media.log.borrow()[1], read(4 * 17));
    bench.ins(BASE, Width::Word, 512);
    let words = bench.identify(BASE, 0xec);
    assert_eq!((words[54], words[55], words[56]), (59, 4, 17));
    assert_eq!((words[1], words[3], words[6]), (4, 16, 63), "as shipped");
}

#[test]
fn a_geometry_can_be_given() {
    let media = Media::new(5000);
    let geometry = Geometry {
        cylinders: 40,
        heads: 4,
        sectors: 30,
    };
    let drive = Drive::disk(media.clone(), Identity::of_disk(0), Some(geometry));
    let bench = Bench::new([Some(drive), None, None, None], &[&media]);
    let words = bench.identify(BASE, 0xec);
    assert_eq!((words[1], words[3], words[6]), (40, 4, 30));
    assert_eq!(words[57], 4800);
}

#[test]
fn beyond_the_end_nothing_is_asked_of_the_medium() {
    let (bench, media) = Bench::disk(100);
    for (lba, count) in [(100, 1), (99, 2), (0x0fff_ffff, 0), (0, 101)] {
        for opcode in [0x20, 0x30, 0x40, 0xc4, 0xc5, 0xc8, 0xca] {
            bench.command(BASE, opcode, lba, count);
            assert_eq!(
                bench.inb(BASE + 7) & 0x89,
                0x01,
                "{opcode:#x} {lba} {count}"
            );
            assert_eq!(bench.inb(BASE + 1), 0x10, "IDNF");
        }
    }
    bench.command_ext(BASE, 0x24, (1 << 48) - 1, 0);
    assert_eq!(bench.inb(BASE + 7) & 0x89, 0x01);
    assert!(media.log.borrow().is_empty());
}

#[test]
fn an_error_names_its_sector() {
    let (bench, media) = Bench::disk(100_000);
    media.bad.set(Some((0x1234, DiskError::Failed)));
    bench.command(BASE, 0x20, 0x1234, 1);
    assert!(bench.world.irq(14));
    assert_eq!(bench.inb(BASE + 7) & 0x89, 0x01);
    assert_eq!(bench.inb(BASE + 1), 0x40, "UNC");
    let named = [3, 4, 5].map(|register| bench.inb(BASE + register));
    assert_eq!(named, [0x34, 0x12, 0x00]);
    assert_eq!(bench.inb(BASE + 6), 0xe0);
    // 48 bits: the upper bytes show with HOB.
    let (bench, media) = Bench::disk(100_000);
    media.bad.set(Some((0x1_2345, DiskError::Failed)));
    bench.command_ext(BASE, 0x24, 0x1_2345, 1);
    let low = [3, 4, 5].map(|register| bench.inb(BASE + register));
    bench.outb(0x3f6, 0x80);
    let high = [3, 4, 5].map(|register| bench.inb(BASE + register));
    assert_eq!((low, high), ([0x45, 0x23, 0x01], [0, 0, 0]));
    // A write.
    bench.outb(0x3f6, 0);
    bench.command(BASE, 0x30, 0x1_2345, 1);
    bench.outs(BASE, Width::Word, &[0; 512]);
    assert_eq!(bench.inb(BASE + 7) & 0xa9, 0x21, "device fault");
}

#[test]
fn a_flush_is_a_flush() {
    let (bench, media) = Bench::disk(100);
    bench.hold.set(true);
    for opcode in [0xe7, 0xea] {
        bench.outb(BASE + 7, opcode);
        assert_eq!(bench.inb(BASE + 7) & 0xe9, 0xc0, "BSY and DRDY");
        assert_eq!(media.log.borrow().last(), Some(&Request::Flush));
        assert!(!bench.world.irq(14));
        bench.finish();
        assert!(bench.world.irq(14));
        assert_eq!(bench.inb(BASE + 7), 0x50);
    }
    media.bad.set(Some((0, DiskError::Failed)));
    bench.outb(BASE + 7, 0xe7);
    bench.finish();
    assert_eq!(bench.inb(BASE + 7) & 0x81, 0x01);
}

#[test]
fn without_a_write_cache_every_write_is_flushed() {
    let (bench, media) = Bench::disk(100);
    bench.outb(BASE + 1, 0x82);
    bench.outb(BASE + 7, 0xef);
    assert_eq!(media.log.take(), [Request::Flush], "what was in it first");
    assert_eq!(bench.identify(BASE, 0xec)[85] & 0x20, 0);
    bench.command(BASE, 0x30, 7, 1);
    bench.outs(BASE, Width::Word, &[9; 512]);
    assert_eq!(bench.inb(BASE + 7), 0x50);
    assert!(matches!(
        media.log.take()[..],
        [Request::Write { sector: 7, .. }, Request::Flush]
    ));
    bench.outb(BASE + 1, 0x02);
    bench.outb(BASE + 7, 0xef);
    bench.command(BASE, 0x30, 7, 1);
    bench.outs(BASE, Width::Word, &[8; 512]);
    assert!(matches!(media.log.take()[..], [Request::Write { .. }]));
    // WRITE MULTIPLE FUA EXT asks for it by itself.
    bench.command_ext(BASE, 0xce, 7, 1);
    bench.outs(BASE, Width::Word, &[8; 512]);
    assert!(matches!(
        media.log.take()[..],
        [Request::Write { .. }, Request::Flush]
    ));
}

#[test]
fn a_read_only_medium_is_not_written() {
    let media = Media::new(100);
    media.change(|medium| medium.read_only = true);
    let drive = Drive::disk(media.clone(), Identity::of_disk(0), None);
    let bench = Bench::new([Some(drive), None, None, None], &[&media]);
    for opcode in [0x30, 0xc5, 0xca] {
        bench.command(BASE, opcode, 1, 1);
        assert_eq!(bench.inb(BASE + 7) & 0x89, 0x01);
        assert_eq!(bench.inb(BASE + 1), 0x04, "ABRT");
    }
    assert!(media.log.borrow().is_empty());
}

#[test]
fn small_commands_end_as_they_should() {
    // Opcode, features, count; error, or what Sector Count holds then.
    type Row = (u8, u8, u8, Result<Option<u8>, u8>);
    let rows: &[Row] = &[
        (0x10, 0, 0, Ok(None)),
        (0x40, 0, 1, Ok(Some(0))),
        (0x70, 0, 1, Ok(None)),
        (0xe5, 0, 1, Ok(Some(0xff))),
        (0x98, 0, 1, Ok(Some(0xff))),
        (0xe1, 0, 0, Ok(None)),
        (0xc6, 0, 8, Ok(None)),
        (0xc6, 0, 0, Ok(None)),
        (0xc6, 0, 17, Err(4)),
        (0xc6, 0, 3, Err(4)),
        (0xef, 0x03, 0x45, Ok(None)),
        (0xef, 0x03, 0x22, Ok(None)),
        (0xef, 0x03, 0x0c, Ok(None)),
        (0xef, 0x03, 0x46, Err(4)),
        (0xef, 0x03, 0x23, Err(4)),
        (0xef, 0xaa, 0, Ok(None)),
        (0xef, 0x55, 0, Ok(None)),
        (0xef, 0x77, 0, Err(4)),
        // NOP, DEVICE RESET, PACKET, IDENTIFY PACKET DEVICE, what nobody knows.
        (0x00, 0, 0, Err(4)),
        (0x08, 0, 0, Err(4)),
        (0xa0, 0, 0, Err(4)),
        (0xa1, 0, 0, Err(4)),
        (0xff, 0, 0, Err(4)),
    ];
    for (opcode, features, count, end) in rows {
        let (bench, _) = Bench::disk(100);
        bench.outb(BASE + 1, *features);
        bench.command(BASE, *opcode, 0, *count);
        assert!(bench.world.irq(14), "{opcode:#x}");
        let status = bench.inb(BASE + 7);
        match end {
            Ok(left) => {
                assert_eq!(status, 0x50, "{opcode:#x} {features:#x} {count}");
                assert!(left.is_none_or(|left| bench.inb(BASE + 2) == left));
            }
            Err(error) => {
                assert_eq!(status, 0x51, "{opcode:#x} {features:#x} {count}");
                assert_eq!(bench.inb(BASE + 1), *error);
            }
        }
    }
}

#[test]
fn the_chosen_mode_shows_in_identify() {
    let (bench, _) = Bench::disk(100);
    for (mode, multiword, ultra) in [(0x42, 0, 0x04), (0x22, 0x04, 0), (0x0c, 0x04, 0)] {
        bench.outb(BASE + 1, 0x03);
        bench.outb(BASE + 2, mode);
        bench.outb(BASE + 7, 0xef);
        let words = bench.identify(BASE, 0xec);
        assert_eq!((words[63] >> 8, words[88] >> 8), (multiword, ultra));
    }
}

#[test]
fn standby_flushes_and_the_next_access_wakes() {
    let (bench, media) = Bench::disk(100);
    bench.outb(BASE + 7, 0xe0);
    assert_eq!(media.log.take(), [Request::Flush]);
    bench.outb(BASE + 7, 0xe5);
    assert_eq!(bench.inb(BASE + 2), 0x00);
    bench.command(BASE, 0x40, 0, 1);
    bench.outb(BASE + 7, 0xe5);
    assert_eq!(bench.inb(BASE + 2), 0xff);
}

#[test]
fn only_a_reset_wakes_from_sleep() {
    let (bench, _) = Bench::disk(100);
    bench.outb(BASE + 7, 0xe6);
    assert_eq!(bench.inb(BASE + 7), 0x50);
    bench.outb(BASE + 7, 0xec);
    assert_eq!(bench.inb(BASE + 7) & 0x08, 0, "asleep");
    bench.outb(0x3f6, 0x04);
    bench.outb(0x3f6, 0x00);
    bench.identify(BASE, 0xec);
}

#[test]
fn smart_is_honest() {
    let (bench, media) = Bench::disk(100);
    let smart = |subcommand, low, count| {
        bench.outb(BASE + 1, subcommand);
        bench.outb(BASE + 2, count);
        bench.outb(BASE + 3, low);
        bench.outb(BASE + 4, 0x4f);
        bench.outb(BASE + 5, 0xc2);
        bench.outb(BASE + 7, 0xb0);
        bench.inb(BASE + 7)
    };
    // RETURN STATUS: no threshold exceeded.
    assert_eq!(smart(0xda, 0, 0), 0x50);
    assert_eq!((bench.inb(BASE + 4), bench.inb(BASE + 5)), (0x4f, 0xc2));
    media.bad.set(Some((5, DiskError::Failed)));
    bench.command(BASE, 0x20, 5, 1);
    for subcommand in [0xd0, 0xd1] {
        assert_eq!(smart(subcommand, 0, 1), 0x58);
        let data = bench.ins(BASE, Width::Word, 512);
        let sum = data.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
        assert_eq!((data[2], sum), (1, 0), "read errors first");
        assert_eq!(data[7], u8::from(subcommand == 0xd0), "there was one");
    }
    assert_eq!(smart(0xd4, 1, 0), 0x51, "no self-tests");
    assert_eq!(smart(0xd9, 0, 0), 0x50);
    assert_eq!(bench.identify(BASE, 0xec)[85] & 1, 0);
    assert_eq!(smart(0xda, 0, 0), 0x51, "disabled");
    assert_eq!(smart(0xd8, 0, 0), 0x50);
    // Without its key.
    bench.outb(BASE + 4, 0);
    bench.outb(BASE + 7, 0xb0);
    assert_eq!(bench.inb(BASE + 7), 0x51);
}

#[test]
fn native_max_is_the_last_sector() {
    let (bench, _) = Bench::disk(0x12345);
    // By cylinder, head and sector: those of IDENTIFY words 1, 3 and 6,
    // 73 times 16 times 63, whatever INITIALIZE DEVICE PARAMETERS makes of them.
    for (register, value) in [(2, 17), (6, 0xa3), (7, 0x91), (6, 0xa0), (7, 0xf8)] {
        bench.outb(BASE + register, value);
    }
    let last = [3, 4, 5, 6].map(|register| bench.inb(BASE + register));
    assert_eq!(last, [63, 72, 0, 0xaf]);
    bench.command(BASE, 0xf8, 0, 0);
    let low = [3, 4, 5].map(|register| bench.inb(BASE + register));
    assert_eq!(low, [0x44, 0x23, 0x01]);
    bench.command_ext(BASE, 0x27, 0, 0);
    let low = [3, 4, 5].map(|register| bench.inb(BASE + register));
    assert_eq!(low, [0x44, 0x23, 0x01]);
}

#[test]
fn no_interrupt_with_nien_and_alternate_status_takes_none_away() {
    let (bench, _) = Bench::disk(100);
    bench.outb(0x3f6, 0x02);
    bench.command(BASE, 0x20, 0, 1);
    assert!(!bench.world.irq(14));
    bench.outb(0x3f6, 0x00);
    assert!(bench.world.irq(14), "it was pending");
    assert_eq!(bench.inb(0x3f6), 0x58);
    assert!(bench.world.irq(14));
    assert_eq!(bench.inb(BASE + 7), 0x58);
    assert!(!bench.world.irq(14));
}

#[test]
fn absent_drives_answer_as_a_cable_does() {
    // No drive at all: nothing answers.
    let bench = Bench::new([None, None, None, None], &[]);
    assert_eq!([0x177, 0x376, 0x172].map(|port| bench.inb(port)), [0xff; 3]);
    bench.outb(0x177, 0xec);
    assert!(!bench.world.irq(15));
    // Device 0 alone speaks for device 1, whose Status is 0.
    let (bench, _) = Bench::disk(100);
    bench.outb(BASE + 6, 0xb0);
    assert_eq!((bench.inb(BASE + 7), bench.inb(0x3f6)), (0, 0));
    bench.outb(BASE + 2, 0x55);
    assert_eq!(bench.inb(BASE + 2), 0x55);
    bench.outb(BASE + 7, 0xec);
    assert_eq!(bench.inb(BASE + 7), 0);
    assert!(!bench.world.irq(14));
    // Device 1 alone: nobody speaks for device 0, and it is not busy.
    let media = Media::new(100);
    let drive = Drive::disk(media.clone(), Identity::of_disk(1), None);
    let bench = Bench::new([None, Some(drive), None, None], &[&media]);
    assert_eq!(bench.inb(BASE + 7) & 0x80, 0);
    bench.outb(BASE + 2, 0x55);
    assert_ne!(bench.inb(BASE + 2), 0x55);
    bench.outb(BASE + 6, 0xb0);
    assert_eq!(bench.inb(BASE + 2), 0x55, "it has heard that");
    bench.identify(BASE, 0xec);
}

#[test]
fn diagnostics_are_for_both_drives() {
    let (first, second) = (Media::new(100), Media::new(100));
    let drives =
        [&first, &second].map(|media| Some(Drive::disk(media.clone(), Identity::of_disk(0), None)));
    let [first_drive, second_drive] = drives;
    let bench = Bench::new([first_drive, second_drive, None, None], &[&first, &second]);
    bench.outb(BASE + 6, 0x10);
    assert_eq!(bench.inb(BASE + 6) & 0x10, 0x10);
    bench.outb(BASE + 7, 0x90);
    assert_eq!(bench.inb(BASE + 6) & 0x10, 0, "device 0 is selected");
    assert!(bench.world.irq(14));
    assert_eq!(bench.inb(BASE + 1), 1, "passed");
    assert_eq!(bench.inb(BASE + 7), 0x50);
}

#[test]
fn unplugging_takes_the_disks_and_leaves_the_cd() {
    let (hda, hdb, cd) = (Media::new(100), Media::new(100), Media::new(100));
    let make = || {
        let drives = [
            Some(Drive::disk(hda.clone(), Identity::of_disk(0), None)),
            Some(Drive::disk(hdb.clone(), Identity::of_disk(1), None)),
            Some(Drive::cd(cd.clone(), Identity::of_cd(2))),
            None,
        ];
        Bench::new(drives, &[&hda, &hdb, &cd])
    };
    let bench = make();
    bench.hold.set(true);
    bench.command(BASE, 0x20, 0, 1);
    bench.ide.borrow_mut().unplug_disks(false);
    bench.finish();
    assert_eq!(bench.inb(BASE + 7), 0xff);
    assert!(!bench.world.irq(14), "what was under way concerns nobody");
    bench.hold.set(false);
    bench.identify(0x170, 0xa1);
    // The auxiliary disks only.
    let bench = make();
    bench.ide.borrow_mut().unplug_disks(true);
    bench.identify(BASE, 0xec);
    bench.outb(BASE + 6, 0x10);
    assert_eq!(bench.inb(BASE + 7), 0);
}
