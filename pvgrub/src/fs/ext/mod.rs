//! ext2, ext3 and ext4.
use super::{FileSystem, FsError};
use crate::disk::BlockDevice;
use alloc::boxed::Box;
use alloc::rc::Rc;

/// Opens the file system on `device` if it is ext2, ext3 or ext4.
///
/// # Errors
/// When it is, but cannot be read.
pub fn probe(_device: Rc<dyn BlockDevice>) -> Result<Option<Box<dyn FileSystem>>, FsError> {
    Ok(None)
}
