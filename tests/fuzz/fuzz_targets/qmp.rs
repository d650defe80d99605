//! What a client of the monitor may send: every line that comes back is one
//! JSON object and ends as libxl wants it, and a session that has been sent
//! nonsense still answers the next command.

use std::cell::RefCell;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use ioemu_stub::qmp::verbs::{FdSet, Machine, execute};
use ioemu_stub::qmp::{Answer, Session, json};

#[derive(Default)]
struct Toy {
    sets: Vec<FdSet>,
}

impl Machine for Toy {
    async fn cont(&mut self) -> Answer<()> {
        Ok(())
    }
    async fn stop(&mut self) -> Answer<()> {
        Ok(())
    }
    fn running(&self) -> bool {
        true
    }
    fn processors(&self) -> u32 {
        2
    }
    fn fdsets(&self) -> Vec<FdSet> {
        self.sets.clone()
    }
    async fn change_medium(&mut self, id: &str, set: i64) -> Answer<()> {
        if self.sets.len() < 8 {
            self.sets.push(FdSet {
                set,
                fd: 1,
                opaque: id.to_string(),
            });
        }
        Ok(())
    }
}

fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("this machine never waits"),
    }
}

fn serve(session: &mut Session, machine: &RefCell<Toy>, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    session.receive(bytes);
    while let Some(command) = session.next(&mut out) {
        let answer = now(execute(&mut *machine.borrow_mut(), &command));
        Session::answer(command, answer, &mut out);
    }
    out
}

fn check(out: &[u8]) {
    let text = std::str::from_utf8(out).expect("text");
    assert!(text.is_ascii());
    assert!(text.is_empty() || text.ends_with("\r\n"));
    for line in text.split_terminator("\r\n") {
        let answer = json::parse(line.as_bytes()).expect("an answer is JSON");
        let is = |name| answer.get(name).is_some();
        assert!(is("return") != is("error"), "{line}");
        // What is written is what was understood.
        assert_eq!(json::parse(answer.to_string().as_bytes()), Ok(answer));
    }
}

pub fn fuzz(data: &[u8]) {
    let machine = RefCell::new(Toy::default());
    let mut greeting = Vec::new();
    let mut session = Session::new(&mut greeting);
    // The first byte says in what pieces it comes.
    let (piece, data) = data.split_first().unwrap_or((&1, &[]));
    for part in data.chunks(usize::from(*piece).max(1)) {
        check(&serve(&mut session, &machine, part));
    }
    // Whatever was begun ends at the end of a line, or is as long as can be.
    // That takes time: not after every input.
    if *piece < 0xf0 {
        return;
    }
    serve(&mut session, &machine, &vec![b'{'; 70_000]);
    serve(&mut session, &machine, b"\n");
    if !session.is_open() {
        serve(&mut session, &machine, b"{\"execute\":\"qmp_capabilities\"}");
    }
    let out = serve(
        &mut session,
        &machine,
        b"{\"execute\":\"query-status\",\"id\":7}",
    );
    let last = String::from_utf8_lossy(&out);
    assert!(last.ends_with("\"id\": 7}\r\n"), "{last}");
}
