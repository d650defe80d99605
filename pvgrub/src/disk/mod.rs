//! Disks, partition tables and device names.
