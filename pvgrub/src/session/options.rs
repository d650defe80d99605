//! The guest's configuration speaking: the words of xl's `extra`.
//!
//! `extra` becomes our command line. This file takes it apart;
//! [`start`](super::start) acts on it. What stands behind the first word that
//! is `--` belongs to the kernel that is chosen, as it stands. Before that,
//! quotes hold blanks together, and a word is:
//! - `(hd0,0)/boot/grub/menu.lst`, `/boot/grub/menu.lst`, `(hd0,1)`: which menu;
//! - `timeout=SEC`, `default=NUM` or `default=saved`: in place of what the menu
//!   says;
//! - `console=hvc0`, `console=fb`, `console=both`: where the menu is shown;
//! - `root=…`, `ro`, `rw`, a runlevel, `--vtpm-label=…`: meant for somebody
//!   else, and passed over with a notice (xl puts `root=` there);
//! - other `name=value` words, which belong to the runtime.

use crate::command::Error;
use crate::disk::{DeviceName, FileSpec};
use crate::screen::Outputs;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Which menu the command line asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Wish {
    /// This menu.
    File(FileSpec),
    /// A menu on this device.
    Device(DeviceName),
    /// Any menu.
    #[default]
    Any,
}

/// What the command line says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// Which menu.
    pub wish: Wish,
    /// What overrides the menu, as lines of its global section.
    pub settings: Vec<String>,
    /// What is appended to the kernel's command line.
    pub appended: String,
    /// Where the menu is shown.
    pub outputs: Option<Outputs>,
    /// What was not taken as it stands, in words.
    pub notices: Vec<String>,
}

impl Options {
    /// Takes the command line `text` apart.
    pub fn parse(text: &str) -> Self {
        let (own, appended) = split(text);
        let mut options = Options {
            appended: appended.replace('\0', "").trim().into(),
            ..Options::default()
        };
        for word in words(own) {
            options.take(&word);
        }
        options
    }

    fn take(&mut self, word: &str) {
        if word.starts_with(['(', '/']) {
            return self.take_wish(word);
        }
        let notice = match word.split_once('=') {
            Some(("timeout" | "default", "")) => format!("A number is missing: {word}"),
            Some((name @ ("timeout" | "default"), value)) => {
                self.settings.push(format!("{name} {value}"));
                return;
            }
            Some(("console", name)) => match outputs(name) {
                Some(outputs) => {
                    self.outputs = Some(outputs);
                    return;
                }
                None => format!("No such console; hvc0, fb and both are: {word}"),
            },
            Some(("root" | "--vtpm-label", _)) => passed_over(word),
            Some(_) => return,
            None if is_for_init(word) => passed_over(word),
            None => format!("Not understood on the command line: {word}"),
        };
        self.notices.push(notice);
    }

    fn take_wish(&mut self, word: &str) {
        let notice = match parse_wish(word) {
            Ok(wanted) if self.wish == Wish::Any => {
                self.wish = wanted;
                return;
            }
            Ok(_) => format!("Only one menu can be given; passed over: {word}"),
            Err(error) => format!("On the command line: {error}"),
        };
        self.notices.push(notice);
    }
}

/// What a console is called.
fn outputs(name: &str) -> Option<Outputs> {
    let (console, graphics) = match name {
        "hvc0" | "pv" | "serial" => (true, false),
        "fb" | "vfb" | "graphics" | "tty0" => (false, true),
        "both" => (true, true),
        _ => return None,
    };
    Some(Outputs { console, graphics })
}

fn passed_over(word: &str) -> String {
    format!("Passed over on the command line: {word}")
}

/// What configurations give to every PV guest, whatever its kernel.
fn is_for_init(word: &str) -> bool {
    matches!(
        word,
        "ro" | "rw" | "single" | "quiet" | "1" | "2" | "3" | "4" | "5" | "S"
    )
}

fn parse_wish(word: &str) -> Result<Wish, Error> {
    if let Ok(device) = DeviceName::parse(word) {
        return Ok(Wish::Device(device));
    }
    Ok(Wish::File(FileSpec::parse(word)?))
}

/// Splits `text` at its first word that is `--`.
fn split(text: &str) -> (&str, &str) {
    let mut quote = None;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        match quote {
            Some(end) if c == end => quote = None,
            None if c == '\'' || c == '"' => quote = Some(c),
            None if c == '-' && before.is_ascii_whitespace() => {
                let tail = text.get(at..).unwrap_or_default();
                let ends = |rest: &&str| {
                    let next = rest.chars().next();
                    next.is_none_or(|c| c.is_ascii_whitespace() || c == '\0')
                };
                if let Some(behind) = tail.strip_prefix("--").filter(ends) {
                    return (text.get(..at).unwrap_or_default(), behind);
                }
            }
            _ => {}
        }
        before = c;
    }
    (text, "")
}

