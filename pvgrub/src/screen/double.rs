//! Test double of the terminal: a scripted keyboard, a vt100 model of 80×24
//! as the screen, and a clock that moves only while something waits.

use super::paint::Look;
use super::terminal::{Outputs, Terminal};
use std::collections::VecDeque;
use std::num::NonZero;

#[derive(Debug, Clone)]
enum Step {
    Byte(u8),
    Wait(u64),
    Look(&'static str),
}

/// What the person at the keyboard does.
#[derive(Debug, Default, Clone)]
pub struct Script {
    steps: VecDeque<Step>,
    graphics: bool,
}

impl Script {
    /// A script that types `keys`, each after the other at once.
    pub fn keys(keys: &str) -> Self {
        let mut script = Self::default();
        script.types(keys.as_bytes());
        script
    }

    /// There is a frame buffer, too.
    pub fn with_graphics(mut self) -> Self {
        self.graphics = true;
        self
    }

    /// Types `bytes`.
    pub fn types(&mut self, bytes: &[u8]) -> &mut Self {
        self.steps.extend(bytes.iter().map(|&b| Step::Byte(b)));
        self
    }

    /// Does nothing for `ns` nanoseconds.
    pub fn waits(&mut self, ns: u64) -> &mut Self {
        self.steps.push_back(Step::Wait(ns));
        self
    }

    /// Takes a picture of the screen, kept as `name`.
    pub fn looks(&mut self, name: &'static str) -> &mut Self {
        self.steps.push_back(Step::Look(name));
        self
    }

    /// The terminal that this is typed at.
    pub fn terminal(&self) -> Typed {
        Typed {
            steps: self.steps.clone(),
            screen: vt100::Parser::new(size(24), size(80), 0),
            written: Vec::new(),
            now: 7_000_000_123,
            waits: 0,
            pictures: Vec::new(),
            look: self.graphics.then(Look::default),
            selected: None,
        }
    }
}

/// A terminal with a script at its keyboard.
pub struct Typed {
    steps: VecDeque<Step>,
    /// The screen.
    pub screen: vt100::Parser,
    /// All that was ever written.
    pub written: Vec<u8>,
    /// The clock, in nanoseconds.
    pub now: u64,
    /// How often a wait had to begin, i.e. no byte was there yet.
    pub waits: usize,
    pictures: Vec<(&'static str, String, String)>,
    /// How the frame buffer looks, if there is one.
    pub look: Option<Look>,
    /// Where the menu is, if that was chosen.
    pub selected: Option<Outputs>,
}

impl Typed {
    /// The screen as text: 24 lines, blanks at their ends cut.
    pub fn text(&self) -> String {
        picture(&self.screen)
    }

    /// The picture taken as `name`.
    pub fn picture(&self, name: &str) -> &str {
        &self.taken(name).1
    }

    /// The text that was inverse, line by line, when the picture `name` was taken.
    pub fn picture_inverse(&self, name: &str) -> &str {
        &self.taken(name).2
    }

    fn taken(&self, name: &str) -> &(&'static str, String, String) {
        let found = self.pictures.iter().find(|p| p.0 == name);
        found.unwrap_or_else(|| panic!("picture {name} was never taken; now:\n{}", self.text()))
    }

    /// Everything written, as text.
    pub fn transcript(&self) -> String {
        String::from_utf8_lossy(&self.written).into_owned()
    }
}

fn size(cells: u16) -> NonZero<u16> {
    NonZero::new(cells).unwrap()
}

fn picture(parser: &vt100::Parser) -> String {
    let mut lines: Vec<String> = parser
        .screen()
        .rows(0, 80)
        .map(|row| row.trim_end().to_string())
        .collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines.join("\n")
}

fn inverse(parser: &vt100::Parser) -> String {
    let mut out = String::new();
    for row in 0..24 {
        let cells = (0..80).filter_map(|col| parser.screen().cell(row, col));
        let line: String = cells
            .filter(|cell| cell.inverse())
            .map(|cell| {
                if cell.has_contents() {
                    cell.contents()
                } else {
                    " "
                }
            })
            .collect();
        if !line.is_empty() {
            out.push_str(&format!("{row}:{line}\n"));
        }
    }
    out
}

impl Terminal for Typed {
    fn write(&mut self, bytes: &[u8]) {
        self.screen.process(bytes);
        self.written.extend_from_slice(bytes);
    }

    fn read_key_byte(&mut self, deadline: Option<u64>) -> Option<u8> {
        let mut waited = false;
        loop {
            match self.steps.front_mut() {
                Some(Step::Byte(byte)) => {
                    let byte = *byte;
                    self.steps.pop_front();
                    return Some(byte);
                }
                Some(Step::Look(name)) => {
                    let name = *name;
                    self.pictures
                        .push((name, picture(&self.screen), inverse(&self.screen)));
                    self.steps.pop_front();
                }
                Some(Step::Wait(ns)) => {
                    let left = deadline.map_or(u64::MAX, |at| at.saturating_sub(self.now));
                    if !waited && left > 0 {
                        self.waits += 1;
                        waited = true;
                    }
                    if left < *ns {
                        self.now += left;
                        *ns -= left;
                        return None;
                    }
                    self.now += *ns;
                    self.steps.pop_front();
                }
                None => {
                    if !waited {
                        self.waits += 1;
                    }
                    self.now = self.now.max(deadline.unwrap_or(self.now));
                    return None;
                }
            }
        }
    }

    fn now(&self) -> u64 {
        self.now
    }

    fn has_graphics(&self) -> bool {
        self.look.is_some()
    }

    fn dress(&mut self, change: &mut dyn FnMut(&mut Look)) {
        if let Some(look) = &mut self.look {
            change(look);
        }
    }

    fn select(&mut self, outputs: Outputs) -> bool {
        self.selected = Some(outputs);
        outputs.console || self.look.is_some()
    }
}
