//! Kernel images: ELF, bzImage, compressed payloads.
