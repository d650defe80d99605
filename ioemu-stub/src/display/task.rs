//! The task that looks at a display: [`run`].

use alloc::rc::Rc;
use core::cell::{Cell, RefCell};
use core::future::poll_fn;
use core::pin::pin;
use core::task::{Poll, Waker};

use minios::executor::select::{Either, select};
use minios::time;

use super::pace::{Pace, Situation};
use super::{Attention, Display};
use crate::vga::Blink;

/// Wakes the task of a display: something about a viewer changed, or input came.
#[derive(Clone, Default)]
pub struct Kick(Rc<Kicked>);

#[derive(Default)]
struct Kicked {
    kicked: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Kick {
    /// Does it.
    pub fn kick(&self) {
        self.0.kicked.set(true);
        let waker = self.0.waker.borrow_mut().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn taken(&self) -> bool {
        self.0.kicked.replace(false)
    }
}

/// Why a look is due.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reason {
    /// Somebody said so.
    Kicked,
    /// The source told of a change.
    Changed,
    /// The time for a look, or for a blink, has come.
    Time,
}

/// Looks whenever there is reason to, for ever.
pub async fn run(display: Rc<RefCell<Display>>, kick: Kick) {
    let mut pace = Pace::default();
    let mut last = Blink::REST;
    loop {
        let reason = reason(&display, &kick, &pace).await;
        if reason == Reason::Kicked {
            pace.stir();
        }
        if display.borrow().attention() == Attention::Nobody {
            continue;
        }
        if reason != Reason::Time {
            time::sleep_until(pace.not_before()).await;
        }
        let blink = pace.blink(time::now_ns());
        let changed = display.borrow_mut().look(blink);
        // That something blinked is no sign of life.
        let alive = reason == Reason::Changed || blink == last;
        pace.looked(time::now_ns(), changed && alive);
        last = blink;
    }
}

fn situation(display: &Display) -> Situation {
    let source = display.source().borrow();
    Situation {
        attention: display.attention(),
        // Who was busy says nothing when it no longer is.
        unseen: source.changes_unseen() || display.is_behind(),
        blinks: source.blinks(),
    }
}

async fn reason(display: &RefCell<Display>, kick: &Kick, pace: &Pace) -> Reason {
    let told = poll_fn(|context| {
        if kick.taken() {
            return Poll::Ready(Reason::Kicked);
        }
        *kick.0.waker.borrow_mut() = Some(context.waker().clone());
        let display = display.borrow();
        // While nobody looks a change is no reason to do anything.
        if display.attention() != Attention::Nobody
            && display.source().borrow_mut().poll_change(context.waker())
        {
            return Poll::Ready(Reason::Changed);
        }
        Poll::Pending
    });
    let next = pace.next(situation(&display.borrow()));
    match next {
        Some(at) => match select(pin!(told), pin!(time::sleep_until(at))).await {
            Either::First(reason) => reason,
            Either::Second(()) => Reason::Time,
        },
        None => told.await,
    }
}
