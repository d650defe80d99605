//! The xenbus handshake of a frontend, as a pure state machine.
//!
//! Two ends of a device each own a `state` node and may only read the other's
//! (`io/xenbus.h`). A [`Handshake`] is told the backend's state and says what
//! to do next; whoever runs it does that, reports back and asks again. It
//! copes with whatever a previous owner of the frontend left: a kernel that was
//! booted by a loader finds the device closed, half closed or still connected.
//!
//! ```text
//!   ours          backend          next
//!   any           Connected        Closing, Closed, Initialising: first end the old connection
//!   any           Closed           Initialising: the backend goes to InitWait
//!   Initialising  InitWait         publish rings and ports, then Initialised
//!   Initialised   Connected        Connected: ready
//!   --- closing ---
//!   Connected     any              Closing
//!   Closing       Closing, Closed  Closed
//!   Closed        Closed           withdraw what was published, then Initialising
//!   Initialising  InitWait         done: the next owner can start here
//! ```

use core::fmt;
use xen_sys::io::xenbus as abi;

/// A value of a `state` node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum XenbusState {
    /// No node, or no sense in it.
    Unknown,
    /// Starting.
    Initialising,
    /// The backend waits for what the frontend publishes.
    InitWait,
    /// The frontend has published.
    Initialised,
    /// In use.
    Connected,
    /// About to end.
    Closing,
    /// Ended.
    Closed,
    /// Changing its configuration (PCI only).
    Reconfiguring,
    /// Has changed it.
    Reconfigured,
}

use XenbusState as S;

impl XenbusState {
    /// All of them, by number.
    pub const ALL: [Self; 9] = [
        S::Unknown,
        S::Initialising,
        S::InitWait,
        S::Initialised,
        S::Connected,
        S::Closing,
        S::Closed,
        S::Reconfiguring,
        S::Reconfigured,
    ];

    /// The number in the node.
    pub const fn number(self) -> u32 {
        match self {
            S::Unknown => abi::XENBUS_STATE_UNKNOWN,
            S::Initialising => abi::XENBUS_STATE_INITIALISING,
            S::InitWait => abi::XENBUS_STATE_INIT_WAIT,
            S::Initialised => abi::XENBUS_STATE_INITIALISED,
            S::Connected => abi::XENBUS_STATE_CONNECTED,
            S::Closing => abi::XENBUS_STATE_CLOSING,
            S::Closed => abi::XENBUS_STATE_CLOSED,
            S::Reconfiguring => abi::XENBUS_STATE_RECONFIGURING,
            S::Reconfigured => abi::XENBUS_STATE_RECONFIGURED,
        }
    }

    /// From a node's text; what is no state is [`Self::Unknown`].
    pub fn parse(text: &str) -> Self {
        let number: Option<usize> = text.trim().parse().ok();
        number
            .and_then(|n| Self::ALL.get(n).copied())
            .unwrap_or(S::Unknown)
    }
}

impl fmt::Display for XenbusState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?} ({})", self.number())
    }
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Write our `state` node, then call [`Handshake::wrote`].
    SetState(XenbusState),
    /// Write what the backend needs (rings, ports, features), then call [`Handshake::published`].
    Publish,
    /// The backend has let go: remove what was published and take back the
    /// memory behind it, then call [`Handshake::withdrawn`].
    Withdraw,
    /// Wait until the backend's state changes (or is looked at again).
    Wait,
    /// Connected: read what the backend wrote and use the device.
    Ready,
    /// Closed, and left so that the next owner can connect.
    Done,
    /// It cannot be: the backend ended it.
    Refused(XenbusState),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goal {
    Connect,
    Close,
}

/// A frontend's side of the handshake.
#[derive(Clone, Debug)]
pub struct Handshake {
    ours: XenbusState,
    /// What to say once everything is published.
    ready: XenbusState,
    goal: Goal,
    /// What we published stands in the store.
    published: bool,
    /// A wait was given up: whatever the backend does, go on closing.
    forced: bool,
}

impl Handshake {
    /// Starts to connect, `ours` being the state found in our own node.
    pub const fn connect(ours: XenbusState) -> Self {
        Self {
            ours,
            ready: S::Initialised,
            goal: Goal::Connect,
            published: false,
            forced: false,
        }
    }

    /// As [`Self::connect`], for backends that wait until the frontend says that
    /// it is connected, as netback does.
    pub const fn connect_first(ours: XenbusState) -> Self {
        let mut handshake = Self::connect(ours);
        handshake.ready = S::Connected;
        handshake
    }

    /// From now on closes.
    pub fn close(&mut self) {
        self.goal = Goal::Close;
        self.forced = false;
    }

    /// Our state, as last written.
    pub const fn ours(&self) -> XenbusState {
        self.ours
    }

