//! One interface over any [`smoltcp::phy::Device`]: addresses, names, sockets.
