//! A `vkbd` device as the machine's keyboard and mouse.

use alloc::rc::Rc;
use core::cell::RefCell;

use minios::frontend::kbd::{Event, Keyboard, Pointer, RAW_MAX};
use minios::xenstore::Store;

use super::Input;
use crate::chip::i8042::I8042;
use crate::display::task::Kick;

/// Serves keyboard `number` until its backend goes. `size` is what the picture's
/// size is; `kick` is told of all input, since something will come of it.
pub async fn serve(
    store: &Store,
    number: u32,
    machine: Rc<RefCell<I8042>>,
    size: impl Fn() -> (u32, u32),
    kick: Kick,
) {
    let keyboard = match Keyboard::open(store, number).await {
        Ok(keyboard) => keyboard,
        Err(error) => return log::warn!("no keyboard: {error}"),
    };
    let mut input = Input::new(machine);
    let error = loop {
        match keyboard.next().await {
            Ok(event) => heed(&mut input, event, keyboard.pointer(), size()),
            Err(error) => break error,
        }
        kick.kick();
    };
    input.release();
    log::warn!("{error}");
    keyboard.close().await;
}

fn heed(input: &mut Input, event: Event, pointer: Pointer, size: (u32, u32)) {
    match event {
        Event::Key { code, pressed } => input.key(code, pressed),
        Event::Motion { dx, dy, dz } => input.moved(dx, dy, dz),
        Event::Position { x, y, dz } => {
            let range = match pointer {
                Pointer::Raw => (RAW_MAX, RAW_MAX),
                _ => (last(size.0), last(size.1)),
            };
            input.placed((x, y), range, size, dz);
        }
        Event::Unknown(_) => {}
    }
}

/// The last of so many pixels.
fn last(pixels: u32) -> i32 {
    i32::try_from(pixels.saturating_sub(1)).unwrap_or(i32::MAX)
}
