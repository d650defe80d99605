//! The qtest protocol (QEMU's `docs/devel/testing/qtest`): a line with a
//! command, a line with its answer; and lines that tell of interrupts.

use super::board::Board;
use anyhow::{Context, Result, bail, ensure};
use ioemu_stub::bus::Width;
use ioemu_stub::surroundings::Pins as _;

/// Most bytes that one command moves.
const LONGEST: u64 = 64 << 20;

/// Carries out one line and answers it, interrupts first.
pub fn answer(board: Option<&mut Board>, line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let Some((name, arguments)) = words.split_first() else {
        return "FAIL Unknown command ''\n".to_owned();
    };
    if *name == "endianness" {
        return "OK little\n".to_owned();
    }
    let Some(board) = board else {
        return format!("FAIL No machine for '{name}'\n");
    };
    let result = execute(board, name, arguments);
    let mut answer = interrupt_reports(board);
    match result {
        Ok(Some(value)) => answer += &format!("OK {value}\n"),
        Ok(None) => answer += "OK\n",
        Err(error) => answer += &format!("FAIL {}\n", format!("{error:#}").replace('\n', " ")),
    }
    answer
}

/// A line for each interrupt input that changed.
pub fn interrupt_reports(board: &Board) -> String {
    let line = |(pin, high)| {
        let what = if high { "raise" } else { "lower" };
        format!("IRQ {what} {pin}\n")
    };
    board
        .interrupts()
        .take_reports()
        .into_iter()
        .map(line)
        .collect()
}

fn execute(board: &mut Board, name: &str, arguments: &[&str]) -> Result<Option<String>> {
    match (name, arguments) {
        ("inb" | "inw" | "inl", [port]) => {
            let value = board.port_read(port_number(port)?, width(name)?);
            Ok(Some(format!("{value:#06x}")))
        }
        ("outb" | "outw" | "outl", [port, value]) => {
            let width = width(name)?;
            board.port_write(port_number(port)?, width, number(value)? & width.ones());
            Ok(None)
        }
        ("readb" | "readw" | "readl" | "readq", [address]) => {
            let value = board.memory_read(number(address)?, width(name)?);
            board.settle();
            Ok(Some(format!("{value:#018x}")))
        }
        ("writeb" | "writew" | "writel" | "writeq", [address, value]) => {
            let width = width(name)?;
            board.memory_write(number(address)?, width, number(value)? & width.ones());
            board.settle();
            Ok(None)
        }
        ("read" | "b64read", [address, length]) => {
            let data = read(board, address, length)?;
            Ok(Some(match name {
                "read" => hex(&data),
                _ => base64(&data),
            }))
        }
        ("write" | "b64write" | "memset", [address, length, data]) => {
            let length = length_of(length)?;
            let mut data = match name {
                "write" => unhex(data)?,
                "b64write" => unbase64(data)?,
                _ => vec![number(data)? as u8; length],
            };
            data.resize(length, 0);
            board.memory_write_block(number(address)?, &data);
            board.settle();
            Ok(None)
        }
        ("clock_step", []) => board.step().map(|now| Some(now.to_string())),
        ("clock_step", [by]) => {
            let by = number(by)?;
            ensure!(by > 0, "could not advance time");
            let to = board.now_ns().checked_add(by);
            board.set_clock(to.context("the clock has an end")?)?;
            Ok(Some(board.now_ns().to_string()))
        }
        ("clock_set", [to]) => {
            board.set_clock(number(to)?)?;
            Ok(Some(board.now_ns().to_string()))
        }
        _ => interrupts(board, name, arguments),
    }
}

fn interrupts(board: &mut Board, name: &str, arguments: &[&str]) -> Result<Option<String>> {
    match (name, arguments) {
        // What the chips put out is what goes into the I/O APIC.
        ("irq_intercept_in" | "irq_intercept_out", [device]) => {
            ensure!(is_apic(device), "Unknown device");
            board.interrupts().intercept();
            Ok(None)
        }
        ("set_irq_in", [device, _, pin, level]) => {
            ensure!(is_apic(device), "Unknown device");
            let pin = u8::try_from(number(pin)?).context("no such pin")?;
            board.interrupts().set_isa(pin, number(level)? != 0);
            Ok(None)
        }
        ("module_load", _) => bail!("there are no modules"),
        _ => bail!("Unknown command '{name}'"),
    }
}

/// By its short name or its path.
fn is_apic(device: &str) -> bool {
    device.rsplit('/').next() == Some("ioapic")
}

fn read(board: &mut Board, address: &str, length: &str) -> Result<Vec<u8>> {
    let mut data = vec![0; length_of(length)?];
    board.memory_read_block(number(address)?, &mut data);
    board.settle();
    Ok(data)
}

/// By the last letter of a command's name.
fn width(name: &str) -> Result<Width> {
    Ok(match name.as_bytes().last() {
        Some(b'b') => Width::Byte,
        Some(b'w') => Width::Word,
        Some(b'l') => Width::Dword,
        Some(b'q') => Width::Qword,
        _ => bail!("Unknown command '{name}'"),
    })
}

/// As C reads it: `0x…` is hexadecimal, `0…` octal.
fn number(text: &str) -> Result<u64> {
    let number = if let Some(digits) = text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        u64::from_str_radix(digits, 16)
    } else if text.len() > 1 && text.starts_with('0') {
        u64::from_str_radix(text, 8)
    } else {
        text.parse()
    };
    number.with_context(|| format!("'{text}' is no number"))
}

