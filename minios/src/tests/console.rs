//! The console against a backend that is slow, or mad.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::time::Duration;

use xen_proto::mock::ConsoleBackend;
use xen_proto::mock::blkback::Domain;
use xen_proto::ring::Memory;
use xen_sys::io::console::XenconsInterface;

use crate::arch::host::{OtherDomain, add_peer};
use crate::event::Port;
use crate::executor::block_on;
use crate::mm::{PAGE_SIZE, PageBuf};
use crate::shared::Shared;
use crate::time::timeout;
use crate::{console, println};

type Page = Shared<XenconsInterface>;
type Backend = Rc<RefCell<ConsoleBackend<Page>>>;

/// A console whose backend takes at most `bytes` each time it is told of some.
fn console(bytes: usize) -> (Page, Backend, u32) {
    let page: Page = Shared::from_pages(Rc::new(PageBuf::new(PAGE_SIZE).unwrap()));
    let ours = Port::alloc_unbound(0).unwrap();
    let theirs = OtherDomain.bind(ours.number()).unwrap();
    let backend = Rc::new(RefCell::new(ConsoleBackend::new(page.clone())));
    let peer = backend.clone();
    add_peer(Box::new(move || {
        let told = OtherDomain.pending(theirs);
        // Slow: what is left it takes when it gets round to it.
        let taken = peer.borrow_mut().collect(bytes).unwrap_or(0);
        if taken > 0 {
            OtherDomain.notify(theirs);
        }
        told || taken > 0
    }));
    console::init(page.clone(), ours);
    (page, backend, theirs)
}

#[test]
fn not_a_byte_is_lost_however_slow_the_reader() {
    let (_page, backend, _) = console(100);
    let text: Vec<u8> = (0..300_000u32).map(|at| (at % 253) as u8).collect();
    for piece in text.chunks(70_001) {
        console::write(piece);
    }
    block_on(console::drain(Duration::from_secs(60)));
    assert!(backend.borrow().shown() == text);
    println!("a line\nand another");
    block_on(console::drain(Duration::from_secs(1)));
    assert!(
        backend
            .borrow()
            .shown()
            .ends_with(b"a line\r\nand another\r\n")
    );
}

#[test]
fn what_is_typed_arrives() {
    let (_page, backend, theirs) = console(4096);
    let typed: Vec<u8> = (0..5000u32).map(|at| (at % 251) as u8).collect();
    let mut sent = 0;
    let mut got = Vec::new();
    while got.len() < typed.len() {
        sent += backend.borrow_mut().type_bytes(&typed[sent..]).unwrap();
        OtherDomain.notify(theirs);
        let mut some = [0; 300];
        let read = block_on(console::read(&mut some));
        got.extend_from_slice(&some[..read]);
    }
    assert_eq!(got, typed);
    let nothing = block_on(timeout(Duration::from_secs(1), console::read(&mut [0; 8])));
    assert!(nothing.is_err());
}

#[test]
fn a_mad_backend_hangs_nothing() {
    let (page, _backend, _) = console(0);
    page.store(
        core::mem::offset_of!(XenconsInterface, out_cons),
        0x8000_0000,
    );
    for _ in 0..100 {
        console::write(&[b'x'; 4096]);
    }
    block_on(console::drain(Duration::from_secs(1)));
}
