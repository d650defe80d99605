//! A block of plain registers: bytes, with for each bit whether the guest can
//! write it and whether writing a one clears it.

use super::Width;

/// `N` bytes of registers.
#[derive(Clone)]
pub struct Fields<const N: usize> {
    bytes: [u8; N],
    /// Bits that the guest writes.
    writable: [u8; N],
    /// Bits that the guest clears by writing one.
    clearable: [u8; N],
}

impl<const N: usize> Fields<N> {
    /// All zero, and nothing of it can be written.
    pub const fn new() -> Self {
        Fields {
            bytes: [0; N],
            writable: [0; N],
            clearable: [0; N],
        }
    }

    /// Registers from `at` on that reset to `reset` and of which the guest can
    /// write the bits of `mask`.
    pub fn with(mut self, at: u8, reset: &[u8], mask: &[u8]) -> Self {
        self.define(at, reset, mask);
        self
    }

    /// Registers from `at` on that reset to zero and of which the guest can
    /// clear the bits of `mask`.
    pub fn with_clearable(mut self, at: u8, mask: &[u8]) -> Self {
        copy(&mut self.clearable, at, mask);
        self
    }

    /// [`with`](Self::with), in place.
    pub fn define(&mut self, at: u8, reset: &[u8], mask: &[u8]) {
        copy(&mut self.bytes, at, reset);
        copy(&mut self.writable, at, mask);
    }

    /// The guest reads. Bytes beyond the block read as ones.
    pub fn read(&self, offset: u64, width: Width) -> u64 {
        let byte = |i: usize| self.bytes.get(at(offset, i)).copied().unwrap_or(0xff);
        let bytes = (0..width.bytes()).rev();
        bytes.fold(0, |value, i| value << 8 | u64::from(byte(i)))
    }

    /// The guest writes. What lies beyond the block is lost.
    pub fn write(&mut self, offset: u64, width: Width, value: u64) {
        for (i, value) in value.to_le_bytes()[..width.bytes()].iter().enumerate() {
            let at = at(offset, i);
            let Some(byte) = self.bytes.get_mut(at) else {
                return;
            };
            let (mask, clear) = (self.writable[at], self.clearable[at]);
            *byte = (*byte & !mask | value & mask) & !(value & clear);
        }
    }

    /// A byte as it is now; zero beyond the block.
    pub fn byte(&self, at: u8) -> u8 {
        self.bytes.get(usize::from(at)).copied().unwrap_or(0)
    }

    /// A word as it is now.
    pub fn word(&self, at: u8) -> u16 {
        u16::from_le_bytes([self.byte(at), self.byte(at.wrapping_add(1))])
    }

    /// A double word as it is now.
    pub fn dword(&self, at: u8) -> u32 {
        u32::from(self.word(at)) | u32::from(self.word(at.wrapping_add(2))) << 16
    }

    /// The chip itself sets a byte, whatever the guest may write there.
    pub fn set_byte(&mut self, at: u8, value: u8) {
        copy(&mut self.bytes, at, &[value]);
    }

    /// The chip itself sets a word.
    pub fn set_word(&mut self, at: u8, value: u16) {
        copy(&mut self.bytes, at, &value.to_le_bytes());
    }

    /// The chip itself sets a double word.
    pub fn set_dword(&mut self, at: u8, value: u32) {
        copy(&mut self.bytes, at, &value.to_le_bytes());
    }
}

impl<const N: usize> Default for Fields<N> {
    fn default() -> Self {
        Self::new()
    }
}

fn at(offset: u64, i: usize) -> usize {
    usize::try_from(offset).map_or(usize::MAX, |offset| offset.saturating_add(i))
}

fn copy(to: &mut [u8], at: u8, from: &[u8]) {
    for (to, from) in to.iter_mut().skip(at.into()).zip(from) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bit_is_fixed_or_written_or_cleared() {
        let mut fields = Fields::<4>::new()
            .with(0, &[0x12, 0x34], &[0x0f, 0xf0])
            .with_clearable(2, &[0x81]);
        fields.set_byte(2, 0xff);
        fields.write(0, Width::Dword, 0xffff_ffff);
        assert_eq!(fields.read(0, Width::Dword), 0x007e_f41f);
        fields.write(2, Width::Byte, 0);
        assert_eq!(fields.byte(2), 0x7e, "a zero clears nothing");
    }

    #[test]
    fn beyond_the_end_is_nothing() {
        let mut fields = Fields::<4>::new().with(0, &[0; 4], &[0xff; 4]);
        fields.write(3, Width::Dword, 0x1122_3344);
        assert_eq!(fields.read(3, Width::Dword), 0xffff_ff44);
        fields.write(u64::MAX, Width::Qword, 1);
        assert_eq!(fields.read(u64::MAX, Width::Word), 0xffff);
        assert_eq!(fields.word(3), 0x44);
    }
}
