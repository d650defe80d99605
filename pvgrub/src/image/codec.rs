//! The compressed formats a kernel may come in, told by their first bytes.

use core::fmt;

/// A compressed format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// Not compressed at all (an ELF payload in a bzImage).
    Stored,
    /// RFC 1952.
    Gzip,
    /// bzip2.
    Bzip2,
    /// The "alone" format of LZMA utils.
    Lzma,
    /// .xz
    Xz,
    /// lzop container around LZO1X.
    Lzo,
    /// LZ4 legacy frame.
    Lz4,
    /// RFC 8878.
    Zstd,
}

/// First bytes of each format; the Linux kernel and libxenguest go by the same.
const MAGICS: &[(&[u8], Codec)] = &[
    (b"\x7fELF", Codec::Stored),
    (b"\x1f\x8b", Codec::Gzip),
    (b"BZh", Codec::Bzip2),
    (b"\xfd7zXZ\0", Codec::Xz),
    (b"\x5d\0", Codec::Lzma),
    (b"\x89LZO\0", Codec::Lzo),
    (b"\x02\x21", Codec::Lz4),
    (b"\x28\xb5\x2f\xfd", Codec::Zstd),
];

impl Codec {
    /// The format of a stream that begins with `bytes`.
    #[must_use]
    pub fn sniff(bytes: &[u8]) -> Option<Codec> {
        MAGICS
            .iter()
            .find(|(magic, _)| bytes.starts_with(magic))
            .map(|(_, codec)| *codec)
    }

    /// The name people use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Codec::Stored => "stored",
            Codec::Gzip => "gzip",
            Codec::Bzip2 => "bzip2",
            Codec::Lzma => "lzma",
            Codec::Xz => "xz",
            Codec::Lzo => "lzo",
            Codec::Lz4 => "lz4",
            Codec::Zstd => "zstd",
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
