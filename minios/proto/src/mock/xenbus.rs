//! The state node of a backend that behaves like Linux' blkback and netback.

use crate::xenbus::XenbusState as S;

/// A backend's state, driven by what it sees of the frontend's.
#[derive(Clone, Debug)]
pub struct BackendState {
    state: S,
    frontend: S,
}

impl BackendState {
    /// In some state, having seen nothing.
    pub const fn new(state: S) -> Self {
        Self {
            state,
            frontend: S::Unknown,
        }
    }

    /// What its node says.
    pub const fn state(&self) -> S {
        self.state
    }

    /// The frontend's node changed; acted on in [`Self::works`].
    pub const fn saw(&mut self, frontend: S) {
        self.frontend = frontend;
    }

    /// Does what it does about the frontend's state, as Linux does.
    pub const fn works(&mut self) {
        self.state = match (self.frontend, self.state) {
            // Its own start, which waits for nobody.
            (_, S::Initialising) => S::InitWait,
            (S::Initialising, S::Closed) => S::InitWait,
            (S::Initialised | S::Connected, S::InitWait) => S::Connected,
            (S::Closing, _) => S::Closing,
            (S::Closed, _) => S::Closed,
            (_, state) => state,
        };
    }
}
