//! grub.cfg: GRUB 2's script, as far as distributions' generators write it.
//!
//! [`lexer`] and [`parser`] make commands of the text. [`eval`] runs them, once
//! for the menu and then once for the body of every entry: what comes out is
//! not a boot but the `kernel` and `initrd` lines that mean the same, which the
//! session shows, edits and runs. [`commands`] are the commands that the
//! generators emit, [`entry`] those that make a body's lines. Submenus are
//! shown in one list with all else, their entries indented.
//!
//! A script is a program, so all of it runs on a budget: [`eval::BUDGET`].

mod commands;
mod condition;
mod device;
mod entry;
mod eval;
mod lexer;
mod parser;
mod pick;
mod search;
#[cfg(test)]
mod tests;

use super::lexer::Line;
use super::{Menu, Reader};
use crate::disk::DeviceName;
use alloc::format;
use alloc::string::String;

/// Where the file may be, seen from the root of its file system.
pub const PATHS: &[&str] = &[
    "/boot/grub/grub.cfg",
    "/grub/grub.cfg",
    "/boot/grub2/grub.cfg",
    "/grub2/grub.cfg",
];

/// The menu that the script `path` makes.
///
/// # Errors
/// Why it cannot be read, in words.
pub fn menu(reader: &Reader<'_>, device: DeviceName, path: &str) -> Result<Menu, String> {
    menu_within(eval::BUDGET, reader, device, path)
}

/// The same, on another budget.
///
/// # Errors
/// Why the script cannot be read, in words.
pub fn menu_within(
    budget: usize,
    reader: &Reader<'_>,
    device: DeviceName,
    path: &str,
) -> Result<Menu, String> {
    let bytes = reader.read(device, path)?;
    Ok(run(&bytes, budget, reader, device, path))
}

/// The menu that a script makes which is not on a disk, as if it were at `path`
/// on `device`.
pub fn menu_of(bytes: &[u8], reader: &Reader<'_>, device: DeviceName, path: &str) -> Menu {
    run(bytes, eval::BUDGET, reader, device, path)
}

/// Whether a text looks like such a script with a menu in it.
pub fn is_one(text: &str) -> bool {
    let mut words = text.lines().map(str::trim_start);
    words.any(|line| line.starts_with("menuentry ") || line.starts_with("submenu "))
}

fn run(bytes: &[u8], budget: usize, reader: &Reader<'_>, device: DeviceName, path: &str) -> Menu {
    let mut eval = eval::Eval::new(reader, device, path, budget);
    let items = eval.menu(bytes);
    let mut settings = alloc::vec::Vec::new();
    if let Some(at) = pick::find(&items, eval.variable("default")) {
        settings.push(format!("default {at}"));
    }
    if let Some(at) = pick::find(&items, eval.variable("fallback")) {
        settings.push(format!("fallback {at}"));
    }
    if let Ok(seconds) = eval.variable("timeout").trim().parse::<u32>() {
        settings.push(format!("timeout {seconds}"));
    }
    if ["hidden", "countdown"].contains(&eval.variable("timeout_style")) {
        settings.push("hiddenmenu".into());
    }
    let mut menu = eval.into_menu();
    let settings = settings.iter().map(|text| Line::made(1, text));
    menu.global.splice(0..0, settings);
    menu
}
