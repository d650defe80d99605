//! Any HTTP response in pieces of any size: the same file and the same end as
//! in one piece.
//!
//! An input is a byte for the size of the pieces, one for the room for the
//! file's bytes, and the response.

use pvgrub::net::http::{Place, Response};

/// The file, and whether it ended well.
fn read(response: &[u8], piece: usize, room: usize) -> Option<Vec<u8>> {
    let mut machine = Response::default();
    let mut out = vec![0; room];
    let (mut body, mut at) = (Vec::new(), 0);
    while at < response.len() && !machine.done() {
        let end = response.len().min(at + piece);
        let fed = machine.feed(&response[at..end], &mut out).ok()?;
        assert!(fed.used > 0, "stuck");
        body.extend_from_slice(&out[..fed.written]);
        at += fed.used;
    }
    assert_eq!(machine.received(), body.len() as u64);
    machine.end().ok()?;
    let head = machine.head().expect("what has ended well has begun");
    if let Some(location) = &head.location {
        let place = Place::new("host.example:8080", "/folder/file").expect("a place");
        if let Some(place) = place.follow(location) {
            let request = place.request(1);
            // Nobody adds lines to our requests.
            assert_eq!(request.lines().count(), 8);
        }
    }
    Some(body)
}

pub fn fuzz(data: &[u8]) {
    let Some((&[piece, room], response)) = data.split_first_chunk() else {
        return;
    };
    let whole = read(response, usize::MAX / 2, 1 << 16);
    let pieces = read(response, usize::from(piece) + 1, usize::from(room) + 1);
    assert_eq!(whole, pieces);
}
