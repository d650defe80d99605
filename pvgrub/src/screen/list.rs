//! The menu and the list of an entry's commands: GRUB's classic screen.
//!
//! Positions are those of GRUB 0.97 with its graphics patch, 80×24, rows and
//! columns counted from 0: the version in row 1, a box from row 3 to 16 with
//! twelve lines in it, marks at column 77 where more is above or below, help
//! from row 17 on, the countdown in row 22. Only what changes is drawn again.

use super::console::{Console, printable};
use alloc::format;
use alloc::string::String;

/// How many items the box shows.
pub const VISIBLE: usize = 12;

const VERSION_ROW: usize = 1;
const BOX_TOP: usize = 3;
const FIRST_ROW: usize = BOX_TOP + 1;
const BOX_BOTTOM: usize = FIRST_ROW + VISIBLE;
const BOX_LEFT: usize = 1;
const BOX_RIGHT: usize = 75;
/// Text of an item stands in these columns; one more holds the `>` of an item
/// that is longer.
const TEXT_LEFT: usize = 3;
const TEXT_WIDTH: usize = 69;
const MARK_COLUMN: usize = 77;
const HELP_ROW: usize = BOX_BOTTOM + 1;
const NOTE_ROW: usize = 21;
const COUNTDOWN_ROW: usize = 22;
const COUNTDOWN_COLUMN: usize = 3;

/// Width of the lines above and below the items on a dumb terminal.
const PLAIN_RULE: usize = 67;
/// Width of the line there that changes.
const PLAIN_WIDTH: usize = 64;

/// Which help stands below the box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Help {
    /// The menu.
    Menu,
    /// The menu, where changes need the password first.
    Locked,
    /// The commands of an entry.
    Edit,
}

impl Help {
    fn lines(self) -> &'static [&'static str] {
        match self {
            Help::Menu => &[
                "Enter boots the highlighted entry, 'e' shows and edits its",
                "commands, and 'c' opens a command line.",
            ],
            Help::Locked => &[
                "Enter boots the highlighted entry; 'p' asks for the password",
                "that the other keys need.",
            ],
            Help::Edit => &[
                "'b' boots these commands, 'e' edits the highlighted one, 'c'",
                "opens a command line, 'o' adds a line after it ('O' before",
                "it), 'd' deletes it, and Escape goes back to the menu",
                "without these changes.",
            ],
        }
    }
}

/// Clears the screen and prints the version line, as above the menu and the
/// command line.
pub fn heading(console: &mut Console<'_>, memory_kib: u64) {
    console.clear();
    console.goto(VERSION_ROW, 0);
    console.print(&format!(
        "    PV-GRUB  version {}  ({memory_kib}K lower / 0K upper memory)",
        version()
    ));
    console.print("\n\n");
}

/// The version as shown: major and minor of the package's.
fn version() -> &'static str {
    let version = env!("CARGO_PKG_VERSION");
    version.rsplit_once('.').map_or(version, |(short, _)| short)
}

/// What a list shows: its items are asked for by number.
pub trait Items {
    /// How many there are.
    fn count(&self) -> usize;
    /// The text of item `index`.
    fn text(&self, index: usize) -> &str;
}

/// A list on the screen with one item highlighted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    first: usize,
    selected: usize,
}

impl List {
    /// A list of `count` items with `selected` highlighted, scrolled no
    /// further than it must be to show it.
    pub fn new(selected: usize, count: usize) -> Self {
        let selected = selected.min(count.saturating_sub(1));
        List {
            first: selected.saturating_sub(VISIBLE - 1),
            selected,
        }
    }

    /// The highlighted item.
    pub fn selected(&self) -> usize {
        self.selected
    }

