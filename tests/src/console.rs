//! A console as a script sees it: what came, waiting for a pattern, keys.
//!
//! A thread reads all that comes, keeps it in a log file, and feeds a small
//! terminal, so that a test may wait for text in the stream
//! ([`Console::expect`]) or on the screen ([`Console::expect_screen`]).

use anyhow::{Context, Result, bail};
use regex_lite::Regex;
use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

/// How much of a console an error shows.
const TAIL_LINES: usize = 25;

/// A terminal as Xen's guests expect it.
const ROWS: NonZero<u16> = NonZero::new(24).unwrap();
const COLUMNS: NonZero<u16> = NonZero::new(80).unwrap();

/// Keys as a terminal sends them.
pub mod key {
    /// Cursor up.
    pub const UP: &str = "\x1b[A";
    /// Cursor down.
    pub const DOWN: &str = "\x1b[B";
    /// Cursor right.
    pub const RIGHT: &str = "\x1b[C";
    /// Cursor left.
    pub const LEFT: &str = "\x1b[D";
    /// Enter.
    pub const ENTER: &str = "\r";
    /// Escape.
    pub const ESC: &str = "\x1b";
}

struct State {
    /// All that came, one character per byte.
    text: String,
    screen: vt100::Parser,
    ended: bool,
    /// Takes the bytes as they come, beside all else.
    tap: Option<Box<dyn Write + Send>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }
}

/// One console, read from its start on.
pub struct Console {
    name: String,
    log: PathBuf,
    shared: Arc<Shared>,
    input: Option<Box<dyn Write + Send>>,
    /// Where the next `expect` begins to look.
    cursor: usize,
}

impl Console {
    /// A console that can only be read.
    pub fn reading(name: &str, output: impl Read + Send + 'static, log: &Path) -> Result<Console> {
        let file = File::create(log).with_context(|| format!("{}", log.display()))?;
        let state = State {
            text: String::new(),
            screen: vt100::Parser::new(ROWS, COLUMNS, 0),
            ended: false,
            tap: None,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            changed: Condvar::new(),
        });
        let theirs = shared.clone();
        thread::spawn(move || pump(output, file, &theirs));
        Ok(Console {
            name: name.to_owned(),
            log: log.to_owned(),
            shared,
            input: None,
            cursor: 0,
        })
    }

    /// A console with a keyboard.
    pub fn with_input(
        name: &str,
        output: impl Read + Send + 'static,
        input: impl Write + Send + 'static,
        log: &Path,
    ) -> Result<Console> {
        let mut console = Console::reading(name, output, log)?;
        console.input = Some(Box::new(input));
        Ok(console)
    }

    /// Types `keys`.
    pub fn send(&mut self, keys: &str) -> Result<()> {
        self.send_bytes(keys.as_bytes())
    }

    /// Types raw bytes.
    pub fn send_bytes(&mut self, keys: &[u8]) -> Result<()> {
        let input = self
            .input
            .as_mut()
            .with_context(|| format!("{}: no keyboard", self.name))?;
        input
            .write_all(keys)
            .with_context(|| format!("typing at console {}", self.name))?;
        Ok(input.flush()?)
    }

    /// Waits for `pattern` in what came since the last match; gives what was
    /// matched.
    pub fn expect(&mut self, pattern: &str, timeout: Duration) -> Result<String> {
        self.expect_any(&[pattern], timeout).map(|(_, text)| text)
    }

    /// Waits for the first of several patterns; which, and what was matched.
    /// Among those that are there, the one that begins earliest.
    pub fn expect_any(&mut self, patterns: &[&str], timeout: Duration) -> Result<(usize, String)> {
        let regexes = compile(patterns)?;
        let cursor = self.cursor;
        let found = self.until(timeout, |state| {
            let text = state.text.get(cursor..).unwrap_or_default();
            let hits = regexes
                .iter()
                .enumerate()
                .filter_map(|(n, r)| Some((n, r.find(text)?)));
            let (n, hit) = hits.min_by_key(|(_, hit)| hit.start())?;
            Some((n, cursor + hit.end(), hit.as_str().to_owned()))
        });
        let (n, end, text) = found.map_err(|why| self.failure(why, &patterns.join("\" or \"")))?;
        self.cursor = end;
        Ok((n, text))
    }

    /// Waits until the screen, 24 lines of 80, shows `pattern`; gives the screen.
    pub fn expect_screen(&mut self, pattern: &str, timeout: Duration) -> Result<String> {
        let regexes = compile(&[pattern])?;
        let found = self.until(timeout, |state| {
            let screen = state.screen.screen().contents();
            regexes
                .iter()
                .all(|r| r.is_match(&screen))
                .then_some(screen)
        });
        found.map_err(|why| self.failure(why, &format!("{pattern}\" on the screen of \"it")))
    }

    /// The screen as it is now.
    pub fn screen(&self) -> String {
        self.shared.lock().screen.screen().contents()
    }

    /// The line of the screen that is shown inverse, if any.
    pub fn highlighted(&self) -> Option<String> {
        let state = self.shared.lock();
        let screen = state.screen.screen();
        let (rows, columns) = screen.size();
        (0..rows.get()).find_map(|row| {
            let cells = (0..columns.get()).filter_map(|column| screen.cell(row, column));
            let line: String = cells
                .filter(|c| c.inverse())
                .map(|c| c.contents())
                .collect();
            (!line.is_empty()).then(|| line.trim().to_owned())
        })
    }

    /// Waits until the inverse line of the screen contains `text`.
    pub fn expect_highlighted(&mut self, text: &str, timeout: Duration) -> Result<()> {
        let deadline = Instant::now() + timeout;
        loop {
            let line = self.highlighted();
            if line.as_ref().is_some_and(|line| line.contains(text)) {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(self.failure(
                    Why::Time(timeout),
                    &format!("{text}\" inverse, not \"{line:?}"),
                ));
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// All that came so far.
    pub fn text(&self) -> String {
        self.shared.lock().text.clone()
    }

    /// Forgets what came so far: the next `expect` looks at what is new.
    pub fn skip(&mut self) {
        self.cursor = self.shared.lock().text.len();
    }

    /// From now on all that comes also goes to `tap`, beginning with what came
    /// already.
    pub fn tap(&mut self, mut tap: Box<dyn Write + Send>) -> Result<()> {
        let mut state = self.shared.lock();
        let bytes: Vec<u8> = state.text.chars().map(|c| c as u32 as u8).collect();
        tap.write_all(&bytes)?;
        tap.flush()?;
        state.tap = Some(tap);
        Ok(())
    }

    /// Ends [`Console::tap`].
    pub fn untap(&mut self) {
        self.shared.lock().tap = None;
    }

    fn until<T>(
        &self,
        timeout: Duration,
        mut test: impl FnMut(&State) -> Option<T>,
    ) -> Result<T, Why> {
        let deadline = Instant::now() + timeout;
        let mut state = self.shared.lock();
        loop {
            if let Some(found) = test(&state) {
                return Ok(found);
            }
            if state.ended {
                return Err(Why::Ended);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Why::Time(timeout));
            }
            let waited = self.shared.changed.wait_timeout(state, left);
            state = waited.map(|(s, _)| s).unwrap_or_else(|e| e.into_inner().0);
        }
    }

    fn failure(&self, why: Why, awaited: &str) -> anyhow::Error {
        let text = self.text();
        let clean = strip_escapes(&text);
        let lines: Vec<&str> = clean
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
        let tail = lines
            .get(lines.len().saturating_sub(TAIL_LINES)..)
            .unwrap_or_default();
        let why = match why {
            Why::Time(t) => format!("waited {t:?} in vain"),
            Why::Ended => "it ended".to_owned(),
        };
        anyhow::anyhow!(
            "console {}: {why} for \"{awaited}\"; the last of it ({}):\n  | {}",
            self.name,
            self.log.display(),
            tail.join("\n  | ")
        )
    }
}

enum Why {
    Time(Duration),
    Ended,
}

fn compile(patterns: &[&str]) -> Result<Vec<Regex>> {
    let compiled = patterns
        .iter()
        .map(|p| Regex::new(p).with_context(|| format!("pattern {p}")));
    let compiled = compiled.collect::<Result<Vec<_>>>()?;
    if compiled.is_empty() {
        bail!("nothing to wait for");
    }
    Ok(compiled)
}

/// The text without the escape sequences of a terminal.
pub fn strip_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\x1b' {
            if c != '\r' {
                out.push(c);
            }
            continue;
        }
        if chars.next_if_eq(&'[').is_some() {
            while chars.next_if(|c| !('@'..='~').contains(c)).is_some() {}
        }
        chars.next();
    }
    out
}

