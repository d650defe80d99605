//! The loader's terminal: the PV console, and the frame buffer if there is one.

#![forbid(unsafe_code)]

use core::cell::Cell;
use core::future::{Future, pending, ready};
use minios::executor::block_on;

use alloc::rc::Rc;
use minios::executor::select::{Either, select};
use minios::{console, time};

use crate::net::Meter;
use crate::screen::paint::Look;
use crate::screen::{Outputs, Terminal};
use crate::typeahead::Typeahead;
use crate::vfb::Vfb;

/// Bytes that are taken at once.
type Burst = [u8; 32];

/// The screens and keyboards of the guest. Everything is shown on all of them
/// at once, and keys come from all of them.
#[derive(Clone, Default)]
pub struct Screens {
    vfb: Option<Vfb>,
    /// The menu is not on the PV console, by the guest's or the menu's word.
    silent: Rc<Cell<bool>>,
}

impl Screens {
    /// The PV console, and `vfb`.
    pub fn new(vfb: Option<Vfb>) -> Self {
        Screens {
            vfb,
            silent: Rc::default(),
        }
    }

    /// Whether the PV console is one of them. It is when no other is there.
    fn has_console(&self) -> bool {
        !self.silent.get() || !self.vfb.as_ref().is_some_and(Vfb::is_connected)
    }

    fn write(&self, bytes: &[u8]) {
        if self.has_console() {
            console::write(bytes);
        }
        if let Some(vfb) = &self.vfb {
            vfb.write(bytes);
        }
    }

    /// Waits for keys of any keyboard, and takes what fits of their bytes.
    async fn read(&self, to: &mut [u8]) -> usize {
        let mut keys = Burst::default();
        let most = to.len().min(keys.len());
        let typed = async {
            loop {
                let read = console::read(to).await;
                // No input can come from there any more.
                if read == 0 && self.vfb.is_some() {
                    pending::<()>().await;
                }
                // What is typed where no menu is seen does not count.
                if read == 0 || self.has_console() {
                    return read;
                }
            }
        };
        let pressed = async {
            match &self.vfb {
                Some(vfb) => vfb.read(keys.get_mut(..most).unwrap_or_default()).await,
                None => pending().await,
            }
        };
        match select(typed, pressed).await {
            Either::First(read) => read,
            Either::Second(read) => {
                for (place, key) in to.iter_mut().zip(keys) {
                    *place = key;
                }
                read
            }
        }
    }
}

/// A terminal on all screens. Keys come in bursts (escape sequences, pasted
/// text), which are taken off the ring whole.
#[derive(Default)]
pub struct Everywhere {
    screens: Screens,
    burst: Burst,
    read: usize,
    taken: usize,
    typed: Typeahead,
}

impl Everywhere {
    /// One on these; `typed` comes before what is typed now.
    pub fn new(screens: Screens, typed: Typeahead) -> Self {
        Everywhere {
            screens,
            typed,
            ..Everywhere::default()
        }
    }

    fn fill(&mut self, until: impl Future<Output = ()>) -> bool {
        match block_on(select(self.screens.read(&mut self.burst), until)) {
            Either::First(read) => {
                self.read = read;
                true
            }
            Either::Second(()) => {
                self.read = 0;
                false
            }
        }
    }
}

impl Terminal for Everywhere {
    fn write(&mut self, bytes: &[u8]) {
        self.screens.write(bytes);
    }

    fn read_key_byte(&mut self, deadline: Option<u64>) -> Option<u8> {
        if self.taken == self.read {
            if let Some(byte) = self.typed.take() {
                return Some(byte);
            }
            self.taken = 0;
            match deadline {
                None => drop(self.fill(pending())),
                Some(deadline) => {
                    // No input can come any more: only time passes.
                    if self.fill(time::sleep_until(deadline)) && self.read == 0 {
                        block_on(time::sleep_until(deadline));
                    }
                }
            }
        }
        let key = self.burst.get(..self.read)?.get(self.taken).copied()?;
        self.taken += 1;
        Some(key)
    }

    fn now(&self) -> u64 {
        time::now_ns()
    }

    fn has_graphics(&self) -> bool {
        self.screens.vfb.is_some()
    }

    fn dress(&mut self, change: &mut dyn FnMut(&mut Look)) {
        if let Some(vfb) = &self.screens.vfb {
            vfb.dress(change);
        }
    }

    fn select(&mut self, outputs: Outputs) -> bool {
        let Some(vfb) = &self.screens.vfb else {
            return outputs.console;
        };
        self.screens.silent.set(!outputs.console);
        vfb.choose(outputs.graphics);
        true
    }
}

/// The screens while a transfer has them: a line that is written over and
/// over, and whether a key waits.
pub struct TransferLine {
    screens: Screens,
    typed: Typeahead,
}

impl TransferLine {
    /// The line on these; keys that it has no use for go to `typed`.
    pub fn new(screens: Screens, typed: Typeahead) -> Self {
        TransferLine { screens, typed }
    }
}

impl Meter for TransferLine {
    fn show(&mut self, line: &str) {
        self.screens.write(b"\r");
        self.screens.write(line.as_bytes());
        self.screens.write(b"\x1b[K");
        if line.is_empty() {
            self.screens.write(b"\r");
        }
    }

    fn key(&mut self) -> Option<u8> {
        let mut byte = [0];
        match block_on(select(self.screens.read(&mut byte), ready(()))) {
            Either::First(1..) => byte.first().copied(),
            _ => None,
        }
    }

    fn keep(&mut self, key: u8) {
        self.typed.keep(key);
    }
}
