//! Any file as the picture behind the menu: refused, or of a size that fits,
//! and drawn under text.

use pvgrub::screen::paint::{COLUMNS, HEIGHT, Look, Painter, WIDTH};
use pvgrub::screen::picture::Picture;
use pvgrub::screen::vt::BLANK;

pub fn fuzz(data: &[u8]) {
    let picture = match Picture::parse(data) {
        Ok(picture) => picture,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let (width, height) = (picture.width(), picture.height());
    assert!((1..=WIDTH).contains(&width) && (1..=HEIGHT).contains(&height));
    assert!(picture.at(width - 1, height - 1).is_some());
    assert!(picture.at(width, 0).is_none() && picture.at(0, height).is_none());
    let look = Look {
        picture: Some(picture),
        ..Look::default()
    };
    let mut painter = Painter::default();
    painter.draw(&look, 15, 0, &[BLANK; COLUMNS]);
}