fn pump(mut output: impl Read, mut log: File, shared: &Shared) {
    let mut buffer = [0; 4096];
    loop {
        let read = output.read(&mut buffer).unwrap_or(0);
        let mut state = shared.lock();
        let bytes = buffer.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            state.ended = true;
        } else {
            let _ = log.write_all(bytes);
            state.text.extend(bytes.iter().map(|&b| b as char));
            state.screen.process(bytes);
            if let Some(tap) = &mut state.tap {
                let _ = tap.write_all(bytes).and_then(|()| tap.flush());
            }
        }
        shared.changed.notify_all();
        if state.ended {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn console(text: &'static str) -> (Console, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let console = Console::reading("t", text.as_bytes(), &dir.path().join("log")).unwrap();
        (console, dir)
    }

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn matches_come_one_after_another() {
        let (mut console, _dir) = console("one two one");
        assert_eq!(console.expect("on.", LONG).unwrap(), "one");
        assert_eq!(
            console.expect_any(&["on.", "two"], LONG).unwrap(),
            (1, "two".into())
        );
        console.expect("one$", LONG).unwrap();
        let error = console.expect("three", LONG).unwrap_err().to_string();
        assert!(
            error.contains("\"three\"") && error.contains("| one two one"),
            "{error}"
        );
    }

    #[test]
    fn screens_show_what_is_inverse() {
        let (mut console, _dir) = console("\x1b[2J\x1b[3;1Hplain\x1b[4;1H\x1b[7m second \x1b[m");
        console.expect_screen("plain\n second", LONG).unwrap();
        assert_eq!(console.highlighted().as_deref(), Some("second"));
    }

    #[test]
    fn escapes_are_stripped() {
        assert_eq!(strip_escapes("a\x1b[7mb\x1b[m\r\nc\x1b[1;2Hd"), "ab\ncd");
    }
}
