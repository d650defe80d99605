//! Xen writing a vCPU's time record while it is read.

use core::cell::Cell;
use xen_sys::shared_info::VcpuTimeInfo;

/// A time record that is rewritten every so many looks at it.
///
/// Whole records obey one rule, by which a torn one is known:
/// `system_time` is `tsc_timestamp` plus [`Clock::RULE`].
#[derive(Debug)]
pub struct Clock {
    old: Cell<VcpuTimeInfo>,
    new: Cell<VcpuTimeInfo>,
    looks: Cell<u32>,
    /// Looks from the start of one rewriting to that of the next; 0: none ever ends.
    every: u32,
}

impl Clock {
    /// What every whole record's system time is ahead of its TSC.
    pub const RULE: u64 = 1_000_000;

    /// Rewritten every `every` looks; the writing itself lasts for one of them.
    pub fn new(every: u32) -> Self {
        let clock = Self {
            old: Cell::default(),
            new: Cell::default(),
            looks: Cell::new(0),
            every,
        };
        clock.rewrite();
        clock.old.set(clock.new.get());
        clock
    }

    fn rewrite(&self) {
        let mut info = self.new.get();
        self.old.set(info);
        info.version = info.version.wrapping_add(2);
        info.tsc_timestamp += 977;
        info.system_time = info.tsc_timestamp + Self::RULE;
        info.tsc_to_system_mul = 1 << 31;
        info.tsc_shift = 1;
        self.new.set(info);
    }

    /// Counts a look; whether Xen is in the middle of writing.
    fn look(&self) -> bool {
        let looks = self.looks.get() + 1;
        self.looks.set(looks);
        if self.every == 0 {
            return true;
        }
        let writing = looks.is_multiple_of(self.every);
        if writing {
            self.rewrite();
        }
        writing
    }

    /// Reads the version word.
    pub fn version(&self) -> u32 {
        let writing = self.look();
        let version = self.new.get().version;
        if writing {
            version.wrapping_sub(1)
        } else {
            version
        }
    }

    /// Copies the record: torn if Xen writes meanwhile.
    pub fn copy(&self) -> VcpuTimeInfo {
        let writing = self.look();
        let mut info = self.new.get();
        if writing {
            info.tsc_timestamp = self.old.get().tsc_timestamp;
        }
        info
    }
}
