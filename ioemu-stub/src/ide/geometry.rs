//! Cylinders, heads and sectors: what a disk of sectors pretends to be.

/// A disk's geometry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Geometry {
    /// Cylinders: 1 to 65535.
    pub cylinders: u16,
    /// Heads: 1 to 16.
    pub heads: u8,
    /// Sectors of a track, counted from 1: 1 to 255.
    pub sectors: u8,
}

/// A place on a disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// The cylinder, from 0.
    pub cylinder: u16,
    /// The head, from 0.
    pub head: u8,
    /// The sector, from 1.
    pub sector: u8,
}

impl Geometry {
    /// What disks of more than 8 GB say they are: the most that 16 heads and 63
    /// sectors can say (ATA/ATAPI-5, annex B).
    const MOST_CYLINDERS: u64 = 16383;

    /// What a disk of that many sectors says unasked.
    pub fn of(total: u64) -> Self {
        let cylinders = (total / (16 * 63)).clamp(1, Self::MOST_CYLINDERS);
        Geometry {
            cylinders: cylinders as u16,
            heads: 16,
            sectors: 63,
        }
    }

    /// The same disk with other heads and sectors. `None` if one of them is 0.
    pub fn with(total: u64, heads: u8, sectors: u8) -> Option<Self> {
        let cylinder = u64::from(heads) * u64::from(sectors);
        let cylinders = total.checked_div(cylinder)?.clamp(1, 0xffff);
        Some(Geometry {
            cylinders: cylinders as u16,
            heads,
            sectors,
        })
    }

    /// All sectors that it can name.
    pub fn capacity(&self) -> u32 {
        u32::from(self.cylinders) * u32::from(self.heads) * u32::from(self.sectors)
    }

    /// The last place that it has.
    pub fn last(&self) -> Place {
        Place {
            cylinder: self.cylinders.saturating_sub(1),
            head: self.heads.saturating_sub(1),
            sector: self.sectors,
        }
    }

    /// The sector at a place; `None` if there is none.
    pub fn lba(&self, place: Place) -> Option<u64> {
        let inside = place.head < self.heads && (1..=self.sectors).contains(&place.sector);
        let track = u64::from(place.cylinder) * u64::from(self.heads) + u64::from(place.head);
        inside.then(|| track * u64::from(self.sectors) + u64::from(place.sector) - 1)
    }

    /// The place of a sector (in the lowest cylinders, if it has too high a one).
    pub fn place(&self, lba: u64) -> Place {
        let (sectors, heads) = (u64::from(self.sectors.max(1)), u64::from(self.heads.max(1)));
        let track = lba / sectors;
        Place {
            cylinder: (track / heads) as u16,
            head: (track % heads) as u8,
            sector: (lba % sectors + 1) as u8,
        }
    }
}
