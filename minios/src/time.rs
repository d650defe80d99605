//! Time: nanoseconds since the machine's boot, the wall clock, timers.
//!
//! Xen publishes how to turn processor cycles into system time
//! (`vcpu_time_info`) and what the wall clock showed at system time zero
//! (`wc_*`); both sit in the shared info page behind version counters. Timers
//! are deadlines in a tree; the executor sleeps until the first.

use alloc::collections::BTreeMap;
use core::future::{Future, poll_fn};
use core::mem::offset_of;
use core::pin::pin;
use core::task::{Poll, Waker};
use core::time::Duration;

use embassy_futures::select::{Either, select};
use xen_proto::time;
use xen_sys::shared_info::{SharedInfo, VcpuInfo, VcpuTimeInfo};

use crate::arch;
use crate::local::cpu_local;

cpu_local! {
    /// Deadlines, told apart by a number where they coincide.
    static TIMERS: Timers = Timers { next: 0, queue: BTreeMap::new() };
}

cpu_local! {
    /// The latest time that was told.
    static LATEST: u64 = 0;
}

struct Timers {
    next: u64,
    queue: BTreeMap<(u64, u64), Waker>,
}

/// System time: nanoseconds since Xen started. Never goes back: Xen's next
/// record may be a little behind what the last one came to.
pub fn now_ns() -> u64 {
    let page = arch::shared_info();
    let at = offset_of!(SharedInfo, vcpu_info) + offset_of!(VcpuInfo, time);
    let version = || page.load_acquire(at + offset_of!(VcpuTimeInfo, version));
    let copy = || (page.get::<VcpuTimeInfo>(at), arch::rdtsc());
    // Xen rewrites the record a few times a second; a thousand tries are for ever.
    let (info, tsc) = time::consistent(version, copy).expect("Xen's time record stands still");
    let now = time::system_time(&info, tsc);
    LATEST.with_borrow_mut(|latest| {
        *latest = now.max(*latest);
        *latest
    })
}

/// Wall clock: time since 1970-01-01 00:00 UTC.
pub fn wall_clock() -> Duration {
    let page = arch::shared_info();
    let version = || page.load_acquire(offset_of!(SharedInfo, wc_version));
    let copy = || {
        let field = |at| page.get::<u32>(at);
        let sec_hi = field(offset_of!(SharedInfo, wc_sec_hi));
        (
            sec_hi,
            field(offset_of!(SharedInfo, wc_sec)),
            field(offset_of!(SharedInfo, wc_nsec)),
        )
    };
    let (sec_hi, sec, nsec) =
        time::consistent(version, copy).expect("Xen's wall clock stands still");
    let nanoseconds = time::wall_clock(sec_hi, sec, nsec, now_ns());
    Duration::new(
        (nanoseconds / 1_000_000_000) as u64,
        (nanoseconds % 1_000_000_000) as u32,
    )
}

/// Sleep for `duration`.
pub async fn sleep(duration: Duration) {
    sleep_until(now_ns().saturating_add(duration.as_nanos().min(u64::MAX.into()) as u64)).await;
}

/// Sleep until system time `deadline` (nanoseconds).
pub async fn sleep_until(deadline: u64) {
    let mut timer = Timer {
        deadline,
        number: None,
    };
    poll_fn(|context| timer.poll(context.waker())).await;
}

/// The time was up first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut;

/// `future`'s result, if it comes within `duration`.
pub async fn timeout<T>(
    duration: Duration,
    future: impl Future<Output = T>,
) -> Result<T, TimedOut> {
    match select(pin!(future), pin!(sleep(duration))).await {
        Either::First(result) => Ok(result),
        Either::Second(()) => Err(TimedOut),
    }
}

/// An entry of the tree, removed when the sleeper goes away.
struct Timer {
    deadline: u64,
    number: Option<u64>,
}

impl Timer {
    fn poll(&mut self, waker: &Waker) -> Poll<()> {
        if now_ns() >= self.deadline {
            return Poll::Ready(());
        }
        TIMERS.with_borrow_mut(|timers| {
            let number = *self.number.get_or_insert_with(|| {
                timers.next += 1;
                timers.next
            });
            timers.queue.insert((self.deadline, number), waker.clone());
        });
        Poll::Pending
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            let entry =
                TIMERS.with_borrow_mut(|timers| timers.queue.remove(&(self.deadline, number)));
            drop(entry);
        }
    }
}

/// Wake whoever's time has come; true if there was anyone.
pub(crate) fn fire_due() -> bool {
    let Some(first) = next_deadline() else {
        return false;
    };
    let now = now_ns();
    if first > now {
        return false;
    }
    let due = TIMERS.with_borrow_mut(|timers| {
        let later = timers.queue.split_off(&(now + 1, 0));
        core::mem::replace(&mut timers.queue, later)
    });
    due.into_values().for_each(Waker::wake);
    true
}

/// The first deadline, in system time.
pub(crate) fn next_deadline() -> Option<u64> {
    TIMERS.with_borrow(|timers| timers.queue.keys().next().map(|&(deadline, _)| deadline))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::block_on;

    #[test]
    fn a_timeout_cuts_off_what_is_late_and_only_that() {
        let result = block_on(timeout(
            Duration::from_millis(2),
            sleep(Duration::from_secs(1)),
        ));
        assert_eq!(result, Err(TimedOut));
        assert_eq!(
            next_deadline(),
            None,
            "the late sleeper left no timer behind"
        );
        assert_eq!(
            block_on(timeout(Duration::from_secs(1), async { 7 })),
            Ok(7)
        );
    }

    #[test]
    fn sleepers_with_one_deadline_all_wake() {
        let deadline = now_ns() + 1_000_000;
        block_on(embassy_futures::join::join(
            sleep_until(deadline),
            sleep_until(deadline),
        ));
        assert!(now_ns() >= deadline);
    }
}
