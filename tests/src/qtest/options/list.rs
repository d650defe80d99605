//! `word,key=value,…`: how the command line puts many settings in one word.

use anyhow::{Context, Result, bail};

/// The settings of one option, in their order. A later one overrides an
/// earlier one.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct List(Vec<(String, String)>);

impl List {
    /// Splits `text`. A comma within a value is doubled. A first setting
    /// without `=` is the value of `implied`; any other is `on`.
    pub fn parse(text: &str, implied: &str) -> Self {
        let text = text.replace(",,", "\0");
        let settings = text.split(',').filter(|setting| !setting.is_empty());
        let pairs = settings.enumerate().map(|(i, setting)| {
            let (key, value) = match setting.split_once('=') {
                Some(pair) => pair,
                None if i == 0 && !implied.is_empty() => (implied, setting),
                None => (setting, "on"),
            };
            (key.to_owned(), value.replace('\0', ","))
        });
        List(pairs.collect())
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&str> {
        let setting = self.0.iter().rev().find(|(known, _)| known == key);
        setting.map(|(_, value)| value.as_str())
    }

    /// Sets `key`, over what it was.
    pub fn set(&mut self, key: &str, value: &str) {
        self.0.push((key.to_owned(), value.to_owned()));
    }

    /// Adds the settings of `other` after these.
    pub fn extend(&mut self, other: List) {
        self.0.extend(other.0);
    }

    /// A number, decimal or with `0x`.
    ///
    /// # Errors
    /// If the value is none.
    pub fn number(&self, key: &str) -> Result<Option<u32>> {
        let Some(text) = self.get(key) else {
            return Ok(None);
        };
        let number = match text.strip_prefix("0x") {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => text.parse(),
        };
        number
            .map(Some)
            .with_context(|| format!("{key}={text}: no number"))
    }

    /// A switch: on or off, or off if it isn't there.
    ///
    /// # Errors
    /// If the value is neither.
    pub fn on(&self, key: &str) -> Result<bool> {
        match self.get(key) {
            Some("on" | "true" | "yes") => Ok(true),
            None | Some("off" | "false" | "no") => Ok(false),
            Some(other) => bail!("{key}={other}: neither on nor off"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::List;

    #[test]
    fn settings_are_split_at_single_commas() {
        let list = List::parse("socket,path=/a,,b,id=c,server", "type");
        assert_eq!(list.get("type"), Some("socket"));
        assert_eq!(list.get("path"), Some("/a,b"));
        assert_eq!(list.get("id"), Some("c"));
        assert!(list.on("server").unwrap());
        assert!(!list.on("wait").unwrap());
    }

    #[test]
    fn the_last_setting_counts() {
        let mut list = List::parse("order=a,order=", "order");
        assert_eq!(list.get("order"), Some(""));
        list.extend(List::parse("c", "order"));
        assert_eq!(list.get("order"), Some("c"));
    }

    #[test]
    fn numbers_and_switches_are_checked() {
        let list = List::parse("a=0x10,b=10,c=ten", "");
        assert_eq!(list.number("a").unwrap(), Some(16));
        assert_eq!(list.number("b").unwrap(), Some(10));
        assert!(list.number("c").is_err());
        assert!(list.on("c").is_err());
        assert_eq!(list.number("d").unwrap(), None);
    }
}
