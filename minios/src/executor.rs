//! The event loop that everything runs in.
//!
//! A stub domain has one vCPU and waits. So nothing here ever interrupts:
//! [`block_on`] polls its future and every task that was woken, and when none
//! is left asks Xen, in one hypercall, to sleep until one of our event
//! channels is pending or the first timer is due. Then it reads the pending
//! bits, wakes the tasks that own them, and goes round again. An idle domain
//! costs nothing.
//!
//! Tasks are cooperative and yield only at `.await`. Code that cannot be async
//! (a file system reading a disk) calls [`block_on`] from within a task: the
//! same loop turns inside it, with the outer task waiting where it stands. It
//! must not wait for something that only that outer task would do.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::rc::Rc;
use alloc::sync::Arc;
use alloc::task::Wake;
use core::cell::RefCell;
use core::future::Future;
use core::pin::{Pin, pin};
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll, Waker};

use crate::local::cpu_local;
use crate::{event, hypercall, time};

pub use embassy_futures::join;
pub use embassy_futures::select;

type TaskFuture = Pin<Box<dyn Future<Output = ()>>>;

/// A spawned task. Its future is taken out while it is being polled.
struct Task {
    future: Option<TaskFuture>,
    woken: bool,
    /// One for all polls, so that those who keep it can tell that it is the same.
    waker: Waker,
}

struct Tasks {
    next: u64,
    all: BTreeMap<u64, Task>,
    /// Tasks to poll. An entry counts only if its task is marked as woken.
    ready: VecDeque<u64>,
}

cpu_local! {
    static TASKS: Tasks = Tasks { next: 0, all: BTreeMap::new(), ready: VecDeque::new() };
}

impl Tasks {
    fn wake(&mut self, id: u64) {
        if let Some(task) = self.all.get_mut(&id)
            && !task.woken
        {
            task.woken = true;
            self.ready.push_back(id);
        }
    }

    /// The next task to poll. One that is being polled further out on the
    /// stack stays marked, and is queued again when that poll returns.
    fn take_ready(&mut self) -> Option<(u64, TaskFuture, Waker)> {
        while let Some(id) = self.ready.pop_front() {
            if let Some(task) = self.all.get_mut(&id)
                && task.woken
                && let Some(future) = task.future.take()
            {
                task.woken = false;
                return Some((id, future, task.waker.clone()));
            }
        }
        None
    }

    fn put_back(&mut self, id: u64, future: TaskFuture) {
        if let Some(task) = self.all.get_mut(&id) {
            task.future = Some(future);
            if task.woken {
                self.ready.push_back(id);
            }
        }
    }
}

struct TaskWaker(u64);

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        TASKS.with_borrow_mut(|tasks| tasks.wake(self.0));
    }
}

/// What a spawned task will return.
pub struct JoinHandle<T> {
    state: Rc<RefCell<Join<T>>>,
}

struct Join<T> {
    result: Option<T>,
    waker: Option<Waker>,
}

