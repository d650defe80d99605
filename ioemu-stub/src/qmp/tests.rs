//! Conversations as libxl and others hold them.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};

use super::verbs::{FdSet, Machine, execute};
use super::*;

/// A future that never waits for anything.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

/// Remembers what was asked of it.
#[derive(Default)]
struct Toy {
    did: Vec<String>,
    running: bool,
    sets: Vec<FdSet>,
}

impl Machine for Toy {
    async fn cont(&mut self) -> Answer<()> {
        self.did.push("cont".into());
        self.running = true;
        Ok(())
    }
    async fn stop(&mut self) -> Answer<()> {
        self.did.push("stop".into());
        self.running = false;
        Ok(())
    }
    fn running(&self) -> bool {
        self.running
    }
    fn processors(&self) -> u32 {
        2
    }
    fn most_processors(&self) -> u32 {
        3
    }
    fn plug_processor(&mut self, socket: u32) -> Answer<()> {
        self.did.push(format!("plug {socket}"));
        Ok(())
    }
    async fn save(&mut self, live: bool, file: &str) -> Answer<()> {
        self.did.push(format!("save {live} {file}"));
        Ok(())
    }
    fn eject(&mut self, id: &str, force: bool) -> Answer<()> {
        self.did.push(format!("eject {id} {force}"));
        Ok(())
    }
    fn fdsets(&self) -> Vec<FdSet> {
        self.sets.clone()
    }
    fn remove_fd(&mut self, set: i64, _: Option<i64>) -> Answer<()> {
        self.sets.retain(|known| known.set != set);
        Ok(())
    }
    async fn change_medium(&mut self, id: &str, set: i64) -> Answer<()> {
        self.did.push(format!("insert {set} into {id}"));
        Ok(())
    }
    fn other(&mut self, command: &Command) -> Option<Answer> {
        (command.verb == "query-machines").then(|| Ok(Value::Array(Vec::new())))
    }
    fn chardevs(&self) -> Vec<(String, String)> {
        Vec::from([("serial0".to_string(), "pty:/dev/pts/3".to_string())])
    }
    fn others(&self) -> &'static [&'static str] {
        &["query-machines"]
    }
}

/// What is said in a conversation that has begun already, line by line.
fn talk(machine: &mut Toy, text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut session = Session::new(&mut out);
    session.receive(b"{\"execute\":\"qmp_capabilities\"}\r\n");
    assert!(session.next(&mut out).is_none());
    out.clear();
    session.receive(text.as_bytes());
    while let Some(command) = session.next(&mut out) {
        let answer = now(execute(machine, &command));
        Session::answer(command, answer, &mut out);
    }
    lines(&out)
}

fn lines(out: &[u8]) -> Vec<String> {
    let text = core::str::from_utf8(out).unwrap();
    assert!(text.is_empty() || text.ends_with("\r\n"));
    let lines: Vec<String> = text
        .split_terminator("\r\n")
        .map(ToString::to_string)
        .collect();
    assert!(lines.iter().all(|line| !line.contains(['\r', '\n'])));
    lines
}

#[test]
fn libxl_unpauses_a_guest() {
    let mut out = Vec::new();
    let mut session = Session::new(&mut out);
    let greeting = lines(&out);
    let [greeting] = &greeting[..] else {
        panic!("{greeting:?}")
    };
    let greeting = json::parse(greeting.as_bytes()).unwrap();
    let version = greeting
        .get("QMP")
        .and_then(|qmp| qmp.get("version"))
        .and_then(|version| version.get("qemu"))
        .unwrap();
    let number = |name| version.get(name).and_then(Value::as_i64).unwrap();
    // libxl's forms of commands change at 2.8, 2.11 and 2.12.
    assert!((2, 12) < (number("major"), number("minor")));
    out.clear();
    session.receive(b"{\"execute\":\"qmp_capabilities\",\"id\":2020372992}\r\n");
    assert!(session.next(&mut out).is_none());
    assert_eq!(lines(&out), ["{\"return\": {}, \"id\": 2020372992}"]);
    out.clear();
    // In two pieces, as the ring has it.
    session.receive(b"{\"execute\":\"co");
    session.receive(b"nt\",\"id\":2020372993}\r");
    let command = session.next(&mut out).unwrap();
    let mut machine = Toy::default();
    let answer = now(execute(&mut machine, &command));
    Session::answer(command, answer, &mut out);
    assert_eq!(lines(&out), ["{\"return\": {}, \"id\": 2020372993}"]);
    assert!(machine.running);
}

#[test]
fn nothing_is_carried_out_before_the_capabilities() {
    let mut out = Vec::new();
    let mut session = Session::new(&mut out);
    assert!(!session.is_open());
    out.clear();
    session.receive(b"{\"execute\":\"cont\",\"id\":1}{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[\"oob\"]}}");
    assert!(session.next(&mut out).is_none());
    let said = lines(&out);
    assert!(said[0].contains("CommandNotFound") && said[0].ends_with("\"id\": 1}"));
    assert!(said[1].contains("GenericError"));
    session.receive(b"{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[]}}");
    assert!(session.next(&mut out).is_none());
    assert!(session.is_open());
}

