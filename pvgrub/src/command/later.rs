//! Commands of the original that this version does not have.
//!
//! A menu written for the original still works: commands that only change how
//! things look are passed over with a notice. Each line here goes away as its command comes.

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

/// Looks a word up among them.
pub fn look_up(word: &str) -> Word {
    if IGNORED.contains(&word) {
        Word::Ignored
    } else {
        Word::Unknown
    }
}
