//! The backend of a PV console: takes what is shown, types what it is told.

use crate::ring::{ByteReader, ByteWriter, CONSOLE_IN, CONSOLE_OUT, Memory, RingError};
use alloc::vec;
use alloc::vec::Vec;

/// A console daemon with one console.
#[derive(Debug)]
pub struct ConsoleBackend<M> {
    page: M,
    out: ByteReader,
    input: ByteWriter,
    shown: Vec<u8>,
}

impl<M: Memory> ConsoleBackend<M> {
    /// On a page.
    pub fn new(page: M) -> Self {
        let (out, input) = (
            ByteReader::attach(CONSOLE_OUT, &page),
            ByteWriter::attach(CONSOLE_IN, &page),
        );
        Self {
            page,
            out,
            input,
            shown: Vec::new(),
        }
    }

    /// Takes at most `max` bytes of output and says how many.
    ///
    /// # Errors
    /// If the guest's index makes no sense.
    pub fn collect(&mut self, max: usize) -> Result<usize, RingError> {
        let mut some = vec![0; max];
        let n = self.out.read(&self.page, &mut some)?;
        self.shown
            .extend_from_slice(some.get(..n).unwrap_or_default());
        Ok(n)
    }

    /// Types as many of `bytes` as there is room for.
    ///
    /// # Errors
    /// If the guest's index makes no sense.
    pub fn type_bytes(&mut self, bytes: &[u8]) -> Result<usize, RingError> {
        self.input.write(&self.page, bytes)
    }

    /// Everything collected so far.
    pub fn shown(&self) -> &[u8] {
        &self.shown
    }
}
