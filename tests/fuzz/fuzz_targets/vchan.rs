//! A vchan server whose client writes anything into the page, at any moment:
//! no panic, never more taken than was asked for, and an honest client that
//! comes afterwards is greeted and heard.
//!
//! An input is a list of steps of six bytes: what to do, where, and a number.

use xen_proto::mock::Page;
use xen_proto::ring::Memory;
use xen_proto::vchan::{Change, Client, Server};

pub fn fuzz(data: &[u8]) {
    let page = Page::new(4096);
    let mut server = Server::new(page.clone());
    let mut client = None;
    for record in data.chunks_exact(6) {
        let at = usize::from(record[1]);
        let number = u32::from_le_bytes([record[2], record[3], record[4], record[5]]);
        match record[0] % 8 {
            0 => {
                server.look();
            }
            1 => {
                let mut some = vec![0; number as usize % 3000];
                if let Ok(moved) = server.read(&mut some) {
                    assert!(moved.bytes <= some.len().min(1024));
                }
            }
            2 => {
                let text = vec![2; number as usize % 5000];
                if let Ok(moved) = server.write(&text) {
                    assert!(moved.bytes <= text.len().min(2048));
                }
            }
            3 => client = Client::attach(page.clone()).ok(),
            4 => {
                if let Some(client) = &mut client {
                    let _ = client.write(&vec![1; number as usize % 3000]);
                    let _ = client.read(&mut [0; 100]);
                }
            }
            5 => {
                if let Some(mut client) = client.take() {
                    client.close();
                }
            }
            // The indices, the sizes, the state bytes.
            6 => page.store(at % 6 * 4, number),
            _ => page.write(at % 24, &[record[2]]),
        }
    }
    afterwards(page, server);
}

fn afterwards(page: Page, mut server: Server<Page>) {
    // Sizes and the server's state are the server's own; what a client did to
    // them is its own loss.
    page.store(16, 10 | 11 << 16);
    page.write(21, &[1]);
    let mut client = Client::attach(page).expect("the page is whole again");
    assert_eq!(server.look(), Change::Connected);
    assert_eq!(server.write(b"hello").expect("empty").bytes, 5);
    let mut some = [0; 8];
    // It may have looked before the server had emptied the rings.
    let Ok(moved) = client.read(&mut some) else {
        return;
    };
    assert_eq!(&some[..moved.bytes], b"hello");
    assert_eq!(client.write(b"hi").expect("empty").bytes, 2);
    assert_eq!(server.read(&mut some).expect("honest").bytes, 2);
}
