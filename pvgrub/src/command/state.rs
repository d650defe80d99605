//! What commands leave behind for each other and for the menu.

use super::password::Password;
use crate::disk::{DeviceName, FileSpec};
use alloc::vec::Vec;

/// What the global section of a menu asks for.
#[derive(Debug, Clone, core::default::Default, PartialEq, Eq)]
pub struct Settings {
    /// The entry to highlight and to boot unattended.
    pub default: Default,
    /// The entries to try when that fails, in order.
    pub fallback: Vec<usize>,
    /// Seconds until it boots unattended; `None` waits forever.
    pub timeout: Option<u32>,
    /// Whether the menu shows only on a key.
    pub hidden: bool,
    /// What unlocks the menu.
    pub password: Option<Password>,
}

/// Which entry is the default.
#[derive(Debug, Clone, Copy, core::default::Default, PartialEq, Eq)]
pub enum Default {
    /// The first, since nothing was said.
    #[default]
    Unset,
    /// This one, counted from 0.
    Number(usize),
}

impl Settings {
    /// The fallback entries that exist among `count`.
    pub fn fallbacks(&self, count: usize) -> impl Iterator<Item = usize> + '_ {
        self.fallback
            .iter()
            .copied()
            .filter(move |&entry| entry < count)
    }

    /// The default among `count` entries; if it is not one of them, the first
    /// fallback that is, or the first entry.
    pub fn default_entry(&self, count: usize) -> usize {
        match self.default {
            Default::Number(entry) if entry < count => entry,
            Default::Number(_) => self.fallbacks(count).next().unwrap_or(0),
            Default::Unset => 0,
        }
    }
}

/// What commands leave behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The device that file names without one are on.
    pub root: DeviceName,
    /// The number of the entry being run; `None` on the command line and for
    /// commands that were edited.
    pub entry: Option<usize>,
    /// Whether a kernel is loaded.
    pub kernel: bool,
    /// What the global section asked for.
    pub settings: Settings,
    /// Whether the global section of a menu is being run.
    pub in_global: bool,
    /// Whether the password was given.
    pub unlocked: bool,
    /// The file of the menu; `None` if it came as a ramdisk or there is none.
    pub menu: Option<FileSpec>,
}

impl State {
    /// Whether a password stands before what is locked.
    pub fn locked(&self) -> bool {
        self.settings.password.is_some() && !self.unlocked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_and_fallback() {
        let settings = |default, fallback: &[usize]| Settings {
            default,
            fallback: fallback.to_vec(),
            ..Settings::default()
        };
        for (default, fallback, count, expected) in [
            (Default::Unset, &[1][..], 3, 0),
            (Default::Number(2), &[1], 3, 2),
            (Default::Number(3), &[1], 3, 1),
            (Default::Number(3), &[7, 2, 1], 3, 2),
            (Default::Number(3), &[7], 3, 0),
            (Default::Number(3), &[], 3, 0),
        ] {
            assert_eq!(settings(default, fallback).default_entry(count), expected);
        }
    }
}
