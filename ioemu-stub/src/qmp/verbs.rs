//! The commands, and what they ask of the machine.
//!
//! [`TABLE`] is the list; each row is a name and a function. Which of them libxl
//! uses at which step of a guest's life stands beside the row.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::future::Future;
use core::pin::Pin;

use super::json::Value;
use super::{Answer, Command, Failure};

/// A backing disk that is there to be put into a drive: to a toolstack, a set
/// of file descriptors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FdSet {
    /// Its number.
    pub set: i64,
    /// A number for the disk within the set.
    pub fd: i64,
    /// Says what it is: libxl looks for `stub-devid:<virtual device number>`.
    pub opaque: String,
}

/// The machine, as far as a toolstack has a say in it. What a machine does not
/// implement it refuses in so many words.
pub trait Machine {
    /// The guest may run: devices answer. `xl unpause`, the end of `xl create`.
    fn cont(&mut self) -> impl Future<Output = Answer<()>>;
    /// Devices stand still when this is done: nothing of the guest's is under way.
    fn stop(&mut self) -> impl Future<Output = Answer<()>>;
    /// Is it running?
    fn running(&self) -> bool;
    /// Processors that the guest has been given.
    fn processors(&self) -> u32;

    /// Answers to a line for a human.
    fn human(&mut self, line: &str) -> Answer<String> {
        human(self, line)
    }
    /// Every page that devices write is told to Xen from now on, or no longer.
    fn dirty_log(&mut self, _enable: bool) -> Answer<()> {
        Err(Failure::not_served("migration"))
    }
    /// Writes the devices' state away; done when it is in the other's hands.
    fn save(&mut self, _live: bool, _file: &str) -> impl Future<Output = Answer<()>> {
        async { Err(Failure::not_served("saving devices")) }
    }
    /// Press the power button.
    fn power_button(&mut self) -> Answer<()> {
        Err(Failure::not_served("system_powerdown"))
    }
    /// Press the reset button.
    fn reset(&mut self) -> Answer<()> {
        Err(Failure::not_served("system_reset"))
    }
    /// Wake the guest from its sleep (S3).
    fn wakeup(&mut self) -> Answer<()> {
        Err(Failure::not_served("system_wakeup"))
    }
    /// Put one processor more into its socket.
    fn plug_processor(&mut self, _socket: u32) -> Answer<()> {
        Err(Failure::not_served("processor hotplug"))
    }
    /// Most processors that the guest may ever have.
    fn most_processors(&self) -> u32 {
        self.processors()
    }
    /// Take the medium out of drive `id` (`ide-5632`).
    fn eject(&mut self, id: &str, _force: bool) -> Answer<()> {
        Err(Failure::DeviceNotFound(id.to_string()))
    }
    /// Backing disks that are there.
    fn fdsets(&self) -> Vec<FdSet> {
        Vec::new()
    }
    /// Let go of a backing disk.
    fn remove_fd(&mut self, set: i64, _fd: Option<i64>) -> Answer<()> {
        Err(Failure::Generic(format!(
            "File descriptor named 'fdset-id:{set}' not found"
        )))
    }
    /// Put a backing disk (`/dev/fdset/<set>`) into drive `id`.
    fn change_medium(&mut self, id: &str, _set: i64) -> impl Future<Output = Answer<()>> {
        let id = id.to_string();
        async { Err(Failure::DeviceNotFound(id)) }
    }
    /// Serial ports and where they lead in dom0: (`serial0`, `pty:/dev/pts/3`).
    fn chardevs(&self) -> Vec<(String, String)> {
        Vec::new()
    }
    /// Commands that only this machine knows, asked before the table; `None`
    /// if it does not.
    fn other(&mut self, _command: &Command) -> Option<Answer> {
        None
    }
    /// Names of those.
    fn others(&self) -> &'static [&'static str] {
        &[]
    }
}

/// The arguments of a command. Each is asked for once; what nobody asked for is wrong.
pub struct Arguments(Vec<(String, Value)>);

impl Arguments {
    /// Of a command.
    #[must_use]
    pub fn of(command: &Command) -> Arguments {
        match &command.arguments {
            Value::Object(members) => Arguments(members.clone()),
            _ => Arguments(Vec::new()),
        }
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(at).1)
    }

    /// An argument that may be missing; `get` says whether it is of the right type.
    ///
    /// # Errors
    /// It is of another type.
    pub fn may<T>(
        &mut self,
        name: &str,
        get: impl FnOnce(&Value) -> Option<T>,
    ) -> Answer<Option<T>> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => match get(&value) {
                Some(value) => Ok(Some(value)),
                None => Err(Failure::Generic(format!(
                    "Invalid parameter type for '{name}'"
                ))),
            },
        }
    }

    /// An argument that must be there.
    ///
    /// # Errors
    /// It is not, or of another type.
    pub fn must<T>(&mut self, name: &str, get: impl FnOnce(&Value) -> Option<T>) -> Answer<T> {
        self.may(name, get)?
            .ok_or_else(|| Failure::Generic(format!("Parameter '{name}' is missing")))
    }

    /// That was all.
    ///
    /// # Errors
    /// It was not.
    pub fn end(self) -> Answer<()> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(Failure::Generic(format!(
                "Parameter '{name}' is unexpected"
            ))),
        }
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_string)
}

