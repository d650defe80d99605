//! The menu commands, one file each, and their table.
