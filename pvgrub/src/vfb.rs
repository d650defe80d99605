//! The guest's frame buffer and its keyboard: a second terminal beside the PV
//! console.
//!
//! Everything that is written to the console is written here as well, and
//! shown once the backend has answered; a backend that never does is not
//! waited for. What changed is drawn as it is written, into memory that the
//! backend looks at, and the backend is told where; while nothing changes,
//! nothing happens.

#![forbid(unsafe_code)]

use alloc::collections::VecDeque;
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::future::poll_fn;
use core::pin::pin;
use core::task::{Poll, Waker};
use core::time::Duration;

use minios::executor::select::{Either, select};
use minios::executor::{self, JoinHandle, join};
use minios::frontend::fb::{self, FrameBuffer, Layout, Setup};
use minios::frontend::kbd;
use minios::time;
use minios::xenstore::Store;

use crate::screen::keymap;
use crate::screen::paint::{
    CELL_HEIGHT, CELL_WIDTH, COLUMNS, HEIGHT, Look, Painter, ROWS, STRIDE, WIDTH,
};
use crate::screen::vt::{BLANK, Span, Vt};

/// Bytes of keys that may wait to be read.
const WAITING: usize = 1024;

/// A backend that had no room for what there was to tell is tried again so
/// often.
const AGAIN: Duration = Duration::from_millis(50);

/// The frame buffer and its keyboard.
#[derive(Clone)]
pub struct Vfb(Rc<Shared>);

struct Shared {
    state: RefCell<State>,
    store: Store,
    number: u32,
    keyboard: Option<u32>,
    started: Cell<bool>,
    tasks: Cell<Option<(JoinHandle<()>, JoinHandle<()>)>>,
}

/// Those who wait for something.
#[derive(Default)]
struct Waiting(Vec<Waker>);

impl Waiting {
    fn add(&mut self, waker: &Waker) {
        if !self.0.iter().any(|known| known.will_wake(waker)) {
            self.0.push(waker.clone());
        }
    }

    fn wake(&mut self) {
        self.0.drain(..).for_each(Waker::wake);
    }
}

struct State {
    vt: Vt,
    look: Look,
    painter: Painter,
    /// Connected.
    buffer: Option<Rc<FrameBuffer>>,
    /// Its backend has seen nothing yet, or nothing of this look.
    fresh: bool,
    /// The backend had no room for all that there was to tell.
    behind: bool,
    /// The menu is here, by the guest's or the menu's word.
    chosen: bool,
    keyboard: keymap::Keyboard,
    keys: VecDeque<u8>,
    reader: Waiting,
    /// It is over: the next kernel comes.
    closing: bool,
    tasks: Waiting,
}

impl State {
    /// Draws what changed, and tells the backend where.
    fn draw(&mut self) {
        let Some(buffer) = &self.buffer else {
            return;
        };
        let told = buffer.wants_updates();
        self.behind = told && (buffer.room() as usize) < ROWS;
        if self.behind || (!self.chosen && !self.fresh) {
            return;
        }
        let above = self.look.above;
        let all = core::mem::take(&mut self.fresh);
        let spans = match all {
            true => self.vt.everything(),
            false => self.vt.changes(),
        };
        let blank = vec![BLANK; if all { COLUMNS } else { 0 }];
        if all {
            for row in 0..ROWS {
                paint(&mut self.painter, buffer, &self.look, (row, 0), &blank);
            }
        }
        for span in spans.iter().filter(|_| self.chosen) {
            let place = (above.saturating_add(span.row), span.from);
            let cells = self.vt.cells(*span);
            paint(&mut self.painter, buffer, &self.look, place, cells);
        }
        if !told {
            return;
        }
        let areas = match all {
            true => vec![(0, ROWS, 0, COLUMNS)],
            false => merged(&spans, above),
        };
        for (row, rows, from, to) in areas {
            let pixels = |cells: usize, size: usize| {
                u32::try_from(cells.saturating_mul(size)).unwrap_or(u32::MAX)
            };
            // There was room; a failure ends the task.
            let _ = buffer.update(
                pixels(from, CELL_WIDTH),
                pixels(row, CELL_HEIGHT),
                pixels(to.saturating_sub(from), CELL_WIDTH),
                pixels(rows, CELL_HEIGHT),
            );
        }
    }

