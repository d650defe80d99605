//! Tests of the block protocol's encoding and bookkeeping.

use super::*;
use alloc::vec::Vec;

fn disk(nodes: &[(&str, &'static str)]) -> Result<Disk, DiskError> {
    Disk::parse(|name| {
        nodes
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, text)| *text)
    })
}

#[test]
fn descriptions() {
    let plain = disk(&[("sectors", "131072")]).unwrap();
    assert_eq!(
        (
            plain.bytes(),
            plain.sector_size,
            plain.max_indirect_segments
        ),
        (64 << 20, 512, 0)
    );
    assert!(!plain.read_only && !plain.cdrom && !plain.persistent && !plain.flush);
    let full = disk(&[
        ("sectors", "8"),
        ("sector-size", "4096"),
        ("info", "5"),
        ("feature-flush-cache", "1"),
        ("feature-max-indirect-segments", "256"),
        ("feature-persistent", "1"),
        ("feature-discard", "0"),
    ])
    .unwrap();
    assert!(
        full.read_only
            && full.cdrom
            && !full.removable
            && full.flush
            && full.persistent
            && !full.discard
    );
    assert_eq!((full.bytes(), full.max_indirect_segments), (4096, 256));
    for (nodes, error) in [
        (&[][..], DiskError::Missing("sectors")),
        (&[("sectors", "-1")], DiskError::Value("sectors")),
        (&[("sectors", "many")], DiskError::Value("sectors")),
        (
            &[("sectors", "36028797018963968")],
            DiskError::Value("sectors"),
        ),
        (
            &[("sectors", "8"), ("sector-size", "0")],
            DiskError::Value("sector-size"),
        ),
        (
            &[("sectors", "8"), ("sector-size", "8192")],
            DiskError::Value("sector-size"),
        ),
        (
            &[("sectors", "8"), ("sector-size", "520")],
            DiskError::Value("sector-size"),
        ),
        (&[("sectors", "8"), ("info", "?")], DiskError::Value("info")),
    ] {
        assert_eq!(disk(nodes), Err(error));
    }
}

#[test]
fn whole_sectors_only() {
    let disk = disk(&[("sectors", "16"), ("sector-size", "4096")]).unwrap();
    for (offset, len, ok) in [
        (0, 8192, true),
        (4096, 4096, true),
        (8192, 0, true),
        (0, 512, false),
        (512, 4096, false),
        (4096, 8192, false),
        (u64::MAX - 4095, 4096, false),
    ] {
        assert_eq!(disk.holds(offset, len), ok, "{offset} {len}");
    }
}

#[test]
fn memory_is_cut_at_pages() {
    let cut = |start, len| {
        parts(start, len)
            .map(|p| (p.page, p.first, p.last))
            .collect::<Vec<_>>()
    };
    assert_eq!(cut(0, 4096), [(0, 0, 7)]);
    assert_eq!(cut(0, 0), []);
    assert_eq!(cut(512, 512), [(0, 1, 1)]);
    assert_eq!(cut(3584, 1024), [(0, 7, 7), (1, 0, 0)]);
    assert_eq!(cut(4096 + 1024, 8192), [(1, 2, 7), (2, 0, 7), (3, 0, 1)]);
    assert_eq!(
        parts(1024, 100 * 4096).map(|p| p.len()).sum::<usize>(),
        100 * 4096
    );
}

#[test]
fn requests_byte_for_byte() {
    let mut t = Tracker::new(4);
    let id = t.begin(Operation::Read).unwrap();
    let part = Part {
        page: 0,
        first: 1,
        last: 7,
    };
    let r = request(Operation::Read, 0xca00, id, 0x1122, &[part.segment(9)]);
    assert_eq!(r[..8], [0, 1, 0x00, 0xca, 0, 0, 0, 0]);
    assert_eq!(r[8..16], id.number().to_le_bytes());
    assert_eq!(r[16..24], 0x1122u64.to_le_bytes());
    assert_eq!(r[24..32], [9, 0, 0, 0, 1, 7, 0, 0]);
    assert_eq!(r[32..], [0; 80]);
    let flush = request(Operation::Flush, 1, id, 0, &[]);
    assert_eq!(flush[..4], [3, 0, 1, 0]);
    let many = [part.segment(1); 20];
    assert_eq!(request(Operation::Write, 1, id, 0, &many)[..2], [1, 11]);
    let i = indirect(Operation::Write, 0xca10, id, 5, 300, &[77, 78]);
    assert_eq!(i[..4], [6, 1, 44, 1]);
    assert_eq!(i[24..36], [0x10, 0xca, 0, 0, 77, 0, 0, 0, 78, 0, 0, 0]);
    let d = discard(2, id, 8, 16);
    assert_eq!((d[0], &d[24..32]), (5, &16u64.to_le_bytes()[..]));
}

