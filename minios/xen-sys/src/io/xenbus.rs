//! States of a split driver's two ends (`io/xenbus.h`).

/// Value of a `state` node: `XenbusStateUnknown`.
pub const XENBUS_STATE_UNKNOWN: u32 = 0;
/// Value of a `state` node: `XenbusStateInitialising`.
pub const XENBUS_STATE_INITIALISING: u32 = 1;
/// Value of a `state` node: `XenbusStateInitWait`.
pub const XENBUS_STATE_INIT_WAIT: u32 = 2;
/// Value of a `state` node: `XenbusStateInitialised`.
pub const XENBUS_STATE_INITIALISED: u32 = 3;
/// Value of a `state` node: `XenbusStateConnected`.
pub const XENBUS_STATE_CONNECTED: u32 = 4;
/// Value of a `state` node: `XenbusStateClosing`.
pub const XENBUS_STATE_CLOSING: u32 = 5;
/// Value of a `state` node: `XenbusStateClosed`.
pub const XENBUS_STATE_CLOSED: u32 = 6;
/// Value of a `state` node: `XenbusStateReconfiguring`.
pub const XENBUS_STATE_RECONFIGURING: u32 = 7;
/// Value of a `state` node: `XenbusStateReconfigured`.
pub const XENBUS_STATE_RECONFIGURED: u32 = 8;
