//! Errors of commands: GRUB's numbers, our words, and where it happened.
//!
//! The numbers are what users and their documentation know ("Error 15"); see
//! the manual of GRUB 0.97, "Troubleshooting". The words are our own.

use crate::disk::{DeviceError, DiskError, NameError};
use crate::fs::{FsError, OpenError};
use crate::net::NetError;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use core::fmt;

/// What went wrong, as one of GRUB's numbered errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ErrorKind {
    /// 1: a file name that neither starts with `/` nor names a device.
    BadFileName = 1,
    /// 2: a folder where a file is needed, or the other way round, or a
    /// special file.
    BadFileType = 2,
    /// 3: compressed data is damaged.
    BadCompressedData = 3,
    /// 4: a compression or header of an unknown kind.
    BadCompressedHeader = 4,
    /// 5: the partition table makes no sense.
    BadPartitionTable = 5,
    /// 8: `boot` before `kernel`.
    NoKernel = 8,
    /// 9: the boot failed for a reason that has no number of its own.
    BootFailed = 9,
    /// 10: the kernel asks for something that this loader does not offer.
    UnsupportedKernel = 10,
    /// 11: what should name a device does not.
    BadDeviceName = 11,
    /// 12: a device that is there but cannot be used for this.
    BadDevice = 12,
    /// 13: not an executable that can be started here.
    BadExecutable = 13,
    /// 14: the file system has features that its reader does not know.
    UnsupportedFileSystem = 14,
    /// 15: no such file.
    FileNotFound = 15,
    /// 16: the file system contradicts itself.
    CorruptFileSystem = 16,
    /// 17: no known file system on the device.
    CannotMount = 17,
    /// 19: `initrd` before `kernel`.
    NoKernelForInitrd = 19,
    /// 20: `module` before `kernel`.
    NoKernelForModule = 20,
    /// 21: no such disk.
    NoSuchDisk = 21,
    /// 22: no such partition.
    NoSuchPartition = 22,
    /// 23: a number is needed here.
    BadNumber = 23,
    /// 24: a block outside of the partition.
    OutsidePartition = 24,
    /// 25: the disk reports a read error.
    ReadError = 25,
    /// 26: symbolic links go round in circles.
    TooManyLinks = 26,
    /// 27: no such command, or none that works here.
    UnknownCommand = 27,
    /// 28: does not fit into the memory of this guest.
    OutOfMemory = 28,
    /// 29: the disk reports a write error.
    WriteError = 29,
    /// 30: an argument is missing or makes no sense.
    BadArgument = 30,
    /// 32: needs the password first.
    Locked = 32,
    /// 33: the device was not set up first.
    NotInitialised = 33,
    /// 35: the number is too large.
    NumberTooLarge = 35,
}

impl ErrorKind {
    /// The error of this number of GRUB's, if it is used here.
    pub fn from_number(number: u32) -> Option<Self> {
        ALL.iter()
            .copied()
            .find(|kind| u32::from(kind.number()) == number)
    }

    /// GRUB's number of this error.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The error in a few words, without a subject.
    pub fn text(self) -> &'static str {
        match self {
            ErrorKind::BadFileName => "file names start with / or (device)/",
            ErrorKind::BadFileType => "wrong type of file",
            ErrorKind::BadCompressedData => "the compressed data is damaged",
            ErrorKind::BadCompressedHeader => "unknown compression",
            ErrorKind::BadPartitionTable => "the partition table is damaged",
            ErrorKind::NoKernel => "no kernel is loaded; load one with `kernel' first",
            ErrorKind::BootFailed => "the kernel could not be started",
            ErrorKind::UnsupportedKernel => "the kernel asks for more than this loader offers",
            ErrorKind::BadDeviceName => "not a device name; (hd0) and (hd0,0) are",
            ErrorKind::BadDevice => "this device cannot be used here",
            ErrorKind::BadExecutable => "not a kernel that can be started here",
            ErrorKind::UnsupportedFileSystem => "the file system has features unknown here",
            ErrorKind::FileNotFound => "file not found",
            ErrorKind::CorruptFileSystem => "the file system is damaged",
            ErrorKind::CannotMount => "no file system found that is known here",
            ErrorKind::NoKernelForInitrd => "an initrd needs a kernel loaded before it",
            ErrorKind::NoKernelForModule => "a module needs a kernel loaded before it",
            ErrorKind::NoSuchDisk => "no such disk",
            ErrorKind::NoSuchPartition => "no such partition",
            ErrorKind::BadNumber => "not a number",
            ErrorKind::OutsidePartition => "outside of the partition",
            ErrorKind::ReadError => "the disk could not be read",
            ErrorKind::TooManyLinks => "too many symbolic links",
            ErrorKind::UnknownCommand => "no such command",
            ErrorKind::OutOfMemory => "does not fit into memory",
            ErrorKind::WriteError => "the disk could not be written",
            ErrorKind::BadArgument => "missing or unusable argument",
            ErrorKind::Locked => "locked; enter the password in the menu first",
            ErrorKind::NotInitialised => "the device is not set up",
            ErrorKind::NumberTooLarge => "the number is too large",
        }
    }
}

