//! The menu on a vt100 console: layout, keys, line editing.
