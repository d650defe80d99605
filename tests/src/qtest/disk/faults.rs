//! Requests that are held up, or fail: `blkdebug`'s scripts and `qemu-io`'s
//! `break` and `resume`, as far as they concern whole requests.

use anyhow::{Context, Result, bail};
use ioemu_stub::surroundings::Request;

/// Something that happens on the way of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Event {
    Read,
    Write,
    /// Either half of a flush: there is only one here.
    Flush,
    /// It never happens here.
    Never,
}

impl Event {
    fn parse(name: &str) -> Self {
        match name {
            "read_aio" => Event::Read,
            "write_aio" => Event::Write,
            "flush_to_os" | "flush_to_disk" => Event::Flush,
            _ => Event::Never,
        }
    }

    fn of(request: &Request) -> Self {
        match request {
            Request::Read { .. } => Event::Read,
            Request::Write { .. } => Event::Write,
            Request::Flush => Event::Flush,
            Request::Discard { .. } => Event::Never,
        }
    }
}

/// One section of a script.
#[derive(Clone, Debug)]
struct Rule {
    event: Event,
    /// It holds in this state; 0 is any.
    state: u32,
    action: Action,
}

#[derive(Clone, Copy, Debug)]
enum Action {
    Fail { once: bool },
    Enter(u32),
}

/// The script of a drive, and where it is held up.
#[derive(Clone, Debug)]
pub struct Faults {
    rules: Vec<Rule>,
    state: u32,
    breaks: Vec<(Event, String)>,
}

impl Default for Faults {
    fn default() -> Self {
        Faults {
            rules: Vec::new(),
            state: 1,
            breaks: Vec::new(),
        }
    }
}

impl Faults {
    /// Reads a script.
    ///
    /// # Errors
    /// If it has something that is not understood.
    pub fn parse(script: &str) -> Result<Self> {
        let mut faults = Faults::default();
        for line in script.lines().map(str::trim) {
            match line {
                "" => {}
                "[inject-error]" => faults.section(Action::Fail { once: false }),
                "[set-state]" => faults.section(Action::Enter(0)),
                _ if line.starts_with('#') => {}
                _ => faults
                    .setting(line)
                    .with_context(|| format!("fault script: {line}"))?,
            }
        }
        Ok(faults)
    }

    fn section(&mut self, action: Action) {
        self.rules.push(Rule {
            event: Event::Never,
            state: 0,
            action,
        });
    }

    fn setting(&mut self, line: &str) -> Result<()> {
        let (key, value) = line.split_once('=').context("no assignment")?;
        let value = value.trim().trim_matches('"');
        let rule = self.rules.last_mut().context("outside a section")?;
        match (key.trim(), &mut rule.action) {
            ("event", _) => rule.event = Event::parse(value),
            ("state", _) => rule.state = value.parse()?,
            ("once", Action::Fail { once }) => *once = value == "on",
            ("new_state", Action::Enter(state)) => *state = value.parse()?,
            // Whichever error it is, and however fast: it is one.
            ("errno" | "immediately", Action::Fail { .. }) => {}
            _ => bail!("not understood"),
        }
        Ok(())
    }

    /// `break EVENT TAG`, `resume TAG` or `remove_break TAG`.
    ///
    /// # Errors
    /// If it is something else.
    pub fn command(&mut self, command: &str) -> Result<()> {
        let words: Vec<&str> = command.split_whitespace().collect();
        match words[..] {
            ["break", event, tag] => self.breaks.push((Event::parse(event), tag.to_owned())),
            ["resume" | "remove_break", tag] => self.breaks.retain(|(_, known)| known != tag),
            _ => bail!("unknown command {command}"),
        }
        Ok(())
    }

    /// Whether this request must wait.
    pub fn holds(&self, request: &Request) -> bool {
        let event = Event::of(request);
        event != Event::Never && self.breaks.iter().any(|(at, _)| *at == event)
    }

    /// Whether this request, which goes on now, fails.
    pub fn fails(&mut self, request: &Request) -> bool {
        let event = Event::of(request);
        if event == Event::Never {
            return false;
        }
        let state = self.state;
        let applies = |rule: &Rule| rule.event == event && (rule.state == 0 || rule.state == state);
        let mut fails = false;
        self.rules.retain(|rule| match rule.action {
            Action::Fail { once } if applies(rule) => {
                fails = true;
                !once
            }
            _ => true,
        });
        let entered = self.rules.iter().rev().find_map(|rule| match rule.action {
            Action::Enter(state) if applies(rule) => Some(state),
            _ => None,
        });
        self.state = entered.unwrap_or(state);
        fails
    }
}

#[cfg(test)]
mod tests {
    use super::Faults;
    use ioemu_stub::surroundings::Request;

    #[test]
    fn a_script_fails_one_flush_and_only_that() {
        let script = "[inject-error]\nevent = \"flush_to_disk\"\nerrno = \"5\"\n\
                      state = \"1\"\nonce = \"on\"\n\
                      [set-state]\nevent = \"flush_to_disk\"\nnew_state = \"2\"\n";
        let mut faults = Faults::parse(script).unwrap();
        let read = Request::Read {
            sector: 0,
            count: 1,
        };
        assert!(!faults.fails(&read));
        assert!(faults.fails(&Request::Flush));
        assert!(!faults.fails(&Request::Flush));
    }

    #[test]
    fn a_state_that_is_left_is_left() {
        let script = "[inject-error]\nevent = \"write_aio\"\nstate = \"2\"\n\
                      [set-state]\nevent = \"write_aio\"\nnew_state = \"2\"\n";
        let mut faults = Faults::parse(script).unwrap();
        let write = Request::Write {
            sector: 0,
            data: vec![0; 512],
        };
        assert!(!faults.fails(&write));
        assert!(faults.fails(&write));
        assert!(faults.fails(&write));
    }

    #[test]
    fn a_break_holds_until_it_is_resumed() {
        let mut faults = Faults::default();
        faults.command("break flush_to_os A").unwrap();
        assert!(faults.holds(&Request::Flush));
        faults.command("resume B").unwrap();
        assert!(faults.holds(&Request::Flush));
        faults.command("resume A").unwrap();
        assert!(!faults.holds(&Request::Flush));
        assert!(faults.command("write 0 512").is_err());
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for script in ["event = \"read_aio\"", "[set-state]\nerrno = \"5\"", "x"] {
            assert!(Faults::parse(script).is_err(), "{script}");
        }
    }
}
