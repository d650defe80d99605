//! Every codec against small files made by its own tool, whole and damaged.

use super::*;

/// What the files in `samples/` hold: opcodes, repeats near and far, zeros, words, noise.
fn sample() -> Vec<u8> {
    const LEN: usize = 12_000;
    let mut out: Vec<u8> = Vec::new();
    let mut x = 1u32;
    while out.len() < LEN {
        x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        match x >> 28 {
            0..3 => out.extend([(x >> 8) as u8, (x >> 13) as u8, (x >> 18) as u8]),
            3..7 if out.len() >= 300 => {
                let distance = 1 + (x >> 12 & 255) as usize;
                for _ in 0..4 + (x >> 20 & 31) {
                    out.push(out[out.len() - distance]);
                }
            }
            3..10 => {
                out.push(0xe8 + (x >> 27 & 1) as u8);
                out.extend((x >> 9 & 0x1_ffff).wrapping_sub(0x1_0000).to_le_bytes());
            }
            10..12 => out.extend([0; 20]),
            _ => {
                let len = 3 + (x >> 20 & 15) as usize;
                out.extend(&b"kernel of the domain "[..len]);
            }
        }
    }
    out.truncate(LEN);
    out
}

struct Sample {
    name: &'static str,
    codec: Codec,
    bytes: &'static [u8],
    /// Damage to the content cannot go unnoticed.
    checked: bool,
    /// What the format says of the length, if it does.
    len: Option<u64>,
}

macro_rules! samples {
    ($($codec:ident $name:literal $checked:literal $len:expr;)*) => {
        &[$(Sample {
            name: $name,
            codec: Codec::$codec,
            bytes: include_bytes!(concat!("samples/", $name)),
            checked: $checked,
            len: $len,
        }),*]
    };
}

const SAMPLES: &[Sample] = samples! {
    Gzip "plain.gz" true Some(12_000);
    Gzip "name.gz" true Some(12_000);
    Gzip "fields.gz" true Some(12_000);
    Gzip "members.gz" true Some(0); // a hint that proves too small
    Xz "x86.xz" true Some(12_000);
    Xz "crc64.xz" true Some(12_000);
    Xz "odd.xz" false Some(12_000);
    Xz "blocks.xz" false Some(12_000);
    Xz "streams.xz" true None;
    Lzma "known.lzma" false Some(12_000);
    Lzma "unknown.lzma" false None;
    Lzma "odd.lzma" false None;
    Lzo "nine.lzo" true Some(12_000);
    Lzo "crc.lzo" true Some(12_000);
    Lz4 "legacy.lz4" false None;
    Bzip2 "nine.bz2" true None;
    Bzip2 "streams.bz2" true None;
    Zstd "check.zst" true None;
    Zstd "nocheck.zst" false None;
    Zstd "frames.zst" true None;
};

fn unpack(codec: Codec, src: &[u8], room: usize) -> Result<Vec<u8>, ImageError> {
    let mut dst = vec![0x55; room];
    let len = decompress(codec, src, &mut dst)?;
    dst.truncate(len);
    Ok(dst)
}

#[test]
fn samples_unpack() {
    let expected = sample();
    for s in SAMPLES {
        for room in [expected.len(), expected.len() + 1, 50_000] {
            let got = unpack(s.codec, s.bytes, room);
            let got = got.unwrap_or_else(|e| panic!("{}: {e}", s.name));
            assert!(got == expected, "{} differs", s.name);
        }
        // .lzma has no magic number, only the usual properties
        let sniffed = Codec::sniff(s.bytes);
        assert!(
            sniffed == Some(s.codec) || s.name == "odd.lzma",
            "{}",
            s.name
        );
        assert_eq!(unpacked_len(s.codec, s.bytes), s.len, "{}", s.name);
    }
}

#[test]
fn too_little_room_is_said_so() {
    for s in SAMPLES {
        for room in [0, 1, 100, 6_999, 11_999] {
            let e = unpack(s.codec, s.bytes, room).unwrap_err();
            let full = ImageError::OutputTooSmall {
                codec: s.codec,
                have: room as u64,
            };
            assert_eq!(e, full, "{} into {room}", s.name);
        }
    }
}

#[test]
fn every_truncation_is_an_error() {
    let expected = sample();
    for s in SAMPLES {
        for len in 0..s.bytes.len() {
            let got = unpack(s.codec, &s.bytes[..len], 12_000);
            // Padding may be missing, and what ends at a boundary of members,
            // streams or blocks is whole.
            if let Ok(bytes) = got {
                assert!(expected.starts_with(&bytes), "{} cut at {len}", s.name);
                let boundary = matches!(
                    s.name,
                    "members.gz" | "streams.xz" | "streams.bz2" | "frames.zst"
                );
                assert!(
                    boundary || s.name == "known.lzma" || s.codec == Codec::Lz4 && len == 4,
                    "{} cut at {len} goes unnoticed",
                    s.name
                );
            }
        }
    }
}

#[test]
fn damage_is_an_error_or_harmless() {
    let expected = sample();
    for s in SAMPLES {
        let mut bytes = s.bytes.to_vec();
        for at in 0..bytes.len() {
            for flip in [0x01, 0x80, 0xff] {
                bytes[at] ^= flip;
                let got = unpack(s.codec, &bytes, 12_100);
                if s.checked
                    && let Ok(got) = got
                {
                    let same = got == expected
                        || matches!(s.codec, Codec::Gzip | Codec::Zstd)
                            && expected.starts_with(&got);
                    assert!(same, "{}: byte {at} ^ {flip:#x} goes unnoticed", s.name);
                }
                bytes[at] ^= flip;
            }
        }
    }
}

#[test]
fn other_formats_are_refused() {
    for s in SAMPLES {
        for codec in [
            Codec::Gzip,
            Codec::Xz,
            Codec::Lzo,
            Codec::Lz4,
            Codec::Bzip2,
            Codec::Zstd,
        ] {
            if codec != s.codec {
                unpack(codec, s.bytes, 12_000).unwrap_err();
            }
        }
    }
    assert_eq!(unpack(Codec::Stored, b"abc", 3).unwrap(), b"abc");
    unpack(Codec::Stored, b"abc", 2).unwrap_err();
}
