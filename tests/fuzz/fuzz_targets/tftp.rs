//! The TFTP client against any server: what it takes for the file is no more
//! than came, in order, and there is an end to everything.
//!
//! An input is a list of packets: a byte for the port, one for the time that
//! has passed, one for the length, and the bytes.

use pvgrub::net::tftp::{Client, Wishes};

pub fn fuzz(data: &[u8]) {
    let wishes = Wishes {
        block: 64,
        window: 4,
    };
    let mut client = Client::new("/f", wishes, 0);
    let mut rest = data;
    let (mut now, mut came, mut kept) = (0u64, 0u64, 0u64);
    while let Some((&[port, time, length], after)) = rest.split_first_chunk() {
        let (packet, after) = after.split_at(after.len().min(usize::from(length)));
        rest = after;
        now += u64::from(time) * 50_000_000;
        came += packet.len() as u64;
        match client.receive(u16::from(port & 1), packet, now) {
            Ok(bytes) => kept += bytes.len() as u64,
            Err(_) => return,
        }
        // A packet is answered by one at most.
        if client.take_packet().is_some() {
            assert!(client.take_packet().is_none());
        }
        assert!(kept <= came && client.received() == kept);
        assert!(client.size().is_none_or(|size| kept <= size));
        if client.tick(now).is_err() {
            return;
        }
        client.take_packet();
    }
    // Left alone it gives up, unless it has all.
    for _ in 0..100 {
        now += 1_000_000_000;
        if client.tick(now).is_err() {
            return;
        }
    }
    assert!(client.done());
}
