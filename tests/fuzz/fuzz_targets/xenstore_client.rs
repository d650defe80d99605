//! The xenstore client against any server: an answer for every request at most
//! once, and nothing kept of what nobody asked for.
//!
//! An input is a list of steps, each a byte: what the client does next, or how
//! many of the following bytes the server sends.

use xen_proto::xenstore::client::{Client, Ticket, Tx, WatchId};
use xen_proto::xenstore::listing::{Listing, Step};

pub fn fuzz(data: &[u8]) {
    let mut client = Client::new();
    let mut tickets: Vec<Ticket> = Vec::new();
    let mut watches: Vec<WatchId> = Vec::new();
    let mut listing = Listing::new("device");
    let mut listed = None;
    let mut rest = data;
    while let Some((&step, after)) = rest.split_first() {
        rest = after;
        match step {
            0 => tickets.extend(client.read(Tx::NONE, "a")),
            1 => tickets.extend(client.start()),
            2 => {
                if let Ok((ticket, id)) = client.watch("a") {
                    tickets.push(ticket);
                    watches.push(id);
                }
            }
            3 => {
                if let Some(id) = watches.pop() {
                    tickets.extend(client.unwatch(id).and_then(Result::ok));
                }
            }
            4 => {
                if let Some(ticket) = tickets.pop() {
                    client.forget(ticket);
                }
            }
            5 => listed = listed.or_else(|| client.list(Tx::NONE, &listing).ok()),
            _ => {
                let (bytes, after) = rest.split_at(rest.len().min(usize::from(step)));
                rest = after;
                let _ = client.receive(bytes);
            }
        }
        client.sent(7);
        tickets.retain(|ticket| client.take(*ticket).is_none());
        if let Some(answer) = listed.and_then(|ticket| client.take(ticket)) {
            listed = None;
            if !matches!(listing.answer(answer), Ok(Step::Ask)) {
                listing = Listing::new("device");
            }
        }
        for id in &watches {
            while client.take_event(*id).is_some() {}
        }
    }
    assert!(client.under_way() <= data.len());
}