    /// Our state node was written.
    pub fn wrote(&mut self, state: XenbusState) {
        self.ours = state;
        self.forced = false;
    }

    /// Everything the backend needs is in the store.
    pub fn published(&mut self) {
        self.published = true;
    }

    /// What was published is gone.
    pub fn withdrawn(&mut self) {
        self.published = false;
        self.forced = false;
    }

    /// A wait took too long. Closing goes on without the backend (`true`);
    /// connecting cannot (`false`).
    pub fn expired(&mut self) -> bool {
        self.forced = self.goal == Goal::Close;
        self.forced
    }

    /// What to do, the backend being in state `backend`.
    pub const fn next(&self, backend: XenbusState) -> Action {
        match self.goal {
            Goal::Connect if self.published => self.next_published(backend),
            Goal::Connect => self.next_connect(backend),
            Goal::Close => self.next_close(backend),
        }
    }

    const fn set(&self, state: XenbusState) -> Action {
        if self.ours as u8 == state as u8 {
            Action::Wait
        } else {
            Action::SetState(state)
        }
    }

    const fn next_connect(&self, backend: XenbusState) -> Action {
        match (backend, self.ours) {
            (S::Unknown, _) => Action::Wait,
            (S::InitWait | S::Initialised, S::Initialising) => Action::Publish,
            (S::Initialising | S::InitWait | S::Initialised | S::Closed, _) => {
                self.set(S::Initialising)
            }
            (S::Closing, _) => self.set(S::Closed),
            // A previous owner's connection: end it first.
            (S::Connected | S::Reconfiguring | S::Reconfigured, S::Closing | S::Closed) => {
                Action::Wait
            }
            (S::Connected | S::Reconfiguring | S::Reconfigured, _) => Action::SetState(S::Closing),
        }
    }

    const fn next_published(&self, backend: XenbusState) -> Action {
        match (backend, self.ours) {
            (S::Closing | S::Closed, _) => Action::Refused(backend),
            (S::Connected, S::Connected) => Action::Ready,
            (S::Connected, S::Initialised) => Action::SetState(S::Connected),
            (_, S::Initialised | S::Connected) => Action::Wait,
            _ => Action::SetState(self.ready),
        }
    }

