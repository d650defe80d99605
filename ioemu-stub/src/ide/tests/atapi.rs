//! CD and DVD drives.

use super::super::{Drive, Identity, TrayError};
use super::bench::{Bench, Media, pattern};
use crate::bus::Width;
use crate::surroundings::{DiskError, Medium, Request};

const BASE: u16 = 0x170;

const TEST_UNIT_READY: [u8; 12] = [0; 12];

fn read_10(block: u32, count: u16) -> Vec<u8> {
    let mut packet = vec![0x28, 0];
    packet.extend(block.to_be_bytes());
    packet.push(0);
    packet.extend(count.to_be_bytes());
    packet
}

/// Sense key and additional codes.
fn sense(bench: &Bench) -> (u8, u8, u8) {
    let (data, status) = bench.packet_in(BASE, &[0x03, 0, 0, 0, 18], 18);
    assert_eq!((data.len(), data[0] & 0x7f, status & 1), (18, 0x70, 0));
    (data[2] & 0xf, data[12], data[13])
}

/// A command that fails so.
fn refused(bench: &Bench, packet: &[u8]) -> (u8, u8, u8) {
    let (data, status) = bench.packet_in(BASE, packet, 0xfffe);
    assert!(data.is_empty());
    assert_eq!(status & 0x41, 0x41, "CHK and DRDY for {packet:x?}");
    let key = bench.inb(BASE + 1) >> 4;
    let sense = sense(bench);
    assert_eq!(key, sense.0, "the key stands in Error, too");
    sense
}

/// A command that succeeds.
fn answer(bench: &Bench, packet: &[u8]) -> Vec<u8> {
    let (data, status) = bench.packet_in(BASE, packet, 0xfffe);
    assert_eq!(status & 0xe9, 0x40, "{packet:x?}");
    data
}

#[test]
fn it_signs_as_a_packet_drive() {
    let (bench, _) = Bench::cd(100);
    let signature = |bench: &Bench| [1, 2, 3, 4, 5, 7].map(|at| bench.inb(BASE + at));
    let expected = [0x01, 0x01, 0x01, 0x14, 0xeb, 0x00];
    assert_eq!(signature(&bench), expected, "after power-on");
    bench.outb(0x376, 0x04);
    assert_eq!(bench.inb(0x376), 0x80, "held in reset");
    bench.outb(0x376, 0x00);
    assert_eq!(signature(&bench), expected, "after SRST");
    bench.outb(BASE + 4, 0x12);
    bench.outb(BASE + 7, 0x08);
    assert_eq!(signature(&bench), expected, "after DEVICE RESET");
    assert!(!bench.world.irq(15), "which has no interrupt");
    for opcode in [0xec, 0x20] {
        bench.outb(BASE + 4, 0);
        bench.outb(BASE + 7, opcode);
        assert_eq!(bench.inb(BASE + 7) & 0x89, 0x01, "{opcode:#x}");
        assert_eq!([4, 5].map(|at| bench.inb(BASE + at)), [0x14, 0xeb]);
    }
}

#[test]
fn identify_packet_device() {
    let (bench, _) = Bench::cd(100);
    let words = bench.identify(BASE, 0xa1);
    assert_eq!(words[0] & 0xff03, 0x8500, "CD-ROM, removable, 12 bytes");
    assert_eq!(words[0] & 0x0080, 0x0080);
    assert_eq!(words[49] & 0x0300, 0x0300, "DMA and LBA");
    let model: Vec<u8> = words[27..47]
        .iter()
        .flat_map(|word| word.to_be_bytes())
        .collect();
    assert!(model.starts_with(b"QEMU DVD-ROM "));
    let serial: Vec<u8> = words[10..20]
        .iter()
        .flat_map(|word| word.to_be_bytes())
        .collect();
    assert_eq!(serial, b"QM00003             ");
}