fn port_number(text: &str) -> Result<u64> {
    let port = number(text)?;
    ensure!(port <= 0xffff, "there are 65536 ports");
    Ok(port)
}

fn length_of(text: &str) -> Result<usize> {
    let length = number(text)?;
    ensure!(
        (1..=LONGEST).contains(&length),
        "1 byte to 64 MiB at once, not {length}"
    );
    Ok(length as usize)
}

fn hex(data: &[u8]) -> String {
    let mut text = String::with_capacity(2 + 2 * data.len());
    text.push_str("0x");
    for byte in data {
        for nibble in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(nibble.into(), 16));
        }
    }
    text
}

fn unhex(text: &str) -> Result<Vec<u8>> {
    let digits = text.strip_prefix("0x").context("data without 0x")?;
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(str::from_utf8(pair)?, 16).context("no hex data");
    pairs.map(byte).collect()
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// RFC 4648, section 4.
fn base64(data: &[u8]) -> String {
    let mut text = String::new();
    for group in data.chunks(3) {
        let bytes = [0, 1, 2].map(|i| u32::from(group.get(i).copied().unwrap_or(0)));
        let bits = bytes[0] << 16 | bytes[1] << 8 | bytes[2];
        for i in 0..4 {
            text.push(match i <= group.len() {
                true => char::from(BASE64[(bits >> (18 - 6 * i) & 63) as usize]),
                false => '=',
            });
        }
    }
    text
}

fn unbase64(text: &str) -> Result<Vec<u8>> {
    let mut data = Vec::new();
    let (mut bits, mut known) = (0u32, 0);
    for letter in text.trim_end_matches('=').bytes() {
        let value = BASE64.iter().position(|known| *known == letter);
        bits = bits << 6 | value.context("no base64 data")? as u32;
        known += 6;
        if known >= 8 {
            known -= 8;
            data.push((bits >> known) as u8);
        }
    }
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qtest::options::Options;

    fn board() -> Board {
        let words = "-m 1M -nodefaults".split(' ').map(str::to_owned);
        Board::new(&Options::parse(words).unwrap()).unwrap()
    }

    #[test]
    fn numbers_are_read_as_c_reads_them() {
        for (text, value) in [
            ("0", 0),
            ("10", 10),
            ("010", 8),
            ("0x10", 16),
            ("0xffffffffffffffff", u64::MAX),
        ] {
            assert_eq!(number(text).unwrap(), value);
        }
        for text in ["", "x", "0x", "-1", "1x", "08", "0x10000000000000000"] {
            assert!(number(text).is_err(), "{text}");
        }
    }

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (data, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(data.as_bytes()), text);
            assert_eq!(unbase64(text).unwrap(), data.as_bytes());
        }
        assert!(unbase64("Zg!=").is_err());
    }

    #[test]
    fn memory_is_written_and_read_in_every_way() {
        let mut board = board();
        for (line, reply) in [
            ("writel 0x1000 0x12345678", "OK\n"),
            ("readb 0x1000", "OK 0x0000000000000078\n"),
            ("readw 0x1002", "OK 0x0000000000001234\n"),
            ("readq 0x1000", "OK 0x0000000012345678\n"),
            ("write 0x2000 4 0xABcd", "OK\n"),
            ("read 0x2000 3", "OK 0xabcd00\n"),
            ("b64write 0x2000 3 Zm9v", "OK\n"),
            ("b64read 0x2000 3", "OK Zm9v\n"),
            ("memset 0x2001 2 0x20", "OK\n"),
            ("read 0x2000 4", "OK 0x66202000\n"),
        ] {
            assert_eq!(answer(Some(&mut board), line), reply, "{line}");
        }
    }

    #[test]
    fn a_bad_line_fails_and_does_no_more() {
        let mut board = board();
        for line in [
            "",
            " ",
            "frobnicate",
            "inb",
            "inb 1 2",
            "inb 0x10000",
            "inb x",
            "outb 0x80",
            "outb 0x80 y",
            "read 0 0",
            "read 0 0xffffffffffffffff",
            "write 0 4 12",
            "write 0 4 0x\u{e4}\u{e4}",
            "write 0 4 0xzz",
            "b64write 0 4 #",
            "clock_step 0",
            "clock_step 0xffffffffffffffffff",
            "irq_intercept_in nobody",
            "set_irq_in ioapic unnamed-gpio-in 1000 1",
            "module_load a b",
        ] {
            assert!(
                answer(Some(&mut board), line).starts_with("FAIL "),
                "{line}"
            );
            assert!(answer(None, line).starts_with("FAIL "), "{line}");
        }
        assert_eq!(answer(None, "endianness"), "OK little\n");
        // The last bytes of all.
        let reply = answer(Some(&mut board), "read 0xfffffffffffffffe 2");
        assert_eq!(reply, "OK 0xffff\n");
        let reply = answer(Some(&mut board), "read 0xfffffffffffffffe 4");
        assert!(reply.starts_with("OK "));
    }

    #[test]
    fn the_clock_moves_only_forward() {
        let mut board = board();
        for (line, reply) in [
            ("clock_set 400", "OK 400\n"),
            ("clock_set 400", "OK 400\n"),
            ("clock_step 100", "OK 500\n"),
            ("clock_set 400", "FAIL the clock does not go back\n"),
        ] {
            assert_eq!(answer(Some(&mut board), line), reply, "{line}");
        }
        // The timer's output changes every 65536 ticks of 1193182 Hz, twice.
        assert_eq!(answer(Some(&mut board), "clock_step"), "OK 27462701\n");
    }
}