    fn key(&mut self, code: u32, down: bool) {
        let sent = self.keyboard.key(code, down);
        if self.chosen && self.keys.len() < WAITING {
            self.keys.extend(sent.bytes());
            self.reader.wake();
        }
    }
}

/// Draws cells into the frame buffer, the first at this row and column.
fn paint(
    painter: &mut Painter,
    buffer: &FrameBuffer,
    look: &Look,
    (row, column): (usize, usize),
    cells: &[crate::screen::vt::Cell],
) {
    painter.draw(look, row, column, cells);
    let begin = row
        .saturating_mul(CELL_HEIGHT * STRIDE)
        .saturating_add(column.saturating_mul(CELL_WIDTH * 4));
    for (line, pixels) in painter.lines().enumerate() {
        let offset = begin.saturating_add(line.saturating_mul(STRIDE));
        buffer.write(offset, pixels);
    }
}

/// Spans as areas: row of the screen, rows, first column, column behind the
/// last. Those below each other that are as wide are one.
fn merged(spans: &[Span], above: usize) -> Vec<(usize, usize, usize, usize)> {
    let mut areas: Vec<(usize, usize, usize, usize)> = Vec::new();
    for span in spans {
        let row = above.saturating_add(span.row);
        match areas.last_mut() {
            Some((first, rows, from, to))
                if first.saturating_add(*rows) == row && (*from, *to) == (span.from, span.to) =>
            {
                *rows = rows.saturating_add(1);
            }
            _ => areas.push((row, 1, span.from, span.to)),
        }
    }
    areas
}

impl Shared {
    /// Waits until it is over.
    async fn closing(&self) {
        poll_fn(|context| {
            let mut state = self.state.borrow_mut();
            if state.closing {
                return Poll::Ready(());
            }
            state.tasks.add(context.waker());
            Poll::Pending
        })
        .await;
    }
}

/// The task of the frame buffer.
async fn show(shared: Rc<Shared>) {
    let (store, number) = (&shared.store, shared.number);
    let setup = Setup {
        layout: Layout {
            width: WIDTH as u32,
            height: HEIGHT as u32,
            stride: STRIDE as u32,
            depth: 32,
            offset: 0,
        },
        own: STRIDE * HEIGHT,
        others: Vec::new(),
    };
    let opened = FrameBuffer::open_until(store, number, setup, shared.closing()).await;
    let buffer = match opened {
        Ok(buffer) => Rc::new(buffer),
        Err(error) => {
            log::warn!("no menu on frame buffer {number}: {error}");
            return;
        }
    };
    {
        let mut state = shared.state.borrow_mut();
        state.buffer = Some(buffer.clone());
        state.draw();
    }
    while !shared.state.borrow().closing {
        let behind = shared.state.borrow().behind;
        let mut closing = pin!(shared.closing());
        let _ = match behind {
            true => {
                let happening = select(buffer.happening(), time::sleep(AGAIN));
                matches!(
                    select(happening, closing.as_mut()).await,
                    Either::Second(())
                )
            }
            false => matches!(
                select(buffer.happening(), closing.as_mut()).await,
                Either::Second(())
            ),
        };
        if let Some(failure) = buffer.failure() {
            log::warn!("no more menu on frame buffer {number}: {failure}");
            break;
        }
        if shared.state.borrow().behind {
            shared.state.borrow_mut().draw();
        }
    }
    shared.state.borrow_mut().buffer = None;
    if let Some(buffer) = Rc::into_inner(buffer) {
        buffer.close().await;
    }
}

/// The task of the keyboard.
async fn listen(shared: Rc<Shared>) {
    let Some(number) = shared.keyboard else {
        return;
    };
    let opened = kbd::Keyboard::open_until(&shared.store, number, shared.closing()).await;
    let keyboard = match opened {
        Ok(keyboard) => keyboard,
        Err(error) => {
            log::warn!("no keys from keyboard {number}: {error}");
            return;
        }
    };
    loop {
        match select(keyboard.next(), shared.closing()).await {
            Either::First(Ok(kbd::Event::Key { code, pressed })) => {
                shared.state.borrow_mut().key(code, pressed);
            }
            Either::First(Ok(_)) => {}
            Either::First(Err(failure)) => {
                log::warn!("no more keys from keyboard {number}: {failure}");
                break;
            }
            Either::Second(()) => break,
        }
        // A backend that never ends does not stop everything else.
        executor::yield_now().await;
    }
    keyboard.close().await;
}

