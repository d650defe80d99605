//! The event loop: a client at each socket, each served as it comes.
//!
//! The client listens and this program connects. A client may wait for a reply
//! on one socket before it reads the other, so none waits for another.

use super::board::Board;
use super::options::{Board as Kind, Options};
use super::{protocol, qmp};
use anyhow::{Context, Result, ensure};
use ioemu_stub::qmp::Session;
use rustix::event::{PollFd, PollFlags, poll};
use std::io::{ErrorKind, Read, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// A client of the qtest protocol, with the bytes of a line still to end.
struct Tester {
    stream: UnixStream,
    line: Vec<u8>,
}

/// A client of the monitor.
struct Monitor {
    stream: UnixStream,
    session: Session,
}

/// Everything that is served.
struct Server {
    options: Options,
    board: Option<Board>,
    tester: Option<Tester>,
    monitors: Vec<Monitor>,
}

/// Serves until the client of the qtest protocol goes, or somebody ends it.
///
/// # Errors
/// If the command line can't be had, or a socket fails.
pub fn run(options: Options) -> Result<()> {
    // Everything is read before the first client is greeted: clients delete
    // their files soon after.
    let board = match options.board {
        Kind::None => None,
        _ => Some(Board::new(&options)?),
    };
    let tester = match &options.qtest {
        Some(path) => Some(Tester {
            stream: connect(path)?,
            line: Vec::new(),
        }),
        None => None,
    };
    let mut server = Server {
        board,
        tester,
        monitors: Vec::new(),
        options,
    };
    for path in server.options.monitors.clone() {
        let mut stream = connect(&path)?;
        let mut greeting = Vec::new();
        let session = Session::new(&mut greeting);
        stream.write_all(&greeting)?;
        server.monitors.push(Monitor { stream, session });
    }
    ensure!(
        server.tester.is_some() || !server.monitors.is_empty(),
        "nobody to serve: neither -qtest nor -qmp nor -mon"
    );
    server.serve()
}

fn connect(path: &Path) -> Result<UnixStream> {
    UnixStream::connect(path).with_context(|| format!("connecting to {}", path.display()))
}

impl Server {
    fn serve(&mut self) -> Result<()> {
        let had_tester = self.tester.is_some();
        let mut over = false;
        while !over {
            let ready = self.wait()?;
            if ready.tester {
                self.serve_tester()?;
            }
            for nth in ready.monitors.into_iter().rev() {
                over |= self.serve_monitor(nth)?;
            }
            over |= self.tell_events()?;
            over |= if had_tester {
                self.tester.is_none()
            } else {
                self.monitors.is_empty()
            };
        }
        Ok(())
    }

    /// Waits until somebody has sent something, or gone.
    fn wait(&self) -> Result<Ready> {
        let tester = self.tester.iter().map(|tester| &tester.stream);
        let monitors = self.monitors.iter().map(|monitor| &monitor.stream);
        let streams = tester.chain(monitors);
        let mut fds: Vec<_> = streams
            .map(|stream| PollFd::new(stream, PollFlags::IN))
            .collect();
        match poll(&mut fds, None) {
            Err(rustix::io::Errno::INTR) => return Ok(Ready::default()),
            result => result.context("waiting for clients")?,
        };
        let testers = usize::from(self.tester.is_some());
        let ready = |fd: &PollFd<'_>| !fd.revents().is_empty();
        let (tester, monitors) = fds.split_at(testers);
        let monitors = monitors.iter().enumerate();
        Ok(Ready {
            tester: tester.iter().any(ready),
            monitors: monitors
                .filter(|(_, fd)| ready(fd))
                .map(|(nth, _)| nth)
                .collect(),
        })
    }

    fn serve_tester(&mut self) -> Result<()> {
        let Some(tester) = &mut self.tester else {
            return Ok(());
        };
        let Some(bytes) = receive(&mut tester.stream)? else {
            self.tester = None;
            return Ok(());
        };
        tester.line.extend(bytes);
        while let Some(end) = tester.line.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = tester.line.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let answer = protocol::answer(self.board.as_mut(), &line);
            if !send(&mut tester.stream, answer.as_bytes())? {
                self.tester = None;
                return Ok(());
            }
        }
        Ok(())
    }

    /// Says whether the client wants an end.
    fn serve_monitor(&mut self, nth: usize) -> Result<bool> {
        let monitor = &mut self.monitors[nth];
        let Some(bytes) = receive(&mut monitor.stream)? else {
            self.monitors.remove(nth);
            return Ok(false);
        };
        let mut monitored = qmp::Monitored {
            board: self.board.as_mut(),
            options: &self.options,
            quit: false,
        };
        let mut out = Vec::new();
        monitor.session.receive(&bytes);
        qmp::serve(&mut monitor.session, &mut monitored, &mut out);
        let quit = monitored.quit;
        if !send(&mut monitor.stream, &out)? {
            self.monitors.remove(nth);
        }
        self.send_interrupts()?;
        Ok(quit)
    }

    /// A monitor's command, too, may move interrupts.
    fn send_interrupts(&mut self) -> Result<()> {
        let (Some(board), Some(tester)) = (&self.board, &mut self.tester) else {
            return Ok(());
        };
        let reports = protocol::interrupt_reports(board);
        if !send(&mut tester.stream, reports.as_bytes())? {
            self.tester = None;
        }
        Ok(())
    }

    /// Tells monitors what happened. Says whether it is the end.
    fn tell_events(&mut self) -> Result<bool> {
        let Some(board) = &mut self.board else {
            return Ok(false);
        };
        let mut out = Vec::new();
        for event in board.take_events() {
            qmp::tell(&mut out, event);
        }
        let off = board.is_off() && !self.options.no_shutdown;
        let open = |monitor: &&mut Monitor| monitor.session.is_open();
        for monitor in self.monitors.iter_mut().filter(open) {
            send(&mut monitor.stream, &out)?;
        }
        Ok(off)
    }
}

/// Who has sent something, or gone.
#[derive(Default)]
struct Ready {
    tester: bool,
    monitors: Vec<usize>,
}

/// What has come; `None` if the client is gone.
fn receive(stream: &mut UnixStream) -> Result<Option<Vec<u8>>> {
    let mut buffer = vec![0; 64 << 10];
    match stream.read(&mut buffer) {
        Ok(0) => Ok(None),
        Ok(length) => {
            buffer.truncate(length);
            Ok(Some(buffer))
        }
        Err(error) if error.kind() == ErrorKind::Interrupted => Ok(Some(Vec::new())),
        Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(None),
        Err(error) => Err(error).context("reading from a client"),
    }
}

/// Whether the client is still there.
fn send(stream: &mut UnixStream, bytes: &[u8]) -> Result<bool> {
    match stream.write_all(bytes) {
        Ok(()) => Ok(true),
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::BrokenPipe | ErrorKind::ConnectionReset
            ) =>
        {
            Ok(false)
        }
        Err(error) => Err(error).context("writing to a client"),
    }
}
