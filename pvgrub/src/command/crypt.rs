//! Passwords as crypt(3) keeps them: `$1$` (MD5), `$5$` (SHA-256) and `$6$`
//! (SHA-512), for `password`.
//!
//! MD5-crypt is FreeBSD's of 1994, as `openssl passwd -1` and `grub-md5-crypt`
//! make it; SHA-crypt is Ulrich Drepper's "Unix crypt using SHA-256 and
//! SHA-512". Only what they are made of comes from elsewhere.

use super::error::{Error, ErrorKind};
use alloc::string::{String, ToString};
use md5::{Digest, Md5};
use sha_crypt::{Params, sha256_crypt, sha512_crypt};

/// More rounds than this would keep somebody waiting for seconds.
pub const MOST_ROUNDS: u32 = 1_000_000;
/// What SHA-crypt does without `rounds=`, and the least it does.
const ROUNDS: u32 = 5000;
const LEAST_ROUNDS: u32 = 1000;

/// The 64 digits, from the least.
const DIGITS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// How a password was hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Md5,
    Sha256(u32),
    Sha512(u32),
}

/// A hashed password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hash {
    method: Method,
    salt: String,
    digest: String,
}

impl Hash {
    /// Whether `text` begins as a hash of a kind that is known here.
    pub fn is_one(text: &str) -> bool {
        ["$1$", "$5$", "$6$"].iter().any(|id| text.starts_with(id))
    }

    /// Reads `$id$[rounds=N$]salt$digest`.
    ///
    /// # Errors
    /// 30, saying what is wrong: the text itself is not shown.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let bad = |reason: &str| Error::because(ErrorKind::BadArgument, reason);
        let mut fields = text.split('$').skip(1);
        let id = fields.next().unwrap_or_default();
        let mut salt = fields.next().unwrap_or_default();
        let mut rounds = ROUNDS;
        if let Some(number) = salt.strip_prefix("rounds=").filter(|_| id != "1") {
            rounds = match number.parse::<u32>() {
                Ok(number) if number <= MOST_ROUNDS => number.max(LEAST_ROUNDS),
                Ok(_) => return Err(bad("more than 1000000 rounds of hashing")),
                Err(_) => return Err(bad("a hashed password with rounds that are no number")),
            };
            salt = fields.next().unwrap_or_default();
        }
        let (method, salt_length, digest_length) = match id {
            _ if !text.starts_with('$') => {
                return Err(bad("not a hashed password: it begins with no $"));
            }
            "1" => (Method::Md5, 8, 22),
            "5" => (Method::Sha256(rounds), 16, 43),
            "6" => (Method::Sha512(rounds), 16, 86),
            _ => {
                return Err(bad(
                    "not a kind of hashed password known here ($1$, $5$, $6$)",
                ));
            }
        };
        let digest = fields.next().unwrap_or_default();
        let is_digit = |byte: u8| DIGITS.contains(&byte);
        if digest.len() != digest_length || !digest.bytes().all(is_digit) || fields.next().is_some()
        {
            return Err(bad(
                "a hashed password that is cut short, or has more in it than it should",
            ));
        }
        let cut = salt
            .char_indices()
            .nth(salt_length)
            .map_or(salt.len(), |(at, _)| at);
        let salt = salt.get(..cut).unwrap_or(salt);
        if !salt.is_ascii() {
            return Err(bad("a hashed password with a salt that is not ASCII"));
        }
        Ok(Hash {
            method,
            salt: salt.to_string(),
            digest: digest.to_string(),
        })
    }

    /// Whether `password` is the one that was hashed.
    pub fn is(&self, password: &str) -> bool {
        let (password, salt) = (password.as_bytes(), self.salt.as_bytes());
        let digest = match self.method {
            Method::Md5 => md5_digits(&md5_crypt(password, salt)),
            Method::Sha256(rounds) => match Params::new(rounds) {
                Ok(rounds) => sha256_digits(&sha256_crypt(password, salt, rounds)),
                Err(_) => return false,
            },
            Method::Sha512(rounds) => match Params::new(rounds) {
                Ok(rounds) => sha512_digits(&sha512_crypt(password, salt, rounds)),
                Err(_) => return false,
            },
        };
        digest == self.digest
    }
}

fn md5_crypt(password: &[u8], salt: &[u8]) -> [u8; 16] {
    let mut inner = Md5::new();
    for part in [password, salt, password] {
        inner.update(part);
    }
    let inner: [u8; 16] = inner.finalize().into();
    let mut outer = Md5::new();
    for part in [password, b"$1$", salt] {
        outer.update(part);
    }
    for piece in password.chunks(inner.len()) {
        outer.update(inner.get(..piece.len()).unwrap_or_default());
    }
    let mut bits = password.len();
    while bits > 0 {
        // An old slip of the original, kept for good: a NUL or the first byte.
        let byte = if bits & 1 == 1 {
            Some(0)
        } else {
            password.first().copied()
        };
        outer.update(byte.as_slice());
        bits >>= 1;
    }
    let mut digest: [u8; 16] = outer.finalize().into();
    for round in 0u32..1000 {
        let odd = round & 1 == 1;
        let mut md5 = Md5::new();
        md5.update(if odd { password } else { &digest });
        if !round.is_multiple_of(3) {
            md5.update(salt);
        }
        if !round.is_multiple_of(7) {
            md5.update(password);
        }
        md5.update(if odd { &digest } else { password });
        digest = md5.finalize().into();
    }
    digest
}

