//! Why a kernel that is sound cannot be booted in this domain.

use core::fmt;

/// Why no plan can be made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// The domain is too small.
    TooLittleMemory {
        /// Pages needed.
        needed: u64,
        /// Pages there are.
        have: u64,
    },
    /// Command line beyond the 1023 bytes that start_info holds.
    CommandLineTooLong(usize),
    /// More modules than one header page lists.
    TooManyModules(usize),
    /// A module's command line beyond its page.
    ModuleCommandLineTooLong {
        /// Which module, from 0.
        module: usize,
        /// Bytes of its command line.
        len: usize,
    },
    /// Modules of more than 4 GiB together.
    ModulesTooLarge(u64),
    /// The map would run into Xen's own addresses or leave the address space.
    AddressSpace {
        /// First address wanted.
        start: u64,
        /// Last address wanted.
        last: u64,
    },
}

/// MiB that hold this many pages.
fn mib(pages: u64) -> u64 {
    pages.div_ceil(256)
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use BuildError::*;
        match self {
            TooLittleMemory { needed, have } => write!(
                f,
                "too little memory: needs {} MiB, has {}",
                mib(*needed),
                have / 256
            ),
            CommandLineTooLong(len) => write!(
                f,
                "kernel command line of {len} bytes: at most 1023 can be handed over"
            ),
            TooManyModules(n) => write!(f, "{n} modules: at most 255 can be handed over"),
            ModuleCommandLineTooLong { module, len } => write!(
                f,
                "command line of module {module} has {len} bytes, at most 4095 can be handed over"
            ),
            ModulesTooLarge(bytes) => {
                write!(
                    f,
                    "modules of {bytes} bytes: at most 4 GiB can be handed over"
                )
            }
            AddressSpace { start, last } => write!(
                f,
                "kernel wants addresses {start:#x} to {last:#x}, which Xen does not give a guest"
            ),
        }
    }
}

impl core::error::Error for BuildError {}
