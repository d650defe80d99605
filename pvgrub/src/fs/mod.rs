//! Read-only file systems behind one trait, and the probe table.
