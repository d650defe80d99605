//! How wide an access is.

/// The width of one access: 1, 2, 4 or 8 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Width {
    /// 8 bits.
    Byte,
    /// 16 bits.
    Word,
    /// 32 bits.
    Dword,
    /// 64 bits: memory only.
    Qword,
}

impl Width {
    /// The width of that many bytes, if there is one.
    pub const fn from_bytes(bytes: usize) -> Option<Self> {
        match bytes {
            1 => Some(Width::Byte),
            2 => Some(Width::Word),
            4 => Some(Width::Dword),
            8 => Some(Width::Qword),
            _ => None,
        }
    }

    /// In bytes.
    pub const fn bytes(self) -> usize {
        match self {
            Width::Byte => 1,
            Width::Word => 2,
            Width::Dword => 4,
            Width::Qword => 8,
        }
    }

    /// All ones in this width: what a read of nothing returns.
    pub const fn ones(self) -> u64 {
        u64::MAX >> (64 - 8 * self.bytes())
    }

    /// The value of an element of at most this width.
    pub fn from_le(self, element: &[u8]) -> u64 {
        let bytes = element.iter().take(self.bytes()).enumerate();
        bytes.fold(0, |value, (i, byte)| value | u64::from(*byte) << (8 * i))
    }
}

#[cfg(test)]
mod tests {
    use super::Width;

    #[test]
    fn a_width_knows_its_size_and_its_ones() {
        for (bytes, ones) in [
            (1, 0xff),
            (2, 0xffff),
            (4, 0xffff_ffff),
            (8, 0xffff_ffff_ffff_ffff),
        ] {
            let width = Width::from_bytes(bytes).unwrap();
            assert_eq!(width.bytes(), bytes);
            assert_eq!(width.ones(), ones);
        }
        for none in [0, 3, 5, 6, 7, 9, 16] {
            assert_eq!(Width::from_bytes(none), None);
        }
    }

    #[test]
    fn elements_are_little_endian() {
        assert_eq!(Width::Dword.from_le(&[1, 2, 3, 4]), 0x0403_0201);
        assert_eq!(Width::Word.from_le(&[1, 2, 3, 4]), 0x0201);
        assert_eq!(Width::Qword.from_le(&[0xff]), 0xff);
    }
}
