//! Runs a script: variables, functions, conditions, loops, on a budget.

use super::lexer::{self, What, Word};
use super::parser::{self, Block, Node};
use super::pick::{self, Item};
use super::{commands, condition, device, entry};
use crate::disk::DeviceName;
use crate::menu::{Line, MAX_ENTRIES, Menu, Reader};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// What a script may cost: every command, every character of every value that
/// it expands is 1. An entry as grub-mkconfig writes it costs some 2000.
pub const BUDGET: usize = 1 << 20;
/// What keeping a variable's value costs.
const KEEP: usize = 4;
/// How many tokens all its files may have.
const MAX_TOKENS: usize = 96 * 1024;
/// How deep functions, files and bodies may run in each other.
const MAX_DEPTH: usize = 40;
/// How deep submenus may stand in each other.
const MAX_LEVEL: usize = 8;
/// How much the script itself may save, in lines.
const MAX_SAVES: usize = 16;
/// The largest value of a variable, in bytes.
const MAX_VALUE: usize = 64 * 1024;

/// Why a script, or a part of it, ends before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// `return`.
    Return,
    /// `break` and `continue`.
    Break,
    Continue,
    /// Another file takes its place.
    Replaced,
    /// It costs too much.
    Spent,
}

/// What a menu is made of before the bodies have run.
pub enum Pending {
    /// An entry or a submenu with its body.
    Body {
        title: String,
        id: String,
        submenu: bool,
        arguments: Vec<String>,
        body: Block,
        line: u32,
        file: Option<Rc<str>>,
    },
    /// An entry from elsewhere, and its id.
    Ready(String, crate::menu::Entry),
}

/// A script in progress.
pub struct Eval<'a> {
    pub(super) reader: &'a Reader<'a>,
    pub(super) variables: BTreeMap<Rc<str>, Rc<str>>,
    functions: BTreeMap<String, Block>,
    /// `$1` and so on.
    pub(super) arguments: Vec<String>,
    /// Whether the last command succeeded.
    status: bool,
    budget: usize,
    tokens: usize,
    depth: usize,
    /// The file that runs, unless it is the first.
    pub(super) file: Option<Rc<str>>,
    pub(super) pending: Vec<Pending>,
    /// What the script saves as it runs, as lines of the global section.
    saves: Vec<Line>,
    /// The entry whose body runs.
    pub(super) entry: Option<entry::Lines>,
    menu: Menu,
    unknown: BTreeSet<String>,
}

impl<'a> Eval<'a> {
    /// A script `path` on `device` that has not run yet.
    pub fn new(reader: &'a Reader<'a>, device: DeviceName, path: &str, budget: usize) -> Self {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let root = device::name(reader, device);
        let prefix = format!("({root}){folder}");
        let mut variables = BTreeMap::new();
        for (name, value) in [
            ("root", root.as_str()),
            ("prefix", &prefix),
            ("config_directory", &prefix),
            ("config_file", &format!("({root}){path}")),
            ("grub_platform", "xen"),
            ("grub_cpu", "x86_64"),
            ("feature_all_video_module", "y"),
            ("feature_chainloader_bpb", "y"),
            ("feature_default_font_path", "y"),
            ("feature_menuentry_id", "y"),
            ("feature_menuentry_options", "y"),
            ("feature_nativedisk", "y"),
            ("feature_ntldr", "y"),
            ("feature_platform_search_hint", "y"),
            ("feature_timeout_style", "y"),
            ("feature_200_final", "y"),
        ] {
            variables.insert(Rc::from(name), Rc::from(value));
        }
        Eval {
            reader,
            variables,
            functions: BTreeMap::new(),
            arguments: Vec::new(),
            status: true,
            budget,
            tokens: MAX_TOKENS,
            depth: 0,
            file: None,
            pending: Vec::new(),
            saves: Vec::new(),
            entry: None,
            menu: Menu::default(),
            unknown: BTreeSet::new(),
        }
    }

    /// The value of a variable; of one that has none, nothing.
    pub fn variable(&self, name: &str) -> &str {
        self.variables.get(name).map_or("", |value| value)
    }

    /// The menu, when all is done; in its global section what is to be saved.
    pub fn into_menu(self) -> Menu {
        let mut menu = self.menu;
        menu.global = self.saves;
        menu
    }

    /// Adds a line that saves something: to the entry whose body runs, or to
    /// the global section.
    pub(super) fn save(&mut self, line: u32, text: &str) {
        match &mut self.entry {
            Some(entry) => entry.push(line, text),
            None if self.saves.len() < MAX_SAVES => self.saves.push(Line::made(line, text)),
            None => {}
        }
    }

