//! State of the one processor.
//!
//! A stub domain has one vCPU and takes no asynchronous upcalls (see
//! [`crate::executor`]), so its globals need no locks, only the promise not to
//! be borrowed twice. Under `cargo test` the same declarations are
//! thread-local: each test has a Xen of its own.

#[cfg(feature = "bare")]
pub(crate) struct CpuLocal<T>(core::cell::RefCell<T>);

// SAFETY:
// - no second thread: one vCPU, never brought up further;
// - no preemption: event delivery stays masked, and a trap never returns;
// - no re-entry: the RefCell turns it into a panic.
#[cfg(feature = "bare")]
#[allow(unsafe_code)]
unsafe impl<T> Sync for CpuLocal<T> {}

#[cfg(feature = "bare")]
impl<T> CpuLocal<T> {
    pub(crate) const fn new(value: T) -> Self {
        CpuLocal(core::cell::RefCell::new(value))
    }

    pub(crate) fn with_borrow<R>(&self, f: impl FnOnce(&T) -> R) -> R {
        f(&self.0.borrow())
    }

    pub(crate) fn with_borrow_mut<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        f(&mut self.0.borrow_mut())
    }

    /// `None` if it is borrowed: for the crash report, which comes at any moment.
    pub(crate) fn try_with_borrow_mut<R>(&self, f: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.0.try_borrow_mut().ok().map(|mut value| f(&mut value))
    }
}

/// Under `cargo test`: never dropped, so that tasks that outlive a test do not
/// reach for a Xen that is gone.
#[cfg(not(feature = "bare"))]
pub(crate) struct CpuLocal<T: 'static>(pub(crate) &'static std::thread::LocalKey<Cell<T>>);

#[cfg(not(feature = "bare"))]
pub(crate) type Cell<T> = core::mem::ManuallyDrop<core::cell::RefCell<T>>;

#[cfg(not(feature = "bare"))]
impl<T> CpuLocal<T> {
    pub(crate) fn with_borrow<R>(&self, f: impl FnOnce(&T) -> R) -> R {
        self.0.with(|cell| f(&cell.borrow()))
    }

    pub(crate) fn with_borrow_mut<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        self.0.with(|cell| f(&mut cell.borrow_mut()))
    }

    pub(crate) fn try_with_borrow_mut<R>(&self, f: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.0
            .with(|cell| cell.try_borrow_mut().ok().map(|mut value| f(&mut value)))
    }
}

/// Declare state of the processor: `cpu_local! { static NAME: T = init; }`,
/// used through `with_borrow` and `with_borrow_mut`.
macro_rules! cpu_local {
    ($(#[$meta:meta])* $vis:vis static $name:ident: $t:ty = $init:expr;) => {
        #[cfg(feature = "bare")]
        $(#[$meta])* $vis static $name: $crate::local::CpuLocal<$t> = $crate::local::CpuLocal::new($init);
        #[cfg(not(feature = "bare"))]
        $(#[$meta])* $vis static $name: $crate::local::CpuLocal<$t> = {
            std::thread_local! {
                static KEY: $crate::local::Cell<$t> =
                    const { core::mem::ManuallyDrop::new(core::cell::RefCell::new($init)) };
            }
            $crate::local::CpuLocal(&KEY)
        };
    };
}
pub(crate) use cpu_local;
