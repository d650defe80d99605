//! The pvclock: nanoseconds since Xen booted out of the TSC, and the wall clock.
//!
//! Source: `struct vcpu_time_info` in `xen.h`. Xen writes the record while we
//! read it; its `version` is odd meanwhile and another one afterwards, so a
//! reader copies version, record, version and uses the copy only if both
//! versions are the same even number.

use xen_sys::shared_info::VcpuTimeInfo;

/// Times a record that keeps changing is read again before giving up.
const TRIES: u32 = 1000;

/// Nanoseconds that `ticks` TSC ticks are, by the record's factor.
#[must_use]
pub const fn scale(ticks: u64, mul: u32, shift: i8) -> u64 {
    let shifted = if shift < 0 {
        let by = shift.unsigned_abs() as u32;
        if by >= 64 { 0 } else { ticks >> by }
    } else {
        let by = shift as u32;
        if by >= 64 { 0 } else { ticks << by }
    };
    // 64 x 32 bits: 96 bits, of which the upper 64 count (a record's factor keeps them that few).
    ((shifted as u128 * mul as u128) >> 32) as u64
}

/// System time (ns since Xen booted) at TSC value `tsc`, from a consistent record.
#[must_use]
pub const fn system_time(info: &VcpuTimeInfo, tsc: u64) -> u64 {
    // The timestamp is a point on a circle: for a domain younger than Xen's last
    // calibration an emulated TSC's is "negative". Behind us by less than half of
    // it is the past; ahead of us, which a TSC read just before Xen's own may be,
    // is no time at all.
    let ticks = tsc.wrapping_sub(info.tsc_timestamp);
    let ticks = if ticks as i64 >= 0 { ticks } else { 0 };
    info.system_time
        .wrapping_add(scale(ticks, info.tsc_to_system_mul, info.tsc_shift))
}

/// Runs `copy` until it got a consistent copy; `version` reads the version word alone.
///
/// `copy` must really copy out of the shared page, whole; it is given to `ours`
/// between two reads of the version. `None` if the record never stands still.
pub fn consistent<T>(mut version: impl FnMut() -> u32, mut copy: impl FnMut() -> T) -> Option<T> {
    for _ in 0..TRIES {
        let before = version();
        if before & 1 == 1 {
            core::hint::spin_loop();
            continue;
        }
        let copied = copy();
        if version() == before {
            return Some(copied);
        }
    }
    None
}

/// Nanoseconds since 1970 at system time `now`, from the wall clock's fields at system time 0.
#[must_use]
pub const fn wall_clock(sec_hi: u32, sec: u32, nsec: u32, now: u64) -> u128 {
    let seconds = ((sec_hi as u64) << 32) | sec as u64;
    seconds as u128 * 1_000_000_000 + nsec as u128 + now as u128
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mock::Clock;
    use core::cell::Cell;

    #[test]
    fn scaling() {
        // (ticks, mul, shift, ns)
        for (ticks, mul, shift, ns) in [
            (1000, 0x8000_0000, 1, 1000),                    // 1 GHz: x2 then /2
            (2_000_000_000, 0x8000_0000, 0, 1_000_000_000),  // 2 GHz, a second
            (4_000_000_000, 0x8000_0000, -1, 1_000_000_000), // 4 GHz
            (3_000_000_000, 0xAAAA_AAAA, -1, 999_999_999),   // 3 GHz, rounded down
            (u64::MAX, 0x8000_0000, 0, u64::MAX >> 1),       // no overflow on the way
            (1, 1, 64, 0),
            (1, 1, -64, 0),
            (1, 1, -128, 0),
            (0, u32::MAX, 5, 0),
        ] {
            assert_eq!(scale(ticks, mul, shift), ns, "{ticks} {mul:#x} {shift}");
        }
    }

    #[test]
    fn time_does_not_jump_when_the_tsc_lags() {
        let info = VcpuTimeInfo {
            tsc_timestamp: 1000,
            system_time: 5,
            tsc_to_system_mul: 0x8000_0000,
            tsc_shift: 1,
            ..VcpuTimeInfo::default()
        };
        assert_eq!(
            [
                system_time(&info, 999),
                system_time(&info, 1000),
                system_time(&info, 1010)
            ],
            [5, 5, 15]
        );
    }

    #[test]
    fn a_young_domains_timestamp_is_negative() {
        let info = VcpuTimeInfo {
            tsc_timestamp: 0u64.wrapping_sub(700),
            system_time: 5000,
            tsc_to_system_mul: 0x8000_0000,
            tsc_shift: 1,
            ..VcpuTimeInfo::default()
        };
        let times = [0, 100, 5000].map(|tsc| system_time(&info, tsc));
        assert_eq!(times, [5700, 5800, 10_700]);
    }

    #[test]
    fn a_record_is_taken_only_whole() {
        let steps = Cell::new(0);
        // Versions: odd, then changing under the copy, then still.
        let versions = [1, 2, 4, 4, 4];
        let version = || {
            steps.set(steps.get() + 1);
            versions[steps.get() - 1]
        };
        assert_eq!(
            consistent(version, || steps.get()),
            Some(4),
            "copied after the fourth look"
        );
        let mut n = 0;
        let restless = || {
            n += 2;
            n
        };
        assert_eq!(consistent(restless, || 0), None);
        assert_eq!(consistent(|| 1, || 0), None, "odd for ever");
    }

    #[test]
    fn no_torn_record_gets_through() {
        for every in 2..50 {
            let clock = Clock::new(every);
            let mut last = 0;
            for _ in 0..200 {
                // Rewritten so often that there is hardly a quiet moment, it may give up.
                let Some(info) = consistent(|| clock.version(), || clock.copy()) else {
                    assert!(every < 4, "{every}");
                    break;
                };
                assert_eq!(info.system_time, info.tsc_timestamp + Clock::RULE, "torn");
                let now = system_time(&info, info.tsc_timestamp + 5);
                assert!(now >= last, "time went back");
                last = now;
            }
        }
        let restless = Clock::new(0);
        assert!(consistent(|| restless.version(), || restless.copy()).is_none());
    }

    #[test]
    fn wall() {
        assert_eq!(
            wall_clock(0, 1_700_000_000, 500, 1_500),
            1_700_000_000_000_002_000
        );
        assert_eq!(wall_clock(1, 0, 0, 0), (1u128 << 32) * 1_000_000_000);
    }
}
