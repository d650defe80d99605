//! Places made into movements.

/// Where the pointer was.
#[derive(Default)]
pub(super) struct Pointer {
    /// In the picture, in 1/256 of a pixel.
    last: Option<(i64, i64)>,
}

/// Steps in a pixel.
const STEPS: i64 = 256;

impl Pointer {
    /// The pointer is at `at` now: how many pixels that is from where it was.
    /// What is less than a pixel counts with the next movement.
    pub fn placed(&mut self, at: (i32, i32), range: (i32, i32), size: (u32, u32)) -> (i32, i32) {
        let place = |at: i32, range: i32, size: u32| {
            let range = i64::from(range.max(1));
            let at = i64::from(at).clamp(0, range);
            at * (i64::from(size.max(1)) - 1) * STEPS / range
        };
        let now = (place(at.0, range.0, size.0), place(at.1, range.1, size.1));
        let Some(last) = self.last else {
            self.last = Some(now);
            return (0, 0);
        };
        let (dx, dy) = ((now.0 - last.0) / STEPS, (now.1 - last.1) / STEPS);
        self.last = Some((last.0 + dx * STEPS, last.1 + dy * STEPS));
        // No picture is so large.
        (dx as i32, dy as i32)
    }
}
