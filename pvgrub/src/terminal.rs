//! The PV console as the loader's terminal.

#![forbid(unsafe_code)]

use core::future::ready;
use minios::executor::block_on;

use minios::executor::select::{Either, select};
use minios::{console, time};

use crate::net::Meter;
use crate::screen::Terminal;
use crate::typeahead::Typeahead;

/// One keyboard, one screen. Keys come in bursts (escape sequences, pasted
/// text), which are taken off the ring whole.
#[derive(Default)]
pub struct PvConsole {
    burst: [u8; 32],
    read: usize,
    taken: usize,
    typed: Typeahead,
}

impl PvConsole {
    /// The console; `typed` comes before what is typed now.
    #[must_use]
    pub fn new(typed: Typeahead) -> Self {
        PvConsole {
            typed,
            ..PvConsole::default()
        }
    }
}

impl Terminal for PvConsole {
    fn write(&mut self, bytes: &[u8]) {
        console::write(bytes);
    }

    fn read_key_byte(&mut self, deadline: Option<u64>) -> Option<u8> {
        if self.taken == self.read {
            if let Some(byte) = self.typed.take() {
                return Some(byte);
            }
            self.taken = 0;
            let input = console::read(&mut self.burst);
            self.read = match deadline {
                None => block_on(input),
                Some(deadline) => match block_on(select(input, time::sleep_until(deadline))) {
                    // No input can come any more: only time passes.
                    Either::First(0) => {
                        block_on(time::sleep_until(deadline));
                        0
                    }
                    Either::First(read) => read,
                    Either::Second(()) => 0,
                },
            };
        }
        let key = self.burst.get(..self.read)?.get(self.taken).copied()?;
        self.taken += 1;
        Some(key)
    }

    fn now(&self) -> u64 {
        time::now_ns()
    }
}

/// The PV console while a transfer has it: a line that is written over and
/// over, and whether a key waits.
#[derive(Default)]
pub struct TransferLine {
    typed: Typeahead,
}

impl TransferLine {
    /// The line; keys that it has no use for go to `typed`.
    #[must_use]
    pub fn new(typed: Typeahead) -> Self {
        TransferLine { typed }
    }
}

impl Meter for TransferLine {
    fn show(&mut self, line: &str) {
        console::write(b"\r");
        console::write(line.as_bytes());
        console::write(b"\x1b[K");
        if line.is_empty() {
            console::write(b"\r");
        }
    }

    fn key(&mut self) -> Option<u8> {
        let mut byte = [0];
        match block_on(select(console::read(&mut byte), ready(()))) {
            Either::First(1..) => byte.first().copied(),
            _ => None,
        }
    }

    fn keep(&mut self, key: u8) {
        self.typed.keep(key);
    }
}