    pub(super) fn warn(&mut self, line: u32, text: &str) {
        match &self.file {
            None => self.menu.warn(line, text),
            Some(file) => {
                let text = format!("{file}:{line}: {text}");
                self.menu.warn(0, text);
            }
        }
    }

    /// Warns of a command that is not known, once.
    pub(super) fn warn_unknown(&mut self, line: u32, name: &str) {
        let name: String = name.chars().take(32).collect();
        if self.unknown.len() < 64 && self.unknown.insert(name.clone()) {
            self.warn(line, &format!("`{name}' is not known here; passed over"));
        }
    }

    /// Pays for something.
    pub(super) fn spend(&mut self, cost: usize) -> Result<(), Stop> {
        match self.budget.checked_sub(cost) {
            Some(left) => {
                self.budget = left;
                Ok(())
            }
            None => {
                if core::mem::take(&mut self.budget) > 0 {
                    self.menu.warn(0, "this script runs too long; cut short");
                }
                Err(Stop::Spent)
            }
        }
    }

    /// Runs the script and the bodies of what it puts into the menu.
    pub fn menu(&mut self, bytes: &[u8]) -> Vec<Item> {
        // A `configfile` that names itself ends here.
        let _ = self.text(bytes);
        self.items(0, "")
    }

    /// The same for a file that another names.
    pub(super) fn text_nested(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        if self.too_deep() {
            return Ok(());
        }
        self.depth = self.depth.saturating_add(1);
        let result = self.text(bytes);
        self.depth = self.depth.saturating_sub(1);
        result
    }

    /// Parses and runs a text.
    fn text(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.spend(bytes.len())?;
        let text = String::from_utf8_lossy(bytes);
        let (tokens, all) = lexer::tokens(&text, self.tokens);
        self.tokens = self.tokens.saturating_sub(tokens.len());
        if !all {
            let line = tokens.last().map_or(1, |(line, _)| *line);
            self.warn(line, "too long; the rest is left out");
        }
        let (block, wrong) = parser::parse(&tokens);
        if let Some((line, text)) = wrong {
            self.warn(line, &format!("{text}; the rest is left out"));
        }
        drop(tokens);
        self.block(&block)
    }

    /// Runs the bodies of the pending items: submenus become lists, entries
    /// lines. `way` leads to them, as GRUB's variable `chosen` has it.
    fn items(&mut self, level: usize, way: &str) -> Vec<Item> {
        let mut items = Vec::new();
        for pending in core::mem::take(&mut self.pending) {
            let item = match pending {
                Pending::Ready(id, entry) => Item {
                    title: entry.title.clone(),
                    id,
                    what: pick::What::Entry(self.push(entry)),
                },
                Pending::Body {
                    title,
                    id,
                    submenu,
                    arguments,
                    body,
                    line,
                    file,
                } => {
                    let kept = self.variables.len().saturating_mul(KEEP);
                    if self.spend(kept).is_err() {
                        break;
                    }
                    let variables = self.variables.clone();
                    let chosen = format!("{way}{}", id.replace('>', ">>"));
                    if self.set("chosen", &chosen).is_err() {
                        break;
                    }
                    let arguments = core::mem::replace(&mut self.arguments, arguments);
                    let file = core::mem::replace(&mut self.file, file);
                    let what = match submenu {
                        true if level >= MAX_LEVEL => {
                            self.warn(line, "menus stand in each other too deep");
                            pick::What::Entry(None)
                        }
                        true => {
                            // What it saves, it would save when it is opened.
                            let saves = self.saves.len();
                            let _ = self.nested(&body);
                            self.saves.truncate(saves);
                            let way = format!("{chosen}>");
                            pick::What::Menu(self.items(level.saturating_add(1), &way))
                        }
                        false => pick::What::Entry(self.body(&title, level, line, &body)),
                    };
                    self.variables = variables;
                    self.arguments = arguments;
                    self.file = file;
                    Item { title, id, what }
                }
            };
            items.push(item);
        }
        items
    }

    /// Runs the body of an entry; gives the number of what it comes to.
    fn body(&mut self, title: &str, level: usize, line: u32, body: &Block) -> Option<usize> {
        self.entry = Some(entry::Lines::default());
        let _ = self.nested(body);
        // Entries within entries are none.
        self.pending.clear();
        let lines = self.entry.take()?;
        match lines.finish() {
            Ok(commands) => self.push(crate::menu::Entry {
                title: entry::title(title, level),
                file: self.file.clone(),
                line,
                commands,
            }),
            Err(reason) => {
                let title: String = title.chars().take(40).collect();
                self.warn(line, &format!("`{title}' is left out: {reason}"));
                None
            }
        }
    }

