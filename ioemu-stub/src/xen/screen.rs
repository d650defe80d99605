//! dom0's screen, keyboard and pointer, as the machine's.

use alloc::rc::Rc;
use core::cell::RefCell;

use minios::executor;
use minios::frontend::{fb, kbd};
use minios::xenstore::Store;

use crate::display::task::{self, Kick};
use crate::display::{Display, Source, xenfb};
use crate::input;
use crate::machine::Handles;
use crate::vga::Vga;

/// Connects whatever `vfb` and `vkbd` devices this domain has, beside everything
/// else. The display is for other viewers to join.
pub fn connect(store: &Store, handles: &Handles) -> Option<Rc<RefCell<Display>>> {
    let kick = Kick::default();
    let vga = handles.vga.clone();
    let display = vga.clone().map(|vga| {
        let display = Rc::new(RefCell::new(Display::new(vga.clone())));
        executor::spawn(task::run(display.clone(), kick.clone()));
        executor::spawn(screens(store.clone(), display.clone(), vga, kick.clone()));
        display
    });
    let machine = handles.input.clone();
    let store = store.clone();
    executor::spawn(async move {
        for number in kbd::list(&store).await.unwrap_or_default() {
            let (store, machine, kick) = (store.clone(), machine.clone(), kick.clone());
            let vga = vga.clone();
            let size = move || vga.as_ref().map_or((640, 480), size_of_picture);
            executor::spawn(async move {
                input::serve(&store, number, machine, size, kick).await;
            });
        }
    });
    display
}

fn size_of_picture(vga: &Rc<RefCell<Vga>>) -> (u32, u32) {
    let geometry = vga.borrow().geometry();
    (geometry.width, geometry.height)
}

async fn screens(store: Store, display: Rc<RefCell<Display>>, vga: Rc<RefCell<Vga>>, kick: Kick) {
    let memory = vga.borrow().memory().clone();
    for number in fb::list(&store).await.unwrap_or_default() {
        let (store, display, kick) = (store.clone(), display.clone(), kick.clone());
        let memory = memory.clone();
        executor::spawn(async move {
            xenfb::serve(&store, number, display, memory, kick).await;
        });
    }
}
