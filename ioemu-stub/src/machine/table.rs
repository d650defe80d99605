//! What each device does against a hostile guest, as a table for people.

use alloc::format;
use alloc::string::String;

use super::{DEVICES, State};

/// The table, in Markdown: the devices that are there.
pub fn table() -> String {
    let mut table = String::from("| device | against a hostile guest |\n|---|---|\n");
    for device in DEVICES {
        if let State::Here(..) = device.state {
            table += &format!("| {} | {} |\n", device.name, device.threats);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::table;

    const START: &str = "<!-- the table -->\n";
    const END: &str = "<!-- its end -->";

    #[test]
    fn the_readme_has_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
        let readme = std::fs::read_to_string(path).expect("there is a README");
        let (before, rest) = readme.split_once(START).expect("the table's start");
        let (shown, after) = rest.split_once(END).expect("the table's end");
        if std::env::var_os("UPDATE_TABLE").is_some() {
            let new = format!("{before}{START}{}{END}{after}", table());
            return std::fs::write(path, new).expect("writing the README");
        }
        assert_eq!(shown, table(), "UPDATE_TABLE=1 writes it anew");
    }
}
