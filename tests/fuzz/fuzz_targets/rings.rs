//! Both kinds of rings against a peer that writes anything into the page: no
//! panic, never more taken than was asked for, and what an honest peer says
//! comes through.
//!
//! An input is a list of steps of six bytes: what to do, where, and a number.

use xen_proto::block::{Operation, RESPONSE, SLOT, Tracker, request};
use xen_proto::mock::Page;
use xen_proto::ring::{
    BackRing, ByteReader, ByteWriter, CONSOLE_IN, CONSOLE_OUT, FrontRing, Memory,
};

pub fn fuzz(data: &[u8]) {
    slots(data);
    bytes(data);
}

fn step(record: &[u8]) -> (u8, usize, u32) {
    let number = u32::from_le_bytes([record[2], record[3], record[4], record[5]]);
    (record[0], usize::from(record[1]), number)
}

fn slots(data: &[u8]) {
    let page = Page::new(4096);
    let mut front = FrontRing::new(page.clone(), SLOT).expect("a page holds slots");
    let mut back = BackRing::new(page.clone(), SLOT).expect("a page holds slots");
    let mut tracker = Tracker::new(front.slots());
    let mut asked = 0u64;
    let mut answered = 0u64;
    for record in data.chunks_exact(6) {
        let (what, at, number) = step(record);
        match what % 6 {
            0 => {
                if let Some(id) = tracker.begin(Operation::Read) {
                    match front.push(&request(Operation::Read, 0, id, 0, &[])) {
                        Ok(()) => asked += 1,
                        Err(_) => tracker.abandon(id, true),
                    }
                }
                let _ = front.publish();
            }
            1 => {
                let mut response = [0; RESPONSE];
                if let Ok(true) = front.pop(&mut response)
                    && tracker.finish(&response).is_ok()
                {
                    answered += 1;
                }
                let _ = front.arm();
            }
            // An honest answer.
            2 => {
                let mut slot = [0; SLOT];
                if let Ok(true) = back.pop(&mut slot) {
                    let mut response = [0; RESPONSE];
                    response[..8].copy_from_slice(&slot[8..16]);
                    let _ = back.push(&response);
                }
                let _ = back.arm();
                let _ = back.publish();
            }
            3 => page.store(at % 16 * 4, number),
            4 => page.write(64 + at * 16, &number.to_le_bytes()),
            _ => page.store((64 + at * 16) & !3, number),
        }
        assert!(front.in_flight() <= front.slots());
        assert!(tracker.under_way() <= front.slots() as usize);
        assert!(answered <= asked);
    }
}

fn bytes(data: &[u8]) {
    let page = Page::new(4096);
    let mut writer = ByteWriter::attach(CONSOLE_OUT, &page);
    let mut reader = ByteReader::attach(CONSOLE_IN, &page);
    for record in data.chunks_exact(6) {
        let (what, at, number) = step(record);
        match what % 4 {
            0 => {
                let text = vec![1; number as usize % 5000];
                if let Ok(written) = writer.write(&page, &text) {
                    assert!(written <= text.len().min(2048));
                }
            }
            1 => {
                let mut some = vec![0; number as usize % 5000];
                if let Ok(read) = reader.read(&page, &mut some) {
                    assert!(read <= some.len().min(1024));
                }
            }
            2 => page.store(3072 + at % 4 * 4, number),
            _ => reader.skip_all(&page),
        }
    }
}
