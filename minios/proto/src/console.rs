//! The PV console: a ring of bytes each way in one page (`io/console.h`).

use crate::ring::{ByteReader, ByteWriter, CONSOLE_IN, CONSOLE_OUT, Memory, RingError};

/// The guest's end of a console page.
#[derive(Debug)]
pub struct Console {
    out: ByteWriter,
    input: ByteReader,
}

impl Console {
    /// Goes on where the page's last guest (the domain builder, a loader) stopped.
    pub fn attach(page: &impl Memory) -> Self {
        Self {
            out: ByteWriter::attach(CONSOLE_OUT, page),
            input: ByteReader::attach(CONSOLE_IN, page),
        }
    }

    /// Writes what fits and says how much; if more than 0, notify the backend.
    ///
    /// # Errors
    /// [`RingError::Overrun`] if the backend's index makes no sense.
    pub fn write(&mut self, page: &impl Memory, bytes: &[u8]) -> Result<usize, RingError> {
        self.out.write(page, bytes)
    }

    /// Bytes the backend has not taken yet.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn queued(&self, page: &impl Memory) -> Result<usize, RingError> {
        self.out.queued(page)
    }

    /// Takes what was typed; if more than 0 bytes, notify the backend: it may wait for room.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn read(&mut self, page: &impl Memory, to: &mut [u8]) -> Result<usize, RingError> {
        self.input.read(page, to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mock::{ConsoleBackend, Page};
    use alloc::vec::Vec;

    #[test]
    fn no_byte_is_lost_either_way() {
        let page = Page::new(4096);
        let mut backend = ConsoleBackend::new(page.clone());
        let mut console = Console::attach(&page);
        let text: Vec<u8> = (0..9000u32).map(|i| (i % 251) as u8).collect();
        let (mut sent, mut typed) = (0, 0);
        let mut echoed = Vec::new();
        while echoed.len() < text.len() {
            sent += console.write(&page, &text[sent..]).unwrap();
            typed += backend.type_bytes(&text[typed..]).unwrap();
            let mut some = [0; 333];
            let n = console.read(&page, &mut some).unwrap();
            echoed.extend_from_slice(&some[..n]);
            backend.collect(777).unwrap();
        }
        while sent < text.len() || console.queued(&page).unwrap() > 0 {
            sent += console.write(&page, &text[sent..]).unwrap();
            backend.collect(777).unwrap();
        }
        assert_eq!((echoed, backend.shown()), (text.clone(), &text[..]));
    }

    #[test]
    fn a_second_guest_goes_on() {
        let page = Page::new(4096);
        let mut backend = ConsoleBackend::new(page.clone());
        Console::attach(&page).write(&page, b"loader\n").unwrap();
        backend.type_bytes(b"ab").unwrap();
        let mut first = [0; 1];
        Console::attach(&page).read(&page, &mut first).unwrap();
        let mut kernel = Console::attach(&page);
        kernel.write(&page, b"kernel\n").unwrap();
        assert_eq!((kernel.read(&page, &mut first), first), (Ok(1), *b"b"));
        backend.collect(4096).unwrap();
        assert_eq!(backend.shown(), b"loader\nkernel\n");
    }
}
