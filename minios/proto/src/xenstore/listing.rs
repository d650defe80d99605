//! Listing a node's children, however many: one request, or as many parts as it takes.
//!
//! `XS_DIRECTORY` fails with `E2BIG` when the list does not fit into a packet.
//! `XS_DIRECTORY_PART` then gives it piece by piece; each piece carries a
//! generation number, and if that changes between two pieces the node changed
//! and the list starts over. A server without it leaves only the `E2BIG`.

use super::{Errno, Error, wire};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;
use wire::Kind;

/// Times a list that keeps changing is started over.
const RESTARTS: u32 = 32;
/// Most bytes of names that a list is followed for.
const NAMES_MAX: usize = 1 << 20;

/// A listing under way. Ask what [`Self::request`] says, give the answer to [`Self::answer`].
#[derive(Debug)]
pub struct Listing {
    path: String,
    /// `None`: the short way is being tried.
    parts: Option<Parts>,
    restarts: u32,
}

#[derive(Debug, Default)]
struct Parts {
    generation: Option<String>,
    /// Names so far, each with its NUL; its length is the next offset.
    names: Vec<u8>,
}

/// What to do after an answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Ask again.
    Ask,
    /// The children's names.
    Done(Vec<String>),
}

impl Listing {
    /// Of the node at `path`.
    pub fn new(path: &str) -> Self {
        Self {
            path: path.into(),
            parts: None,
            restarts: 0,
        }
    }

    /// The request to make now: kind and payload.
    pub fn request(&self) -> (Kind, String) {
        let mut payload = self.path.clone();
        payload.push('\0');
        match &self.parts {
            None => (Kind::Directory, payload),
            Some(parts) => {
                let _ = write!(payload, "{}\0", parts.names.len());
                (Kind::DirectoryPart, payload)
            }
        }
    }

    /// Takes the answer to [`Self::request`].
    ///
    /// # Errors
    /// The server's error, or [`Error::Answer`] for an answer that is none.
    pub fn answer(&mut self, answer: Result<Vec<u8>, Error>) -> Result<Step, Error> {
        match (self.parts.take(), answer) {
            (None, Ok(payload)) => Ok(Step::Done(names(&payload)?)),
            (None, Err(Error::Server(Errno::E2BIG))) => {
                self.parts = Some(Parts::default());
                Ok(Step::Ask)
            }
            // Without the long way the short way's error stands.
            (Some(_), Err(Error::Server(Errno::ENOSYS))) => Err(Error::Server(Errno::E2BIG)),
            (_, Err(e)) => Err(e),
            (Some(parts), Ok(payload)) => self.part(parts, &payload),
        }
    }

    fn part(&mut self, mut parts: Parts, payload: &[u8]) -> Result<Step, Error> {
        let end = payload
            .iter()
            .position(|b| *b == 0)
            .ok_or(Error::Answer("no generation in a directory part"))?;
        let (generation, rest) = payload.split_at(end);
        let rest = rest.get(1..).unwrap_or_default();
        let generation =
            str::from_utf8(generation).map_err(|_| Error::Answer("generation is not text"))?;
        if parts.generation.as_deref().is_some_and(|g| g != generation) {
            self.restarts += 1;
            if self.restarts > RESTARTS {
                return Err(Error::Conflict {
                    attempts: self.restarts,
                });
            }
            parts = Parts::default();
            self.parts = Some(parts);
            return Ok(Step::Ask);
        }
        parts.generation = Some(generation.into());
        // The last part ends with an empty name.
        let last = rest == [0] || rest.ends_with(&[0, 0]);
        let new = if last {
            rest.get(..rest.len() - 1).unwrap_or_default()
        } else {
            rest
        };
        if !last && !new.ends_with(&[0]) {
            return Err(Error::Answer("directory part is cut or empty"));
        }
        parts.names.extend_from_slice(new);
        if last {
            return Ok(Step::Done(names(&parts.names)?));
        }
        if parts.names.len() > NAMES_MAX {
            return Err(Error::Answer("directory without end"));
        }
        self.parts = Some(parts);
        Ok(Step::Ask)
    }
}

