//! A picture to keep: for tests, and for whoever asks for a screen dump.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use super::{Rect, Source};

/// A still picture.
#[derive(Clone, PartialEq, Eq)]
pub struct Screenshot {
    /// Pixels across.
    pub width: u32,
    /// Lines.
    pub height: u32,
    /// XRGB8888, line by line.
    pub pixels: Vec<u32>,
}

impl Screenshot {
    /// What `source` shows as of its last [`Source::collect`].
    pub fn of(source: &dyn Source) -> Self {
        let geometry = source.geometry();
        let (width, height) = (geometry.width, geometry.height);
        let mut shot = Screenshot {
            width,
            height,
            pixels: vec![0; width as usize * height as usize],
        };
        let all = Rect {
            x: 0,
            y: 0,
            width,
            height,
        };
        shot.update(source, all);
        shot
    }

    /// Draws a part anew.
    pub fn update(&mut self, source: &dyn Source, part: Rect) {
        let width = self.width as usize;
        source.draw(part, &mut |x, y, line| {
            let at = y as usize * width + x as usize;
            if let Some(place) = self.pixels.get_mut(at..at + line.len()) {
                place.copy_from_slice(line);
            }
        });
    }

    /// The colour at a place; 0 outside.
    pub fn pixel(&self, x: u32, y: u32) -> u32 {
        let at = y as usize * self.width as usize + x as usize;
        let inside = x < self.width && y < self.height;
        self.pixels.get(at).copied().filter(|_| inside).unwrap_or(0)
    }

    /// As a portable pixmap (`P6`).
    pub fn ppm(&self) -> Vec<u8> {
        let mut file = format!("P6\n{} {}\n255\n", self.width, self.height).into_bytes();
        for pixel in &self.pixels {
            let [_, red, green, blue] = pixel.to_be_bytes();
            file.extend([red, green, blue]);
        }
        file
    }
}