#[test]
fn blocks_come_in_bursts_of_the_byte_count_limit() {
    let (bench, media) = Bench::cd(100);
    for limit in [2048, 5120, 0xfffe, 0xffff, 513, 2] {
        media.log.take();
        bench.packet(BASE, &read_10(7, 10), limit, false);
        let mut got = Vec::new();
        while bench.inb(0x376) & 8 != 0 {
            assert!(bench.world.irq(15), "for each burst");
            bench.inb(BASE + 7);
            assert!(!bench.world.irq(15));
            assert_eq!(bench.inb(BASE + 2), 2);
            let count = u16::from_le_bytes([bench.inb(BASE + 4), bench.inb(BASE + 5)]);
            let most = u32::from(limit).min(0xfffe) & !1;
            let left = (10 * 2048 - got.len()) as u32;
            assert_eq!(u32::from(count), most.min(left), "limit {limit}");
            got.extend(bench.ins(BASE, Width::Word, usize::from(count)));
        }
        assert!(bench.world.irq(15), "and one at the end");
        assert_eq!(bench.inb(BASE + 2), 3);
        assert_eq!(bench.inb(BASE + 7) & 0xe9, 0x40);
        assert!(got == pattern(28, 40));
        assert_eq!(
            *media.log.borrow(),
            [Request::Read {
                sector: 28,
                count: 40
            }]
        );
    }
}

#[test]
fn blocks_come_by_dma() {
    let (bench, media) = Bench::cd(2000);
    bench.packet(BASE, &read_10(3, 600), 0, true);
    let regions: Vec<_> = (0..19)
        .map(|i| (0x1_0000, if i == 18 { 600 * 2048 - 18 * 65536 } else { 0 }))
        .collect();
    bench.start_dma_at(0xc008, 0x100, &regions, true);
    assert_eq!(bench.inb(0xc00a), 4);
    assert_eq!(bench.inb(BASE + 2), 3);
    assert_eq!(bench.inb(BASE + 7) & 0xe9, 0x40);
    let last = 600 * 2048 - 18 * 65536;
    assert!(bench.ram(0x1_0000, last) == pattern(4 * 603 - last / 512, last / 512));
    assert_eq!(media.log.borrow().len(), 3, "one for each 512 KiB");
    // Short answers go the same way.
    bench.outb(0xc008, 0);
    bench.packet(BASE, &[0x12, 0, 0, 0, 36], 0, true);
    bench.start_dma_at(0xc008, 0x100, &[(0x1_0000, 36)], true);
    assert_eq!(bench.inb(0xc00a), 4);
    assert_eq!(bench.ram(0x1_0008, 16), b"QEMU    QEMU DVD");
}

#[test]
fn reads_in_every_form() {
    let (bench, _) = Bench::cd(1000);
    let expected = pattern(4 * 600, 8);
    assert!(answer(&bench, &read_10(600, 2)) == expected);
    assert!(answer(&bench, &[0xa8, 0, 0, 0, 2, 88, 0, 0, 0, 2]) == expected);
    // READ CD: user data of two blocks.
    assert!(answer(&bench, &[0xbe, 0, 0, 0, 2, 88, 0, 0, 2, 0x10]) == expected);
    // READ CD MSF: 600 + 150 frames are 10 seconds.
    assert!(answer(&bench, &[0xb9, 0, 0, 0, 10, 0, 0, 10, 2, 0x10]) == expected);
    // Nothing is wanted.
    assert!(answer(&bench, &read_10(600, 0)).is_empty());
    assert!(answer(&bench, &[0xbe, 0, 0, 0, 2, 88, 0, 0, 2, 0]).is_empty());
    // Raw sectors are not there.
    assert_eq!(
        refused(&bench, &[0xbe, 0, 0, 0, 2, 88, 0, 0, 2, 0xf8]),
        (5, 0x64, 0)
    );
    assert_eq!(refused(&bench, &read_10(999, 2)), (5, 0x21, 0));
    assert_eq!(
        refused(&bench, &[0xb9, 0, 0, 0, 11, 0, 0, 10, 0, 0x10]),
        (5, 0x24, 0)
    );
}

#[test]
fn a_bad_block_is_named() {
    let (bench, media) = Bench::cd(1000);
    media.bad.set(Some((4 * 300, DiskError::Failed)));
    let (_, status) = bench.packet_in(BASE, &read_10(300, 1), 2048);
    assert_eq!(status & 1, 1);
    let data = answer(&bench, &[0x03, 0, 0, 0, 18]);
    assert_eq!(data[0], 0xf0, "valid");
    assert_eq!((data[2], data[12]), (3, 0x11), "unrecovered read error");
    assert_eq!(data[3..7], 300u32.to_be_bytes());
    assert_eq!(sense(&bench), (0, 0, 0), "told once");
}

