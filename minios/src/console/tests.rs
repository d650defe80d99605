//! The console over the toy Xen: a backend that is slow, stopped or mad.

use alloc::boxed::Box;
use alloc::rc::Rc;
use core::cell::{Cell, RefCell};
use core::mem::offset_of;
use core::time::Duration;

use xen_proto::mock::ConsoleBackend;
use xen_proto::mock::blkback::Domain;

use super::*;
use crate::arch::host::{OtherDomain, add_peer};
use crate::executor::{block_on, join::join, select, spawn};
use crate::mm::{PAGE_SIZE, PageBuf};

type Backend = ConsoleBackend<Shared<XenconsInterface>>;

struct Screen {
    page: Shared<XenconsInterface>,
    backend: Rc<RefCell<Backend>>,
    /// Bytes it takes each time it is asked; 0 is a stopped xenconsoled.
    speed: Rc<Cell<usize>>,
    port: u32,
    theirs: u32,
}

/// A console with a backend that takes `speed` bytes at a time.
fn screen(speed: usize) -> Screen {
    let page: Shared<XenconsInterface> =
        Shared::from_pages(Rc::new(PageBuf::new(PAGE_SIZE).unwrap()));
    let ours = Port::alloc_unbound(0).unwrap();
    let theirs = OtherDomain.bind(ours.number()).unwrap();
    let port = ours.number();
    let backend = Rc::new(RefCell::new(ConsoleBackend::new(page.clone())));
    let speed = Rc::new(Cell::new(speed));
    let (taking, at) = (backend.clone(), speed.clone());
    add_peer(Box::new(move || {
        let asked = OtherDomain.pending(theirs);
        // Nonsense in the ring is what a test put there: no output is seen then.
        let taken = match at.get() {
            0 => 0,
            max => taking.borrow_mut().collect(max).unwrap_or(0),
        };
        if taken > 0 {
            OtherDomain.notify(theirs);
        }
        asked | (taken > 0)
    }));
    init(page.clone(), ours);
    Screen {
        page,
        backend,
        speed,
        port,
        theirs,
    }
}

impl Screen {
    fn shows(&self) -> Vec<u8> {
        self.backend.borrow().shown().to_vec()
    }

    fn types(&self, bytes: &[u8]) {
        assert_eq!(self.backend.borrow_mut().type_bytes(bytes), Ok(bytes.len()));
        OtherDomain.notify(self.theirs);
    }

    fn set_index(&self, offset: usize, value: u32) {
        self.page.store_release(offset, value);
        OtherDomain.notify(self.theirs);
    }
}

fn text(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at % 253) as u8).collect()
}

const LONG: Duration = Duration::from_secs(3600);

#[test]
fn no_byte_is_lost_on_a_slow_backend_and_the_writer_waits() {
    let screen = screen(7);
    let all = text(3 * QUEUE_LIMIT + 12_345);
    for part in all.chunks(10_007) {
        write(part);
        assert!(with(|console| console.queue.len()).unwrap() <= QUEUE_LIMIT);
    }
    assert!(
        screen.shows().len() >= all.len() - QUEUE_LIMIT - 2048,
        "what is not with the backend is in the queue and the ring"
    );
    block_on(drain(LONG));
    assert!(screen.shows() == all);
}

#[test]
fn while_nobody_reads_output_waits_and_the_domain_goes_on() {
    let screen = screen(0);
    let all = text(QUEUE_LIMIT / 2);
    write(&all);
    block_on(time::sleep(Duration::from_secs(9)));
    let before = time::now_ns();
    block_on(drain(Duration::from_secs(2)));
    assert_eq!(
        time::now_ns() - before,
        2_000_000_000,
        "no longer than it was told"
    );
    assert!(screen.shows().is_empty());
    screen.speed.set(4096);
    OtherDomain.notify(screen.theirs);
    block_on(drain(LONG));
    assert!(screen.shows() == all);
}

#[test]
#[should_panic(expected = "deadlock")]
fn a_full_queue_makes_the_writer_wait_for_ever() {
    let _screen = screen(0);
    write(&text(QUEUE_LIMIT + 4096));
}

