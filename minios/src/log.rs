//! The `log` crate's backend: one line per record on the console.
//!
//! Levels come from the command line: `loglevel=debug`, or per module as in
//! `loglevel=info,minios::frontend=trace`. The default is `warn`: a loader's
//! screen belongs to its menu.

use alloc::string::String;
use alloc::vec::Vec;

use log::{LevelFilter, Log, Metadata, Record};

use crate::local::cpu_local;
use crate::{println, time};

/// Which modules say how much: the longest matching prefix decides.
#[derive(Debug, PartialEq, Eq)]
struct Levels {
    default: LevelFilter,
    /// Whether the command line names the default.
    told: bool,
    modules: Vec<(String, LevelFilter)>,
}

cpu_local! {
    static LEVELS: Levels = Levels { default: LevelFilter::Warn, told: false, modules: Vec::new() };
}

impl Levels {
    /// Parse `level` and `module=level` items, separated by commas. What makes
    /// no sense is returned, to be reported.
    fn parse(text: &str) -> (Levels, Vec<&str>) {
        let mut levels = Levels {
            default: LevelFilter::Warn,
            told: false,
            modules: Vec::new(),
        };
        let mut odd = Vec::new();
        for item in text.split(',').filter(|item| !item.is_empty()) {
            let (module, level) = item
                .split_once('=')
                .map_or((None, item), |(module, level)| (Some(module), level));
            match (module, level.parse()) {
                (None, Ok(level)) => (levels.default, levels.told) = (level, true),
                (Some(module), Ok(level)) => levels.modules.push((module.into(), level)),
                _ => odd.push(item),
            }
        }
        levels
            .modules
            .sort_by_key(|(module, _)| core::cmp::Reverse(module.len()));
        (levels, odd)
    }

    fn of(&self, target: &str) -> LevelFilter {
        let matches = |module: &str| {
            target
                .strip_prefix(module)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        };
        self.modules
            .iter()
            .find(|(module, _)| matches(module))
            .map_or(self.default, |&(_, level)| level)
    }

    fn max(&self) -> LevelFilter {
        self.modules
            .iter()
            .map(|&(_, level)| level)
            .fold(self.default, Ord::max)
    }
}

struct Console;

impl Log for Console {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        LEVELS.with_borrow(|levels| metadata.level() <= levels.of(metadata.target()))
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let now = time::now_ns() / 1000;
            let (level, target) = (record.level(), record.target());
            println!(
                "[{:5}.{:06}] {level:5} {target}: {}",
                now / 1_000_000,
                now % 1_000_000,
                record.args()
            );
        }
    }

    fn flush(&self) {}
}

/// Start logging, with the `loglevel=` of the command line if there is one.
pub(crate) fn init(levels: Option<&str>) {
    let (levels, odd) = Levels::parse(levels.unwrap_or_default());
    log::set_max_level(levels.max());
    LEVELS.with_borrow_mut(|slot| *slot = levels);
    // Fails only if somebody has set a logger before; then that one serves.
    let _ = log::set_logger(&Console);
    for item in odd {
        log::warn!("loglevel: {item:?} is no level (off, error, warn, info, debug, trace)");
    }
}

/// Say this much unless the command line says how much: for a domain whose
/// console is a log file and nothing else.
pub fn default_level(level: LevelFilter) {
    LEVELS.with_borrow_mut(|levels| {
        if !levels.told {
            levels.default = level;
        }
        log::set_max_level(levels.max());
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_matching_module_decides() {
        let (levels, odd) = Levels::parse("info,minios=debug,minios::frontend=trace,pv=off,shout");
        assert_eq!(odd, ["shout"]);
        for (target, level) in [
            ("pvgrub", LevelFilter::Info),
            ("minios", LevelFilter::Debug),
            ("minios::event", LevelFilter::Debug),
            ("minios::frontend::block", LevelFilter::Trace),
            ("minioso", LevelFilter::Info),
            ("pv::x", LevelFilter::Off),
        ] {
            assert_eq!(levels.of(target), level, "{target}");
        }
        assert_eq!(levels.max(), LevelFilter::Trace);
        assert_eq!(Levels::parse("").0.max(), LevelFilter::Warn);
    }

    #[test]
    fn a_domains_own_default_gives_way_to_the_command_line() {
        for (told, max) in [("", LevelFilter::Info), ("error", LevelFilter::Error)] {
            LEVELS.with_borrow_mut(|levels| *levels = Levels::parse(told).0);
            default_level(LevelFilter::Info);
            assert_eq!(LEVELS.with_borrow(Levels::max), max);
        }
    }
}