    fn push(&mut self, entry: crate::menu::Entry) -> Option<usize> {
        let at = self.menu.entries.len();
        if at >= MAX_ENTRIES {
            let text = format!("only {MAX_ENTRIES} entries are taken");
            if self.unknown.insert(text.clone()) {
                self.menu.warn(0, text);
            }
            return None;
        }
        self.menu.entries.push(entry);
        Some(at)
    }

    /// Runs what stands in something else: not too deep.
    pub(super) fn nested(&mut self, block: &Block) -> Result<(), Stop> {
        if self.too_deep() {
            self.status = false;
            return Ok(());
        }
        self.depth = self.depth.saturating_add(1);
        let result = self.block(block);
        self.depth = self.depth.saturating_sub(1);
        result
    }

    fn too_deep(&mut self) -> bool {
        let text = "functions and files run in each other without end";
        if self.depth >= MAX_DEPTH && self.unknown.insert(text.into()) {
            self.menu.warn(0, text);
        }
        self.depth >= MAX_DEPTH
    }

    fn block(&mut self, block: &Block) -> Result<(), Stop> {
        block.iter().try_for_each(|node| self.node(node))
    }

    fn node(&mut self, node: &Node) -> Result<(), Stop> {
        self.spend(1)?;
        match node {
            Node::Command { line, words, body } => self.command(*line, words, body.as_ref()),
            Node::If { arms, otherwise } => {
                for (test, body) in arms {
                    self.nested(test)?;
                    if self.status {
                        return self.nested(body);
                    }
                }
                self.status = true;
                otherwise.as_ref().map_or(Ok(()), |body| self.nested(body))
            }
            Node::For { name, words, body } => {
                for value in self.expand(words)? {
                    self.set(name, &value)?;
                    if self.round(body)? {
                        break;
                    }
                }
                Ok(())
            }
            Node::While {
                until,
                condition,
                body,
            } => loop {
                self.spend(1)?;
                self.nested(condition)?;
                if self.status == *until || self.round(body)? {
                    return Ok(());
                }
            },
            Node::Function { name, body } => {
                self.functions.insert(name.clone(), body.clone());
                Ok(())
            }
        }
    }

    /// One round of a loop; whether it is the last.
    fn round(&mut self, body: &Block) -> Result<bool, Stop> {
        match self.nested(body) {
            Err(Stop::Break) => Ok(true),
            Ok(()) | Err(Stop::Continue) => Ok(false),
            Err(stop) => Err(stop),
        }
    }

    fn command(&mut self, line: u32, words: &[Word], body: Option<&Block>) -> Result<(), Stop> {
        let mut words = self.expand(words)?;
        self.status = true;
        let mut negated = false;
        while words.first().is_some_and(|word| word == "!") {
            words.remove(0);
            negated = !negated;
        }
        let Some((name, arguments)) = words.split_first() else {
            return Ok(());
        };
        let result = match (name.as_str(), body) {
            ("menuentry" | "submenu", Some(body)) => {
                self.item(line, name == "submenu", arguments, body)
            }
            ("[", _) => {
                let inside = arguments.split_last().filter(|(last, _)| *last == "]");
                let words = inside.map_or(&[][..], |(_, words)| words);
                self.status = self.test(words);
                Ok(())
            }
            ("test", _) => {
                self.status = self.test(arguments);
                Ok(())
            }
            (name, None) if self.functions.contains_key(name) => self.call(name, arguments),
            (name, _) => match name.split_once('=').filter(|(name, _)| is_name(name)) {
                Some((name, value)) => self.set(name, value),
                None => {
                    self.status = commands::run(self, line, name, arguments)?;
                    Ok(())
                }
            },
        };
        self.status = self.status != negated;
        result
    }

    fn test(&self, words: &[String]) -> bool {
        condition::holds(words, &|name| {
            let (device, path) = self.file_name(name)?;
            self.reader.is_file(device, &path)
        })
    }

