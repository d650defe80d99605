//! Between a display adapter and those who look at it.
//!
//! ```text
//!   Vga (a Source) ──> Display: what changed, for whom ──> Viewer: xenfb, a screenshot, ...
//!                        ^ pace: when to look next
//! ```
//!
//! No picture is kept here: a viewer is told which parts changed and has them
//! drawn into its own memory, or takes them from display memory where they lie
//! there as they are ([`Geometry::direct`]).
//!
//! While nothing changes and nobody looks, nothing runs: see [`pace`].

pub mod pace;
mod rect;
mod screenshot;
pub mod task;
pub mod xenfb;

#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::task::Waker;
use core::time::Duration;

use crate::vga::Blink;
pub use rect::{Damage, Rect};
pub use screenshot::Screenshot;

/// What there is to look at.
pub trait Source {
    /// Its size as of the last [`Self::collect`].
    fn geometry(&self) -> Geometry;

    /// What looks different since the last call. Where the geometry is another
    /// one, everything does.
    fn collect(&mut self, blink: Blink) -> Vec<Rect>;

    /// Hands over the pixels (XRGB8888) of a part, line by line, with the place
    /// where each line begins.
    fn draw(&self, part: Rect, sink: &mut dyn FnMut(u32, u32, &[u32]));

    /// Whether it may change without waking anybody, so that looking is the
    /// only way to know.
    fn changes_unseen(&self) -> bool;

    /// Whether something in it blinks.
    fn blinks(&self) -> bool;

    /// Whether it told of a change since the last [`Self::collect`]. If not,
    /// `waker` is woken at the next one.
    fn poll_change(&mut self, waker: &Waker) -> bool;
}

/// The size of a picture, and where it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Geometry {
    /// Pixels across.
    pub width: u32,
    /// Lines.
    pub height: u32,
    /// Where it lies in display memory, if it lies there pixel by pixel.
    pub direct: Option<Direct>,
}

/// A picture in display memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Direct {
    /// What a pixel is.
    pub format: PixelFormat,
    /// Of the first pixel, in bytes.
    pub offset: u64,
    /// From line to line, in bytes.
    pub stride: u64,
}

/// What a pixel in memory is; little-endian.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PixelFormat {
    /// Four bytes: blue, green, red, nothing.
    Xrgb8888,
    /// Two bytes: blue in the lowest five bits, green in six, red in five.
    Rgb565,
}

impl PixelFormat {
    /// Bits of a pixel.
    pub const fn bits(self) -> u8 {
        match self {
            PixelFormat::Xrgb8888 => 32,
            PixelFormat::Rgb565 => 16,
        }
    }
}

/// Whether somebody looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Attention {
    /// Nobody does.
    Nobody,
    /// Somebody does, and will not see more than one picture in this time.
    Every(Duration),
}

/// Somebody who looks.
pub trait Viewer {
    /// Whether it looks now.
    fn attention(&self) -> Attention;

    /// Whether it can take something now. Until then changes gather.
    fn is_ready(&self) -> bool;

    /// Shows these parts of `source`. At first, and whenever `source` has
    /// another geometry, they are all of it.
    fn show(&mut self, source: &dyn Source, damage: &[Rect]);
}

/// A viewer, and what it has not yet seen.
struct Seat {
    viewer: Box<dyn Viewer>,
    damage: Damage,
    geometry: Option<Geometry>,
}

/// A source and its viewers.
pub struct Display {
    source: Rc<RefCell<dyn Source>>,
    seats: Vec<Seat>,
}

impl Display {
    /// A display that nobody looks at yet.
    pub fn new(source: Rc<RefCell<dyn Source>>) -> Self {
        Display {
            source,
            seats: Vec::new(),
        }
    }

    /// One more viewer.
    pub fn add(&mut self, viewer: Box<dyn Viewer>) {
        self.seats.push(Seat {
            viewer,
            damage: Damage::default(),
            geometry: None,
        });
    }

    /// Whether, and how often, somebody looks: the most attentive of all.
    pub fn attention(&self) -> Attention {
        let periods = self
            .seats
            .iter()
            .filter_map(|seat| match seat.viewer.attention() {
                Attention::Nobody => None,
                Attention::Every(period) => Some(period),
            });
        periods.min().map_or(Attention::Nobody, Attention::Every)
    }

    /// Whether somebody has not seen everything yet, for not being ready.
    pub fn is_behind(&self) -> bool {
        let looks = |seat: &&Seat| seat.viewer.attention() != Attention::Nobody;
        let mut looking = self.seats.iter().filter(looks);
        looking.any(|seat| !seat.damage.is_empty() || seat.geometry.is_none())
    }

    /// The source, for whoever waits for its changes.
    pub fn source(&self) -> &Rc<RefCell<dyn Source>> {
        &self.source
    }

    /// Looks once, and shows what changed to those who are ready. Says whether
    /// anything had changed.
    pub fn look(&mut self, blink: Blink) -> bool {
        let changes = self.source.borrow_mut().collect(blink);
        let source = self.source.borrow();
        let geometry = source.geometry();
        for seat in &mut self.seats {
            for rect in &changes {
                seat.damage.add(*rect);
            }
            seat.show(&*source, geometry);
        }
        !changes.is_empty()
    }
}

impl Seat {
    fn show(&mut self, source: &dyn Source, geometry: Geometry) {
        if self.viewer.attention() == Attention::Nobody || !self.viewer.is_ready() {
            return;
        }
        if self.geometry != Some(geometry) {
            self.geometry = Some(geometry);
            self.damage.clear();
            self.damage.add(Rect {
                x: 0,
                y: 0,
                width: geometry.width,
                height: geometry.height,
            });
        }
        if self.damage.is_empty() {
            return;
        }
        let parts = self.damage.take();
        self.viewer.show(source, &parts);
    }
}