#[test]
fn one_who_drains_does_not_take_the_readers_place() {
    let screen = screen(0);
    write(b"shutting down\r\n");
    let mut line = [0; 16];
    let reading = read(&mut line);
    let typing = async {
        time::sleep(Duration::from_secs(1)).await;
        screen.types(b"key");
        time::sleep(Duration::from_secs(1)).await;
        screen.speed.set(100);
        OtherDomain.notify(screen.theirs);
    };
    // Polled first, the reader waits when the other comes.
    let (read, _) = block_on(join(reading, join(drain(LONG), typing)));
    assert_eq!(line.get(..read), Some(&b"key"[..]));
    assert_eq!(screen.shows(), b"shutting down\r\n");
}

#[test]
fn every_reader_is_woken_and_one_gets_the_key() {
    let screen = screen(100);
    let reader = || async {
        let mut key = [0; 1];
        (read(&mut key).await, key)
    };
    let first = spawn(reader());
    let second = spawn(reader());
    block_on(time::sleep(Duration::from_millis(1)));
    screen.types(b"a");
    block_on(time::sleep(Duration::from_millis(1)));
    screen.types(b"b");
    assert_eq!(block_on(first), (1, *b"a"));
    assert_eq!(block_on(second), (1, *b"b"));
}

#[test]
fn a_poll_again_and_again_adds_no_waker() {
    let screen = screen(100);
    block_on(async {
        let mut key = [0; 1];
        let ticking = async {
            for _ in 0..100 {
                time::sleep(Duration::from_millis(1)).await;
            }
            screen.types(b"x");
        };
        join(read(&mut key), ticking).await;
    });
}

#[test]
fn indices_that_make_no_sense_end_the_console_and_nothing_else() {
    for (offset, value) in [
        (offset_of!(XenconsInterface, out_cons), 6u32),
        (offset_of!(XenconsInterface, out_cons), u32::MAX / 2),
        (offset_of!(XenconsInterface, in_prod), u32::MAX),
        (offset_of!(XenconsInterface, in_prod), 1025),
    ] {
        let screen = screen(0);
        write(b"hello");
        screen.set_index(offset, value);
        let mut line = [0; 8];
        if offset == offset_of!(XenconsInterface, in_prod) {
            assert_eq!(block_on(read(&mut line)), 0, "no input can come");
        }
        // Neither a panic nor a wait, however much is written.
        write(&text(5 * QUEUE_LIMIT));
        block_on(drain(LONG));
        assert_eq!(block_on(read(&mut line)), 0);
    }
}

#[test]
fn a_reader_at_rest_hears_that_no_input_can_come() {
    let screen = screen(0);
    let reading = spawn(async { read(&mut [0; 8]).await });
    block_on(time::sleep(Duration::from_millis(1)));
    screen.set_index(offset_of!(XenconsInterface, in_prod), u32::MAX);
    assert_eq!(block_on(reading), 0);
}

#[test]
fn the_last_words_come_behind_what_was_queued() {
    let screen = screen(0);
    let all = text(10_000);
    write(&all);
    screen.speed.set(300);
    let place = Some((screen.page.clone(), screen.port));
    let mut words = LastWords::new(place);
    fmt::Write::write_str(&mut words, "it\nends").unwrap();
    words.drain();
    assert!(screen.shows() == [&all[..], b"it\r\nends"].concat());
}

#[test]
fn last_words_that_nobody_reads_end_in_time() {
    let screen = screen(0);
    write(&text(10_000));
    let before = time::now_ns();
    let mut words = LastWords::new(Some((screen.page.clone(), screen.port)));
    fmt::Write::write_str(&mut words, "unread").unwrap();
    words.drain();
    assert_eq!(time::now_ns() - before, LastWords::PATIENCE);
}

#[test]
fn last_words_from_inside_the_console_do_not_fail() {
    let screen = screen(4096);
    with(|_console| {
        let mut words = LastWords::new(Some((screen.page.clone(), screen.port)));
        fmt::Write::write_str(&mut words, "oops").unwrap();
        words.drain();
    });
    assert_eq!(screen.shows(), b"oops");
}

#[test]
fn reading_loses_a_race_without_losing_a_key() {
    let screen = screen(0);
    let mut line = [0; 8];
    let late = async {
        let short = time::sleep(Duration::from_millis(1));
        select::select(read(&mut line), short).await;
        screen.types(b"late");
        read(&mut line).await
    };
    assert_eq!(block_on(late), 4);
}
