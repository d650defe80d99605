//! `test`, also written `[ … ]`: strings, numbers and files compared.

use alloc::string::String;
use core::iter::Peekable;
use core::slice::Iter;

/// How deep parentheses may stand in each other.
const MAX_DEPTH: usize = 16;

/// What is known of the file of a name: whether it is there, and not empty.
pub type File<'a> = &'a dyn Fn(&str) -> Option<bool>;

/// Whether the expression `words` holds; nonsense does not.
pub fn holds(words: &[String], file: File<'_>) -> bool {
    let mut test = Test {
        words: words.iter().peekable(),
        file,
    };
    test.any(0) && test.words.next().is_none()
}

struct Test<'a> {
    words: Peekable<Iter<'a, String>>,
    file: File<'a>,
}

impl Test<'_> {
    /// `… -o …`
    fn any(&mut self, depth: usize) -> bool {
        let mut result = self.all(depth);
        while self.words.next_if(|word| *word == "-o").is_some() {
            let right = self.all(depth);
            result = result || right;
        }
        result
    }

    /// `… -a …`
    fn all(&mut self, depth: usize) -> bool {
        let mut result = self.one(depth);
        while self.words.next_if(|word| *word == "-a").is_some() {
            let right = self.one(depth);
            result = result && right;
        }
        result
    }

    fn one(&mut self, depth: usize) -> bool {
        let mut negated = false;
        while let Some(word) = self.words.next() {
            // An operator may also be the string to compare.
            let operator = self.words.peek().is_some_and(|next| is_binary(next));
            let result = match word.as_str() {
                "!" if !operator => {
                    negated = !negated;
                    continue;
                }
                "(" if !operator => {
                    let inside = depth < MAX_DEPTH && self.any(depth.saturating_add(1));
                    self.words.next_if(|word| *word == ")").is_some() && inside
                }
                left if operator => self.binary(left),
                unary @ ("-n" | "-z" | "-e" | "-f" | "-s" | "-d")
                    if self.words.peek().is_some() =>
                {
                    let name = self.words.next().map_or("", String::as_str);
                    match unary {
                        "-n" => !name.is_empty(),
                        "-z" => name.is_empty(),
                        "-s" => (self.file)(name) == Some(true),
                        _ => (self.file)(name).is_some(),
                    }
                }
                text => !text.is_empty(),
            };
            return result != negated;
        }
        negated
    }

    fn binary(&mut self, left: &str) -> bool {
        let operator = self.words.next().map_or("", String::as_str);
        let right = self.words.next().map_or("", String::as_str);
        match operator {
            "=" | "==" => left == right,
            "!=" => left != right,
            "<" => left < right,
            "<=" => left <= right,
            ">" => left > right,
            ">=" => left >= right,
            operator => {
                let (left, right) = (number(left), number(right));
                match operator {
                    "-eq" => left == right,
                    "-ne" => left != right,
                    "-lt" => left < right,
                    "-le" => left <= right,
                    "-gt" => left > right,
                    _ => left >= right,
                }
            }
        }
    }
}

fn is_binary(word: &str) -> bool {
    let strings = ["=", "==", "!=", "<", "<=", ">", ">="];
    let numbers = ["-eq", "-ne", "-lt", "-le", "-gt", "-ge"];
    strings.contains(&word) || numbers.contains(&word)
}

/// The number that a text begins with; 0 if none.
fn number(text: &str) -> i64 {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let end = digits.find(|c: char| !c.is_ascii_digit());
    let digits = digits.get(..end.unwrap_or(digits.len())).unwrap_or("");
    let value = digits.parse().unwrap_or(0i64);
    match text.starts_with('-') {
        true => value.saturating_neg(),
        false => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions() {
        let file = |name: &str| match name {
            "/full" => Some(true),
            "/empty" => Some(false),
            _ => None,
        };
        for (text, expected) in [
            ("", false),
            ("a", true),
            ("_", false),
            ("xy = xy", true),
            ("xy = x", false),
            ("a == a", true),
            ("a != b", true),
            ("a < b", true),
            ("b <= a", false),
            ("10 -gt 9", true),
            ("10 > 9", false),
            ("2 -eq 02", true),
            ("-1 -lt 0", true),
            ("x -eq 0", true),
            ("-n a", true),
            ("-n _", false),
            ("-z _", true),
            ("-n", true),
            ("-f /full", true),
            ("-f /none", false),
            ("-e /empty", true),
            ("-s /empty", false),
            ("-s /full", true),
            ("! -f /none", true),
            ("! ! a", true),
            ("! a = b", true),
            ("a -a b", true),
            ("a -a _", false),
            ("_ -o a", true),
            ("_ -a _ -o a", true),
            ("a -o _ -a _", true),
            ("( a -o _ ) -a _", false),
            ("( a", false),
            ("a b", false),
            ("= = =", true),
            ("! = !", true),
            ("_ = _", true),
            ("a = ", false),
        ] {
            let words = text.split_ascii_whitespace();
            let words: Vec<String> = words.map(|word| word.replace('_', "")).collect();
            assert_eq!(holds(&words, &file), expected, "{text:?}");
        }
        let deep: Vec<String> = vec!["(".into(); 100_000];
        assert!(!holds(&deep, &file));
    }
}
