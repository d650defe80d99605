//! A hashed password of any bytes, up to the first NUL, and what somebody
//! types, behind it: it is refused or it is checked, and who types the hash
//! itself is not let in.

use pvgrub::command::crypt::Hash;

pub fn fuzz(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (hash, typed) = text.split_once('\0').unwrap_or((text, ""));
    // The limit of rounds is tested elsewhere: here they only cost time.
    if hash.split("rounds=").nth(1).is_some_and(|tail| tail.len() > 3 && tail.as_bytes()[3].is_ascii_digit()) {
        let _ = Hash::parse(hash);
        return;
    }
    if let Ok(parsed) = Hash::parse(hash) {
        assert!(!parsed.is(hash));
        parsed.is(typed);
    }
}
