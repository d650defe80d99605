//! A client of the qtest protocol, for our own tests: it starts the program and
//! plays the processor.
//!
//! It does as foreign clients do: it listens on two sockets, asks for the byte
//! order before it reads the monitor's greeting, knows interrupt levels only
//! from what it is told, and ends the program with a SIGTERM.

use ioemu_stub::bus::Width;
use ioemu_stub::qmp::json::{self, Value};
use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// Longest wait for an answer: the program answers at once, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running program and the lines to it. Everything that goes wrong is a
/// panic: this is for tests.
pub struct Client {
    program: Child,
    tester: BufReader<UnixStream>,
    monitor: BufReader<UnixStream>,
    levels: BTreeMap<u8, bool>,
    events: VecDeque<Value>,
    _sockets: TempDir,
}

impl Client {
    /// Starts `program` with these words after the ones that every client
    /// gives it.
    pub fn start(program: &str, words: &str) -> Self {
        let sockets = TempDir::new().expect("a folder for the sockets");
        let [tester, monitor] = ["qtest", "qmp"].map(|name| sockets.path().join(name));
        let listen = |path: &Path| UnixListener::bind(path).expect("a socket");
        let (tester_socket, monitor_socket) = (listen(&tester), listen(&monitor));
        let program = Command::new(program)
            .arg("-qtest")
            .arg(format!("unix:{}", tester.display()))
            .args(["-qtest-log", "/dev/null"])
            .arg("-chardev")
            .arg(format!("socket,path={},id=char0", monitor.display()))
            .args(["-mon", "chardev=char0,mode=control", "-display", "none"])
            .args(["-audio", "none"])
            .args(words.split_whitespace())
            .args(["-accel", "qtest"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("the program starts");
        let mut program = Some(program);
        let tester = accept(&tester_socket, &mut program);
        let monitor = accept(&monitor_socket, &mut program);
        let mut client = Client {
            program: program.take().expect("it runs"),
            tester,
            monitor,
            levels: BTreeMap::new(),
            events: VecDeque::new(),
            _sockets: sockets,
        };
        assert_eq!(client.command("endianness"), "little");
        let greeting = client.monitor_line();
        assert!(greeting.get("QMP").is_some(), "{greeting}");
        client.qmp("qmp_capabilities", "{}");
        client
    }

    /// Sends a line, keeps what it says of interrupts, and returns the answer,
    /// `OK` or `FAIL` included.
    pub fn line(&mut self, line: &str) -> String {
        let stream = self.tester.get_mut();
        let sent = stream.write_all(format!("{line}\n").as_bytes());
        sent.expect("the program listens");
        loop {
            let mut answer = String::new();
            let read = self.tester.read_line(&mut answer);
            assert_ne!(read.expect("an answer"), 0, "the program ended at: {line}");
            let words: Vec<&str> = answer.split_whitespace().collect();
            match words[..] {
                ["IRQ", what, pin] => {
                    let pin = pin.parse().expect("a pin");
                    self.levels.insert(pin, what == "raise");
                }
                _ => return words.join(" "),
            }
        }
    }

    /// Sends a line that must succeed; returns what follows the `OK`.
    pub fn command(&mut self, line: &str) -> String {
        let answer = self.line(line);
        let value = answer.strip_prefix("OK");
        let value = value.unwrap_or_else(|| panic!("{line}: {answer}"));
        value.trim().to_owned()
    }

    fn number(&mut self, line: &str) -> u64 {
        let answer = self.command(line);
        let digits = answer.strip_prefix("0x");
        let number = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
        number.unwrap_or_else(|| panic!("{line}: {answer}"))
    }

    /// Reads a port.
    pub fn input(&mut self, port: u16, width: Width) -> u32 {
        let letter = letter(width);
        self.number(&format!("in{letter} {port:#x}")) as u32
    }

    /// Writes a port.
    pub fn output(&mut self, port: u16, width: Width, value: u32) {
        let letter = letter(width);
        self.command(&format!("out{letter} {port:#x} {value:#x}"));
    }

    /// Reads a port of one byte.
    pub fn inb(&mut self, port: u16) -> u8 {
        self.input(port, Width::Byte) as u8
    }

    /// Reads a port of two bytes.
    pub fn inw(&mut self, port: u16) -> u16 {
        self.input(port, Width::Word) as u16
    }

    /// Reads a port of four bytes.
    pub fn inl(&mut self, port: u16) -> u32 {
        self.input(port, Width::Dword)
    }

    /// Writes a port of one byte.
    pub fn outb(&mut self, port: u16, value: u8) {
        self.output(port, Width::Byte, value.into());
    }

    /// Writes a port of two bytes.
    pub fn outw(&mut self, port: u16, value: u16) {
        self.output(port, Width::Word, value.into());
    }

    /// Writes a port of four bytes.
    pub fn outl(&mut self, port: u16, value: u32) {
        self.output(port, Width::Dword, value);
    }

    /// Reads one value of memory.
    pub fn read(&mut self, address: u64, width: Width) -> u64 {
        let letter = letter(width);
        self.number(&format!("read{letter} {address:#x}"))
    }

    /// Writes one value to memory.
    pub fn write(&mut self, address: u64, width: Width, value: u64) {
        let letter = letter(width);
        self.command(&format!("write{letter} {address:#x} {value:#x}"));
    }

    /// Reads many bytes of memory.
    pub fn read_bytes(&mut self, address: u64, length: usize) -> Vec<u8> {
        let answer = self.command(&format!("read {address:#x} {length:#x}"));
        let digits = answer.strip_prefix("0x").expect("hex");
        let pairs = digits.as_bytes().chunks(2);
        let byte = |pair| u8::from_str_radix(str::from_utf8(pair).expect("hex"), 16);
        pairs.map(|pair| byte(pair).expect("hex")).collect()
    }

    /// Writes many bytes to memory.
    pub fn write_bytes(&mut self, address: u64, data: &[u8]) {
        let hex: String = data.iter().map(|byte| format!("{byte:02x}")).collect();
        self.command(&format!("write {address:#x} {:#x} 0x{hex}", data.len()));
    }

    /// Reads a register of a PCI function of bus 0, through ports 0xcf8 and
    /// 0xcfc.
    pub fn config_read(&mut self, device: u8, function: u8, register: u8, width: Width) -> u32 {
        let port = self.select(device, function, register);
        self.input(port, width)
    }

    /// Writes one.
    pub fn config_write(
        &mut self,
        device: u8,
        function: u8,
        register: u8,
        width: Width,
        value: u32,
    ) {
        let port = self.select(device, function, register);
        self.output(port, width, value);
    }

    fn select(&mut self, device: u8, function: u8, register: u8) -> u16 {
        let devfn = u32::from(device << 3 | function);
        self.outl(0xcf8, 1 << 31 | devfn << 8 | u32::from(register & 0xfc));
        0xcfc + u16::from(register & 3)
    }

    /// Reads a byte of CMOS.
    pub fn cmos(&mut self, index: u8) -> u8 {
        self.outb(0x70, index);
        self.inb(0x71)
    }

    /// Writes a byte of CMOS.
    pub fn set_cmos(&mut self, index: u8, value: u8) {
        self.outb(0x70, index);
        self.outb(0x71, value);
    }

    /// Moves the clock on.
    pub fn clock_step(&mut self, ns: u64) -> u64 {
        let now = self.command(&format!("clock_step {ns}"));
        now.parse().expect("a time")
    }

    /// Begins to listen to the interrupts.
    pub fn intercept(&mut self) {
        self.command("irq_intercept_in ioapic");
    }

    /// The level of an interrupt, as far as the program has told.
    pub fn irq(&mut self, pin: u8) -> bool {
        // Nothing is at port 0; what is under way comes before the answer.
        self.inb(0);
        self.levels.get(&pin).copied().unwrap_or(false)
    }

    /// Carries out a monitor's command; returns what it returns.
    pub fn qmp(&mut self, verb: &str, arguments: &str) -> Value {
        let answer = self.try_qmp(verb, arguments);
        let value = answer.get("return");
        value.unwrap_or_else(|| panic!("{verb}: {answer}")).clone()
    }

    /// The same, with the whole answer.
    pub fn try_qmp(&mut self, verb: &str, arguments: &str) -> Value {
        let line = format!("{{\"execute\": \"{verb}\", \"arguments\": {arguments}}}\n");
        let stream = self.monitor.get_mut();
        stream
            .write_all(line.as_bytes())
            .expect("the program listens");
        loop {
            let answer = self.monitor_line();
            if answer.get("event").is_none() {
                return answer;
            }
            self.events.push_back(answer);
        }
    }

    /// The first event of that name that was not asked for yet.
    pub fn event(&mut self, name: &str) -> Value {
        loop {
            let known = |event: &Value| event.get("event").and_then(Value::as_str) == Some(name);
            if let Some(at) = self.events.iter().position(known) {
                return self.events.remove(at).expect("it is there");
            }
            let event = self.monitor_line();
            assert!(event.get("event").is_some(), "{event}");
            self.events.push_back(event);
        }
    }

    fn monitor_line(&mut self) -> Value {
        let mut line = String::new();
        let read = self.monitor.read_line(&mut line);
        assert_ne!(read.expect("an answer"), 0, "the program ended");
        json::parse(line.trim().as_bytes()).expect("JSON")
    }

    /// Waits until the program ends by itself.
    pub fn wait(mut self) {
        let status = self.program.wait().expect("it ends");
        assert!(status.success(), "the program: {status}");
    }
}

fn letter(width: Width) -> char {
    match width {
        Width::Byte => 'b',
        Width::Word => 'w',
        Width::Dword => 'l',
        Width::Qword => 'q',
    }
}

/// Waits for the program to connect, or to end.
fn accept(socket: &UnixListener, program: &mut Option<Child>) -> BufReader<UnixStream> {
    socket.set_nonblocking(true).expect("a socket");
    loop {
        if let Ok((stream, _)) = socket.accept() {
            stream.set_nonblocking(false).expect("a socket");
            let patience = stream.set_read_timeout(Some(PATIENCE));
            patience.expect("a socket");
            return BufReader::new(stream);
        }
        let ended = program.as_mut().expect("it runs").try_wait();
        if let Some(status) = ended.expect("it was started") {
            panic!("the program ended: {status}");
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

impl Drop for Client {
    /// All is well if a SIGTERM ends it with 0.
    fn drop(&mut self) {
        if !matches!(self.program.try_wait(), Ok(None)) {
            return;
        }
        let id = rustix::process::Pid::from_child(&self.program);
        // It may have ended just now.
        let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        let status = self.program.wait();
        if !std::thread::panicking() {
            let status = status.expect("it ends");
            assert!(status.success(), "the program at its end: {status}");
        }
    }
}
