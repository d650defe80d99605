//! How an access of the guest finds its chip.
//!
//! A chip shows its registers through [`Registers`]. A [`Space`] (the ports,
//! or memory) knows which chip answers where; a [`Decoder`] puts them there. [`pci`]
//! is the bus whose chips the guest itself places.

mod decoder;
mod fields;
pub mod pci;
mod space;
mod width;

pub use decoder::Decoder;
pub use fields::Fields;
pub use space::Space;
pub use width::Width;

use alloc::rc::Rc;
use core::cell::RefCell;

/// A chip's registers, as the processor sees them.
///
/// A chip may show several ranges of registers (a disk controller has command,
/// control and bus-master registers): it numbers them, its *regions*, and is
/// told which one is meant. `offset` counts from the start of the region; the
/// access lies whole in the region. Values are little endian; a read returns
/// no bits beyond the width, a write has none.
///
/// A chip must cope with every width at every offset: guests make them all.
/// What a real chip does not decode reads as ones, and writes to it are lost.
pub trait Registers {
    /// The processor reads.
    fn read(&mut self, region: u8, offset: u64, width: Width) -> u64;

    /// The processor writes.
    fn write(&mut self, region: u8, offset: u64, width: Width, value: u64);

    /// `rep ins`: fills `data` with the results of reading the same register
    /// again and again. Its length is a multiple of the width.
    fn read_block(&mut self, region: u8, offset: u64, width: Width, data: &mut [u8]) {
        for element in data.chunks_exact_mut(width.bytes()) {
            let value = self.read(region, offset, width);
            element.copy_from_slice(&value.to_le_bytes()[..width.bytes()]);
        }
    }

    /// `rep outs`: writes `data` to the same register, element by element. Its
    /// length is a multiple of the width.
    fn write_block(&mut self, region: u8, offset: u64, width: Width, data: &[u8]) {
        for element in data.chunks_exact(width.bytes()) {
            self.write(region, offset, width, width.from_le(element));
        }
    }
}

/// A chip that a bus and perhaps other chips hold.
pub type Shared = Rc<RefCell<dyn Registers>>;