impl Vfb {
    /// The first frame buffer and the first keyboard, if the guest has a frame
    /// buffer. They are connected once something is written, while other
    /// things happen.
    pub async fn find(store: &Store) -> Option<Vfb> {
        let number = *fb::list(store).await.ok()?.first()?;
        let keyboards = kbd::list(store).await.unwrap_or_default();
        Some(Vfb(Rc::new(Shared {
            state: RefCell::new(State {
                vt: Vt::new(COLUMNS, ROWS),
                look: Look::default(),
                painter: Painter::default(),
                buffer: None,
                fresh: true,
                behind: false,
                chosen: true,
                keyboard: keymap::Keyboard::default(),
                keys: VecDeque::new(),
                reader: Waiting::default(),
                closing: false,
                tasks: Waiting::default(),
            }),
            store: store.clone(),
            number,
            keyboard: keyboards.first().copied(),
            started: Cell::new(false),
            tasks: Cell::new(None),
        })))
    }

    /// Begins to connect, when the menu is to be here. A guest that does not
    /// want it here keeps both for the next kernel as they are: QEMU makes
    /// another screen of a frame buffer that comes back.
    fn connect(&self) {
        let shared = &self.0;
        {
            let state = shared.state.borrow();
            if !state.chosen || state.closing || shared.started.replace(true) {
                return;
            }
        }
        let showing = executor::spawn(show(shared.clone()));
        let listening = executor::spawn(listen(shared.clone()));
        shared.tasks.set(Some((showing, listening)));
    }

    /// Writes to the terminal.
    pub fn write(&self, bytes: &[u8]) {
        self.connect();
        let mut state = self.0.state.borrow_mut();
        state.vt.write(bytes);
        state.draw();
    }

    /// Waits for keys and takes what fits of their bytes.
    pub async fn read(&self, to: &mut [u8]) -> usize {
        poll_fn(|context| {
            let mut state = self.0.state.borrow_mut();
            if state.keys.is_empty() {
                state.reader.add(context.waker());
                return Poll::Pending;
            }
            let mut read = 0;
            for place in to.iter_mut() {
                let Some(byte) = state.keys.pop_front() else {
                    break;
                };
                *place = byte;
                read += 1;
            }
            Poll::Ready(read)
        })
        .await
    }

    /// Changes how it looks.
    pub fn dress(&self, change: &mut dyn FnMut(&mut Look)) {
        let mut state = self.0.state.borrow_mut();
        change(&mut state.look);
        let rows = state.look.rows;
        if rows != state.vt.rows() {
            state.vt = Vt::new(COLUMNS, rows);
        }
        state.fresh = true;
        state.draw();
    }

    /// The menu is to be here, or nothing.
    pub fn choose(&self, chosen: bool) {
        let mut state = self.0.state.borrow_mut();
        if state.chosen != chosen {
            state.chosen = chosen;
            state.fresh = true;
            state.keys.clear();
            state.draw();
        }
    }

    /// Whether somebody may see what is shown here.
    pub fn is_connected(&self) -> bool {
        self.0.state.borrow().buffer.is_some()
    }

    /// Closes both, such that the next kernel can connect.
    pub async fn close(&self) {
        {
            let mut state = self.0.state.borrow_mut();
            state.closing = true;
            state.tasks.wake();
        }
        if let Some((showing, listening)) = self.0.tasks.take() {
            join::join(showing, listening).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_below_each_other_is_one_area() {
        let span = |row, from, to| Span { row, from, to };
        for (spans, expected) in [
            (&[][..], &[][..]),
            (&[span(3, 1, 2)], &[(5, 1, 1, 2)]),
            (
                &[span(0, 0, 9), span(1, 0, 9), span(2, 0, 8), span(4, 0, 8)],
                &[(2, 2, 0, 9), (4, 1, 0, 8), (6, 1, 0, 8)],
            ),
        ] {
            assert_eq!(merged(spans, 2), expected);
        }
    }
}
