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
pub const MAX_BLOCK: usize = 64 * 1024;

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

/// The block `bytes` with `name` set to `value`, or without `name`, and all
/// else as it was; as long as before, as it is written in place.
///
/// # Errors
/// What is wrong with the block.
pub fn set(bytes: &[u8], name: &str, value: Option<&str>) -> Result<Vec<u8>, &'static str> {
    let rest = bytes
        .strip_prefix(SIGNATURE)
        .ok_or("is no environment block")?;
    let mut new = value.map(|value| {
        let value = value.replace('\\', "\\\\").replace('\n', "\\\n");
        [name, "=", &value, "\n"].concat().into_bytes()
    });
    let mut block = SIGNATURE.to_vec();
    let mut line = Vec::new();
    let mut escaped = false;
    for &byte in rest {
        line.push(byte);
        if byte == b'\n' && !escaped {
            let is_it = line
                .strip_prefix(name.as_bytes())
                .is_some_and(|rest| rest.starts_with(b"="));
            match is_it {
                true => block.extend(new.take().unwrap_or_default()),
                false => block.append(&mut line),
            }
            line.clear();
        }
        escaped = byte == b'\\' && !escaped;
    }
    if line.iter().any(|&byte| byte != b'#') {
        return Err("does not end like an environment block");
    }
    block.extend(new.unwrap_or_default());
    if block.len() > bytes.len() {
        return Err("has no room for it");
    }
    block.resize(bytes.len(), b'#');
    Ok(block)
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

    #[test]
    fn one_variable_changes() {
        let block = |lines: &str| {
            let mut text = format!("# GRUB Environment Block\n{lines}");
            text += &"#".repeat(80 - text.len());
            text
        };
        for (before, name, value, after) in [
            ("", "a", Some("1"), "a=1\n"),
            ("a=1\nb=2\n", "a", Some("long"), "a=long\nb=2\n"),
            ("a=1\nb=2\n", "a", Some(""), "a=\nb=2\n"),
            ("a=1\nb=2\n", "a", None, "b=2\n"),
            ("a=1\n", "b", None, "a=1\n"),
            ("aa=1\n", "a", Some("2"), "aa=1\na=2\n"),
            ("a=1\na=2\n", "a", Some("3"), "a=3\n"),
            ("# WARNING\na=1\n", "a", Some("x"), "# WARNING\na=x\n"),
            ("a=1\\\na=2\nb=3\n", "b", Some("x"), "a=1\\\na=2\nb=x\n"),
            ("", "a", Some("x\\y\nz"), "a=x\\\\y\\\nz\n"),
        ] {
            let changed = set(block(before).as_bytes(), name, value).unwrap();
            assert_eq!(String::from_utf8(changed.clone()).unwrap(), block(after));
            let found = parse(&changed).unwrap();
            let found = found.iter().find(|(at, _)| at == name);
            assert_eq!(found.map(|(_, value)| value.as_str()), value, "{after:?}");
        }
        let full = block(&format!("a={}\n", "x".repeat(50)));
        assert!(set(full.as_bytes(), "b", Some("12345")).is_err());
        assert!(set(full.as_bytes(), "a", Some("12345")).is_ok());
        for wrong in ["", "a=1\n", "# GRUB Environment Block\na=1\nb=2"] {
            assert!(set(wrong.as_bytes(), "a", Some("2")).is_err(), "{wrong:?}");
        }
    }
}
