//! The monitor under Xen: one client after another over a vchan.

use alloc::vec::Vec;

use minios::vchan::{Ended, Server};

use super::verbs::{Machine, execute};
use super::{Command, Session};

/// Bytes taken from the client at a time: what its ring holds.
const PIECE: usize = 1024;

/// Where the page and the port of the vchan stand in the store, for the proxy in dom0.
#[must_use]
pub fn path(ours: u16, guest: u16) -> alloc::string::String {
    alloc::format!("/local/domain/{ours}/device-model/{guest}/qmp-vchan")
}

/// Talk to clients, for ever. The guest does not wait for any of it.
pub async fn serve<M: Machine>(mut server: Server, machine: &mut M) -> core::convert::Infallible {
    loop {
        server.accept().await;
        if let Err(Ended::Broken(error)) = converse(&mut server, machine).await {
            log::warn!("monitor: {error}");
        }
    }
}

async fn converse<M: Machine>(server: &mut Server, machine: &mut M) -> Result<(), Ended> {
    let mut out = Vec::new();
    let mut session = Session::new(&mut out);
    let mut piece = [0; PIECE];
    loop {
        server.write(&out).await?;
        out.clear();
        let read = server.read(&mut piece).await?;
        session.receive(piece.get(..read).unwrap_or_default());
        while let Some(command) = session.next(&mut out) {
            let answer = carry_out(machine, &command).await;
            Session::answer(command, answer, &mut out);
        }
    }
}

async fn carry_out<M: Machine>(machine: &mut M, command: &Command) -> super::Answer {
    let answer = execute(machine, command).await;
    match &answer {
        Ok(_) => log::debug!("monitor: {}", command.verb),
        Err(failure) => log::info!("monitor: {}: {failure}", command.verb),
    }
    answer
}