/// The words of a command line: separated by blanks, but not within quotes.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in text.chars().filter(|&c| c != '\0') {
        match quote {
            Some(end) if c == end => quote = None,
            None if c == '\'' || c == '"' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_ascii_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(text: &str) -> (String, Vec<String>) {
        let Options { wish, notices, .. } = Options::parse(text);
        let wish = match wish {
            Wish::File(spec) => spec.to_string(),
            Wish::Device(device) => format!("on {device}"),
            Wish::Any => "any".into(),
        };
        (wish, notices)
    }

    #[test]
    fn command_lines() {
        for (text, expected) in [
            ("", "any"),
            ("(hd0,0)/boot/grub/menu.lst", "(hd0,0)/boot/grub/menu.lst"),
            ("  (hd1)/menu.lst  ", "(hd1)/menu.lst"),
            ("'(hd0,0)/my menu.lst'", "(hd0,0)/my menu.lst"),
            ("\"(hd0,0)/it's\"", "(hd0,0)/it's"),
            ("(hd0,0)\"/a b\"/c", "(hd0,0)/a b/c"),
            ("/menu.lst", "/menu.lst"),
            ("(hd0,1)", "on (hd0,1)"),
            ("loglevel=debug", "any"),
            ("loglevel=debug (hd0)/m", "(hd0)/m"),
            (
                "timeout=0 default=1 console=hvc0 (hd0)/m -- (hd1)/n x",
                "(hd0)/m",
            ),
            ("-- (hd0)/m", "any"),
        ] {
            assert_eq!(wish(text), (expected.to_string(), vec![]), "{text:?}");
        }
    }

    #[test]
    fn notices() {
        for (text, expected, notice) in [
            ("root=/dev/xvda1 (hd0)/m", "(hd0)/m", "root=/dev/xvda1"),
            ("(hd0)/m root=/dev/xvda1", "(hd0)/m", "root=/dev/xvda1"),
            ("--vtpm-label=x (hd0)/m", "(hd0)/m", "--vtpm-label=x"),
            ("(hd0)/m (hd0)/n", "(hd0)/m", "(hd0)/n"),
            ("(hdx)/m", "any", "(hdx)"),
            ("ro (hd0)/m", "(hd0)/m", "ro"),
            ("root=/dev/sda (hd0)/m", "(hd0)/m", "root=/dev/sda"),
            ("frobnicate (hd0)/m", "(hd0)/m", "frobnicate"),
            ("console=lp0 (hd0)/m", "(hd0)/m", "console=lp0"),
            ("timeout= (hd0)/m", "(hd0)/m", "timeout="),
            ("--x (hd0)/m", "(hd0)/m", "--x"),
        ] {
            let (wish, notices) = wish(text);
            assert_eq!(wish, expected, "{text:?}");
            assert!(
                notices.len() == 1 && notices[0].contains(notice),
                "{notices:?}"
            );
        }
    }

    #[test]
    fn where_the_menu_is() {
        let outputs = |console, graphics| Some(Outputs { console, graphics });
        for (text, expected) in [
            ("", None),
            ("console=hvc0", outputs(true, false)),
            ("console=fb (hd0)/m", outputs(false, true)),
            ("console=hvc0 console=both", outputs(true, true)),
            ("console=lp0", None),
            ("-- console=fb", None),
        ] {
            assert_eq!(Options::parse(text).outputs, expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_for_the_menu_and_what_for_the_kernel() {
        for (text, settings, appended) in [
            ("", &[][..], ""),
            ("timeout=0", &["timeout 0"][..], ""),
            (
                "default=saved timeout=5 (hd0)/m -- quiet  foo=bar ",
                &["default saved", "timeout 5"],
                "quiet  foo=bar",
            ),
            ("(hd0)/m -- -- x", &[], "-- x"),
            ("(hd0)/m --", &[], ""),
            ("--\tx", &[], "x"),
            ("'(hd0)/a -- b' -- c", &[], "c"),
            ("(hd0)/a-- b --c", &[], ""),
            ("-- \"a b\"\0", &[], "\"a b\""),
            ("root=/dev/xvda1 timeout=1 -- ro", &["timeout 1"], "ro"),
        ] {
            let options = Options::parse(text);
            assert_eq!(options.settings, settings, "{text:?}");
            assert_eq!(options.appended, appended, "{text:?}");
        }
    }
}
