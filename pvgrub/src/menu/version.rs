//! The order of versions: the UAPI group's Version Format Specification.
//!
//! What the Boot Loader Specification sorts entries by, newest first. (The
//! same order as systemd's; RPM's differs only where names are odd.)

use core::cmp::Ordering;

/// Compares two versions: the greater is the newer.
pub fn compare(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        a = skip_foreign(a);
        b = skip_foreign(b);
        // `~` comes before everything, even before the end.
        match (after(a, b'~'), after(b, b'~')) {
            (Some(x), Some(y)) => {
                (a, b) = (x, y);
                continue;
            }
            (Some(_), None) => return Ordering::Less,
            (None, Some(_)) => return Ordering::Greater,
            (None, None) => {}
        }
        if a.is_empty() || b.is_empty() {
            return a.len().min(1).cmp(&b.len().min(1));
        }
        // Then `-`, `^` and `.`, each before whatever comes later in this list.
        let mut passed = false;
        for separator in [b'-', b'^', b'.'] {
            match (after(a, separator), after(b, separator)) {
                (Some(x), Some(y)) => {
                    (a, b) = (x, y);
                    passed = true;
                    break;
                }
                (Some(_), None) => return Ordering::Less,
                (None, Some(_)) => return Ordering::Greater,
                (None, None) => {}
            }
        }
        if passed {
            continue;
        }
        let is_digit = |text: &[u8]| text.first().is_some_and(u8::is_ascii_digit);
        let (x, y, order) = match (is_digit(a), is_digit(b)) {
            (true, false) => return Ordering::Greater,
            (false, true) => return Ordering::Less,
            (true, true) => {
                let (x, a) = span(a, u8::is_ascii_digit);
                let (y, b) = span(b, u8::is_ascii_digit);
                let (x, y) = (without_zeros(x), without_zeros(y));
                (a, b, x.len().cmp(&y.len()).then_with(|| x.cmp(y)))
            }
            (false, false) => {
                let (x, a) = span(a, u8::is_ascii_alphabetic);
                let (y, b) = span(b, u8::is_ascii_alphabetic);
                // Capitals before small letters, a beginning before the whole.
                (a, b, x.cmp(y))
            }
        };
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (x, y);
    }
}

/// What follows if `text` begins with `byte`.
fn after(text: &[u8], byte: u8) -> Option<&[u8]> {
    text.split_first()
        .and_then(|(&first, rest)| (first == byte).then_some(rest))
}

/// Only some characters count at all.
fn skip_foreign(text: &[u8]) -> &[u8] {
    let counts = |byte: &u8| byte.is_ascii_alphanumeric() || b"~-^.".contains(byte);
    span(text, |byte| !counts(byte)).1
}

fn span(text: &[u8], belongs: impl Fn(&u8) -> bool) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !belongs(byte));
    text.split_at_checked(end.unwrap_or(text.len()))
        .unwrap_or((text, &[]))
}

fn without_zeros(digits: &[u8]) -> &[u8] {
    span(digits, |&byte| byte == b'0').1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(a: &str, b: &str, expected: Ordering) {
        assert_eq!(compare(a, b), expected, "{a:?} and {b:?}");
        assert_eq!(compare(b, a), expected.reverse(), "{b:?} and {a:?}");
    }

    /// The examples of the specification.
    #[test]
    fn pairs() {
        use Ordering::*;
        for (a, b, expected) in [
            ("11", "11", Equal),
            ("systemd-123", "systemd-123", Equal),
            ("bar-123", "foo-123", Less),
            ("123a", "123", Greater),
            ("123.a", "123", Greater),
            ("123.a", "123.b", Less),
            ("123a", "123.a", Greater),
            ("11α", "11β", Equal),
            ("A", "a", Less),
            ("", "0", Less),
            ("0.", "0", Greater),
            ("0.0", "0", Greater),
            ("0", "~", Greater),
            ("", "~", Greater),
            ("1_", "1", Equal),
            ("_1", "1", Equal),
            ("1_", "1.2", Less),
            ("1_2_3", "1.3.3", Greater),
            ("1+", "1", Equal),
            ("+1", "1", Equal),
            ("1+", "1.2", Less),
            ("1+2+3", "1.3.3", Greater),
            ("00123", "123", Equal),
            ("99999999999999999999998", "99999999999999999999999", Less),
            ("", "", Equal),
            ("~~", "~", Less),
        ] {
            check(a, b, expected);
        }
    }

    /// Each before the next: the specification's rows, and kernels.
    #[test]
    fn rows() {
        for row in [
            &[
                "122.1",
                "123~rc1-1",
                "123",
                "123-a",
                "123-a.1",
                "123-1",
                "123-1.1",
                "123^post1",
                "123.a-1",
                "123.1-1",
                "123a-1",
                "124-1",
            ][..],
            &[
                "0-rescue-c0ffee",
                "5.14.0-362.el9.x86_64",
                "6.5.6-300.fc39.x86_64",
                "6.5.10-300.fc39.x86_64",
                "6.10.0~rc1-1",
                "6.10.0-1",
                "6.10.0-10",
            ],
        ] {
            for (at, a) in row.iter().enumerate() {
                for b in &row[at + 1..] {
                    check(a, b, Ordering::Less);
                }
            }
        }
    }
}