impl<T> Future for JoinHandle<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut state = self.state.borrow_mut();
        match state.result.take() {
            Some(result) => Poll::Ready(result),
            None => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// Run `future` as a task of its own. Its result, an error too, is its own
/// affair until somebody awaits the handle; dropping the handle lets it run on.
pub fn spawn<T: 'static>(future: impl Future<Output = T> + 'static) -> JoinHandle<T> {
    let state = Rc::new(RefCell::new(Join {
        result: None,
        waker: None,
    }));
    let shared = state.clone();
    let wrapped = Box::pin(async move {
        let result = future.await;
        let waker = {
            let mut state = shared.borrow_mut();
            state.result = Some(result);
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    });
    TASKS.with_borrow_mut(|tasks| {
        let id = tasks.next;
        tasks.next += 1;
        tasks.all.insert(
            id,
            Task {
                future: Some(wrapped),
                woken: false,
                waker: Waker::from(Arc::new(TaskWaker(id))),
            },
        );
        tasks.wake(id);
    });
    JoinHandle { state }
}

/// Poll one ready task; false if there was none.
fn run_one() -> bool {
    let Some((id, mut future, waker)) = TASKS.with_borrow_mut(Tasks::take_ready) else {
        return false;
    };
    match future.as_mut().poll(&mut Context::from_waker(&waker)) {
        Poll::Pending => TASKS.with_borrow_mut(|tasks| tasks.put_back(id, future)),
        Poll::Ready(()) => {
            let task = TASKS.with_borrow_mut(|tasks| tasks.all.remove(&id));
            drop(task);
        }
    }
    true
}

/// Wakes the future that [`block_on`] was called with.
struct RootWaker(AtomicBool);

impl Wake for RootWaker {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Polls between two looks at events and timers while there is always something
/// to run: whoever only yields must not keep the world out.
const TURNS: u32 = 64;

/// Run `future` to its end, and whatever else is ready meanwhile.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let woken = Arc::new(RootWaker(AtomicBool::new(true)));
    let waker = Waker::from(woken.clone());
    let mut turns = 0u32;
    loop {
        turns = turns.wrapping_add(1);
        if turns.is_multiple_of(TURNS) {
            event::dispatch();
            time::fire_due();
        }
        if woken.0.swap(false, Ordering::Relaxed)
            && let Poll::Ready(result) = future.as_mut().poll(&mut Context::from_waker(&waker))
        {
            return result;
        }
        let ran = run_one();
        if !ran && !woken.0.load(Ordering::Relaxed) {
            sleep_until_something_happens();
        }
    }
}

/// With more ports than Xen polls at once, the others are looked at this often.
const MANY_PORTS_NS: u64 = 10_000_000;

/// The one place where the domain goes idle.
fn sleep_until_something_happens() {
    // The clock is not read where it need not be: it may cost a trap into Xen,
    // and with a deadline in the past Xen returns at once.
    if event::dispatch() {
        return;
    }
    let (ports, deadline) = (event::bound(), time::next_deadline());
    // Cannot fail with ports of our own; if it does, we merely go round again.
    let _ = match ports.get(..hypercall::POLL_PORTS) {
        Some(some) if some.len() < ports.len() => {
            let look_again = time::now_ns().saturating_add(MANY_PORTS_NS);
            hypercall::poll(
                some,
                Some(deadline.map_or(look_again, |at| at.min(look_again))),
            )
        }
        _ => hypercall::poll(&ports, deadline),
    };
    if !event::dispatch() {
        time::fire_due();
    }
}

/// Let every other ready task run once.
pub async fn yield_now() {
    embassy_futures::yield_now().await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Port;
    use core::time::Duration;

    #[test]
    fn tasks_run_beside_the_root_and_hand_over_their_results() {
        let log = Rc::new(RefCell::new(Vec::new()));
        let seen = log.clone();
        let task = spawn(async move {
            seen.borrow_mut().push("task");
            time::sleep(Duration::from_millis(5)).await;
            seen.borrow_mut().push("task again");
            Err::<(), _>("its own error")
        });
        let result = block_on(async {
            log.borrow_mut().push("root");
            task.await
        });
        assert_eq!(result, Err("its own error"));
        assert_eq!(*log.borrow(), ["root", "task", "task again"]);
    }

    #[test]
    fn a_task_may_block_on_something_another_task_does() {
        let ours = Port::alloc_unbound(0).unwrap();
        let theirs = Port::bind_interdomain(0, ours.number()).unwrap();
        spawn(async move {
            time::sleep(Duration::from_millis(1)).await;
            theirs.notify();
        });
        let outer = spawn(async move {
            // Not async: the loop turns inside this task.
            block_on(ours.wait());
            42
        });
        assert_eq!(block_on(outer), 42);
    }

    #[test]
    fn a_wake_during_a_nested_loop_is_not_lost() {
        let flag = Rc::new(RefCell::new((false, None::<Waker>)));
        let (set, wait) = (flag.clone(), flag.clone());
        let waiting = spawn(async move {
            let mut first = true;
            core::future::poll_fn(move |context| {
                wait.borrow_mut().1 = Some(context.waker().clone());
                if core::mem::take(&mut first) {
                    // While this task is being polled, another one wakes it.
                    block_on(time::sleep(Duration::from_millis(1)));
                }
                if wait.borrow().0 {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            })
            .await;
        });
        spawn(async move {
            let waker = set.borrow_mut().1.take();
            set.borrow_mut().0 = true;
            if let Some(waker) = waker {
                waker.wake();
            }
        });
        block_on(waiting);
    }

    #[test]
    fn a_task_that_only_yields_does_not_keep_events_and_timers_out() {
        let ours = Port::alloc_unbound(0).unwrap();
        let theirs = Port::bind_interdomain(0, ours.number()).unwrap();
        let done = Rc::new(RefCell::new(false));
        let (seen, tell) = (done.clone(), done.clone());
        let yielding = spawn(async move {
            while !*seen.borrow() {
                yield_now().await;
            }
        });
        spawn(async move {
            ours.wait().await;
            time::sleep_until(0).await;
            *tell.borrow_mut() = true;
        });
        spawn(async move {
            // By now the other task waits.
            yield_now().await;
            theirs.notify();
        });
        block_on(yielding);
        // A root that only yields is no better.
        let root = done.clone();
        *root.borrow_mut() = false;
        let ours = Port::alloc_unbound(0).unwrap();
        let theirs = Port::bind_interdomain(0, ours.number()).unwrap();
        spawn(async move {
            ours.wait().await;
            *done.borrow_mut() = true;
        });
        block_on(async move {
            yield_now().await;
            theirs.notify();
            while !*root.borrow() {
                yield_now().await;
            }
        });
    }

    #[test]
    fn more_ports_than_xen_polls_at_once_are_all_heard() {
        let pairs: Vec<_> = (0..hypercall::POLL_PORTS)
            .map(|_| {
                let ours = Port::alloc_unbound(0).unwrap();
                let theirs = Port::bind_interdomain(0, ours.number()).unwrap();
                block_on(theirs.wait());
                (ours, theirs)
            })
            .collect();
        let (ours, theirs) = &pairs[pairs.len() - 1];
        let (number, mut calls) = (ours.number(), 0);
        crate::arch::host::add_peer(alloc::boxed::Box::new(move || {
            calls += 1;
            if calls == 3 {
                hypercall::event_send(number).unwrap();
            }
            false
        }));
        block_on(theirs.wait());
    }

    #[test]
    #[should_panic(expected = "deadlock")]
    fn a_sleep_for_ever_is_one_sleep_without_end() {
        // Xen's time is signed: the deadline must not reach it as one in the past.
        block_on(time::sleep(Duration::MAX));
    }

    #[test]
    fn a_task_that_ends_while_its_handle_is_gone_lets_go_of_its_result() {
        let result = Rc::new(());
        let inside = result.clone();
        drop(spawn(async move {
            yield_now().await;
            inside
        }));
        block_on(time::sleep(Duration::from_millis(1)));
        assert_eq!(Rc::strong_count(&result), 1);
    }

    #[test]
    fn the_same_task_keeps_the_same_waker() {
        let seen = Rc::new(RefCell::new(Vec::<Waker>::new()));
        let wakers = seen.clone();
        block_on(spawn(async move {
            for _ in 0..2 {
                let wakers = wakers.clone();
                core::future::poll_fn(move |context| {
                    wakers.borrow_mut().push(context.waker().clone());
                    Poll::Ready(())
                })
                .await;
                yield_now().await;
            }
        }));
        let seen = seen.borrow();
        assert!(seen[0].will_wake(&seen[1]));
    }

    #[test]
    fn select_and_join_work_on_timers() {
        use join::join;
        use select::{Either, select};
        let start = time::now_ns();
        let ms = |n| time::sleep(Duration::from_millis(n));
        block_on(async {
            assert!(matches!(select(ms(50), ms(1)).await, Either::Second(())));
            join(ms(2), ms(3)).await;
        });
        // The toy Xen's clock moves only by sleeping.
        assert!(time::now_ns() - start < 50_000_000);
    }
}
