//! From words to commands and what holds them together: `if`, `for`, `while`,
//! functions, and the bodies of menu entries.

use super::lexer::{Placed, Token, Word, plain};
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// How deep things may stand in each other.
const MAX_DEPTH: usize = 24;

/// Commands, one after the other.
pub type Block = Rc<[Node]>;

#[derive(Debug)]
pub enum Node {
    /// A command, perhaps with a body in braces.
    Command {
        line: u32,
        words: Vec<Word>,
        body: Option<Block>,
    },
    /// Conditions and what belongs to each; then what holds otherwise.
    If {
        arms: Vec<(Block, Block)>,
        otherwise: Option<Block>,
    },
    For {
        name: String,
        words: Vec<Word>,
        body: Block,
    },
    While {
        until: bool,
        condition: Block,
        body: Block,
    },
    Function {
        name: String,
        body: Block,
    },
}

/// What is wrong, and in which line.
pub type Wrong = (u32, String);

/// The commands in `tokens`, up to the first thing that makes no sense.
pub fn parse(tokens: &[Placed]) -> (Block, Option<Wrong>) {
    let mut parser = Parser {
        tokens,
        at: 0,
        depth: 0,
    };
    let mut nodes = Vec::new();
    let wrong = parser.nodes(&mut nodes, &[]).err();
    let wrong = wrong.or_else(|| {
        let (line, _) = parser.tokens.get(parser.at)?;
        Some((*line, "a `}' without a `{'".to_string()))
    });
    (nodes.into(), wrong)
}

struct Parser<'a> {
    tokens: &'a [Placed],
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    fn line(&self) -> u32 {
        let here = self.tokens.get(self.at).or(self.tokens.last());
        here.map_or(1, |(line, _)| *line)
    }

    fn skip(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    /// The keyword that stands here.
    fn keyword(&self) -> Option<&str> {
        match self.peek()? {
            Token::Word(word) => plain(word),
            _ => None,
        }
    }

    fn wrong<T>(&self, text: impl Into<String>) -> Result<T, Wrong> {
        Err((self.line(), text.into()))
    }

    /// Commands up to one of the words `ends`, a `}`, or the end.
    fn nodes(&mut self, nodes: &mut Vec<Node>, ends: &[&str]) -> Result<(), Wrong> {
        if self.depth >= MAX_DEPTH {
            return self.wrong("too much stands in each other");
        }
        self.depth = self.depth.saturating_add(1);
        loop {
            match self.peek() {
                None | Some(Token::Close) => break,
                Some(Token::End) => {
                    self.skip();
                    continue;
                }
                // A block of its own; its commands run like all others.
                Some(Token::Open) => {
                    self.skip();
                    self.nodes(nodes, &[])?;
                    self.close()?;
                    continue;
                }
                Some(Token::Word(_)) => {}
            }
            if self.keyword().is_some_and(|word| ends.contains(&word)) {
                break;
            }
            let node = match self.keyword() {
                Some("if") => self.conditional()?,
                Some("for") => self.counted()?,
                Some("while") => self.repeated(false)?,
                Some("until") => self.repeated(true)?,
                Some("function") => self.function()?,
                Some(word @ ("then" | "elif" | "else" | "fi" | "do" | "done")) => {
                    let text = format!("`{word}' where none belongs");
                    return self.wrong(text);
                }
                _ => self.command()?,
            };
            nodes.push(node);
        }
        self.depth = self.depth.saturating_sub(1);
        Ok(())
    }

    fn block(&mut self, ends: &[&str]) -> Result<Block, Wrong> {
        let mut nodes = Vec::new();
        self.nodes(&mut nodes, ends)?;
        Ok(nodes.into())
    }

    fn expect(&mut self, word: &str) -> Result<(), Wrong> {
        if self.keyword() == Some(word) {
            self.skip();
            return Ok(());
        }
        self.wrong(format!("a `{word}' is missing"))
    }

    fn close(&mut self) -> Result<(), Wrong> {
        if self.peek() == Some(&Token::Close) {
            self.skip();
            return Ok(());
        }
        self.wrong("a `}' is missing")
    }

    fn conditional(&mut self) -> Result<Node, Wrong> {
        let mut arms = Vec::new();
        let mut otherwise = None;
        self.skip();
        loop {
            let condition = self.block(&["then"])?;
            self.expect("then")?;
            let body = self.block(&["elif", "else", "fi"])?;
            arms.push((condition, body));
            match self.keyword() {
                Some("elif") => self.skip(),
                Some("else") => {
                    self.skip();
                    otherwise = Some(self.block(&["fi"])?);
                    break;
                }
                _ => break,
            }
        }
        self.expect("fi")?;
        Ok(Node::If { arms, otherwise })
    }

    /// A name without quotes and variables.
    fn name(&mut self) -> Result<String, Wrong> {
        let Some(name) = self.keyword().map(ToString::to_string) else {
            return self.wrong("a name is missing");
        };
        self.skip();
        Ok(name)
    }

    fn words(&mut self) -> Vec<Word> {
        let mut words = Vec::new();
        while let Some(Token::Word(word)) = self.peek() {
            words.push(word.clone());
            self.skip();
        }
        words
    }

    fn skip_ends(&mut self) {
        while self.peek() == Some(&Token::End) {
            self.skip();
        }
    }

    fn counted(&mut self) -> Result<Node, Wrong> {
        self.skip();
        let name = self.name()?;
        self.expect("in")?;
        let words = self.words();
        self.skip_ends();
        let body = self.loop_body()?;
        Ok(Node::For { name, words, body })
    }

    fn repeated(&mut self, until: bool) -> Result<Node, Wrong> {
        self.skip();
        let condition = self.block(&["do"])?;
        let body = self.loop_body()?;
        Ok(Node::While {
            until,
            condition,
            body,
        })
    }

    fn loop_body(&mut self) -> Result<Block, Wrong> {
        self.expect("do")?;
        let body = self.block(&["done"])?;
        self.expect("done")?;
        Ok(body)
    }

    /// `{ … }`
    fn braces(&mut self) -> Result<Block, Wrong> {
        self.skip();
        let body = self.block(&[])?;
        self.close()?;
        Ok(body)
    }

    fn function(&mut self) -> Result<Node, Wrong> {
        self.skip();
        let name = self.name()?;
        self.skip_ends();
        if self.peek() != Some(&Token::Open) {
            return self.wrong("a `{' is missing");
        }
        let body = self.braces()?;
        Ok(Node::Function { name, body })
    }

    fn command(&mut self) -> Result<Node, Wrong> {
        let line = self.line();
        let words = self.words();
        let body = match self.peek() {
            Some(Token::Open) => Some(self.braces()?),
            _ => None,
        };
        Ok(Node::Command { line, words, body })
    }
}

