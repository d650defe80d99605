//! Numbers as the menu writes them: decimal, or hexadecimal after `0x`.

use super::error::{Error, ErrorKind};

/// Reads `text` as a number.
///
/// # Errors
/// 30 without a number, 23 if it is none, 35 if it is too large.
pub fn number(text: &str) -> Result<u32, Error> {
    let (digits, radix) = match text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    if text.is_empty() {
        return Err(Error::because(
            ErrorKind::BadArgument,
            "a number is missing",
        ));
    }
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return Err(Error::new(ErrorKind::BadNumber, text));
    }
    u32::from_str_radix(digits, radix).map_err(|_| Error::new(ErrorKind::NumberTooLarge, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (text, expected) in [
            ("0", Ok(0)),
            ("007", Ok(7)),
            ("0x1F", Ok(31)),
            ("4294967295", Ok(u32::MAX)),
            ("4294967296", Err(35)),
            ("", Err(30)),
            ("0x", Err(23)),
            ("-1", Err(23)),
            ("+1", Err(23)),
            ("5s", Err(23)),
            ("5 ", Err(23)),
        ] {
            assert_eq!(
                number(text).map_err(|e| e.kind.number()),
                expected,
                "{text:?}"
            );
        }
    }
}
