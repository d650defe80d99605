//! The terminal against what ECMA-48 says, and against another one.

use super::*;
use std::num::NonZero;

fn text(vt: &mut Vt) -> Vec<String> {
    let spans = vt.everything();
    let row = |span: &Span| vt.cells(*span).iter().map(|cell| cell.text).collect();
    let rows = spans.iter().map(row);
    rows.map(|row: String| row.trim_end().to_string()).collect()
}

/// What `bytes` leave on a screen of 10 by 4, and where the cursor is.
fn screen(bytes: &[u8]) -> (String, (usize, usize)) {
    let mut vt = Vt::new(10, 4);
    vt.write(bytes);
    (text(&mut vt).join("|"), (vt.row, vt.column))
}

#[test]
fn what_a_terminal_does() {
    for (bytes, expected, cursor) in [
        ("", "|||", (0, 0)),
        ("ab\r\ncd", "ab|cd||", (1, 2)),
        ("ab\ncd", "ab|  cd||", (1, 4)),
        ("abc\rX", "Xbc|||", (0, 1)),
        ("abc\x08\x08X", "aXc|||", (0, 2)),
        // The last column waits for the next character.
        ("0123456789", "0123456789|||", (0, 9)),
        ("0123456789a", "0123456789|a||", (1, 1)),
        ("0123456789\r\na", "0123456789|a||", (1, 1)),
        ("0123456789\x1b[1Da", "01234567a9|||", (0, 9)),
        ("1\r\n2\r\n3\r\n4\r\n5", "2|3|4|5", (3, 1)),
        ("\x1b[4;9Hxyz", "||        xy|z", (3, 1)),
        ("\x1b[99;99Hx", "|||         x", (3, 9)),
        ("ab\x1b[Hx", "xb|||", (0, 1)),
        ("\x1b[3Hx\x1b[;5Hy", "    y||x|", (0, 5)),
        ("abcdef\x1b[3D\x1b[K", "abc|||", (0, 3)),
        ("abcdef\x1b[3D\x1b[1K", "    ef|||", (0, 3)),
        ("abcdef\x1b[2K", "|||", (0, 6)),
        ("ab\r\ncd\r\nef\x1b[2;2H\x1b[J", "ab|c||", (1, 1)),
        ("ab\r\ncd\r\nef\x1b[2;2H\x1b[1J", "||ef|", (1, 1)),
        ("ab\r\ncd\x1b[2J", "|||", (1, 2)),
        ("a\x1b[2Cb\x1b[4Dc", "c  b|||", (0, 1)),
        ("\x1b[2Ba\x1b[Ab", "| b|a|", (1, 2)),
        ("\x1b[0Ca", " a|||", (0, 2)),
        // What is unknown leaves nothing behind.
        ("a\x1b[?25lb\x1b[>cc\x1b[5nd", "abcd|||", (0, 4)),
        ("a\x1b(Bb\x1b=c\x1b#8d", "abcd|||", (0, 4)),
        (
            "a\x1b[1;2;3;4;5;6;7;8;9;1;2;3;4;5;6;7;8;9mb",
            "ab|||",
            (0, 2),
        ),
        ("a\x1b[99999999999999999999Cb", "a        b|||", (0, 9)),
        ("a\x1b[3\x1b[2Cb", "a  b|||", (0, 4)),
        ("a\x1b[\r2Cb", "a b|||", (0, 3)),
        ("a\x07\x7f\x0e\0b", "ab|||", (0, 2)),
        ("größe…", "größe…|||", (0, 6)),
        ("😀x", "😀x|||", (0, 2)),
    ] {
        let (shown, place) = screen(bytes.as_bytes());
        assert_eq!((shown.as_str(), place), (expected, cursor), "{bytes:?}");
    }
    for (bytes, expected) in [
        (&b"a\xc3b"[..], "a?b|||"),
        (b"\xff\x80x", "??x|||"),
        (b"\xe2\x82\xacx\xe2\x82x", "\u{20ac}x?x|||"),
        (b"\xed\xa0\x80x", "?x|||"),
        (b"\xc2\x9b1mx", "?1mx|||"),
        (b"\xc3\x1b[Cx", " x|||"),
    ] {
        assert_eq!(screen(bytes).0, expected, "{bytes:?}");
    }
}

