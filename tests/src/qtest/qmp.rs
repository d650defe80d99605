//! The monitor: the verbs of `ioemu_stub::qmp`, and those that only clients of
//! the harness ask for.

use super::board::{Board, DEVICES, Event};
use super::disk::Image;
use super::options::Options;
use ioemu_stub::qmp::json::Value;
use ioemu_stub::qmp::verbs::{self, Machine};
use ioemu_stub::qmp::{self, Answer, Command, Failure, Session};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{SystemTime, UNIX_EPOCH};

/// Verbs beside those of the table.
const OTHERS: &[&str] = &[
    "query-machines",
    "qom-list-types",
    "query-events",
    "query-block",
    "query-chardev",
    "query-name",
    "device_del",
    "blockdev-change-medium",
    "quit",
];

/// What the monitor is about.
pub struct Monitored<'a> {
    /// The board, unless the machine is `none`.
    pub board: Option<&'a mut Board>,
    /// The command line.
    pub options: &'a Options,
    /// A client wants the program to end.
    pub quit: bool,
}

impl Monitored<'_> {
    fn board(&mut self) -> Answer<&mut Board> {
        self.board
            .as_deref_mut()
            .ok_or_else(|| Failure::generic("there is no machine"))
    }
}

/// Carries out what `session` has received; replies go to `out`.
pub fn serve(session: &mut Session, monitored: &mut Monitored<'_>, out: &mut Vec<u8>) {
    while let Some(command) = session.next(out) {
        let answer = execute(monitored, &command);
        Session::answer(command, answer, out);
    }
}

fn execute(monitored: &mut Monitored<'_>, command: &Command) -> Answer {
    let work = pin!(verbs::execute(monitored, command));
    // Nothing here ever waits.
    match work.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => Err(Failure::generic("it would take too long")),
    }
}

/// Tells a client of `event`.
pub fn tell(out: &mut Vec<u8>, event: Event) {
    let reason = |guest: bool, reason: &str| {
        Value::object([("guest", guest.into()), ("reason", reason.into())])
    };
    let (name, data) = match event {
        Event::Reset { guest: true } => ("RESET", reason(true, "guest-reset")),
        Event::Reset { guest: false } => ("RESET", reason(false, "host-qmp-system-reset")),
        Event::Shutdown => ("SHUTDOWN", reason(true, "guest-shutdown")),
        Event::Suspend => ("SUSPEND", Value::empty()),
        Event::Stop => ("STOP", Value::empty()),
        Event::Resume => ("RESUME", Value::empty()),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    qmp::event(out, name, data, now.unwrap_or_default());
}

impl Machine for Monitored<'_> {
    async fn cont(&mut self) -> Answer<()> {
        if let Some(board) = &mut self.board {
            board.go_on();
        }
        Ok(())
    }

    async fn stop(&mut self) -> Answer<()> {
        Ok(())
    }

    fn running(&self) -> bool {
        self.board.as_ref().is_some_and(|board| board.running())
    }

    fn processors(&self) -> u32 {
        self.board.as_ref().map_or(0, |board| board.processors())
    }

    fn human(&mut self, line: &str) -> Answer<String> {
        let Some(rest) = line.trim().strip_prefix("qemu-io ") else {
            return Ok(self.inform(line.trim()));
        };
        let (drive, command) = rest.trim().split_once(' ').unwrap_or((rest, ""));
        let command = command.trim().trim_matches('"');
        let board = self.board()?;
        let result = board.drive(drive).and_then(|drive| drive.command(command));
        board.settle();
        Ok(result.map_or_else(|error| format!("Error: {error:#}\r\n"), |()| String::new()))
    }

    fn power_button(&mut self) -> Answer<()> {
        self.board()?.press_power_button();
        Ok(())
    }

    fn reset(&mut self) -> Answer<()> {
        self.board()?.reset(false);
        Ok(())
    }

    fn eject(&mut self, id: &str, force: bool) -> Answer<()> {
        let failed = |error| Failure::generic(format!("{error:#}"));
        self.board()?.eject(id, force).map_err(failed)
    }

    fn other(&mut self, command: &Command) -> Option<Answer> {
        let empty = || Ok(Value::Array(Vec::new()));
        Some(match command.verb.as_str() {
            "query-machines" => Ok(machines()),
            "qom-list-types" => Ok(types(&command.arguments)),
            "query-events" | "query-block" | "query-chardev" => empty(),
            "query-name" => Ok(Value::empty()),
            "device_del" => {
                let id = command.arguments.get("id").and_then(Value::as_str);
                Err(Failure::DeviceNotFound(id.unwrap_or_default().to_owned()))
            }
            "blockdev-change-medium" => self.change(&command.arguments),
            "quit" => {
                self.quit = true;
                Ok(Value::empty())
            }
            _ => return None,
        })
    }

    fn others(&self) -> &'static [&'static str] {
        OTHERS
    }
}

