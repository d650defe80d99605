//! The domain's command line (`extra` in xl's configuration).

use alloc::string::String;
use alloc::vec::Vec;

/// A NUL-terminated line as text. Bytes that are not UTF-8 are replaced.
pub fn text(line: &[u8]) -> String {
    let line = line.split(|&byte| byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(line).into_owned()
}

/// Words of a NUL-terminated line: separated by spaces and tabs, with `'` and
/// `"` keeping what they enclose together.
pub fn split(line: &[u8]) -> Vec<String> {
    let line = text(line);
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(end), _) if c == end => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ' | '\t') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn words_quotes_and_the_terminator() {
        for (line, words) in [
            (
                &b"(hd0,0)/boot/grub/menu.lst\0junk"[..],
                &["(hd0,0)/boot/grub/menu.lst"][..],
            ),
            (b"  a\tb  ", &["a", "b"]),
            (b"'one word' x\"y z\"w", &["one word", "xy zw"]),
            (b"'' a", &["", "a"]),
            (b"open 'to the end", &["open", "to the end"]),
            (b"\xff", &["\u{fffd}"]),
            (b"", &[]),
        ] {
            assert_eq!(split(line), words, "{line:?}");
        }
    }
}