#[test]
fn an_id_comes_back_as_it_was_sent() {
    for id in [
        "1",
        "-0.50e3",
        "\"a \\u00e9\"",
        "null",
        "[1, {\"b\": 2}]",
        "12345678901234567890123",
    ] {
        let said = talk(
            &mut Toy::default(),
            &format!("{{\"execute\":\"stop\",\"id\":{id}}}"),
        );
        assert_eq!(said, [format!("{{\"return\": {{}}, \"id\": {id}}}")]);
        let said = talk(
            &mut Toy::default(),
            &format!("{{\"id\":{id},\"execute\":\"no\"}}"),
        );
        assert!(said[0].ends_with(&format!(", \"id\": {id}}}")), "{said:?}");
    }
    let said = talk(&mut Toy::default(), "{\"execute\":\"stop\"}");
    assert_eq!(said, ["{\"return\": {}}"]);
}

#[test]
fn each_command_answers_what_libxl_looks_for() {
    for (command, answer) in [
        (
            r#""query-version""#,
            r#"{"qemu": {"micro": 0, "minor": 2, "major": 7}, "package": "ioemu-stub"}"#,
        ),
        (
            r#""query-status""#,
            r#"{"running": false, "singlestep": false, "status": "paused"}"#,
        ),
        (r#""query-machines""#, "[]"),
        (
            r#""human-monitor-command","arguments":{"command-line":"info status"}"#,
            r#""VM status: paused\r\n""#,
        ),
        (
            r#""human-monitor-command","arguments":{"command-line":"frobnicate"}"#,
            r#""unknown command: 'frobnicate'\r\n""#,
        ),
        (r#""query-fdsets""#, "[]"),
        (
            r#""query-chardev""#,
            r#"[{"frontend-open": true, "filename": "pty:/dev/pts/3", "label": "serial0"}]"#,
        ),
        (r#""query-vnc""#, r#"{"enabled": false}"#),
    ] {
        let said = talk(&mut Toy::default(), &format!("{{\"execute\":{command}}}"));
        assert_eq!(said, [format!("{{\"return\": {answer}}}")]);
    }
    let said = talk(&mut Toy::default(), "{\"execute\":\"query-cpus-fast\"}");
    let answer = json::parse(said[0].as_bytes()).unwrap();
    let Some(Value::Array(list)) = answer.get("return") else {
        panic!("{said:?}")
    };
    let index = |cpu: &Value| cpu.get("cpu-index").and_then(Value::as_i64);
    assert_eq!(
        list.iter().map(index).collect::<Vec<_>>(),
        [Some(0), Some(1)]
    );
    let said = talk(
        &mut Toy::default(),
        "{\"execute\":\"query-hotpluggable-cpus\"}",
    );
    let answer = json::parse(said[0].as_bytes()).unwrap();
    let Some(Value::Array(list)) = answer.get("return") else {
        panic!("{said:?}")
    };
    let here = |socket: &Value| socket.get("qom-path").is_some();
    assert_eq!(
        list.iter().map(here).collect::<Vec<_>>(),
        [true, true, false]
    );
    // What libxl plugs in is what it was told there.
    let driver = list[2].get("type").and_then(Value::as_str).unwrap();
    let mut machine = Toy::default();
    let plug = format!(
        "{{\"execute\":\"device_add\",\"arguments\":{{\"id\":\"cpu-2\",\"driver\":\"{driver}\",\"socket-id\":2,\"core-id\":0,\"thread-id\":0}}}}"
    );
    assert_eq!(talk(&mut machine, &plug), ["{\"return\": {}}"]);
    assert_eq!(machine.did, ["plug 2"]);
}

#[test]
fn libxl_changes_a_cd() {
    let mut machine = Toy::default();
    let set = |set, opaque: &str| FdSet {
        set,
        fd: 9,
        opaque: opaque.to_string(),
    };
    machine.sets = Vec::from([set(1, "stub-devid:768"), set(4, "stub-devid:5632")]);
    let said = talk(
        &mut machine,
        r#"{"execute":"eject","arguments":{"id":"ide-5632"}}
           {"execute":"query-fdsets"}
           {"execute":"remove-fd","arguments":{"fdset-id":4}}
           {"execute":"query-fdsets"}
           {"execute":"blockdev-change-medium","arguments":{"id":"ide-5632","filename":"/dev/fdset/5","format":"host_device"}}
           {"execute":"blockdev-change-medium","arguments":{"id":"ide-5632","filename":"/etc/passwd"}}"#,
    );
    assert_eq!(
        said[1],
        r#"{"return": [{"fds": [{"fd": 9, "opaque": "stub-devid:768"}], "fdset-id": 1}, {"fds": [{"fd": 9, "opaque": "stub-devid:5632"}], "fdset-id": 4}]}"#
    );
    assert_eq!(
        said[3],
        r#"{"return": [{"fds": [{"fd": 9, "opaque": "stub-devid:768"}], "fdset-id": 1}]}"#
    );
    assert!(said[5].contains("GenericError"));
    assert_eq!(
        machine.did,
        ["eject ide-5632 false", "insert 5 into ide-5632"]
    );
}

#[test]
fn libxl_saves_a_guest() {
    let mut machine = Toy::default();
    let said = talk(
        &mut machine,
        r#"{"execute":"stop","id":1}
           {"execute":"xen-save-devices-state","id":2,"arguments":{"live":false,"filename":"/dev/fdset/1"}}
           {"execute":"xen-set-global-dirty-log","id":3,"arguments":{"enable":true}}"#,
    );
    assert_eq!(said[1], r#"{"return": {}, "id": 2}"#);
    assert_eq!(machine.did, ["stop", "save false /dev/fdset/1"]);
    // This machine cannot: that is an error, never a silence or a lie.
    assert!(
        said[2].contains(r#""class": "GenericError""#),
        "{}",
        said[2]
    );
}

#[test]
fn what_is_no_command_is_answered_and_the_next_one_is_heard() {
    for (text, class, words) in [
        (
            "{\"execute\":\"query-cpus\"}",
            "CommandNotFound",
            "query-cpus",
        ),
        (
            "{\"execute\":\"qmp_capabilities\"}",
            "CommandNotFound",
            "qmp_capabilities",
        ),
        ("{\"execute\":1}", "GenericError", "'execute'"),
        ("{\"exec-oob\":\"stop\"}", "GenericError", "'exec-oob'"),
        (
            "{\"execute\":\"stop\",\"arguments\":[]}",
            "GenericError",
            "'arguments'",
        ),
        ("{\"id\":1}", "GenericError", "lacks"),
        ("{\"execute\":\"stop\"", "", ""),
        ("{]", "GenericError", "parse"),
        ("nonsense\n", "GenericError", "parse"),
        (
            "{\"execute\":\"eject\",\"arguments\":{}}",
            "GenericError",
            "'id'",
        ),
        (
            "{\"execute\":\"eject\",\"arguments\":{\"id\":7}}",
            "GenericError",
            "'id'",
        ),
        (
            "{\"execute\":\"cont\",\"arguments\":{\"now\":true}}",
            "GenericError",
            "'now'",
        ),
        (
            "{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"xen-pci-passthrough\",\"id\":\"x\"}}",
            "GenericError",
            "xen-pci-passthrough",
        ),
    ] {
        let said = talk(
            &mut Toy::default(),
            &format!("{text}{{\"execute\":\"stop\"}}"),
        );
        if class.is_empty() {
            assert!(said.is_empty(), "still waits for the end");
            continue;
        }
        assert_eq!(said.len(), 2, "{said:?}");
        let (bad, good) = (&said[0], &said[1]);
        assert!(bad.contains(class) && bad.contains(words), "{bad}");
        assert_eq!(good, "{\"return\": {}}");
    }
}

#[test]
fn a_flood_of_commands_is_bounded() {
    let mut out = Vec::new();
    let mut session = Session::new(&mut out);
    session.receive(b"{\"execute\":\"qmp_capabilities\"}");
    assert!(session.next(&mut out).is_none());
    out.clear();
    session.receive("{\"execute\":\"stop\"}".repeat(1000).as_bytes());
    let mut waiting = 0;
    while session.next(&mut out).is_some() {
        waiting += 1;
    }
    assert_eq!(waiting, MOST_WAITING);
    assert_eq!(lines(&out).len(), 1000 - MOST_WAITING);
}

#[test]
fn every_command_is_listed() {
    let said = talk(&mut Toy::default(), "{\"execute\":\"query-commands\"}");
    for name in ["cont", "stop", "xen-save-devices-state", "query-machines"] {
        assert!(
            said[0].contains(&format!("{{\"name\": \"{name}\"}}")),
            "{name}"
        );
    }
}

#[test]
fn an_event_has_its_time() {
    let mut out = Vec::new();
    let at = core::time::Duration::new(1_700_000_000, 123_456_789);
    event(
        &mut out,
        "RESET",
        Value::object([("guest", true.into())]),
        at,
    );
    event(&mut out, "STOP", Value::empty(), at);
    let time = r#"{"timestamp": {"seconds": 1700000000, "microseconds": 123456}"#;
    assert_eq!(
        lines(&out),
        [
            format!(r#"{time}, "event": "RESET", "data": {{"guest": true}}}}"#),
            format!(r#"{time}, "event": "STOP"}}"#)
        ]
    );
}
