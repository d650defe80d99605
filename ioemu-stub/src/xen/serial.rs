//! The far end of a serial port: a PV console of this domain's, which `xl
//! console` of the guest opens.

use alloc::collections::VecDeque;
use alloc::rc::Rc;
use alloc::vec;
use core::cell::{Cell, RefCell};

use minios::executor::select::{Either, select};
use minios::frontend::console::{Console, Failure};
use minios::signal::Signal;
use minios::xenstore::Store;

use crate::chip::uart::Uart;
use crate::surroundings::Serial;

/// Most bytes that wait for the console; then the guest waits.
const QUEUE: usize = 4096;

/// Between a serial port and its console.
#[derive(Default)]
pub struct Wire {
    queue: RefCell<VecDeque<u8>>,
    /// The guest was told that there is no room.
    full: Cell<bool>,
    /// Nobody will ever take anything.
    cut: Cell<bool>,
    queued: Signal,
    room: Signal,
}

impl Serial for Wire {
    fn send(&self, byte: u8) -> bool {
        if self.cut.get() {
            return true;
        }
        let mut queue = self.queue.borrow_mut();
        if queue.len() >= QUEUE {
            self.full.set(true);
            return false;
        }
        queue.push_back(byte);
        self.queued.set();
        true
    }

    fn has_room(&self) {
        self.room.set();
    }
}

impl Wire {
    /// One that leads nowhere: what is sent is lost.
    pub fn nowhere() -> Self {
        let wire = Wire::default();
        wire.cut.set(true);
        wire
    }

    /// Connects `uart` with console `number`, for as long as both are there.
    pub async fn serve(self: Rc<Self>, store: Store, number: u32, uart: Rc<RefCell<Uart>>) {
        match Console::open(&store, number).await {
            Ok(console) => {
                let failure = select(self.out(&console, &uart), self.feed(&console, &uart)).await;
                let (Either::First(failure) | Either::Second(failure)) = failure;
                log::warn!("serial port on console {number}: {failure}");
            }
            Err(error) => log::warn!("serial port on console {number}: {error}"),
        }
        // The guest must not wait for somebody who is gone.
        self.cut.set(true);
        self.queue.borrow_mut().clear();
        self.more(&uart);
    }

    /// Asks the guest for more, if it was told to wait.
    fn more(&self, uart: &RefCell<Uart>) {
        if self.full.take() {
            uart.borrow_mut().send_more();
        }
    }

    async fn out(&self, console: &Console, uart: &RefCell<Uart>) -> Failure {
        loop {
            self.queued.wait().await;
            while !self.queue.borrow().is_empty() {
                let bytes: VecDeque<u8> = core::mem::take(&mut self.queue.borrow_mut());
                let (first, second) = bytes.as_slices();
                for part in [first, second] {
                    if let Err(failure) = console.write(part).await {
                        return failure;
                    }
                }
                self.more(uart);
            }
        }
    }

    async fn feed(&self, console: &Console, uart: &RefCell<Uart>) -> Failure {
        let mut buffer = vec![0; 256];
        loop {
            let read = match console.read(&mut buffer).await {
                Ok(read) => read,
                Err(failure) => return failure,
            };
            for byte in buffer.iter().take(read) {
                while uart.borrow_mut().room() == 0 {
                    self.room.wait().await;
                }
                uart.borrow_mut().receive(*byte);
            }
        }
    }
}
