//! Tasks that tell each other that something has happened.

use core::cell::{Cell, RefCell};
use core::future::poll_fn;
use core::task::Poll;

use crate::waiters::Waiters;

/// Something happened once or more: the next [`Signal::wait`] returns.
#[derive(Default)]
pub struct Signal {
    set: Cell<bool>,
    waiters: RefCell<Waiters>,
}

impl Signal {
    /// Nothing has happened yet.
    pub const fn new() -> Self {
        Signal {
            set: Cell::new(false),
            waiters: RefCell::new(Waiters::new()),
        }
    }

    /// It happens. Not lost if nobody waits.
    pub fn set(&self) {
        self.set.set(true);
        let waiters = self.waiters.borrow_mut().take();
        waiters.wake();
    }

    /// Waits until it happens, or takes what has happened since the last wait.
    pub async fn wait(&self) {
        self.until(|| self.set.take()).await;
    }

    async fn until(&self, happened: impl Fn() -> bool) {
        poll_fn(|context| {
            if happened() {
                return Poll::Ready(());
            }
            self.waiters.borrow_mut().add(context.waker());
            Poll::Pending
        })
        .await;
    }
}

/// Something that is closed at first, and open for ever once it was opened.
#[derive(Default)]
pub struct Gate(Signal);

impl Gate {
    /// Closed.
    pub const fn new() -> Self {
        Gate(Signal::new())
    }

    /// Opens it; all who wait go through.
    pub fn open(&self) {
        self.0.set();
    }

    /// Whether it is open.
    pub fn is_open(&self) -> bool {
        self.0.set.get()
    }

    /// Waits until it is open.
    pub async fn passed(&self) {
        self.0.until(|| self.is_open()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::{block_on, join::join, spawn, yield_now};
    use alloc::rc::Rc;

    #[test]
    fn a_signal_before_the_wait_counts_once() {
        let signal = Rc::new(Signal::new());
        signal.set();
        signal.set();
        block_on(signal.wait());
        let (told, teller) = (Rc::new(Cell::new(false)), signal.clone());
        let later = told.clone();
        spawn(async move {
            yield_now().await;
            later.set(true);
            teller.set();
        });
        block_on(signal.wait());
        assert!(told.get(), "the second wait was for the second signal");
    }

    #[test]
    fn everybody_passes_an_open_gate() {
        let gate = Rc::new(Gate::new());
        let opener = gate.clone();
        spawn(async move { opener.open() });
        block_on(join(gate.passed(), gate.passed()));
        block_on(gate.passed());
        assert!(gate.is_open());
    }
}
