//! The environment block: the file `grubenv`, GRUB 2's memory.
//!
//! 1024 bytes: a first line that says what it is, then `name=value` lines,
//! then `#` up to the end. In values a backslash stands before a backslash
//! and before the end of a line (GRUB 2's `grub-editenv`).

use alloc::string::String;
use alloc::vec::Vec;

/// What the file begins with.
const SIGNATURE: &[u8] = b"# GRUB Environment Block\n";
/// How much of a file that may be larger counts, in bytes.
const MAX_BLOCK: usize = 64 * 1024;

/// The names and values in `bytes`, in order; `None` if it is no such block.
pub fn parse(bytes: &[u8]) -> Option<Vec<(String, String)>> {
    let rest = bytes.strip_prefix(SIGNATURE)?;
    let rest = rest.get(..MAX_BLOCK).unwrap_or(rest);
    let mut variables = Vec::new();
    let mut line = Vec::new();
    let mut escaped = false;
    for &byte in rest {
        match byte {
            b'\\' if !escaped => escaped = true,
            b'\n' if !escaped => variables.extend(variable(&core::mem::take(&mut line))),
            byte => {
                escaped = false;
                line.push(byte);
            }
        }
    }
    Some(variables)
}

fn variable(line: &[u8]) -> Option<(String, String)> {
    if line.starts_with(b"#") {
        return None;
    }
    let line = String::from_utf8_lossy(line);
    let (name, value) = line.split_once('=')?;
    Some((name.into(), value.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks() {
        let block = |lines: &str| {
            let mut text = format!("# GRUB Environment Block\n{lines}");
            text += &"#".repeat(1024 - text.len());
            parse(text.as_bytes()).map(|list| {
                let list = list.iter().map(|(name, value)| format!("{name}=<{value}>"));
                list.collect::<Vec<_>>().join(" ")
            })
        };
        for (lines, expected) in [
            ("", ""),
            ("saved_entry=a b\n", "saved_entry=<a b>"),
            ("a=1\n# WARNING\nb=2=3\n", "a=<1> b=<2=3>"),
            ("a=x\\\\y\\\nz\n", "a=<x\\y\nz>"),
            ("no line\n=\n", "=<>"),
            // The last line needs its end.
            ("a=1\nb=2", "a=<1>"),
        ] {
            assert_eq!(block(lines).as_deref(), Some(expected), "{lines:?}");
        }
        assert_eq!(parse(b"saved_entry=0\n"), None);
        assert_eq!(parse(b""), None);
    }
}
