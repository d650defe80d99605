//! Cylinders, heads and sectors: what firmware of the CHS days is told of a
//! disk in CMOS.

/// The geometry of a disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Geometry {
    /// At most 16383 where it is guessed.
    pub cylinders: u32,
    /// At most 16 where it is guessed.
    pub heads: u32,
    /// Per track, at most 63 where it is guessed.
    pub sectors: u32,
    /// How firmware makes larger disks fit its calls.
    pub translation: Translation,
}

/// How firmware maps its geometry to the disk's. The numbers are those in CMOS
/// register 0x39.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Translation {
    /// Not at all.
    None = 0,
    /// By logical block address.
    Lba = 1,
    /// By shifting bits from cylinders to heads.
    Large = 2,
    /// The same, after a change to 15 heads.
    Rechs = 3,
}

impl Translation {
    /// For a disk of that geometry.
    pub fn fitting(cylinders: u32, heads: u32, sectors: u32) -> Self {
        match cylinders <= 1024 && heads <= 16 && sectors <= 63 {
            true => Translation::None,
            false => Translation::Lba,
        }
    }

    /// By the name that a client gives it.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "none" => Translation::None,
            "lba" => Translation::Lba,
            "large" => Translation::Large,
            "rechs" => Translation::Rechs,
            _ => return None,
        })
    }
}

/// The geometry of a disk of `total` sectors that begins with `first`: the
/// partition table tells under which geometry it was written.
pub fn guess(total: u64, first: &[u8; 512]) -> Geometry {
    let plain = |translation: Option<Translation>| {
        let (heads, sectors) = (16, 63);
        let cylinders = (total / u64::from(heads * sectors)).clamp(2, 16383) as u32;
        let translation = translation.unwrap_or(Translation::fitting(cylinders, heads, sectors));
        Geometry {
            cylinders,
            heads,
            sectors,
            translation,
        }
    };
    let Some((heads, sectors)) = from_partitions(total, first) else {
        return plain(None);
    };
    if heads > 16 {
        // Firmware translated when it was partitioned.
        let guess = plain(None);
        let large = guess.cylinders * guess.heads <= 131_072;
        return plain(Some(if large {
            Translation::Large
        } else {
            Translation::Lba
        }));
    }
    Geometry {
        cylinders: (total / u64::from(heads * sectors)) as u32,
        heads,
        sectors,
        translation: Translation::None,
    }
}

/// Heads and sectors of the geometry under which a partition ends where it
/// does.
fn from_partitions(total: u64, first: &[u8; 512]) -> Option<(u32, u32)> {
    if first[510..] != [0x55, 0xaa] {
        return None;
    }
    first[446..510].chunks_exact(16).find_map(|entry| {
        let (end_head, end_sector) = (u32::from(entry[5]), u32::from(entry[6] & 63));
        let used = entry[12..16] != [0; 4] && end_head != 0;
        let (heads, sectors) = (end_head + 1, end_sector);
        let cylinders = total.checked_div(u64::from(heads * sectors))?;
        (used && (1..=16383).contains(&cylinders)).then_some((heads, sectors))
    })
}

#[cfg(test)]
mod tests {
    use super::{Geometry, Translation, guess};

    fn table(end_head: u8) -> [u8; 512] {
        let mut first = [0; 512];
        first[510..].copy_from_slice(&[0x55, 0xaa]);
        first[446..462].copy_from_slice(&[
            0x80, 1, 1, 0, 6, end_head, 63, 7, 63, 0, 0, 0, 0x41, 0x1f, 0, 0,
        ]);
        first
    }

    #[test]
    fn a_partition_table_tells_the_geometry() {
        let (small, large) = (61440, 8_388_608);
        let blank = [0; 512];
        for (total, first, cylinders, translation) in [
            (small, blank, 60, Translation::None),
            (small, table(127), 60, Translation::Large),
            (small, table(15), 60, Translation::None),
            (large, blank, 8322, Translation::Lba),
            (large, table(15), 8322, Translation::None),
        ] {
            let expected = Geometry {
                cylinders,
                heads: 16,
                sectors: 63,
                translation,
            };
            assert_eq!(guess(total, &first), expected);
        }
    }

    #[test]
    fn no_table_divides_by_zero() {
        let mut first = table(15);
        first[452] = 0;
        assert_eq!(guess(1, &first).cylinders, 2);
    }
}