    /// The device and path that a file name means, if it is one of ours.
    pub(super) fn file_name(&self, name: &str) -> Option<(DeviceName, String)> {
        let (device, path) = match name.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
            Some((device, path)) => (device, path),
            None => (self.variable("root"), name),
        };
        let path = format!("/{}", path.trim_start_matches('/'));
        Some((device::parse(device)?, path))
    }

    fn call(&mut self, name: &str, arguments: &[String]) -> Result<(), Stop> {
        let Some(body) = self.functions.get(name).cloned() else {
            return Ok(());
        };
        let before = core::mem::replace(&mut self.arguments, arguments.to_vec());
        let result = self.nested(&body);
        self.arguments = before;
        match result {
            Err(Stop::Return) => Ok(()),
            result => result,
        }
    }

    /// Puts an entry or a submenu into the menu.
    fn item(
        &mut self,
        line: u32,
        submenu: bool,
        words: &[String],
        body: &Block,
    ) -> Result<(), Stop> {
        let mut id = None;
        let mut arguments = Vec::new();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.split_once('=').unwrap_or((word, "")) {
                ("--id", "") => id = words.next().cloned(),
                ("--id", value) => id = Some(value.to_string()),
                ("--class" | "--users" | "--hotkey" | "--source", "") => drop(words.next()),
                ("--class" | "--users" | "--hotkey" | "--source" | "--unrestricted", _) => {}
                _ => arguments.push(word.clone()),
            }
        }
        if self.pending.len() >= MAX_ENTRIES || self.entry.is_some() {
            return Ok(());
        }
        let title = arguments.first().cloned().unwrap_or_default();
        self.pending.push(Pending::Body {
            id: id.unwrap_or_else(|| title.clone()),
            title,
            submenu,
            arguments,
            body: body.clone(),
            line,
            file: self.file.clone(),
        });
        Ok(())
    }

    /// Gives a variable its value.
    pub(super) fn set(&mut self, name: &str, value: &str) -> Result<(), Stop> {
        self.spend(name.len().saturating_add(value.len()))?;
        let end = value.floor_char_boundary(MAX_VALUE);
        let value = value.get(..end).unwrap_or_default();
        // GRUB takes the parentheses off this one too.
        let value = match name {
            "root" => value.trim_matches(['(', ')']),
            _ => value,
        };
        self.variables.insert(name.into(), value.into());
        Ok(())
    }

    /// The words of a command with the values of variables in them.
    fn expand(&mut self, words: &[Word]) -> Result<Vec<String>, Stop> {
        let mut fields = Fields::default();
        for word in words {
            for part in word {
                match &part.what {
                    What::Text(text) => {
                        self.spend(text.len().saturating_add(1))?;
                        fields.put(text, part.quoted);
                    }
                    What::Variable(name) => self.put(&mut fields, name, part.quoted)?,
                }
            }
            fields.end();
        }
        Ok(fields.done)
    }

    /// Puts the value of a variable into `fields`.
    fn put(&mut self, fields: &mut Fields, name: &str, quoted: bool) -> Result<(), Stop> {
        let value = match name {
            "@" if quoted => {
                let size = self.arguments.iter().map(String::len).sum();
                self.spend(size)?;
                for (at, argument) in self.arguments.iter().enumerate() {
                    if at > 0 {
                        fields.end();
                    }
                    fields.put(argument, true);
                }
                return Ok(());
            }
            "@" | "*" => self.arguments.join(" "),
            "#" => self.arguments.len().to_string(),
            "?" => u8::from(!self.status).to_string(),
            name => match name.parse::<usize>() {
                Ok(number) => {
                    let argument = number.checked_sub(1).and_then(|at| self.arguments.get(at));
                    argument.cloned().unwrap_or_default()
                }
                Err(_) => self.variable(name).to_string(),
            },
        };
        self.spend(value.len().saturating_add(1))?;
        match quoted {
            true => fields.put(&value, true),
            false => fields.split(&value),
        }
        Ok(())
    }
}

/// Words while they are put together.
#[derive(Default)]
struct Fields {
    done: Vec<String>,
    /// The one in progress.
    word: Option<String>,
}

impl Fields {
    fn put(&mut self, text: &str, quoted: bool) {
        if quoted || !text.is_empty() {
            self.word.get_or_insert_default().push_str(text);
        }
    }

    fn end(&mut self) {
        self.done.extend(self.word.take());
    }

    /// A value without quotes: blanks in it separate words.
    fn split(&mut self, value: &str) {
        for c in value.chars() {
            match c.is_ascii_whitespace() {
                true => self.end(),
                false => self.word.get_or_insert_default().push(c),
            }
        }
    }
}

/// Whether a variable may be called that.
pub fn is_name(name: &str) -> bool {
    let first = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    first && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