fn names(payload: &[u8]) -> Result<Vec<String>, Error> {
    wire::strings(payload)
        .map(|name| match str::from_utf8(name) {
            Ok(name) if !name.is_empty() && !name.contains('/') => Ok(name.into()),
            _ => Err(Error::Answer("not a name in a directory")),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn too_big() -> Listing {
        let mut listing = Listing::new("/a");
        assert_eq!(listing.request(), (Kind::Directory, "/a\0".into()));
        assert_eq!(
            listing.answer(Err(Error::Server(Errno::E2BIG))),
            Ok(Step::Ask)
        );
        assert_eq!(listing.request(), (Kind::DirectoryPart, "/a\x000\0".into()));
        listing
    }

    #[test]
    fn short_lists() {
        for (payload, names) in [(&b""[..], vec![]), (b"a\0bc\0", vec!["a", "bc"])] {
            let step = Listing::new("/a").answer(Ok(payload.into())).unwrap();
            assert_eq!(
                step,
                Step::Done(names.into_iter().map(String::from).collect())
            );
        }
        for payload in [&b"\0"[..], b"a\0\0b\0", b"a/b\0", b"\xff\0"] {
            assert!(
                Listing::new("/a").answer(Ok(payload.into())).is_err(),
                "{payload:?}"
            );
        }
    }

    #[test]
    fn long_lists_come_in_parts() {
        let mut l = too_big();
        assert_eq!(l.answer(Ok(b"17\0one\0two\0".to_vec())), Ok(Step::Ask));
        assert_eq!(l.request().1, "/a\x008\0");
        assert_eq!(
            l.answer(Ok(b"17\0three\0\0".to_vec())),
            Ok(Step::Done(["one", "two", "three"].map(String::from).into()))
        );
        // The end may also come alone.
        let mut l = too_big();
        assert_eq!(l.answer(Ok(b"17\0one\0".to_vec())), Ok(Step::Ask));
        assert_eq!(
            l.answer(Ok(b"17\0\0".to_vec())),
            Ok(Step::Done(vec!["one".into()]))
        );
        // All children may be gone by now.
        assert_eq!(
            too_big().answer(Ok(b"18\0\0".to_vec())),
            Ok(Step::Done(vec![]))
        );
    }

    #[test]
    fn a_change_starts_over() {
        let mut l = too_big();
        assert_eq!(l.answer(Ok(b"1\0one\0".to_vec())), Ok(Step::Ask));
        assert_eq!(l.answer(Ok(b"2\0two\0\0".to_vec())), Ok(Step::Ask));
        assert_eq!(l.request().1, "/a\x000\0", "from the start");
        assert_eq!(
            l.answer(Ok(b"2\0zero\0two\0\0".to_vec())),
            Ok(Step::Done(vec!["zero".into(), "two".into()]))
        );
    }

    #[test]
    fn errors_and_nonsense() {
        assert_eq!(
            too_big().answer(Err(Error::Server(Errno::ENOSYS))),
            Err(Error::Server(Errno::E2BIG)),
            "a server without parts"
        );
        for part in [&b""[..], b"17", b"17\0", b"17\0one", b"\xff\0one\0\0"] {
            assert!(too_big().answer(Ok(part.into())).is_err(), "{part:?}");
        }
        // A list that changes for ever, and one that never ends.
        let mut l = too_big();
        let mut n = 0;
        while l
            .answer(Ok(alloc::format!("{n}\0x\0").into_bytes()))
            .is_ok()
        {
            n += 1;
            assert!(n < 1000);
        }
        let mut l = too_big();
        let part = [&b"1\0"[..], &b"name\0".repeat(800)].concat();
        let mut n = 0;
        while l.answer(Ok(part.clone())).is_ok() {
            n += 1;
            assert!(n < 1000);
        }
    }
}
