//! Which entry `default` means: a number, an id or a title, of each menu on
//! the way (`1>2`, `advanced>gnulinux-6.1`).

use alloc::string::String;
use alloc::vec::Vec;

/// What stands in a menu.
#[derive(Debug)]
pub struct Item {
    pub title: String,
    pub id: String,
    pub what: What,
}

#[derive(Debug)]
pub enum What {
    /// The entry of this number in the one list of all; `None` if it is not
    /// in it.
    Entry(Option<usize>),
    /// A menu of its own.
    Menu(Vec<Item>),
}

/// The number of the entry that `wanted` means.
pub fn find(items: &[Item], wanted: &str) -> Option<usize> {
    if wanted.is_empty() {
        return None;
    }
    let mut items = items;
    let mut rest = wanted;
    loop {
        let (name, behind) = split(rest);
        let number = name.trim().parse().ok();
        let by_number = number.and_then(|at: usize| items.get(at));
        let named = |item: &&Item| item.id == name || item.title == name;
        // A title may look like anything, so names come first.
        match &items.iter().find(named).or(by_number)?.what {
            What::Entry(at) => return *at,
            What::Menu(inside) => items = inside,
        }
        match behind {
            Some(behind) => rest = behind,
            None => return first(items),
        }
    }
}

/// The first entry of a menu.
fn first(items: &[Item]) -> Option<usize> {
    let mut found = items.iter().filter_map(|item| match &item.what {
        What::Entry(at) => *at,
        What::Menu(inside) => first(inside),
    });
    found.next()
}

/// Splits at the first `>`; `>>` stands for one in a title.
fn split(text: &str) -> (String, Option<&str>) {
    let mut name = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c == '>' && chars.next_if(|(_, next)| *next == '>').is_none() {
            return (name, text.get(at.saturating_add(1)..));
        }
        name.push(c);
    }
    (name, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways() {
        let entry = |title: &str, id: &str, at| Item {
            title: title.into(),
            id: id.into(),
            what: What::Entry(at),
        };
        let items = [
            entry("Debian", "simple", Some(0)),
            Item {
                title: "Advanced".into(),
                id: "adv".into(),
                what: What::Menu(vec![
                    entry("no kernel", "x", None),
                    entry("6.1 > 6.0", "y", Some(1)),
                    entry("6.0", "z", Some(2)),
                ]),
            },
            entry("Memory test", "mem", None),
            entry("7", "", Some(3)),
        ];
        for (wanted, expected) in [
            ("", None),
            ("0", Some(0)),
            ("Debian", Some(0)),
            ("simple", Some(0)),
            ("1>2", Some(2)),
            ("1 >2", Some(2)),
            ("adv>z", Some(2)),
            ("Advanced>6.1 >> 6.0", Some(1)),
            ("1", Some(1)),
            ("1>0", None),
            ("2", None),
            ("3", Some(3)),
            ("7", Some(3)),
            ("9", None),
            ("nothing", None),
            ("0>1", Some(0)),
        ] {
            assert_eq!(find(&items, wanted), expected, "{wanted:?}");
        }
    }
}