    const fn next_close(&self, backend: XenbusState) -> Action {
        let gone = matches!(backend, S::Unknown) || self.forced;
        match self.ours {
            S::Closing if gone || matches!(backend, S::Closing | S::Closed) => {
                Action::SetState(S::Closed)
            }
            S::Closing => Action::Wait,
            S::Closed if gone || matches!(backend, S::Closed | S::InitWait | S::Initialising) => {
                if self.published {
                    Action::Withdraw
                } else {
                    Action::SetState(S::Initialising)
                }
            }
            S::Closed => Action::Wait,
            S::Initialising if !self.published => {
                if gone || matches!(backend, S::InitWait | S::Initialising) {
                    Action::Done
                } else {
                    Action::Wait
                }
            }
            _ => Action::SetState(S::Closing),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mock::BackendState;

    /// Runs `h` against `backend` until it stops; panics if that takes long.
    fn run(h: &mut Handshake, backend: &mut BackendState) -> Action {
        let mut idle = 0;
        for _ in 0..100 {
            match h.next(backend.state()) {
                Action::SetState(s) => {
                    h.wrote(s);
                    backend.saw(s);
                }
                Action::Publish => h.published(),
                Action::Withdraw => h.withdrawn(),
                Action::Wait => {
                    idle += 1;
                    if idle > 6 {
                        return Action::Wait;
                    }
                    backend.works();
                }
                end => return end,
            }
        }
        panic!("{h:?} against {backend:?} does not end");
    }

    #[test]
    fn numbers_and_text() {
        for (n, s) in S::ALL.into_iter().enumerate() {
            assert_eq!(s.number() as usize, n);
            assert_eq!(S::parse(&alloc::format!("{n}")), s);
        }
        for text in ["", "9", "-1", "x", "4294967297", "4 4"] {
            assert_eq!(S::parse(text), S::Unknown, "{text:?}");
        }
        assert_eq!(S::parse("4\n"), S::Connected);
    }

    #[test]
    fn connects_whatever_was_left_behind() {
        for ours in S::ALL {
            for theirs in [
                S::Initialising,
                S::InitWait,
                S::Connected,
                S::Closing,
                S::Closed,
            ] {
                let mut h = Handshake::connect(ours);
                let mut backend = BackendState::new(theirs);
                // A backend that is Connected or Closing has seen Closing already if we stand there:
                // a previous owner's write that is still on its way.
                backend.saw(ours);
                assert_eq!(
                    run(&mut h, &mut backend),
                    Action::Ready,
                    "from {ours} {theirs}"
                );
                assert_eq!((h.ours(), backend.state()), (S::Connected, S::Connected));
            }
        }
    }

    #[test]
    fn a_frontend_that_connects_first() {
        let mut h = Handshake::connect_first(S::Initialising);
        assert_eq!(h.next(S::InitWait), Action::Publish);
        h.published();
        assert_eq!(h.next(S::InitWait), Action::SetState(S::Connected));
        h.wrote(S::Connected);
        assert_eq!(h.next(S::InitWait), Action::Wait);
        assert_eq!(h.next(S::Connected), Action::Ready);
    }

    #[test]
    fn closes_so_that_the_next_one_connects() {
        let mut backend = BackendState::new(S::Initialising);
        let mut left = S::Unknown;
        for round in 0..5 {
            let mut h = Handshake::connect(left);
            assert_eq!(run(&mut h, &mut backend), Action::Ready, "round {round}");
            h.close();
            assert_eq!(run(&mut h, &mut backend), Action::Done, "round {round}");
            assert_eq!((h.ours(), backend.state()), (S::Initialising, S::InitWait));
            left = h.ours();
        }
    }

    #[test]
    fn the_backend_lets_go_before_anything_is_withdrawn() {
        let mut h = Handshake {
            ours: S::Connected,
            ready: S::Initialised,
            goal: Goal::Close,
            published: true,
            forced: false,
        };
        let mut seen = alloc::vec::Vec::new();
        let mut backend = BackendState::new(S::Connected);
        loop {
            let action = h.next(backend.state());
            match action {
                Action::SetState(s) => {
                    h.wrote(s);
                    backend.saw(s);
                }
                Action::Withdraw => {
                    assert_eq!(backend.state(), S::Closed);
                    h.withdrawn();
                }
                Action::Wait => backend.works(),
                _ => {}
            }
            if action != Action::Wait {
                seen.push(action);
            }
            if action == Action::Done {
                break;
            }
        }
        use Action::{Done, SetState, Withdraw};
        assert_eq!(
            seen,
            [
                SetState(S::Closing),
                SetState(S::Closed),
                Withdraw,
                SetState(S::Initialising),
                Done
            ]
        );
    }

    #[test]
    fn a_dead_backend_does_not_hold_up_closing() {
        for theirs in S::ALL {
            let mut h = Handshake {
                ours: S::Connected,
                ready: S::Initialised,
                goal: Goal::Close,
                published: true,
                forced: false,
            };
            let mut waits = 0;
            loop {
                match h.next(theirs) {
                    Action::SetState(s) => h.wrote(s),
                    Action::Withdraw => h.withdrawn(),
                    Action::Wait => {
                        waits += 1;
                        assert!(waits < 10 && h.expired(), "{theirs}");
                    }
                    Action::Done => break,
                    other => panic!("{other:?}"),
                }
            }
            assert!(!h.published && h.ours == S::Initialising);
        }
    }

    #[test]
    fn a_mad_backend_leads_to_no_nonsense_of_ours() {
        for seed in 0..500 {
            let mut h = Handshake::connect(S::ALL[seed as usize % S::ALL.len()]);
            let mut backend = BackendState::mad(seed);
            for step in 0..200 {
                if step == 100 {
                    h.close();
                }
                match h.next(backend.state()) {
                    Action::SetState(s) => {
                        assert_ne!(s, h.ours(), "nothing is written twice");
                        assert!(
                            s != S::Initialised || h.published,
                            "not before it is published"
                        );
                        h.wrote(s);
                    }
                    Action::Publish => {
                        assert!(!h.published);
                        h.published();
                    }
                    Action::Withdraw => {
                        assert!(h.published);
                        h.withdrawn();
                    }
                    Action::Ready | Action::Refused(_) => assert!(h.published && step < 100),
                    Action::Done => {
                        assert!(!h.published && step >= 100);
                        break;
                    }
                    Action::Wait => {}
                }
                backend.works();
            }
        }
    }

    #[test]
    fn a_backend_that_refuses() {
        for end in [S::Closing, S::Closed] {
            let mut h = Handshake::connect(S::Initialising);
            assert_eq!(h.next(S::InitWait), Action::Publish);
            h.published();
            assert_eq!(h.next(S::InitWait), Action::SetState(S::Initialised));
            h.wrote(S::Initialised);
            assert_eq!(h.next(S::InitWait), Action::Wait);
            assert_eq!(h.next(end), Action::Refused(end));
            h.wrote(S::Initialised);
            assert!(!h.expired(), "connecting cannot go on alone");
        }
        // One that is not there is waited for.
        assert_eq!(
            Handshake::connect(S::Initialising).next(S::Unknown),
            Action::Wait
        );
    }
}
