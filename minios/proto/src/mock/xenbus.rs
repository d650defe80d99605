//! The state node of a backend that behaves like Linux' blkback and netback, or like none.

use crate::xenbus::XenbusState as S;

/// A backend's state, driven by what it sees of the frontend's.
#[derive(Clone, Debug)]
pub struct BackendState {
    state: S,
    frontend: S,
    seed: Option<u32>,
}

impl BackendState {
    /// In some state, having seen nothing.
    pub const fn new(state: S) -> Self {
        Self {
            state,
            frontend: S::Unknown,
            seed: None,
        }
    }

    /// One that goes from any state to any other, whatever it sees.
    pub const fn mad(seed: u32) -> Self {
        Self {
            state: S::Unknown,
            frontend: S::Unknown,
            seed: Some(seed),
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
        if let Some(seed) = self.seed {
            let seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            self.seed = Some(seed);
            self.state = S::ALL[(seed >> 16) as usize % S::ALL.len()];
            return;
        }
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
