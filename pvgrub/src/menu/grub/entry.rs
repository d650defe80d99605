//! The commands of an entry's body, and the lines that mean the same.

use super::eval::Eval;
use crate::menu::Line;
use crate::menu::lexer::MAX_LINE;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// What a body comes to.
#[derive(Debug, Default)]
pub struct Lines {
    lines: Vec<Line>,
    /// Why it cannot be one of ours.
    wrong: Option<String>,
}

/// How many lines an entry may have.
const MAX_COMMANDS: usize = 64;

impl Lines {
    /// The lines; why there are none, if so.
    pub fn finish(self) -> Result<Vec<Line>, String> {
        match self.wrong {
            Some(reason) => Err(reason),
            None if !self.lines.iter().any(boots) => Err("it boots nothing".into()),
            None => Ok(self.lines),
        }
    }

    pub fn push(&mut self, line: u32, text: &str) {
        if self.lines.len() < MAX_COMMANDS {
            self.lines.push(Line::made(line, text));
        }
    }
}

/// Whether a line is there for more than to note something.
fn boots(line: &Line) -> bool {
    !line.text.starts_with("save_env ")
}

/// Runs `name` if it is such a command; whether it succeeded.
pub fn run(eval: &mut Eval<'_>, line: u32, name: &str, arguments: &[String]) -> Option<bool> {
    let text = match name {
        "linux" | "linux16" | "linuxefi" => kernel(eval, arguments),
        "initrd" | "initrd16" | "initrdefi" => {
            let files = arguments.iter().map(|name| file(eval, name));
            let files: Vec<String> = files.collect();
            Ok(format!("initrd {}", files.join(" ")))
        }
        "configfile" => {
            let name = arguments.first().map(String::as_str).unwrap_or_default();
            Ok(format!("configfile {}", file(eval, name)))
        }
        "halt" | "reboot" => Ok(name.to_string()),
        // An entry boots by itself.
        "boot" | "devicetree" => return Some(true),
        "multiboot" | "multiboot2" | "module" | "module2" | "xen_hypervisor" | "xen_module"
        | "chainloader" | "ntldr" | "kfreebsd" | "knetbsd" | "kopenbsd" | "exit" | "efi" => {
            Err(format!("`{name}' means nothing in a PV guest"))
        }
        _ => return None,
    };
    let Some(lines) = &mut eval.entry else {
        eval.warn(line, &format!("`{name}' outside of an entry; passed over"));
        return Some(false);
    };
    match text {
        Ok(text) => lines.push(line, &text),
        Err(reason) => lines.wrong = lines.wrong.take().or(Some(reason)),
    }
    Some(true)
}

/// `linux FILE ARG…`; like GRUB 2, tells the kernel which file it came from.
fn kernel(eval: &Eval<'_>, arguments: &[String]) -> Result<String, String> {
    let Some((name, arguments)) = arguments.split_first() else {
        return Err("its `linux' names no file".into());
    };
    let mut text = format!("kernel {} BOOT_IMAGE={name}", file(eval, name));
    for argument in arguments {
        if text.len() > MAX_LINE {
            break;
        }
        text.push(' ');
        // What held blanks together does so for the kernel.
        match argument.contains(' ') {
            true => text += &format!("\"{}\"", argument.replace('"', "\\\"")),
            false => text += argument,
        }
    }
    Ok(text)
}

/// A file with its device as ours are called. A device that is none of ours
/// stays as it is: the command says so when it runs.
fn file(eval: &Eval<'_>, name: &str) -> String {
    match eval.file_name(name) {
        Some((device, path)) => format!("{device}{path}"),
        None if name.starts_with('(') => name.into(),
        None => format!("({}){name}", eval.variable("root")),
    }
}

/// A title as it is shown, indented by its menu's level.
pub fn title(title: &str, level: usize) -> String {
    let indent = "  ".repeat(level.min(8));
    Line::made(1, &format!("{indent}{title}")).text
}
