//! The terminal of the frame buffer on any bytes: whoever draws only what it
//! tells as changed has the same screen in the end as who draws all of it.
//!
//! The first two bytes are the size; then come the bytes to write, in pieces
//! that 0xff ends.

use pvgrub::screen::paint::{Look, Painter};
use pvgrub::screen::vt::{Cell, Vt};

pub fn fuzz(data: &[u8]) {
    let [columns, rows, data @ ..] = data else {
        return;
    };
    let (columns, rows) = (usize::from(columns % 81), usize::from(rows % 31));
    let mut vt = Vt::new(columns, rows);
    let (columns, rows) = (vt.columns(), vt.rows());
    let mut seen: Vec<Vec<Cell>> = Vec::new();
    for span in vt.everything() {
        seen.push(vt.cells(span).to_vec());
    }
    let mut painter = Painter::default();
    for piece in data.split(|&byte| byte == 0xff).take(64) {
        vt.write(piece);
        for span in vt.changes() {
            assert!(span.from < span.to && span.to <= columns && span.row < rows);
            let cells = vt.cells(span);
            assert_eq!(cells.len(), span.to - span.from);
            seen[span.row][span.from..span.to].copy_from_slice(cells);
            painter.draw(&Look::default(), span.row, span.from, cells);
            assert!(painter.lines().all(|line| line.len() == cells.len() * 32));
        }
        assert!(vt.changes().is_empty());
    }
    let all = vt.everything();
    assert_eq!(all.len(), rows);
    let mut cursors = 0;
    for (span, row) in all.into_iter().zip(&seen) {
        assert_eq!(vt.cells(span), row);
        cursors += row.iter().filter(|cell| cell.cursor).count();
        assert!(row.iter().all(|cell| !cell.text.is_control()));
    }
    assert_eq!(cursors, 1);
}
