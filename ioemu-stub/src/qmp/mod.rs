//! The monitor: how a toolstack talks to the device model while the guest runs.
//!
//! The protocol is QEMU's machine protocol (QMP), for libxl speaks nothing else
//! to a device model: one JSON object for each command and each answer, `id`
//! handed back as it came. Bytes go in and come out here; where they travel is
//! others' business ([`serve`] under Xen, a socket on a host).
//!
//! ```text
//!   bytes ─ frame ─ json ─> Session ─ Command ─> verbs ─> Machine
//!                              │                    │
//!   bytes <────────────────────┴──── Answer <───────┘
//! ```
//!
//! [`verbs`] has the table of commands; a [`verbs::Machine`] may add its own.

pub mod frame;
pub mod json;
pub mod serve;
#[cfg(test)]
mod tests;
pub mod verbs;

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use frame::{Found, Framer};
use json::Value;

/// The QEMU whose commands and answers these are: libxl asks before it
/// chooses among older and newer forms of a command.
pub const VERSION: [u32; 3] = [7, 2, 0];

/// What a client is told when it asks who this is.
pub const PACKAGE: &str = "ioemu-stub";

/// Most commands of one client that wait to be carried out.
pub const MOST_WAITING: usize = 64;

/// Why a command was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// There is no such command: libxl may then try an older one.
    CommandNotFound(String),
    /// No such device.
    DeviceNotFound(String),
    /// Anything else, in words.
    Generic(String),
}

impl Failure {
    /// In words.
    pub fn generic(words: impl fmt::Display) -> Failure {
        Failure::Generic(words.to_string())
    }

    /// The command exists, but this device model cannot do it (yet).
    #[must_use]
    pub fn not_served(what: &str) -> Failure {
        Failure::Generic(format!("{what} is not supported by this device model"))
    }

    fn class(&self) -> &'static str {
        match self {
            Failure::CommandNotFound(_) => "CommandNotFound",
            Failure::DeviceNotFound(_) => "DeviceNotFound",
            Failure::Generic(_) => "GenericError",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::CommandNotFound(name) => write!(f, "The command {name} has not been found"),
            Failure::DeviceNotFound(name) => write!(f, "Device '{name}' not found"),
            Failure::Generic(words) => f.write_str(words),
        }
    }
}

impl core::error::Error for Failure {}

/// What comes of a command.
pub type Answer<T = Value> = Result<T, Failure>;

/// A command to be carried out. Every one must be answered: [`Session::answer`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Its name.
    pub verb: String,
    /// Its arguments, always an object.
    pub arguments: Value,
    /// What the client calls it.
    id: Option<Value>,
}

impl Command {
    /// One that nobody sent: for the machine's own use, and tests.
    #[must_use]
    pub fn new(verb: &str, arguments: Value) -> Command {
        Command {
            verb: verb.to_string(),
            arguments,
            id: None,
        }
    }
}

/// One client's conversation.
#[derive(Debug, Default)]
pub struct Session {
    framer: Framer,
    /// The client has asked for the commands.
    negotiated: bool,
    waiting: VecDeque<Waiting>,
}

/// What a client waits for. Everything is answered in the order it was asked.
#[derive(Debug)]
enum Waiting {
    Command(Command),
    Answer(Option<Value>, Answer),
}

/// One line to the client.
fn line(out: &mut Vec<u8>, value: &Value) {
    out.extend_from_slice(format!("{value}\r\n").as_bytes());
}

/// `version` of the greeting, and the answer to `query-version`.
#[must_use]
pub fn version() -> Value {
    let [major, minor, micro] = VERSION.map(Value::from);
    Value::object([
        (
            "qemu",
            Value::object([("micro", micro), ("minor", minor), ("major", major)]),
        ),
        ("package", PACKAGE.into()),
    ])
}

/// Tells clients of something that happened; `at` is the time since 1970.
pub fn event(out: &mut Vec<u8>, name: &str, data: Value, at: core::time::Duration) {
    let timestamp = Value::object([
        ("seconds", Value::Number(at.as_secs().to_string())),
        ("microseconds", at.subsec_micros().into()),
    ]);
    let mut members = Vec::from([("timestamp", timestamp), ("event", name.into())]);
    if data != Value::empty() {
        members.push(("data", data));
    }
    let own = |(name, value): (&str, Value)| (name.to_string(), value);
    line(out, &Value::Object(members.into_iter().map(own).collect()));
}

