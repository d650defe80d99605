//! Reading headers from the front of a slice.

use super::Damage;

/// What is left to read.
pub(super) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// The next `count` bytes.
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Damage> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Damage::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    /// The next `N` bytes.
    pub(super) fn chunk<const N: usize>(&mut self) -> Result<[u8; N], Damage> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(Damage::Truncated)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Damage> {
        self.chunk::<1>().map(|[byte]| byte)
    }

    pub(super) fn u32_be(&mut self) -> Result<u32, Damage> {
        self.chunk().map(u32::from_be_bytes)
    }

    pub(super) fn u32_le(&mut self) -> Result<u32, Damage> {
        self.chunk().map(u32::from_le_bytes)
    }
}
