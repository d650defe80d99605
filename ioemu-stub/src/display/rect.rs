//! Rectangles of a picture, and a few of them gathered.

use alloc::vec::Vec;

/// A part of a picture, in pixels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rect {
    /// The first column.
    pub x: u32,
    /// The first line.
    pub y: u32,
    /// Columns.
    pub width: u32,
    /// Lines.
    pub height: u32,
}

impl Rect {
    /// What of it lies in a picture of this size; `None` if nothing does.
    pub fn within(self, width: u32, height: u32) -> Option<Rect> {
        let clipped = Rect {
            width: self.width.min(width.checked_sub(self.x)?),
            height: self.height.min(height.checked_sub(self.y)?),
            ..self
        };
        (clipped.width > 0 && clipped.height > 0).then_some(clipped)
    }

    /// The smallest one that holds both.
    fn around(self, other: Rect) -> Rect {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        let right = (self.x + self.width).max(other.x + other.width);
        let bottom = (self.y + self.height).max(other.y + other.height);
        Rect {
            x,
            y,
            width: right - x,
            height: bottom - y,
        }
    }

    fn holds(self, other: Rect) -> bool {
        self.around(other) == self
    }
}

/// More rectangles than this are one.
const MOST: usize = 32;

/// What is to be drawn anew.
#[derive(Clone, Default, Debug)]
pub struct Damage(Vec<Rect>);

impl Damage {
    /// One more part. It must be one of [`Rect::within`] a picture.
    pub fn add(&mut self, rect: Rect) {
        if self.0.iter().any(|old| old.holds(rect)) {
            return;
        }
        self.0.retain(|old| !rect.holds(*old));
        self.0.push(rect);
        if self.0.len() > MOST {
            let all = self.0.drain(..).reduce(Rect::around);
            self.0.extend(all);
        }
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets all of it.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Takes all of it.
    pub fn take(&mut self) -> Vec<Rect> {
        core::mem::take(&mut self.0)
    }
}