/// Packet, then the expected beginning of the answer.
#[test]
fn answers_begin_as_the_standard_says() {
    let (bench, _) = Bench::cd(1000);
    let rows: &[(&[u8], usize, &[u8])] = &[
        (&TEST_UNIT_READY, 0, &[]),
        // INQUIRY: CD, removable, ATAPI.
        (&[0x12, 0, 0, 0, 36], 36, &[5, 0x80, 0, 0x21, 31]),
        (&[0x12, 0, 0, 0, 5], 5, &[5, 0x80, 0, 0x21, 31]),
        (&[0x12, 1, 0, 0, 255], 6, &[5, 0, 0, 2, 0, 0x80]),
        (&[0x12, 1, 0x80, 0, 255], 11, b"\x05\x80\0\x07QM00003"),
        // READ CAPACITY: last block, bytes of a block.
        (&[0x25], 8, &[0, 0, 0x03, 0xe7, 0, 0, 8, 0]),
        // READ TOC: track 1 and lead-out, by block and by time.
        (
            &[0x43, 0, 0, 0, 0, 0, 0, 0, 255],
            20,
            &[
                0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0, 0, 0x14, 0xaa, 0, 0, 0, 3, 0xe8,
            ],
        ),
        (
            &[0x43, 2, 0, 0, 0, 0, 0xaa, 0, 255],
            12,
            // 1150 frames: 15 seconds and 25.
            &[0, 10, 1, 1, 0, 0x14, 0xaa, 0, 0, 0, 15, 25],
        ),
        // Sessions; and the format where SFF-8020i had it.
        (
            &[0x43, 0, 1, 0, 0, 0, 0, 0, 255],
            12,
            &[0, 10, 1, 1, 0, 0x14, 1, 0],
        ),
        (&[0x43, 0, 0, 0, 0, 0, 0, 0, 255, 0x40], 12, &[0, 10, 1, 1]),
        // The raw lead-in: four points of eleven bytes.
        (
            &[0x43, 0, 2, 0, 0, 0, 0, 0, 255],
            48,
            &[0, 46, 1, 1, 1, 0x14, 0, 0xa0],
        ),
        // GET CONFIGURATION: CD-ROM is the current profile.
        (
            &[0x46, 0, 0, 0, 0, 0, 0, 0, 8],
            8,
            &[0, 0, 0, 60, 0, 0, 0, 8],
        ),
        (
            &[0x46, 2, 0, 3, 0, 0, 0, 0, 255],
            16,
            &[0, 0, 0, 12, 0, 0, 0, 8, 0, 3, 3, 4],
        ),
        // GET EVENT STATUS NOTIFICATION: media, no event, present.
        (
            &[0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8],
            8,
            &[0, 6, 4, 0x10, 0, 2, 0, 0],
        ),
        (&[0x4a, 1, 0, 0, 0x02, 0, 0, 0, 8], 4, &[0, 2, 0x80, 0x10]),
        // READ DISC INFORMATION, READ TRACK INFORMATION.
        (
            &[0x51, 0, 0, 0, 0, 0, 0, 0, 255],
            34,
            &[0, 32, 0x0e, 1, 1, 1, 1],
        ),
        (
            &[0x52, 1, 0, 0, 0, 1, 0, 0, 255],
            36,
            &[0, 34, 1, 1, 0, 4, 1],
        ),
        // MODE SENSE: capabilities, in both sizes; error recovery.
        (
            &[0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 255],
            30,
            &[0, 28, 0, 0, 0, 0, 0, 0, 0x2a, 20],
        ),
        (&[0x1a, 0, 0x2a, 0, 255], 26, &[25, 0, 0, 0, 0x2a, 20]),
        (
            &[0x5a, 0, 0x01, 0, 0, 0, 0, 0, 255],
            16,
            &[0, 14, 0, 0, 0, 0, 0, 0, 1, 6],
        ),
        (&[0x5a, 0, 0x3f, 0, 0, 0, 0, 1, 0], 54, &[0, 52]),
        // MECHANISM STATUS.
        (
            &[0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 8],
            8,
            &[0, 0, 0, 0, 0, 1, 0, 0],
        ),
        // START, SEEK, SYNCHRONIZE CACHE, SET CD SPEED, STOP PLAY.
        (&[0x1b, 0, 0, 0, 1], 0, &[]),
        (&[0x2b, 0, 0, 0, 3, 0xe7], 0, &[]),
        (&[0x35], 0, &[]),
        (&[0xbb, 0, 0xff, 0xff], 0, &[]),
        (&[0x4e], 0, &[]),
    ];
    for (packet, length, begins) in rows {
        let data = answer(&bench, packet);
        assert_eq!(data.len(), *length, "{packet:x?}: {data:x?}");
        assert!(data.starts_with(begins), "{packet:x?}: {data:x?}");
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let (bench, media) = Bench::cd(1000);
    for (packet, expected) in [
        (&[0xff][..], (5, 0x20, 0)),
        (&[0x2a], (5, 0x20, 0)),
        (&[0x12, 1, 0x99, 0, 255], (5, 0x24, 0)),
        (&[0x43, 0, 5, 0, 0, 0, 0, 0, 255], (5, 0x24, 0)),
        (&[0x43, 0, 0, 0, 0, 0, 2, 0, 255], (5, 0x24, 0)),
        (&[0x46, 3, 0, 0, 0, 0, 0, 0, 255], (5, 0x24, 0)),
        (&[0x4a, 0, 0, 0, 0x10, 0, 0, 0, 8], (5, 0x24, 0)),
        (&[0x5a, 0, 0x99, 0, 0, 0, 0, 0, 255], (5, 0x24, 0)),
        (&[0x5a, 0, 0xea, 0, 0, 0, 0, 0, 255], (5, 0x39, 0)),
        (&[0x2b, 0, 0, 0, 3, 0xe8], (5, 0x21, 0)),
        (&[0x52, 1, 0, 0, 0, 2, 0, 0, 255], (5, 0x24, 0)),
        // A CD has no DVD's structures.
        (&[0xad, 0, 0, 0, 0, 0, 0, 0, 1, 0], (5, 0x30, 2)),
    ] {
        assert_eq!(refused(&bench, packet), expected, "{packet:x?}");
    }
    assert!(media.log.borrow().is_empty());
}

#[test]
fn a_large_medium_is_a_dvd() {
    let media = Media::new(4);
    media.change(|medium| medium.sectors = 4 << 20);
    let drive = Drive::cd(media.clone(), Identity::of_cd(2));
    let bench = Bench::new([None, None, Some(drive), None], &[&media]);
    assert_eq!(
        answer(&bench, &[0x46, 0, 0, 0, 0, 0, 0, 0, 8])[6..],
        [0, 0x10]
    );
    let structure = answer(&bench, &[0xad, 0, 0, 0, 0, 0, 0, 0, 0x10, 0]);
    assert_eq!(structure.len(), 2052);
    assert_eq!(structure[..5], [8, 2, 0, 0, 1]);
    assert_eq!(structure[8..12], [0, 3, 0, 0]);
    assert_eq!(structure[12..16], [0, 0x12, 0xff, 0xff], "the last block");
    assert_eq!(
        answer(&bench, &[0xad, 0, 0, 0, 0, 0, 0, 1, 0, 255]).len(),
        8
    );
    assert_eq!(
        refused(&bench, &[0xad, 0, 0, 0, 0, 0, 1, 0, 1, 0]),
        (5, 0x24, 0)
    );
}

#[test]
fn an_empty_drive_says_so_and_answers_the_rest() {
    let media = Media::new(400);
    media.medium.set(None);
    let drive = Drive::cd(media.clone(), Identity::of_cd(2));
    let bench = Bench::new([None, None, Some(drive), None], &[&media]);
    for packet in [
        &TEST_UNIT_READY[..],
        &[0x25],
        &read_10(0, 1),
        &[0x43, 0, 0, 0, 0, 0, 0, 0, 12],
        &[0x51],
    ] {
        assert_eq!(refused(&bench, packet), (2, 0x3a, 1), "{packet:x?}");
    }
    assert_eq!(answer(&bench, &[0x46, 0, 0, 0, 0, 0, 0, 0, 8])[6..], [0, 0]);
    assert_eq!(
        answer(&bench, &[0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8]),
        [0, 6, 4, 0x10, 0, 0, 0, 0]
    );
    bench.identify(BASE, 0xa1);
}

#[test]
fn a_medium_that_is_late_at_power_on_is_no_news() {
    let media = Media::new(400);
    let medium = media.medium.take();
    let drive = Drive::cd(media.clone(), Identity::of_cd(2));
    let bench = Bench::new([None, None, Some(drive), None], &[&media]);
    media.medium.set(medium);
    answer(&bench, &TEST_UNIT_READY);
}

#[test]
fn another_medium_is_told_once() {
    let (bench, media) = Bench::cd(1000);
    answer(&bench, &TEST_UNIT_READY);
    media.change(|medium| {
        *medium = Medium {
            sectors: 800,
            generation: 1,
            ..*medium
        }
    });
    // INQUIRY and GET EVENT STATUS work, and take nothing away.
    answer(&bench, &[0x12, 0, 0, 0, 36]);
    assert_eq!(
        answer(&bench, &[0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8])[4..6],
        [2, 2],
        "new media"
    );
    assert_eq!(refused(&bench, &TEST_UNIT_READY), (6, 0x28, 0));
    answer(&bench, &TEST_UNIT_READY);
    assert_eq!(answer(&bench, &[0x25])[..4], 199u32.to_be_bytes());
    // REQUEST SENSE tells it as well.
    media.change(|medium| medium.generation = 2);
    assert_eq!(sense(&bench), (6, 0x28, 0));
    answer(&bench, &TEST_UNIT_READY);
}

#[test]
fn the_guest_opens_locks_and_closes_the_tray() {
    let (bench, _) = Bench::cd(1000);
    let (eject, load) = ([0x1b, 0, 0, 0, 2], [0x1b, 0, 0, 0, 3]);
    answer(&bench, &[0x1e, 0, 0, 0, 1]);
    assert_eq!(refused(&bench, &eject), (5, 0x53, 2), "locked");
    assert_eq!(
        answer(&bench, &[0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 30])[14] & 2,
        2
    );
    answer(&bench, &[0x1e, 0, 0, 0, 0]);
    answer(&bench, &eject);
    assert_eq!(refused(&bench, &TEST_UNIT_READY), (2, 0x3a, 2), "open");
    assert_eq!(answer(&bench, &[0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 8])[1], 0x10);
    answer(&bench, &load);
    assert_eq!(refused(&bench, &TEST_UNIT_READY), (6, 0x28, 0));
    answer(&bench, &TEST_UNIT_READY);
}

#[test]
fn the_toolstack_changes_the_medium() {
    let (bench, _) = Bench::cd(1000);
    answer(&bench, &[0x1e, 0, 0, 0, 1]);
    assert_eq!(
        bench.ide.borrow_mut().eject(2, false),
        Err(TrayError::Locked)
    );
    assert_eq!(
        answer(&bench, &[0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8])[4],
        1,
        "eject request"
    );
    assert_eq!(bench.ide.borrow_mut().eject(2, true), Ok(()));
    assert_eq!(refused(&bench, &TEST_UNIT_READY), (2, 0x3a, 2));
    let other = Media::new(40);
    assert_eq!(bench.ide.borrow_mut().insert(2, other), Ok(()));
    assert_eq!(refused(&bench, &TEST_UNIT_READY), (6, 0x28, 0));
    assert_eq!(answer(&bench, &[0x25])[..4], 9u32.to_be_bytes());
    assert_eq!(
        bench.ide.borrow_mut().eject(0, true),
        Err(TrayError::NoTray)
    );
    assert_eq!(
        bench.ide.borrow_mut().eject(9, true),
        Err(TrayError::NoTray)
    );
}

#[test]
fn a_read_that_the_medium_left_ends() {
    let (bench, _media) = Bench::cd(1000);
    bench.hold.set(true);
    bench.packet(BASE, &read_10(0, 1), 2048, false);
    assert_eq!(bench.inb(0x376) & 0x80, 0x80);
    let other = Media::new(40);
    bench.ide.borrow_mut().insert(2, other).unwrap();
    assert!(bench.world.irq(15));
    assert_eq!(bench.inb(BASE + 7) & 0x89, 0x01);
    bench.finish();
    assert_eq!(
        bench.inb(BASE + 7) & 0x89,
        0x01,
        "the old answer changes nothing"
    );
}

#[test]
fn dma_in_both_words_and_overlap_is_refused() {
    let (bench, _) = Bench::cd(100);
    bench.outb(BASE + 1, 0x02);
    bench.outb(BASE + 7, 0xa0);
    assert_eq!(bench.inb(BASE + 7) & 0x89, 0x01);
    assert_eq!(bench.inb(BASE + 1) & 4, 4);
    for opcode in [0xe7, 0xc8, 0x30, 0x00] {
        bench.outb(BASE + 7, opcode);
        assert_eq!(bench.inb(BASE + 7) & 0x89, 0x01, "{opcode:#x}");
    }
}
