//! Pictures to be shown behind the menu.
//!
//! Whoever wrote the menu chose the file: everything in it is checked, and a
//! picture is never larger than the screen.

mod bmp;
mod xpm;

use super::colour::Rgb;
use super::paint::{HEIGHT, WIDTH};
use alloc::vec::Vec;
use core::fmt;

/// A picture.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    pixels: Vec<Rgb>,
}

/// Why a file is no picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PictureError {
    /// Neither of the kinds that are known.
    Unknown,
    /// So many pixels across and lines.
    Size(u64, u64),
    /// It ends too early.
    Short,
    /// What is wrong, in words, in which line of an XPM, counted from 1.
    Line(usize, &'static str),
    /// What is wrong with a BMP, in words.
    Bmp(&'static str),
    /// No memory for it.
    Memory,
}

impl fmt::Display for PictureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PictureError::Unknown => f.write_str("neither an XPM nor a BMP"),
            PictureError::Size(width, height) => write!(
                f,
                "{width}x{height} pixels, and not from 1x1 to {WIDTH}x{HEIGHT}"
            ),
            PictureError::Short => f.write_str("the picture ends too early"),
            PictureError::Line(line, what) => write!(f, "line {line} of the XPM: {what}"),
            PictureError::Bmp(what) => write!(f, "the BMP: {what}"),
            PictureError::Memory => f.write_str("no memory for the picture"),
        }
    }
}

impl core::error::Error for PictureError {}

impl Picture {
    /// A picture of these pixels, line by line. `None` if they are more or less
    /// than that.
    pub fn new(width: usize, height: usize, pixels: Vec<Rgb>) -> Option<Self> {
        let whole = width.checked_mul(height)? == pixels.len() && !pixels.is_empty();
        whole.then_some(Picture { width, pixels })
    }

    /// Reads a file of any kind.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(file: &[u8]) -> Result<Self, PictureError> {
        match file {
            [b'B', b'M', ..] => bmp::parse(file),
            _ if xpm::is_one(file) => xpm::parse(file),
            _ => Err(PictureError::Unknown),
        }
    }

    /// Pixels across.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Lines.
    pub fn height(&self) -> usize {
        self.pixels.len().checked_div(self.width).unwrap_or(0)
    }

    /// A pixel, if it is one of the picture's.
    pub fn at(&self, x: usize, y: usize) -> Option<Rgb> {
        if x >= self.width {
            return None;
        }
        let at = y.checked_mul(self.width)?.checked_add(x)?;
        self.pixels.get(at).copied()
    }
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picture({}x{})", self.width, self.height())
    }
}

/// Whether a picture of this size can be shown; how many pixels it has.
fn size(width: u64, height: u64) -> Result<usize, PictureError> {
    let fits = (1..=WIDTH as u64).contains(&width) && (1..=HEIGHT as u64).contains(&height);
    let pixels = width.checked_mul(height).filter(|_| fits);
    let pixels = pixels.and_then(|pixels| usize::try_from(pixels).ok());
    pixels.ok_or(PictureError::Size(width, height))
}

/// Room for so many pixels.
fn room(pixels: usize) -> Result<Vec<Rgb>, PictureError> {
    let mut room = Vec::new();
    room.try_reserve_exact(pixels)
        .map_err(|_| PictureError::Memory)?;
    Ok(room)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(size(640, 480), Ok(640 * 480));
        assert_eq!(size(1, 1), Ok(1));
        for (width, height) in [(0, 1), (1, 0), (641, 1), (1, 481), (u64::MAX, u64::MAX)] {
            let error = Err(PictureError::Size(width, height));
            assert_eq!(size(width, height), error);
        }
    }

    #[test]
    fn what_is_no_picture() {
        for file in [&b""[..], b"B", b"GIF89a", b"/* C */", b"\0\0\0\0"] {
            assert_eq!(Picture::parse(file), Err(PictureError::Unknown));
        }
        assert!(Picture::new(2, 2, vec![[0; 3]; 3]).is_none());
        let picture = Picture::new(2, 1, vec![[1; 3], [2; 3]]).unwrap();
        let seen = [(0, 0), (1, 0), (2, 0), (0, 1)].map(|(x, y)| picture.at(x, y));
        assert_eq!(seen, [Some([1; 3]), Some([2; 3]), None, None]);
    }
}
