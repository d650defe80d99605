//! BMP, read by `tinybmp`; what it is not careful with is looked at before.

use super::{Picture, PictureError, room, size};
use crate::screen::colour::Rgb;
use alloc::vec::Vec;
use core::convert::Infallible;
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::*;
use tinybmp::{Bmp, ParseError};

/// Where the second header begins, with its length (BITMAPINFOHEADER).
const INFO: usize = 14;
/// Length of the header of OS/2, which has shorter numbers.
const CORE: u32 = 12;

pub fn parse(file: &[u8]) -> Result<Picture, PictureError> {
    let (width, height) = sides(file).ok_or(PictureError::Short)?;
    let pixels = size(width, height)?;
    let bmp: Bmp<'_, Rgb888> = Bmp::from_slice(file).map_err(why)?;
    let mut canvas = Canvas {
        width: usize::try_from(width).unwrap_or(0),
        height: usize::try_from(height).unwrap_or(0),
        pixels: room(pixels)?,
    };
    canvas.pixels.resize(pixels, [0; 3]);
    let Ok(()) = bmp.draw(&mut canvas);
    Picture::new(canvas.width, canvas.height, canvas.pixels).ok_or(PictureError::Short)
}

/// What the picture is drawn on.
struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<Rgb>,
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
        Size::new(side(self.width), side(self.height))
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Infallible>
    where
        I: IntoIterator<Item = Pixel<Rgb888>>,
    {
        for Pixel(place, colour) in pixels {
            let place = usize::try_from(place.x)
                .ok()
                .filter(|&x| x < self.width)
                .zip(usize::try_from(place.y).ok());
            let place = place.and_then(|(x, y)| y.checked_mul(self.width)?.checked_add(x));
            if let Some(pixel) = place.and_then(|place| self.pixels.get_mut(place)) {
                *pixel = [colour.r(), colour.g(), colour.b()];
            }
        }
        Ok(())
    }
}

/// Width and height as the header has them; a height below 0 only tells that
/// the first line is the top one.
fn sides(file: &[u8]) -> Option<(u64, u64)> {
    let word = |at: usize| Some(i32::from_le_bytes(*file.get(at..)?.first_chunk()?));
    if word(INFO)?.cast_unsigned() == CORE {
        let short = |at: usize| Some(u16::from_le_bytes(*file.get(at..)?.first_chunk()?));
        return Some((short(INFO + 4)?.into(), short(INFO + 6)?.into()));
    }
    let width = u64::try_from(word(INFO + 4)?).unwrap_or(0);
    Some((width, word(INFO + 8)?.unsigned_abs().into()))
}

fn why(error: ParseError) -> PictureError {
    match error {
        ParseError::UnexpectedEndOfFile => PictureError::Short,
        ParseError::UnsupportedBpp(_) => {
            PictureError::Bmp("pixels of other than 1, 4, 8, 16, 24 or 32 bits")
        }
        ParseError::UnsupportedCompressionMethod(_) => {
            PictureError::Bmp("compressed otherwise than by RLE")
        }
        _ => PictureError::Bmp("a header that makes no sense"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of 2x2 pixels with 24 bits, the lower line first, as MSDN has
    /// it: red and green below blue and white.
    fn file() -> Vec<u8> {
        let mut file = b"BM".to_vec();
        file.extend([70, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0]);
        file.extend([40, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 24, 0]);
        file.extend([0; 24]);
        file.extend([0, 0, 255, 0, 255, 0, 0, 0]);
        file.extend([255, 0, 0, 255, 255, 255, 0, 0]);
        file
    }

    #[test]
    fn a_picture() {
        let picture = Picture::parse(&file()).unwrap();
        let seen = [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(x, y)| picture.at(x, y).unwrap());
        assert_eq!(seen, [[0, 0, 255], [255; 3], [255, 0, 0], [0, 255, 0]]);
        // The upper line first.
        let mut file = file();
        file[22..26].copy_from_slice(&(-2i32).to_le_bytes());
        let picture = Picture::parse(&file).unwrap();
        assert_eq!(picture.at(0, 0), Some([255, 0, 0]));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let change = |at: usize, bytes: &[u8]| {
            let mut file = file();
            file[at..at + bytes.len()].copy_from_slice(bytes);
            Picture::parse(&file)
        };
        for (at, bytes, error) in [
            (18, &641u32.to_le_bytes()[..], PictureError::Size(641, 2)),
            (18, &(-2i32).to_le_bytes(), PictureError::Size(0, 2)),
            (22, &i32::MIN.to_le_bytes(), PictureError::Size(2, 1 << 31)),
            (22, &3u32.to_le_bytes(), PictureError::Short),
            (10, &u32::MAX.to_le_bytes(), PictureError::Short),
        ] {
            assert_eq!(change(at, bytes), Err(error), "{at}: {bytes:?}");
        }
        assert!(matches!(change(28, &[7]), Err(PictureError::Bmp(_))));
        assert!(matches!(change(30, &[9]), Err(PictureError::Bmp(_))));
        for length in 0..file().len() {
            assert!(Picture::parse(&file()[..length]).is_err(), "{length}");
        }
    }
}