#[test]
fn only_what_changed_is_told() {
    let mut vt = Vt::new(10, 4);
    let span = |row, from, to| Span { row, from, to };
    assert_eq!(vt.changes(), [span(0, 0, 1)], "the cursor");
    vt.write(b"abc");
    assert_eq!(vt.changes(), [span(0, 0, 4)]);
    assert_eq!(vt.changes(), []);
    vt.write(b"\x1b[H");
    vt.write(b"abc");
    assert_eq!(vt.changes(), [], "the same again is no change");
    vt.write(b"\x1b[2;3Hx\x1b[4;1H");
    let moved = [span(0, 3, 4), span(1, 2, 3), span(3, 0, 1)];
    assert_eq!(vt.changes(), moved);
    vt.write(b"\x1b[7m\x1b[H\x1b[J");
    assert_eq!(vt.changes(), [span(0, 0, 3), span(1, 2, 3), span(3, 0, 1)]);
    assert_eq!(vt.everything().len(), 4);
    assert_eq!(vt.changes(), []);
}

#[test]
fn colours_and_their_end() {
    for (sequence, ink, paper, inverse) in [
        ("", None, None, false),
        ("\x1b[7m", None, None, true),
        ("\x1b[7m\x1b[m", None, None, false),
        ("\x1b[0;97;44m", Some("white"), Some("blue"), false),
        ("\x1b[0;34;47m", Some("blue"), Some("light-gray"), false),
        ("\x1b[1;31m", Some("light-red"), None, false),
        ("\x1b[1;31;22m", Some("red"), None, false),
        ("\x1b[31;42;39;49m", None, None, false),
        ("\x1b[103;7;27m", None, Some("yellow"), false),
        ("\x1b[5;38;199;1000m", None, None, false),
    ] {
        let mut vt = Vt::new(4, 1);
        vt.write(sequence.as_bytes());
        vt.write(b"x\x1b[K");
        let all = vt.everything();
        let [first, second, ..] = vt.cells(all[0]) else {
            panic!("four cells")
        };
        let named = |name: Option<&str>| name.and_then(Colour::named);
        let seen = (first.style.ink(), first.style.paper, first.style.inverse);
        assert_eq!(seen, (named(ink), named(paper), inverse), "{sequence:?}");
        let erased = (second.style.ink(), second.style.paper, second.style.inverse);
        assert_eq!(erased, (None, named(paper), false), "{sequence:?}");
    }
    let mut vt = Vt::new(4, 1);
    let pair = Pair::parse("white/blue").unwrap();
    vt.write(pair.sequence().as_bytes());
    vt.write(b"x\x1b[7my");
    let all = vt.everything();
    let is: Vec<bool> = vt
        .cells(all[0])
        .iter()
        .map(|cell| cell.style.is(pair))
        .collect();
    assert_eq!(is, [true, false, false, false]);
}

/// The vt100 crate, on everything that a console of ours sends, from a
/// generator of numbers.
#[test]
fn as_another_terminal_has_it() {
    let mut state = 5u64;
    let mut next = |below: u64| {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 33) % below
    };
    let size = |cells| NonZero::new(cells).unwrap();
    let mut vt = Vt::new(80, 24);
    let mut other = vt100::Parser::new(size(24), size(80), 0);
    for _ in 0..4000 {
        let piece = match next(9) {
            0 => "\r\n".to_string(),
            1 => "\r".to_string(),
            2 => "\x1b[H\x1b[J".to_string(),
            3 => "\x1b[K".to_string(),
            4 => format!("\x1b[{};{}H", next(26), next(82)),
            5 => format!("\x1b[{}C", next(20)),
            6 => format!("\x1b[{}D", next(20)),
            7 => ["\x1b[7m", "\x1b[m", "\x1b[0;97;44m"][next(3) as usize].to_string(),
            _ => "Some text, größer. ".repeat(next(8) as usize),
        };
        vt.write(piece.as_bytes());
        other.process(piece.as_bytes());
        let theirs: Vec<String> = other.screen().rows(0, 80).collect();
        let theirs: Vec<&str> = theirs.iter().map(|row| row.trim_end()).collect();
        assert_eq!(text(&mut vt), theirs, "after {piece:?}");
    }
}
