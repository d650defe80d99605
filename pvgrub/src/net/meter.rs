//! What a person sees of a transfer, and the key that ends it.

use alloc::format;
use alloc::string::String;

/// The line that tells of a transfer, and the keyboard beside it.
pub trait Meter {
    /// Shows `line` in the place of the one shown before; an empty one clears it.
    fn show(&mut self, line: &str);

    /// A byte that was typed, if there is one; does not wait.
    fn key(&mut self) -> Option<u8>;

    /// Keeps a byte of [`key`](Meter::key) that ends nothing, for whoever
    /// listens next.
    fn keep(&mut self, key: u8);
}

/// Bytes of the keyboard that are looked at in one go.
pub(super) const BURST: usize = 256;

/// ^C.
pub(super) const END: u8 = 3;

const SECOND: u64 = 1_000_000_000;

/// A transfer in the eyes of the one who waits for it.
pub(super) struct Progress {
    /// What it is called on the line.
    name: String,
    /// Bytes in all, if known.
    total: Option<u64>,
    begun: u64,
    shown: u64,
}

impl Progress {
    pub fn new(name: &str, total: Option<u64>, now: u64) -> Self {
        let skipped = name.chars().count().saturating_sub(36);
        let mut short: String = name.chars().skip(skipped).collect();
        if skipped > 0 {
            short.insert_str(0, "...");
        }
        Progress {
            name: short,
            total,
            begun: now,
            shown: now,
        }
    }

    /// Shows the line if it is time to: what is quick is not told.
    pub fn tell(&mut self, meter: &mut dyn Meter, received: u64, now: u64) {
        if now.saturating_sub(self.shown) < SECOND {
            return;
        }
        self.shown = now;
        let total = match self.total {
            Some(total) => format!(" of {}", mebibytes(total)),
            None => String::new(),
        };
        meter.show(&format!(
            "   {}: {}{total} MiB, {} KiB/s, ^C ends",
            self.name,
            mebibytes(received),
            self.rate(received, now)
        ));
    }

    /// KiB per second so far.
    pub fn rate(&self, received: u64, now: u64) -> u64 {
        let millis = (now.saturating_sub(self.begun) / 1_000_000).max(1);
        received.saturating_mul(1000) / millis / 1024
    }
}

impl Progress {
    /// Takes the line away.
    pub fn clear(&self, meter: &mut dyn Meter) {
        if self.shown != self.begun {
            meter.show("");
        }
    }
}

fn mebibytes(bytes: u64) -> String {
    let tenths = bytes.saturating_mul(10) >> 20;
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// Notices that next to nothing comes any more.
pub(super) struct Pace {
    since: u64,
    received: u64,
}

/// So many bytes have to come in so much time.
const LEAST: u64 = 8 << 10;
const SPAN: u64 = 30;

impl Pace {
    pub fn new(received: u64, now: u64) -> Self {
        Pace {
            since: now,
            received,
        }
    }

    /// Looks at it at `now`.
    ///
    /// # Errors
    /// Silent, or as good as that.
    pub fn check(&mut self, received: u64, now: u64) -> Result<(), super::NetError> {
        if now.saturating_sub(self.since) < SPAN.saturating_mul(SECOND) {
            return Ok(());
        }
        match received.saturating_sub(self.received) {
            0 => Err(super::NetError::Silent),
            bytes if bytes < LEAST => Err(super::NetError::Slow {
                bytes,
                seconds: SPAN,
            }),
            _ => {
                *self = Pace::new(received, now);
                Ok(())
            }
        }
    }
}
