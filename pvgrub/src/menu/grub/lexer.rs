//! From the bytes of a grub.cfg to the words of GRUB 2's shell.
//!
//! Blanks separate words; `;` and the end of a line end a command; `#` at the
//! start of a word begins a comment. A backslash takes the next character as
//! it is and joins lines; single quotes take everything as it is; in double
//! quotes variables are replaced, and a backslash counts before `$`, `"`, `\`
//! and the end of a line only (GRUB manual, "Quoting").

use alloc::string::String;
use alloc::vec::Vec;
use core::iter::Peekable;
use core::str::Chars;

/// A piece of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Whether it stands in quotes, or behind a backslash.
    pub quoted: bool,
    pub what: What,
}

/// What a piece of a word is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// These characters.
    Text(String),
    /// The value of the variable of this name.
    Variable(String),
}

/// A word.
pub type Word = Vec<Part>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    Word(Word),
    /// The end of a command.
    End,
    /// `{`
    Open,
    /// `}`
    Close,
}

/// A token and its line, counted from 1.
pub type Placed = (u32, Token);

/// The tokens of `text`, at most `limit`; whether that was all.
pub fn tokens(text: &str, limit: usize) -> (Vec<Placed>, bool) {
    let mut lexer = Lexer {
        rest: text.chars().peekable(),
        line: 1,
    };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.token() {
        if tokens.len() >= limit {
            return (tokens, false);
        }
        tokens.push(token);
    }
    (tokens, true)
}

struct Lexer<'a> {
    rest: Peekable<Chars<'a>>,
    line: u32,
}

impl Lexer<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        if c == '\n' {
            self.line = self.line.saturating_add(1);
        }
        Some(c)
    }

    fn token(&mut self) -> Option<Placed> {
        loop {
            let line = self.line;
            match self.rest.peek()? {
                '\n' | ';' | '&' | '|' => {
                    self.next();
                    return Some((line, Token::End));
                }
                '#' => while self.rest.next_if(|&c| c != '\n').is_some() {},
                '{' => {
                    self.next();
                    return Some((line, Token::Open));
                }
                '}' => {
                    self.next();
                    return Some((line, Token::Close));
                }
                c if c.is_whitespace() || *c == '\0' => drop(self.next()),
                _ => {
                    let word = self.word();
                    // Nothing but joined lines.
                    if !word.is_empty() {
                        return Some((line, Token::Word(word)));
                    }
                }
            }
        }
    }

    fn word(&mut self) -> Word {
        let mut word = Gathered::default();
        while let Some(&c) = self.rest.peek() {
            match c {
                ';' | '&' | '|' | '\0' => break,
                c if c.is_whitespace() => break,
                '\\' => {
                    self.next();
                    match self.next() {
                        None | Some('\n') => {}
                        // A file from Windows.
                        Some('\r') if self.rest.peek() == Some(&'\n') => drop(self.next()),
                        Some(c) => word.put(c, true),
                    }
                }
                '\'' => {
                    self.next();
                    word.quotes();
                    while let Some(c) = self.next().filter(|&c| c != '\'') {
                        word.put(c, true);
                    }
                }
                '"' => {
                    self.next();
                    word.quotes();
                    self.double_quoted(&mut word);
                }
                '$' => {
                    self.next();
                    self.variable(&mut word, false);
                }
                c => {
                    self.next();
                    word.put(c, false);
                }
            }
        }
        word.0
    }

    fn double_quoted(&mut self, word: &mut Gathered) {
        while let Some(c) = self.next() {
            match c {
                '"' => return,
                '$' => self.variable(word, true),
                '\\' => match self.next() {
                    None | Some('\n') => {}
                    Some(c @ ('$' | '"' | '\\')) => word.put(c, true),
                    Some(c) => {
                        word.put('\\', true);
                        word.put(c, true);
                    }
                },
                c => word.put(c, true),
            }
        }
    }

    /// What follows a `$`.
    fn variable(&mut self, word: &mut Gathered, quoted: bool) {
        let mut name = String::new();
        match self.rest.peek() {
            Some('{') => {
                self.next();
                while let Some(c) = self.next().filter(|&c| c != '}') {
                    name.push(c);
                }
            }
            Some(&c) if c.is_ascii_digit() || "?#*@".contains(c) => {
                self.next();
                name.push(c);
            }
            _ => {
                let belongs = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
                while let Some(c) = self.rest.next_if(belongs) {
                    name.push(c);
                }
                if name.is_empty() {
                    return word.put('$', quoted);
                }
            }
        }
        word.0.push(Part {
            quoted,
            what: What::Variable(name),
        });
    }
}

#[derive(Default)]
struct Gathered(Word);

impl Gathered {
    fn put(&mut self, c: char, quoted: bool) {
        if let Some(Part {
            quoted: same,
            what: What::Text(text),
        }) = self.0.last_mut()
            && *same == quoted
        {
            return text.push(c);
        }
        self.0.push(Part {
            quoted,
            what: What::Text(String::from(c)),
        });
    }

    /// Quotes make a word, also when nothing is in them.
    fn quotes(&mut self) {
        self.0.push(Part {
            quoted: true,
            what: What::Text(String::new()),
        });
    }
}

/// The word, if it is one that may be a keyword: without quotes and variables.
pub fn plain(word: &Word) -> Option<&str> {
    match word.as_slice() {
        [
            Part {
                quoted: false,
                what: What::Text(text),
            },
        ] => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    /// Tokens in one line: `<text>` quoted, `$(name)` variables.
    fn shown(text: &str) -> String {
        let mut out = String::new();
        for (line, token) in tokens(text, 100).0 {
            match token {
                Token::End => out += " ;",
                Token::Open => out += " {",
                Token::Close => out += " }",
                Token::Word(word) => {
                    write!(out, " {line}:").unwrap();
                    for part in word {
                        match (part.what, part.quoted) {
                            (What::Text(text), false) => out += &text,
                            (What::Text(text), true) => write!(out, "<{text}>").unwrap(),
                            (What::Variable(name), false) => write!(out, "$({name})").unwrap(),
                            (What::Variable(name), true) => write!(out, "<$({name})>").unwrap(),
                        }
                    }
                }
            }
        }
        out.trim_start().into()
    }

    #[test]
    fn words() {
        for (text, expected) in [
            ("", ""),
            ("a b\n c;d", "1:a 1:b ; 2:c ; 2:d"),
            ("# c\na#b # c", "; 2:a#b"),
            ("a\\ b \\$c", "1:a< >b 1:<$>c"),
            ("a \\\n b", "1:a 2:b"),
            ("'a $b\\'c", "1:<a $b\\>c"),
            ("'it'\\''s'", "1:<it'><s>"),
            ("\"a $b\\$c\\n\\\"\\\\\"", "1:<a ><$(b)><$c\\n\"\\>"),
            ("\"a\\\nb\" ''", "1:<ab> 2:<>"),
            ("$a_1-$2x${b c}$? $", "1:$(a_1)-$(2)x$(b c)$(?) 1:$"),
            ("if x; then\n y { }", "1:if 1:x ; 1:then ; 2:y { }"),
            ("a{b} }", "1:a{b} }"),
            ("'open", "1:<open>"),
            ("\"open $", "1:<open $>"),
            ("${open", "1:$(open)"),
            ("a\r\nb\0c", "1:a ; 2:b 2:c"),
        ] {
            assert_eq!(shown(text), expected, "{text:?}");
        }
        assert!(!tokens(&"a ".repeat(200), 100).1);
    }
}