impl Session {
    /// A client has come: it is greeted first.
    #[must_use]
    pub fn new(out: &mut Vec<u8>) -> Session {
        let members = [
            ("version", version()),
            ("capabilities", Value::Array(Vec::new())),
        ];
        line(out, &Value::object([("QMP", Value::object(members))]));
        Session::default()
    }

    /// Has the client asked for the commands? Only then events are for it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.negotiated
    }

    /// Takes what the client sent.
    pub fn receive(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let Some(found) = self.framer.push(*byte) else {
                continue;
            };
            let (id, result) = match found {
                Found::Message(text) => match json::parse(&text) {
                    Ok(message) => self.message(message),
                    Err(wrong) => (None, Err(Failure::generic(wrong))),
                },
                Found::Garbage => (None, Err(Failure::generic("JSON parse error, no object"))),
                Found::TooLong => (None, Err(Failure::generic("JSON message too long"))),
            };
            let waiting = match result {
                Ok(Some(command)) => Waiting::Command(command),
                Ok(None) => Waiting::Answer(id, Ok(Value::empty())),
                Err(failure) => Waiting::Answer(id, Err(failure)),
            };
            self.waiting.push_back(waiting);
        }
    }

    /// A message: its id, and the command unless it has been carried out already.
    fn message(&mut self, message: Value) -> (Option<Value>, Answer<Option<Command>>) {
        let Value::Object(members) = message else {
            return (None, Err(Failure::generic("QMP input must be an object")));
        };
        let mut id = None;
        let (mut verb, mut arguments) = (None, Value::empty());
        let mut wrong = None;
        for (name, value) in members {
            match (name.as_str(), value) {
                ("id", value) => id = Some(value),
                ("execute", Value::String(name)) => verb = Some(name),
                ("arguments", value @ Value::Object(_)) => arguments = value,
                ("execute", _) => wrong = Some("'execute' must be a string".to_string()),
                ("arguments", _) => wrong = Some("'arguments' must be an object".to_string()),
                _ => wrong = Some(format!("'{name}' is unexpected")),
            }
        }
        let result = match (wrong, verb) {
            (Some(wrong), _) => Err(Failure::generic(format!("QMP input member {wrong}"))),
            (None, None) => Err(Failure::generic("QMP input lacks member 'execute'")),
            (None, Some(verb)) => self.command(Command {
                verb,
                arguments,
                id: id.clone(),
            }),
        };
        (id, result)
    }

    fn command(&mut self, command: Command) -> Answer<Option<Command>> {
        match (command.verb.as_str(), self.negotiated) {
            ("qmp_capabilities", false) => {
                negotiate(&command.arguments)?;
                self.negotiated = true;
                Ok(None)
            }
            (_, true) if command.verb != "qmp_capabilities" => {
                if self.waiting.len() >= MOST_WAITING {
                    return Err(Failure::generic("too many commands at once"));
                }
                Ok(Some(command))
            }
            _ => Err(Failure::CommandNotFound(command.verb)),
        }
    }

    /// The next command to carry out. What came before it and is no command is
    /// answered on the way.
    pub fn next(&mut self, out: &mut Vec<u8>) -> Option<Command> {
        loop {
            match self.waiting.pop_front()? {
                Waiting::Command(command) => return Some(command),
                Waiting::Answer(id, answer) => reply(out, id, answer),
            }
        }
    }

    /// Says what came of a command.
    pub fn answer(command: Command, answer: Answer, out: &mut Vec<u8>) {
        reply(out, command.id, answer);
    }
}

/// No capability is offered, so none can be asked for.
fn negotiate(arguments: &Value) -> Answer<()> {
    match arguments.get("enable") {
        None => Ok(()),
        Some(Value::Array(list)) if list.is_empty() => Ok(()),
        Some(list) => Err(Failure::generic(format!("no such capability: {list}"))),
    }
}

fn reply(out: &mut Vec<u8>, id: Option<Value>, answer: Answer) {
    let mut members = Vec::from([match answer {
        Ok(value) => ("return".to_string(), value),
        Err(failure) => (
            "error".to_string(),
            Value::object([
                ("class", failure.class().into()),
                ("desc", failure.to_string().into()),
            ]),
        ),
    }]);
    members.extend(id.map(|id| ("id".to_string(), id)));
    line(out, &Value::Object(members));
}