type Work<'a> = Pin<alloc::boxed::Box<dyn Future<Output = Answer> + 'a>>;

/// One row of the table.
pub struct Row<M: ?Sized> {
    /// The command's name.
    pub name: &'static str,
    /// What it does.
    run: for<'a> fn(&'a mut M, Arguments) -> Work<'a>,
}

macro_rules! table {
    ($($(#[$doc:meta])* $name:literal => |$machine:ident, $arguments:ident| $body:expr;)*) => {
        /// Every command.
        #[must_use]
        pub fn table<M: Machine + ?Sized>() -> Vec<Row<M>> {
            Vec::from([$(Row {
                name: $name,
                run: {
                    fn run<M: Machine + ?Sized>($machine: &mut M, #[allow(unused_mut)] mut $arguments: Arguments) -> Work<'_> {
                        alloc::boxed::Box::pin(async move { $body })
                    }
                    run::<M>
                },
            }),*])
        }
        /// The names of all commands.
        pub const TABLE: &[&str] = &[$($name),*];
    };
}

table! {
    // xl create, unpause, resume.
    "cont" => |machine, arguments| {
        arguments.end()?;
        machine.cont().await.map(done)
    };
    // xl save, migrate.
    "stop" => |machine, arguments| {
        arguments.end()?;
        machine.stop().await.map(done)
    };
    // Version-dependent forms of a command.
    "query-version" => |_machine, arguments| {
        arguments.end()?;
        Ok(super::version())
    };
    "query-status" => |machine, arguments| {
        arguments.end()?;
        let running = machine.running();
        let status = if running { "running" } else { "paused" };
        Ok(Value::object([
            ("running", running.into()),
            ("singlestep", false.into()),
            ("status", status.into()),
        ]))
    };
    "query-commands" => |machine, arguments| {
        arguments.end()?;
        let named = |name: &&str| Value::object([("name", (*name).into())]);
        let all = TABLE.iter().chain(machine.others());
        Ok(all.map(named).collect::<Vec<_>>().into())
    };
    // xl create with a device model that is no stub domain's: where its ports lead.
    "query-chardev" => |machine, arguments| {
        arguments.end()?;
        Ok(machine.chardevs().iter().map(chardev).collect::<Vec<_>>().into())
    };
    // The same: the screen is shown by somebody else.
    "query-vnc" => |_machine, arguments| {
        arguments.end()?;
        Ok(Value::object([("enabled", false.into())]))
    };
    // xl list -l, save, migrate, vcpu-set.
    "query-cpus-fast" => |machine, arguments| {
        arguments.end()?;
        Ok((0..machine.processors()).map(processor).collect::<Vec<_>>().into())
    };
    // xl vcpu-set.
    "query-hotpluggable-cpus" => |machine, arguments| {
        arguments.end()?;
        let present = machine.processors();
        let all = 0..machine.most_processors();
        Ok(all.map(|at| socket(at, at < present)).collect::<Vec<_>>().into())
    };
    "device_add" => |machine, arguments| {
        let driver = arguments.must("driver", text)?;
        if driver != PROCESSOR {
            return Err(Failure::Generic(format!("'{driver}' is not a valid device model name")));
        }
        let socket = arguments.must("socket-id", Value::as_i64)?;
        let socket = u32::try_from(socket).map_err(|_| Failure::generic("no such socket"))?;
        machine.plug_processor(socket).map(done)
    };
    // Before and after the copying of a live migration.
    "xen-set-global-dirty-log" => |machine, arguments| {
        let enable = arguments.must("enable", Value::as_bool)?;
        arguments.end()?;
        machine.dirty_log(enable).map(done)
    };
    // xl save, migrate: after stop.
    "xen-save-devices-state" => |machine, arguments| {
        let file = arguments.must("filename", text)?;
        let live = arguments.may("live", Value::as_bool)?.unwrap_or(true);
        arguments.end()?;
        machine.save(live, &file).await.map(done)
    };
    "system_powerdown" => |machine, arguments| {
        arguments.end()?;
        machine.power_button().map(done)
    };
    "system_reset" => |machine, arguments| {
        arguments.end()?;
        machine.reset().map(done)
    };
    // After a failed migration of a sleeping guest.
    "system_wakeup" => |machine, arguments| {
        arguments.end()?;
        machine.wakeup().map(done)
    };
    // xl qemu-monitor-command.
    "human-monitor-command" => |machine, arguments| {
        let line = arguments.must("command-line", text)?;
        arguments.may("cpu-index", Value::as_i64)?;
        arguments.end()?;
        machine.human(&line).map(Value::from)
    };
    // xl cd-eject, cd-insert, in this order.
    "eject" => |machine, arguments| {
        let id = drive(&mut arguments)?;
        let force = arguments.may("force", Value::as_bool)?.unwrap_or(false);
        arguments.end()?;
        machine.eject(&id, force).map(done)
    };
    "query-fdsets" => |machine, arguments| {
        arguments.end()?;
        Ok(fdsets(&machine.fdsets()))
    };
    "remove-fd" => |machine, arguments| {
        let set = arguments.must("fdset-id", Value::as_i64)?;
        let fd = arguments.may("fd", Value::as_i64)?;
        arguments.end()?;
        machine.remove_fd(set, fd).map(done)
    };
    "blockdev-change-medium" => |machine, arguments| {
        let id = drive(&mut arguments)?;
        let file = arguments.must("filename", text)?;
        // A block device or a file, read-only or not: the medium's own affair.
        arguments.may("format", text)?;
        arguments.may("force", Value::as_bool)?;
        arguments.may("read-only-mode", text)?;
        arguments.end()?;
        let set = file.strip_prefix("/dev/fdset/").and_then(|set| set.parse().ok());
        let set = set.ok_or_else(|| Failure::Generic(format!("Could not open '{file}'")))?;
        machine.change_medium(&id, set).await.map(done)
    };
}

/// A drive, by either of its names.
fn drive(arguments: &mut Arguments) -> Answer<String> {
    match arguments.may("device", text)? {
        Some(device) => Ok(device),
        None => arguments.must("id", text),
    }
}

fn chardev((label, file): &(String, String)) -> Value {
    Value::object([
        ("frontend-open", true.into()),
        ("filename", file.as_str().into()),
        ("label", label.as_str().into()),
    ])
}

fn done((): ()) -> Value {
    Value::empty()
}

/// The model name of a processor to be plugged in.
const PROCESSOR: &str = "qemu64-x86_64-cpu";

fn processor(index: u32) -> Value {
    let path = format!("/machine/unattached/device[{index}]");
    Value::object([
        ("thread-id", index.into()),
        ("cpu-index", index.into()),
        ("target", "x86_64".into()),
        ("qom-path", path.into()),
        ("props", place(index)),
    ])
}

/// Each processor has a socket of its own.
fn place(index: u32) -> Value {
    Value::object([
        ("core-id", 0u32.into()),
        ("thread-id", 0u32.into()),
        ("socket-id", index.into()),
    ])
}

fn socket(index: u32, present: bool) -> Value {
    let mut members = Vec::from([
        ("type".to_string(), PROCESSOR.into()),
        ("vcpus-count".to_string(), 1u32.into()),
        ("props".to_string(), place(index)),
    ]);
    if present {
        let path = format!("/machine/unattached/device[{index}]");
        members.push(("qom-path".to_string(), path.into()));
    }
    Value::Object(members)
}

fn fdsets(sets: &[FdSet]) -> Value {
    let one = |set: &FdSet| {
        let fd = Value::object([
            ("fd", set.fd.into()),
            ("opaque", set.opaque.as_str().into()),
        ]);
        Value::object([
            ("fds", Value::Array(Vec::from([fd]))),
            ("fdset-id", set.set.into()),
        ])
    };
    sets.iter().map(one).collect::<Vec<_>>().into()
}

/// What every machine has to tell a human.
fn human<M: Machine + ?Sized>(machine: &mut M, line: &str) -> Answer<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    Ok(match words[..] {
        [] => String::new(),
        ["help" | "?"] => "help -- this\r\ninfo cpus -- the processors\r\ninfo status -- running or paused\r\ninfo version -- of what this resembles\r\n".to_string(),
        ["info", "version"] => {
            let [major, minor, micro] = super::VERSION;
            format!("{major}.{minor}.{micro}{}\r\n", super::PACKAGE)
        }
        ["info", "status"] if machine.running() => "VM status: running\r\n".to_string(),
        ["info", "status"] => "VM status: paused\r\n".to_string(),
        ["info", "cpus"] => {
            let one = |at| format!("{} CPU #{at}\r\n", if at == 0 { '*' } else { ' ' });
            (0..machine.processors()).map(one).collect()
        }
        _ => format!("unknown command: '{line}'\r\n"),
    })
}

/// Carries a command out.
///
/// # Errors
/// [`Failure`], to be told to whoever sent it.
pub async fn execute<M: Machine + ?Sized>(machine: &mut M, command: &Command) -> Answer {
    if let Some(answer) = machine.other(command) {
        return answer;
    }
    let row = table::<M>()
        .into_iter()
        .find(|row| row.name == command.verb);
    match row {
        Some(row) => (row.run)(machine, Arguments::of(command)).await,
        None => Err(Failure::CommandNotFound(command.verb.clone())),
    }
}