impl Monitored<'_> {
    /// Lines for a human that change nothing.
    fn inform(&self, line: &str) -> String {
        match line {
            "help info" => "info status  -- show whether the machine runs\r\n\
                            info version  -- show what this is\r\n"
                .to_owned(),
            "info status" if self.running() => "VM status: running\r\n".to_owned(),
            "info status" => "VM status: paused\r\n".to_owned(),
            "info version" => format!("{}\r\n", qmp::PACKAGE),
            _ => {
                let name = line.split_whitespace().next().unwrap_or_default();
                format!("unknown command: '{name}'\r\n")
            }
        }
    }

    /// Puts a file into a CD drive.
    fn change(&mut self, arguments: &Value) -> Answer {
        let text = |name| arguments.get(name).and_then(Value::as_str);
        let id = text("id").or(text("device")).unwrap_or_default().to_owned();
        let file = text("filename").unwrap_or_default();
        let failed = |error| Failure::generic(format!("{error:#}"));
        let image = Image::raw(file.as_ref(), true).map_err(failed)?;
        self.board()?.insert(&id, image).map_err(failed)?;
        Ok(Value::empty())
    }
}

/// Each member is there and of its type: some clients take nothing else.
fn machines() -> Value {
    let machine = |name: &str, default: bool, most: u32| {
        let mut members = vec![
            ("name".to_owned(), Value::from(name)),
            ("cpu-max".to_owned(), most.into()),
            ("hotpluggable-cpus".to_owned(), false.into()),
            ("numa-mem-supported".to_owned(), false.into()),
            ("deprecated".to_owned(), false.into()),
            ("acpi".to_owned(), (most > 1).into()),
        ];
        if default {
            members.push(("alias".to_owned(), "pc".into()));
            members.push(("is-default".to_owned(), true.into()));
        }
        Value::Object(members)
    };
    Value::Array(vec![
        machine("pc-i440fx-xen", true, 255),
        machine("xenfv", false, 128),
        machine("none", false, 1),
    ])
}

/// The types that implement what a client asks for.
fn types(arguments: &Value) -> Value {
    let implements = arguments.get("implements").and_then(Value::as_str);
    let with_abstract = arguments.get("abstract").and_then(Value::as_bool);
    let of = |name: &str, parent: &str| {
        Value::object([("name", name.into()), ("parent", parent.into())])
    };
    let abstract_of = |name: &str, parent: &str| {
        let members = [
            ("name", name.into()),
            ("abstract", true.into()),
            ("parent", parent.into()),
        ];
        Value::object(members)
    };
    let mut list = Vec::new();
    if matches!(implements, None | Some("device")) {
        list.extend(DEVICES.iter().map(|(name, parent)| of(name, parent)));
        if with_abstract != Some(false) {
            let bases = ["pci-device", "ide-device", "isa-device"];
            list.extend(bases.map(|base| abstract_of(base, "device")));
        }
    }
    if matches!(implements, None | Some("accel")) {
        list.push(of("qtest-accel", "accel"));
    }
    Value::Array(list)
}