    /// Draws the whole screen: heading, box, help and items. `note` is shown
    /// between help and countdown where there is room for it.
    pub fn draw(
        &self,
        console: &mut Console<'_>,
        items: &(impl Items + ?Sized),
        help: Help,
        memory_kib: u64,
        note: Option<&str>,
    ) {
        heading(console, memory_kib);
        if console.manner().dumb {
            help.lines().iter().for_each(|line| console.line(line));
            if let Some(note) = note.filter(|_| help != Help::Edit) {
                console.line(note);
            }
            return self.draw_items(console, items);
        }
        draw_box(console);
        console.goto(HELP_ROW, 0);
        console.print("    Choose an entry with the ^ and v keys: it is highlighted.");
        for (row, line) in (HELP_ROW + 1..).zip(help.lines()) {
            console.goto(row, 0);
            console.print("    ");
            console.print(line);
        }
        if let Some(note) = note.filter(|_| help != Help::Edit) {
            console.goto(NOTE_ROW, 0);
            console.print(&cut(&format!("    {note}"), super::console::COLUMNS - 1));
        }
        self.draw_items(console, items);
    }

    /// Draws all items and the marks.
    pub fn draw_items(&self, console: &mut Console<'_>, items: &(impl Items + ?Sized)) {
        if console.manner().dumb {
            return self.draw_plain(console, items);
        }
        self.draw_mark(console, FIRST_ROW, "^", self.first > 0);
        for index in self.first..self.first.saturating_add(VISIBLE) {
            self.draw_item(console, items, index);
        }
        let below = items.count() > self.first.saturating_add(VISIBLE);
        self.draw_mark(console, BOX_BOTTOM - 1, "v", below);
        self.park(console);
    }

    /// Highlights `target` (cut to the last item) and draws what that changes.
    pub fn select(
        &mut self,
        console: &mut Console<'_>,
        items: &(impl Items + ?Sized),
        target: usize,
    ) {
        let target = target.min(items.count().saturating_sub(1));
        let old = core::mem::replace(&mut self.selected, target);
        if console.manner().dumb {
            return self.name_selected(console);
        }
        if target < self.first || target >= self.first.saturating_add(VISIBLE) {
            self.first = match target < self.first {
                true => target,
                false => target.saturating_sub(VISIBLE - 1),
            };
            self.draw_items(console, items);
        } else if target != old {
            self.draw_item(console, items, old);
            self.draw_item(console, items, target);
            self.park(console);
        }
    }

    /// The items have changed: highlights `selected` and draws them all.
    pub fn reset(
        &mut self,
        console: &mut Console<'_>,
        items: &(impl Items + ?Sized),
        selected: usize,
    ) {
        self.selected = selected.min(items.count().saturating_sub(1));
        if self.selected >= self.first.saturating_add(VISIBLE) {
            self.first = self.selected.saturating_sub(VISIBLE - 1);
        }
        let fullest = items.count().saturating_sub(VISIBLE);
        self.first = self.first.min(fullest).min(self.selected);
        self.draw_items(console, items);
    }

    /// A page up: the box shows the twelve items before those it shows.
    pub fn page_up(&mut self, console: &mut Console<'_>, items: &(impl Items + ?Sized)) {
        if console.manner().dumb {
            return self.select(console, items, self.selected.saturating_sub(VISIBLE));
        }
        let row = self.selected.saturating_sub(self.first);
        if self.first >= VISIBLE {
            self.first = self.first.saturating_sub(VISIBLE);
            self.selected = self.first.saturating_add(row);
        } else {
            self.selected = self.selected.saturating_sub(VISIBLE);
            self.first = 0;
        }
        self.draw_items(console, items);
    }

    /// A page down: the box shows the next twelve items, or the last ones.
    pub fn page_down(&mut self, console: &mut Console<'_>, items: &(impl Items + ?Sized)) {
        if console.manner().dumb {
            return self.select(console, items, self.selected.saturating_add(VISIBLE));
        }
        let last = items.count().saturating_sub(1);
        let row = self.selected.saturating_sub(self.first);
        let moved = self.first.saturating_add(VISIBLE);
        if moved.saturating_add(row) < last {
            self.first = moved;
            self.selected = moved.saturating_add(row);
        } else {
            self.first = items.count().saturating_sub(VISIBLE);
            self.selected = last;
        }
        self.draw_items(console, items);
    }

