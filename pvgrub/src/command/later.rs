//! Commands of the original that this version does not have.
//!
//! A menu written for the original still works: commands that only change how
//! things look or what is remembered are passed over with a notice, the others
//! fail and say why. Each line here goes away as its command comes.

use super::Word;

/// Passed over in an entry.
const IGNORED: &[&str] = &[
    "background",
    "border",
    "color",
    "foreground",
    "shade",
    "splashimage",
    "viewport",
];

/// Fail in an entry: what follows relies on them.
const MISSING: &[&str] = &["bootp", "dhcp", "ifconfig", "rarp", "tftpserver"];

/// Looks a word up among them.
pub fn look_up(word: &str) -> Word {
    if IGNORED.contains(&word) {
        Word::Ignored
    } else if MISSING.contains(&word) {
        Word::Missing
    } else {
        Word::Unknown
    }
}
