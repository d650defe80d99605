//! Xenstore paths: which strings are one, and how they are put together.
//!
//! From `docs/misc/xenstore.txt`: letters, digits and `-/_@`; no empty part, no
//! `/` at the end; absolute up to 3072 bytes, relative (to the domain's own
//! `/local/domain/<id>`) up to 2048. Watches may also name `@releaseDomain`
//! and the like.

use alloc::string::String;
use core::fmt;
use xen_sys::io::xs_wire::{XENSTORE_ABS_PATH_MAX, XENSTORE_REL_PATH_MAX};

/// Why a string is not a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathError {
    /// It is empty.
    Empty,
    /// It is longer than its kind may be.
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
    /// A byte that no path has.
    Character {
        /// The byte.
        byte: u8,
        /// Where it is.
        at: usize,
    },
    /// Two slashes in a row, or one at the end.
    EmptyPart {
        /// Where.
        at: usize,
    },
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "empty path"),
            Self::TooLong { bytes } => write!(f, "path of {bytes} bytes"),
            Self::Character { byte, at } => write!(f, "byte {byte:#04x} at {at} in a path"),
            Self::EmptyPart { at } => write!(f, "empty part at {at} in a path"),
        }
    }
}

impl core::error::Error for PathError {}

/// Checks that `path` is one.
///
/// # Errors
/// What is wrong with it.
pub fn check(path: &str) -> Result<(), PathError> {
    let max = if path.starts_with('/') {
        XENSTORE_ABS_PATH_MAX
    } else {
        XENSTORE_REL_PATH_MAX
    };
    if path.is_empty() {
        return Err(PathError::Empty);
    }
    if path.len() > max {
        return Err(PathError::TooLong { bytes: path.len() });
    }
    if path == "/" {
        return Ok(());
    }
    let mut slash = false;
    for (at, byte) in path.bytes().enumerate() {
        if !(byte.is_ascii_alphanumeric() || b"-/_@".contains(&byte)) {
            return Err(PathError::Character { byte, at });
        }
        if byte == b'/' && slash {
            return Err(PathError::EmptyPart { at });
        }
        slash = byte == b'/';
    }
    if slash {
        Err(PathError::EmptyPart { at: path.len() })
    } else {
        Ok(())
    }
}

/// `dir/name`, without a double slash at the root.
pub fn join(dir: &str, name: &str) -> String {
    let mut path = String::with_capacity(dir.len() + 1 + name.len());
    path.push_str(dir);
    if !dir.ends_with('/') && !dir.is_empty() {
        path.push('/');
    }
    path.push_str(name);
    path
}

/// Whether `path` is `dir` or something below it.
pub fn is_within(path: &str, dir: &str) -> bool {
    match path.strip_prefix(dir) {
        Some(rest) => rest.is_empty() || rest.starts_with('/') || dir.ends_with('/'),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let long = ["a"; 2049].concat();
        for (path, want) in [
            ("/", Ok(())),
            ("/local/domain/0", Ok(())),
            ("device/vbd/51712/ring-ref", Ok(())),
            ("@releaseDomain", Ok(())),
            ("a_b-C@9", Ok(())),
            ("", Err(PathError::Empty)),
            ("a//b", Err(PathError::EmptyPart { at: 2 })),
            ("//", Err(PathError::EmptyPart { at: 1 })),
            ("a/", Err(PathError::EmptyPart { at: 2 })),
            ("a b", Err(PathError::Character { byte: b' ', at: 1 })),
            ("a\0b", Err(PathError::Character { byte: 0, at: 1 })),
            ("../x", Err(PathError::Character { byte: b'.', at: 0 })),
            (&long[..2048], Ok(())),
            (&long, Err(PathError::TooLong { bytes: 2049 })),
        ] {
            assert_eq!(check(path), want, "{path:?}");
        }
        assert_eq!(
            check(&(String::from("/") + &long + &long)),
            Err(PathError::TooLong { bytes: 4099 })
        );
    }

    #[test]
    fn joining_and_belonging() {
        assert_eq!(join("/", "a"), "/a");
        assert_eq!(join("/a", "b"), "/a/b");
        assert_eq!(join("", "a"), "a");
        for (path, dir, want) in [
            ("/a/b", "/a", true),
            ("/a", "/a", true),
            ("/ab", "/a", false),
            ("/a", "/", true),
            ("a", "/a", false),
        ] {
            assert_eq!(is_within(path, dir), want, "{path} in {dir}");
        }
    }
}