    /// Shows the countdown, or with `None` takes it away.
    pub fn countdown(&self, console: &mut Console<'_>, seconds: Option<u64>) {
        if console.manner().dumb {
            let Some(seconds) = seconds else {
                return self.name_selected(console);
            };
            console.carriage_return();
            return console.print(&format!(
                "    Entry {} starts on its own in {seconds} seconds.   ",
                self.selected
            ));
        }
        console.goto(COUNTDOWN_ROW, COUNTDOWN_COLUMN);
        match seconds {
            Some(seconds) => console.print(&format!(
                " The highlighted entry starts on its own in {seconds} seconds.   "
            )),
            None => console.erase_to_end(),
        }
        self.park(console);
    }

    /// All items as a dumb terminal shows them: numbered from 0.
    fn draw_plain(&self, console: &mut Console<'_>, items: &(impl Items + ?Sized)) {
        let rule = "-".repeat(PLAIN_RULE);
        console.fresh_line();
        console.line(&rule);
        for index in 0..items.count() {
            let text = format!("{index:2}: {}", field(items.text(index)));
            console.line(text.trim_end());
        }
        console.line(&rule);
        self.name_selected(console);
    }

    /// Says which item is highlighted, over what that line said before.
    fn name_selected(&self, console: &mut Console<'_>) {
        console.carriage_return();
        let text = format!("    Entry {} is chosen.", self.selected);
        console.print(&format!("{text:PLAIN_WIDTH$}"));
    }

    /// Puts the cursor behind the highlighted item.
    fn park(&self, console: &mut Console<'_>) {
        let row = FIRST_ROW.saturating_add(self.selected.saturating_sub(self.first));
        console.goto(row, BOX_RIGHT - 1);
    }

    fn draw_mark(&self, console: &mut Console<'_>, row: usize, mark: &str, shown: bool) {
        console.goto(row, MARK_COLUMN);
        console.print(if shown { mark } else { " " });
    }

    /// Draws the row of item `index`, blank if there is no such item.
    fn draw_item(&self, console: &mut Console<'_>, items: &(impl Items + ?Sized), index: usize) {
        let Some(row) = index.checked_sub(self.first).filter(|&row| row < VISIBLE) else {
            return;
        };
        let exists = index < items.count();
        let text = if exists { items.text(index) } else { "" };
        let highlight = exists && index == self.selected;
        console.goto(FIRST_ROW.saturating_add(row), TEXT_LEFT - 1);
        if highlight {
            console.standout(true);
        }
        console.print(&format!(" {}  ", field(text)));
        if highlight {
            console.standout(false);
        }
    }
}

/// `text` in exactly [`TEXT_WIDTH`] columns and one more for the `>`.
fn field(text: &str) -> String {
    let mut field: String = text.chars().take(TEXT_WIDTH).map(one_line).collect();
    let used = field.chars().count();
    field.extend(core::iter::repeat_n(' ', TEXT_WIDTH.saturating_sub(used)));
    field.push(if text.chars().nth(TEXT_WIDTH).is_some() {
        '>'
    } else {
        ' '
    });
    field
}

/// The first `width` characters of `text`.
fn cut(text: &str, width: usize) -> String {
    text.chars().take(width).map(one_line).collect()
}

/// `c` in one column of one line.
fn one_line(c: char) -> char {
    if c == '\t' { ' ' } else { printable(c) }
}

fn draw_box(console: &mut Console<'_>) {
    let edge: String = core::iter::once('+')
        .chain(core::iter::repeat_n('-', BOX_RIGHT - BOX_LEFT - 1))
        .chain(core::iter::once('+'))
        .collect();
    console.goto(BOX_TOP, BOX_LEFT);
    console.print(&edge);
    for row in FIRST_ROW..BOX_BOTTOM {
        console.goto(row, BOX_LEFT);
        console.print("|");
        console.goto(row, BOX_RIGHT);
        console.print("|");
    }
    console.goto(BOX_BOTTOM, BOX_LEFT);
    console.print(&edge);
}
