//! `event_channel_op` (event_channel.h).

use xen_sys::event_channel::*;
use xen_sys::xen::{DOMID_SELF, HYPERVISOR_EVENT_CHANNEL_OP};

use super::{Errno, command};

fn op<T>(cmd: u32, argument: &mut T) -> Result<i64, Errno> {
    command(HYPERVISOR_EVENT_CHANNEL_OP, cmd, argument, 0)
}

/// A new port that domain `remote` may bind to.
pub fn event_alloc_unbound(remote: u16) -> Result<u32, Errno> {
    let mut alloc = EvtchnAllocUnbound {
        dom: DOMID_SELF,
        remote_dom: remote,
        port: 0,
    };
    op(EVTCHNOP_ALLOC_UNBOUND, &mut alloc)?;
    Ok(alloc.port)
}

/// A new local port connected to `remote_port` of domain `remote`.
pub fn event_bind_interdomain(remote: u16, remote_port: u32) -> Result<u32, Errno> {
    let mut bind = EvtchnBindInterdomain {
        remote_dom: remote,
        remote_port,
        ..Default::default()
    };
    op(EVTCHNOP_BIND_INTERDOMAIN, &mut bind)?;
    Ok(bind.local_port)
}

/// Notify the other end of `port`.
pub fn event_send(port: u32) -> Result<(), Errno> {
    op(EVTCHNOP_SEND, &mut EvtchnSend { port }).map(drop)
}

/// Close `port`; the other end becomes unbound.
pub fn event_close(port: u32) -> Result<(), Errno> {
    op(EVTCHNOP_CLOSE, &mut EvtchnClose { port }).map(drop)
}