/// All errors, for the way back from a number.
const ALL: &[ErrorKind] = &[
    ErrorKind::BadFileName,
    ErrorKind::BadFileType,
    ErrorKind::BadCompressedData,
    ErrorKind::BadCompressedHeader,
    ErrorKind::BadPartitionTable,
    ErrorKind::NoKernel,
    ErrorKind::BootFailed,
    ErrorKind::UnsupportedKernel,
    ErrorKind::BadDeviceName,
    ErrorKind::BadDevice,
    ErrorKind::BadExecutable,
    ErrorKind::UnsupportedFileSystem,
    ErrorKind::FileNotFound,
    ErrorKind::CorruptFileSystem,
    ErrorKind::CannotMount,
    ErrorKind::NoKernelForInitrd,
    ErrorKind::NoKernelForModule,
    ErrorKind::NoSuchDisk,
    ErrorKind::NoSuchPartition,
    ErrorKind::BadNumber,
    ErrorKind::OutsidePartition,
    ErrorKind::ReadError,
    ErrorKind::TooManyLinks,
    ErrorKind::UnknownCommand,
    ErrorKind::OutOfMemory,
    ErrorKind::WriteError,
    ErrorKind::BadArgument,
    ErrorKind::Locked,
    ErrorKind::NotInitialised,
    ErrorKind::NumberTooLarge,
];

/// Where a line stands that a command came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, as `(hd0,0)/boot/grub/menu.lst`.
    pub file: Rc<str>,
    /// Its line, counted from 1.
    pub line: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} line {}", self.file, self.line)
    }
}

/// A failed command.
///
/// Displays as `Error 15: (hd0,0)/vmlinuz: file not found ((hd0,0)/menu.lst
/// line 7)`; each part but the number and the reason may be missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// Which error.
    pub kind: ErrorKind,
    /// What it is about: a file, a device, a word; empty where nothing is.
    pub subject: String,
    /// Why, in words; if empty, [`ErrorKind::text`] stands in.
    pub reason: String,
    /// The line that asked for it.
    pub place: Option<Place>,
}

impl Error {
    /// An error about `subject`, in the words of its kind.
    pub fn new(kind: ErrorKind, subject: impl Into<String>) -> Self {
        Error {
            kind,
            subject: subject.into(),
            reason: String::new(),
            place: None,
        }
    }

    /// An error with a more exact `reason` and no subject yet; what the
    /// implementor of [`Machine`](super::Machine) gives (the command that
    /// called it adds the file's name).
    pub fn because(kind: ErrorKind, reason: impl Into<String>) -> Self {
        Error {
            kind,
            subject: String::new(),
            reason: reason.into(),
            place: None,
        }
    }

    /// Adds the subject unless there is one.
    pub fn about(mut self, subject: &str) -> Self {
        if self.subject.is_empty() {
            self.subject = subject.into();
        }
        self
    }

    /// Adds the place unless there is one.
    pub fn at(mut self, place: Option<Place>) -> Self {
        if self.place.is_none() {
            self.place = place;
        }
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error {}: ", self.kind.number())?;
        if !self.subject.is_empty() {
            write!(f, "{}: ", self.subject)?;
        }
        let reason = match self.reason.as_str() {
            "" => self.kind.text(),
            reason => reason,
        };
        f.write_str(reason)?;
        match &self.place {
            Some(place) => write!(f, " ({place})"),
            None => Ok(()),
        }
    }
}

impl core::error::Error for Error {}

/// An error of the rooms below, whose numbers are GRUB's too and whose words
/// name device and file already.
fn from_below(number: u32, text: &dyn fmt::Display) -> Error {
    let kind = ErrorKind::from_number(number).unwrap_or(ErrorKind::BootFailed);
    Error::because(kind, text.to_string())
}

impl From<NameError> for Error {
    fn from(error: NameError) -> Self {
        from_below(error.number(), &error)
    }
}

impl From<DiskError> for Error {
    fn from(error: DiskError) -> Self {
        from_below(error.number(), &error)
    }
}

impl From<DeviceError> for Error {
    fn from(error: DeviceError) -> Self {
        from_below(error.number(), &error)
    }
}

impl From<FsError> for Error {
    fn from(error: FsError) -> Self {
        from_below(error.number(), &error)
    }
}

impl From<NetError> for Error {
    fn from(error: NetError) -> Self {
        from_below(error.number(), &error)
    }
}

impl From<OpenError> for Error {
    fn from(error: OpenError) -> Self {
        from_below(error.number(), &error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown() {
        let place = Some(Place {
            file: "(hd0,0)/boot/grub/menu.lst".into(),
            line: 7,
        });
        let error = Error::new(ErrorKind::FileNotFound, "(hd0,0)/boot/vmlinuz");
        assert_eq!(
            error.to_string(),
            "Error 15: (hd0,0)/boot/vmlinuz: file not found"
        );
        assert_eq!(
            error.clone().at(place.clone()).to_string(),
            "Error 15: (hd0,0)/boot/vmlinuz: file not found ((hd0,0)/boot/grub/menu.lst line 7)"
        );
        let error = Error::because(ErrorKind::BadExecutable, "no Xen notes").at(place);
        assert_eq!(
            error.about("/k").to_string(),
            "Error 13: /k: no Xen notes ((hd0,0)/boot/grub/menu.lst line 7)"
        );
    }

    #[test]
    fn errors_from_below_keep_number_and_words() {
        let device = crate::disk::DeviceName::Partition(0, 0);
        let error: Error = OpenError::Fs(device, FsError::NotFound("/boot/vmlinuz".into())).into();
        assert_eq!(error.kind.number(), 15);
        assert!(
            error
                .to_string()
                .starts_with("Error 15: (hd0,0)/boot/vmlinuz: "),
            "{error}"
        );
        for number in [1, 2, 5, 11, 12, 14, 15, 16, 17, 21, 22, 24, 25, 26, 35] {
            let kind = ErrorKind::from_number(number).expect("a number of GRUB's");
            assert_eq!(u32::from(kind.number()), number);
        }
        assert_eq!(ErrorKind::from_number(99), None);
    }
}
