//! What commands read, watched: for errors that name their file, and for
//! `debug` and `fstest`, which tell of it.

use super::error::{Error, ErrorKind};
use crate::fs::{File, FsError, Place};
use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cell::RefCell;
use minios::time;

/// Reads of one file that are told one by one, at most.
const MOST_READS: usize = 64;

/// What is to be told of reading.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    /// Which files, how much of them, and how fast.
    pub debug: bool,
    /// Which sectors.
    pub trace: bool,
    readings: Rc<RefCell<Vec<Reading>>>,
}

/// What was read of one file.
#[derive(Debug, Default)]
struct Reading {
    name: String,
    bytes: u64,
    reads: u64,
    nanoseconds: u64,
    /// Sectors, as far as they are to be told.
    places: Vec<Place>,
}

/// An open file that knows its name.
pub struct Opened {
    /// Its full name.
    pub name: String,
    file: Watched,
}

impl Opened {
    /// Reads from byte `offset` on, like [`File::read_at`].
    ///
    /// # Errors
    /// Those of the file, with its name and the offset.
    pub fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<usize, Error> {
        self.file.read_at(offset, buf).map_err(|error| {
            let mut error = Error::from(error).about(&self.name);
            error.reason = format!("at byte {offset} of it: {}", error.reason);
            error
        })
    }

    /// All of it, for use as `what`, which is no longer than `limit` bytes.
    ///
    /// # Errors
    /// One that is longer; those of the file.
    pub fn whole(&mut self, limit: u64, what: &str) -> Result<Vec<u8>, Error> {
        let length = self.length();
        if length > limit {
            let reason = format!("{length} bytes is too large for {what} (at most {limit})");
            return Err(Error::because(ErrorKind::OutOfMemory, reason).about(&self.name));
        }
        let size = usize::try_from(length).unwrap_or(usize::MAX);
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(size).map_err(|_| {
            let reason = format!("no memory for {length} bytes of {what}");
            Error::because(ErrorKind::OutOfMemory, reason).about(&self.name)
        })?;
        bytes.resize(size, 0);
        let read = self.read_at(0, &mut bytes)?;
        bytes.truncate(read);
        Ok(bytes)
    }

    /// The file's length in bytes.
    pub fn length(&self) -> u64 {
        self.file.len()
    }

    /// The file itself.
    pub fn file(&mut self) -> &mut dyn File {
        &mut self.file
    }

    /// The file itself, for keeps.
    pub fn into_file(self) -> Box<dyn File> {
        Box::new(self.file)
    }
}

struct Watched {
    file: Box<dyn File>,
    /// Where its reads are noted; `None` if nobody wants to know.
    noted: Option<(Watch, usize)>,
}

impl File for Watched {
    fn len(&self) -> u64 {
        self.file.len()
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<usize, FsError> {
        let Some((watch, index)) = &self.noted else {
            return self.file.read_at(offset, buf);
        };
        let begin = time::now_ns();
        let result = self.file.read_at(offset, buf);
        let taken = time::now_ns().saturating_sub(begin);
        let places = match watch.trace {
            true => self.file.places(offset, buf.len() as u64),
            false => Ok(Vec::new()),
        };
        if let Some(reading) = watch.readings.borrow_mut().get_mut(*index) {
            let bytes = result.as_ref().map_or(0, |&read| read as u64);
            reading.bytes = reading.bytes.saturating_add(bytes);
            reading.reads = reading.reads.saturating_add(1);
            reading.nanoseconds = reading.nanoseconds.saturating_add(taken);
            let room = MOST_READS.saturating_sub(reading.places.len());
            let places = places.unwrap_or_default().into_iter();
            let places = places.filter(|place| place.length > 0);
            reading.places.extend(places.take(room));
        }
        result
    }

    fn places(&mut self, offset: u64, length: u64) -> Result<Vec<Place>, FsError> {
        self.file.places(offset, length)
    }

    fn places_to_write(&mut self, offset: u64, length: u64) -> Result<Vec<Place>, FsError> {
        self.file.places_to_write(offset, length)
    }
}

impl Watch {
    /// `file` under its full `name`, watched if anything is to be told.
    pub fn open(&self, name: String, file: Box<dyn File>) -> Opened {
        let noted = (self.debug || self.trace).then(|| {
            let mut readings = self.readings.borrow_mut();
            readings.push(Reading {
                name: name.clone(),
                ..Reading::default()
            });
            (self.clone(), readings.len().saturating_sub(1))
        });
        Opened {
            name,
            file: Watched { file, noted },
        }
    }

    /// What there is to tell of the reads since this was last asked, in lines.
    pub fn report(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for reading in self.readings.take() {
            if self.debug {
                lines.push(reading.to_string());
            }
            if self.trace {
                lines.extend(reading.places.iter().map(trace));
            }
        }
        lines
    }
}

/// A read as the original wrote it: sector, offset in it, bytes.
fn trace(place: &Place) -> String {
    match place.start {
        Some(start) => format!("[{},{},{}]", start / 512, start % 512, place.length),
        None => format!("[hole,0,{}]", place.length),
    }
}

impl core::fmt::Display for Reading {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let milliseconds = self.nanoseconds / 1_000_000;
        write!(
            f,
            "   {}: {} bytes in {} reads, {milliseconds} ms",
            self.name, self.bytes, self.reads
        )?;
        // Tenths of MiB a second; what took no time says nothing about speed.
        let speed = u128::from(self.bytes).saturating_mul(10_000_000_000) >> 20;
        match speed.checked_div(self.nanoseconds.into()) {
            Some(speed) if milliseconds > 0 => {
                write!(f, ", {}.{} MiB/s", speed / 10, speed % 10)
            }
            _ => Ok(()),
        }
    }
}