fn response(id: u64, op: u8, status: i16) -> [u8; RESPONSE] {
    let mut bytes = [0; RESPONSE];
    bytes[..8].copy_from_slice(&id.to_le_bytes());
    bytes[8] = op;
    bytes[10..12].copy_from_slice(&status.to_le_bytes());
    bytes
}

#[test]
fn responses_find_their_requests() {
    let mut t = Tracker::new(2);
    let (a, b) = (
        t.begin(Operation::Read).unwrap(),
        t.begin(Operation::Write).unwrap(),
    );
    assert!(t.begin(Operation::Read).is_none());
    assert_eq!(t.finish(&response(b.number(), 1, 0)), Ok((b, Ok(()))));
    assert_eq!(
        t.finish(&response(a.number(), 0, -1)),
        Ok((a, Err(RequestError::Failed)))
    );
    let c = t.begin(Operation::Flush).unwrap();
    assert_eq!(
        t.finish(&response(c.number(), 3, -2)),
        Ok((c, Err(RequestError::NotSupported)))
    );
    let d = t.begin(Operation::Read).unwrap();
    assert_eq!(
        t.finish(&response(d.number(), 0, 7)),
        Ok((d, Err(RequestError::Status(7))))
    );
    // An indirect request may be answered as what it does or as what it is.
    let e = t.begin(Operation::Read).unwrap();
    assert_eq!(t.finish(&response(e.number(), 6, 0)), Ok((e, Ok(()))));
    assert_eq!((t.oddities, t.under_way()), (Oddities::default(), 0));
}

#[test]
fn nonsense_is_counted() {
    let mut t = Tracker::new(2);
    let a = t.begin(Operation::Read).unwrap();
    for id in [0, 7, 0xffff_ffff, u64::MAX, (2 << 16) | a.slot() as u64] {
        assert_eq!(
            t.finish(&response(id, 0, 0)),
            Err(Nonsense::Unknown { id }),
            "{id:#x}"
        );
    }
    assert_eq!(t.finish(&response(a.number(), 1, 0)), Ok((a, Ok(()))));
    let again = Err(Nonsense::Again { id: a.number() });
    assert_eq!(t.finish(&response(a.number(), 0, 0)), again);
    // The slot's next owner is not answered by it.
    let b = t.begin(Operation::Read).unwrap();
    assert_eq!(b.slot(), a.slot());
    assert_eq!(t.finish(&response(a.number(), 0, 0)), again);
    assert_eq!(t.finish(&[0; 15]), Err(Nonsense::Short));
    assert_eq!(t.under_way(), 1);
    assert_eq!(
        t.oddities,
        Oddities {
            unknown: 5,
            again: 2,
            other_operation: 1
        }
    );
}

#[test]
fn given_up_requests_keep_their_slot() {
    let mut t = Tracker::new(1);
    let a = t.begin(Operation::Read).unwrap();
    t.abandon(a, false);
    assert_eq!(t.under_way(), 0);
    assert!(
        t.begin(Operation::Read).is_none(),
        "its memory may still be written"
    );
    assert_eq!(
        t.finish(&response(a.number(), 0, 0)),
        Err(Nonsense::Again { id: a.number() })
    );
    let mut t = Tracker::new(1);
    let a = t.begin(Operation::Read).unwrap();
    t.abandon(a, true);
    let b = t.begin(Operation::Read).unwrap();
    t.abandon(a, true);
    assert_eq!(t.finish(&response(b.number(), 0, 0)), Ok((b, Ok(()))));
}