/// Appends three bytes, the first the highest, as `count` digits from the
/// lowest on.
fn digits(out: &mut String, bytes: [u8; 3], count: usize) {
    let [high, middle, low] = bytes.map(u32::from);
    let mut value = high << 16 | middle << 8 | low;
    for _ in 0..count {
        let digit = DIGITS.get((value & 63) as usize).copied().unwrap_or(b'.');
        out.push(char::from(digit));
        value >>= 6;
    }
}

fn md5_digits(bytes: &[u8; 16]) -> String {
    let mut out = String::new();
    let [
        b0,
        b1,
        b2,
        b3,
        b4,
        b5,
        b6,
        b7,
        b8,
        b9,
        b10,
        b11,
        b12,
        b13,
        b14,
        b15,
    ] = *bytes;
    for group in [
        [b0, b6, b12],
        [b1, b7, b13],
        [b2, b8, b14],
        [b3, b9, b15],
        [b4, b10, b5],
    ] {
        digits(&mut out, group, 4);
    }
    digits(&mut out, [0, 0, b11], 2);
    out
}

/// The bytes `step` apart from `at` on, beginning with the `turn`-th.
fn apart(bytes: &[u8], at: usize, step: usize, turn: usize) -> [u8; 3] {
    let third = |nth: usize| {
        step.saturating_mul((nth.saturating_add(turn)) % 3)
            .saturating_add(at)
    };
    core::array::from_fn(|nth| bytes.get(third(nth)).copied().unwrap_or(0))
}

fn sha256_digits(bytes: &[u8; 32]) -> String {
    let mut out = String::new();
    for at in 0..10usize {
        // Turned the other way round from one group to the next.
        digits(&mut out, apart(bytes, at, 10, at.saturating_mul(2)), 4);
    }
    let [.., b30, b31] = *bytes;
    digits(&mut out, [0, b31, b30], 3);
    out
}

fn sha512_digits(bytes: &[u8; 64]) -> String {
    let mut out = String::new();
    for at in 0..21 {
        digits(&mut out, apart(bytes, at, 21, at), 4);
    }
    let [.., b63] = *bytes;
    digits(&mut out, [0, 0, b63], 2);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From Drepper's text, from crypt(3) of glibc and from `openssl passwd`.
    #[test]
    fn known_hashes() {
        for (password, hash) in [
            (
                "Hello world!",
                "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5",
            ),
            (
                "Hello world!",
                "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
            ),
            (
                "Hello world!",
                "$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA",
            ),
            (
                "a short string",
                "$6$rounds=1400$anotherlongsalts$SAu0xGXppllhPD9yNR32OgiJVhVXUbqF.y4UgOGG7d/nFYCFpaB43f5cW0d.q2OdGqPxRgXYYRc0Cg4uiz4PD/",
            ),
            (
                "",
                "$6$abc$mJP3a6FyA8uCnzRtlnNypPwjnvpi5TP9qOrInzrfDmwxUQG38PkpCPdqfTb8JQfAngapMxeim4AZ..hSdRRzD.",
            ),
            ("", "$5$$3c2QQ0KjIU1OLtB29cl8Fplc2WN7X89bnoEjaR7tWu."),
            (
                "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
                "$5$a.b/c$TkpfK20P7i1fqit6Zav1HtYcKW6Pz8Lqic.RPtdSlH7",
            ),
            (
                "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
                "$6$abcdefghijklmnop$jWweV8kxHEoauIMSEVJopPHK70npDo4yhmm7.4SCWwsQ/eSqSeDveQox5TKVYM0W/uRG1FDB2/OJhFYSiNLjf/",
            ),
            ("secret", "$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1"),
            ("", "$1$abc$Or2rbeUYTvt12aiVzMuS/."),
            (
                "a rather long password with more than sixteen bytes",
                "$1$x$bKx/4n9u8DnBaCRmrN/7l.",
            ),
            ("pässwörd", "$1$12345678$mQ1/t.WwP76MO4VquZEL.0"),
        ] {
            let hash = Hash::parse(hash).unwrap_or_else(|error| panic!("{hash}: {error}"));
            assert!(hash.is(password), "{password}");
            assert!(!hash.is(&format!("{password}x")) && !hash.is("") | password.is_empty());
        }
    }

    #[test]
    fn what_is_no_hash() {
        let whole = "$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1";
        for bad in [
            "",
            "secret",
            "$",
            "$1$",
            "$1$abcdefgh",
            "$2y$10$abcdefgh",
            "$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I",
            "$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1$",
            "$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I!",
            "$1$rounds=5000$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1",
            "$5$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1",
            "$6$rounds=x$abc$x",
            "$6$rounds=999999999$abc$x",
            "1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1",
        ] {
            let error = Hash::parse(bad).unwrap_err();
            assert_eq!(error.kind.number(), 30, "{bad}");
            assert!(!error.to_string().contains("abcdefgh"), "{error}");
        }
        assert!(Hash::parse(whole).is_ok());
        assert!(Hash::is_one(whole) && !Hash::is_one("$x") && !Hash::is_one("secret"));
    }
}
