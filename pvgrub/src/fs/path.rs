//! Paths as all file systems here take them: absolute, `/` between names,
//! empty names and `.` meaning nothing. `..` is left to the file system,
//! since behind a symbolic link it is not the name before it.

use super::FsError;
use alloc::string::String;

/// The longest path taken, in bytes (as Linux' `PATH_MAX`).
pub const MAX_PATH: usize = 4096;

/// The names in `path`, without empty ones and `.`.
pub fn components(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/')
        .filter(|name| !name.is_empty() && *name != ".")
}

/// Checks that `path` is absolute and of a sane length.
///
/// # Errors
/// [`FsError::BadPath`].
pub fn check(path: &str) -> Result<(), FsError> {
    let reason = if !path.starts_with('/') {
        "not an absolute path"
    } else if path.len() > MAX_PATH {
        "path too long"
    } else if path.contains('\0') {
        "path contains a zero byte"
    } else {
        return Ok(());
    };
    // Show only the start of a path that is absurdly long.
    Err(FsError::BadPath {
        path: path.chars().take(256).collect(),
        reason,
    })
}

/// `path` with one `/` between names, `.` dropped and `..` resolved by name
/// alone (never above the root): a form to compare and to show.
#[must_use]
pub fn normalise(path: &str) -> String {
    let mut out = String::new();
    for name in components(path) {
        if name == ".." {
            out.truncate(out.rfind('/').unwrap_or(0));
        } else {
            out.push('/');
            out.push_str(name);
        }
    }
    if out.is_empty() {
        out.push('/');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalised() {
        for (from, to) in [
            ("/", "/"),
            ("", "/"),
            ("//boot///grub/./menu.lst", "/boot/grub/menu.lst"),
            ("/a/../b", "/b"),
            ("/../../b/", "/b"),
            ("/a/b/..", "/a"),
        ] {
            assert_eq!(normalise(from), to, "{from}");
        }
    }

    #[test]
    fn refused() {
        assert!(check("/ok").is_ok());
        for bad in ["boot", "", "/a\0b"] {
            assert!(
                matches!(check(bad), Err(FsError::BadPath { .. })),
                "{bad:?}"
            );
        }
        let long: String = core::iter::repeat_n('/', MAX_PATH + 1).collect();
        assert!(check(&long).is_err());
    }
}
