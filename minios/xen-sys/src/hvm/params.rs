//! Names of HVM parameters (`hvm/params.h`): those that a device model uses.

/// The guest's ACPI sleep state; setting 3 puts it to sleep.
pub const HVM_PARAM_ACPI_S_STATE: u32 = 14;
/// Where the ACPI ports are: 1 is 0xb000.
pub const HVM_PARAM_ACPI_IOPORTS_LOCATION: u32 = 19;
/// First frame that the toolstack set aside for ioreq servers.
pub const HVM_PARAM_IOREQ_SERVER_PFN: u32 = 32;
/// How many such frames are left.
pub const HVM_PARAM_NR_IOREQ_SERVER_PAGES: u32 = 33;
