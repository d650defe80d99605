//! When to look at a display next.
//!
//! Text and planes tell of each change, so nothing has to be looked for. A
//! linear frame buffer is memory of the guest's: a change of it is found only
//! by asking Xen which pages were written. How often:
//!
//! - never, while no viewer looks;
//! - 30 times a second at most, less if the viewer takes less;
//! - half as often after each look that found nothing, down to the viewer's own
//!   slowest pace; at once again after a change, a register write or an input.
//!
//! What blinks does so only as long as something else happened a short while
//! ago; then it rests, shown.

use core::time::Duration;

use super::Attention;
use crate::vga::Blink;

/// No picture lasts shorter: 30 Hz.
pub const SHORTEST: Duration = Duration::from_millis(33);
/// Without a viewer's word, looks that find nothing are at most so far apart.
const LONGEST: Duration = Duration::from_secs(1);
/// The cursor is shown so long, and then not: eight of 60 frames a second.
const CURSOR: Duration = Duration::from_millis(267);
/// Blinking goes on so long after the last change.
const LIVELY: Duration = Duration::from_secs(10);

/// Remembers what was found, and says when to look next. Times are nanoseconds.
#[derive(Debug)]
pub struct Pace {
    last_look: Option<u64>,
    last_change: Option<u64>,
    interval: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Pace {
            last_look: None,
            last_change: None,
            interval: SHORTEST,
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// What the next look depends on.
#[derive(Clone, Copy, Debug)]
pub struct Situation {
    /// Who looks.
    pub attention: Attention,
    /// The source can change unseen.
    pub unseen: bool,
    /// Something in it blinks.
    pub blinks: bool,
}

impl Pace {
    /// A look has ended; `changed`: it found something.
    pub fn looked(&mut self, now: u64, changed: bool) {
        if changed {
            self.last_change = Some(now);
            self.interval = SHORTEST;
        } else {
            self.interval = self.interval.saturating_mul(2);
        }
        self.last_look = Some(now);
    }

    /// There is reason to believe that something will change soon.
    pub fn stir(&mut self) {
        self.interval = SHORTEST;
    }

    /// The earliest time for a look that something asks for.
    pub fn not_before(&self) -> u64 {
        self.last_look
            .map_or(0, |last| last.saturating_add(nanoseconds(SHORTEST)))
    }

    /// When to look although nothing asks for it; `None`: not at all.
    pub fn next(&self, situation: Situation) -> Option<u64> {
        let Attention::Every(period) = situation.attention else {
            return None;
        };
        let last = self.last_look.unwrap_or(0);
        let unseen = situation.unseen.then(|| {
            let interval = self.interval.clamp(SHORTEST, period.max(LONGEST));
            last.saturating_add(nanoseconds(interval))
        });
        let blinking = situation.blinks && self.is_lively(last);
        let half = nanoseconds(CURSOR);
        let blink = blinking.then(|| (last / half).saturating_add(1).saturating_mul(half));
        [unseen, blink].into_iter().flatten().min()
    }

    fn is_lively(&self, now: u64) -> bool {
        let lively = nanoseconds(LIVELY);
        // The look after that time is the last one, which finds all at rest.
        self.last_change
            .is_some_and(|change| now.saturating_sub(change) < lively)
    }

    /// How blinking things look now.
    pub fn blink(&self, now: u64) -> Blink {
        if !self.is_lively(now) {
            return Blink::REST;
        }
        let halves = now / nanoseconds(CURSOR);
        Blink {
            cursor: halves & 1 == 0,
            characters: halves & 2 == 0,
        }
    }
}