#[cfg(test)]
mod tests {
    use super::super::lexer::{What, tokens};
    use super::*;

    fn shown(block: &Block) -> String {
        let words = |words: &[Word]| {
            let word = |word: &Word| {
                let parts = word.iter().map(|part| match &part.what {
                    What::Text(text) => text.clone(),
                    What::Variable(name) => format!("${name}"),
                });
                parts.collect::<String>()
            };
            words.iter().map(word).collect::<Vec<_>>().join(" ")
        };
        let node = |node: &Node| match node {
            Node::Command {
                words: list, body, ..
            } => match body {
                Some(body) => format!("{} {{{}}}", words(list), shown(body)),
                None => words(list),
            },
            Node::If { arms, otherwise } => {
                let mut text = String::new();
                for (condition, body) in arms {
                    text += &format!("if({}|{})", shown(condition), shown(body));
                }
                if let Some(body) = otherwise {
                    text += &format!("else({})", shown(body));
                }
                text
            }
            Node::For {
                name,
                words: list,
                body,
            } => format!("for({name}|{}|{})", words(list), shown(body)),
            Node::While {
                until,
                condition,
                body,
            } => format!("while({until}|{}|{})", shown(condition), shown(body)),
            Node::Function { name, body } => format!("fn({name}|{})", shown(body)),
        };
        block.iter().map(node).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn shapes() {
        for (text, expected, wrong) in [
            ("a b\nc", "a b; c", ""),
            ("if [ x ]; then a; fi", "if([ x ]|a)", ""),
            (
                "if a\nthen b\nelif c; d\nthen\n e; else f; fi; g",
                "if(a|b)if(c; d|e)else(f); g",
                "",
            ),
            (
                "menuentry 'a b' --x {\n c\n}\nd",
                "menuentry a b --x {c}; d",
                "",
            ),
            ("function f {\n a; }\nf", "fn(f|a); f", ""),
            ("for i in 1 2; do a $i; done", "for(i|1 2|a $i)", ""),
            ("while a; do b; done", "while(false|a|b)", ""),
            ("until a\ndo\nb\ndone", "while(true|a|b)", ""),
            ("'if' a", "if a", ""),
            ("{ a; b }\nc", "a; b; c", ""),
            ("a {\nb", "", "2: a `}' is missing"),
            ("{ a; b; }\nc", "a; b; c", ""),
            ("a\nfi", "a", "2: `fi' where none belongs"),
            ("a\nif b; then c", "a", "2: a `fi' is missing"),
            ("a\n}\nb", "a", "2: a `}' without a `{'"),
            ("for 'x' in a; do b; done", "", "1: a name is missing"),
            ("function f a", "", "1: a `{' is missing"),
        ] {
            let (block, error) = parse(&tokens(text, 1000).0);
            let error = error.map_or(String::new(), |(line, text)| format!("{line}: {text}"));
            assert_eq!(
                (shown(&block).as_str(), error.as_str()),
                (expected, wrong),
                "{text:?}"
            );
        }
        let deep = "if a; then ".repeat(100_000);
        let (_, error) = parse(&tokens(&deep, 1 << 20).0);
        assert_eq!(error.unwrap().1, "too much stands in each other");
    }
}
