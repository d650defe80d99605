//! The x86 filter of .xz, undone in place. Before compression the operand of
//! every CALL and JMP (bytes E8 and E9) was turned from relative to absolute,
//! where it looked like one: its highest byte 00 or FF, and no such opcode
//! too close before it.

/// Bytes looked at together for want of an opcode.
const BLOCK: usize = 64;
/// Opcode and operand.
const SIZE: usize = 5;

fn is_opcode(byte: u8) -> bool {
    byte & 0xfe == 0xe8
}

fn is_sign(byte: u8) -> bool {
    byte == 0 || byte == 0xff
}

/// Undoes the filter over a whole block of .xz. `start` is the address that
/// its first byte was taken to have.
pub(super) fn x86(bytes: &mut [u8], start: u32) {
    let mut pos = 0;
    // Opcodes passed by within the last four bytes: bit n for one n bytes
    // before, and where the newest was.
    let mut passed = 0u32;
    let mut last = usize::MAX;
    while let Some(at) = next_opcode(bytes, pos) {
        let Some(rest) = bytes.get_mut(at + 1..) else {
            return;
        };
        let Some(operand) = rest.first_chunk_mut::<4>() else {
            return;
        };
        let since = at.wrapping_sub(last);
        passed = if last == usize::MAX || since > SIZE {
            0
        } else {
            // each step forgets what falls out of the three-byte memory
            (0..since).fold(passed, |mask, _| (mask & 0x77) << 1)
        };
        last = at;
        let sign = is_sign(operand[3]);
        let age = passed >> 1;
        if sign && age <= 4 && age != 3 {
            let next = start.wrapping_add(at as u32).wrapping_add(SIZE as u32);
            let value = relative(u32::from_le_bytes(*operand), next, passed);
            let extended = if value & 0x0100_0000 != 0 {
                0xff00_0000
            } else {
                0
            };
            *operand = (value & 0x00ff_ffff | extended).to_le_bytes();
            pos = at + SIZE;
            passed = 0;
        } else {
            pos = at + 1;
            passed |= if sign { 0x11 } else { 1 };
        }
    }
}

/// The relative operand whose absolute form is `absolute`, seen from `next`.
fn relative(absolute: u32, next: u32, passed: u32) -> u32 {
    let mut value = absolute.wrapping_sub(next);
    if passed == 0 {
        return value;
    }
    let byte = match passed >> 1 {
        0 => 0,
        1 => 1,
        2 | 3 => 2,
        _ => 3,
    };
    // The filter went on until the byte under the earlier opcode's eye no
    // longer looked like a sign.
    for _ in 0..4 {
        if !is_sign((value >> (24 - byte * 8)) as u8) {
            break;
        }
        let flipped = value ^ u32::MAX.checked_shr(byte * 8).unwrap_or(0);
        value = flipped.wrapping_sub(next);
    }
    value
}

/// The first opcode at or after `from`.
#[inline(always)]
fn next_opcode(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let rest = bytes.get(at..)?;
        if let Some(word) = rest.first_chunk::<8>() {
            let found = opcodes(u64::from_le_bytes(*word));
            if found != 0 {
                return Some(at + found.trailing_zeros() as usize / 8);
            }
            at += 8;
        } else {
            return rest.iter().position(|&b| is_opcode(b)).map(|n| at + n);
        }
        while let Some(block) = bytes.get(at..).and_then(|b| b.first_chunk::<BLOCK>()) {
            if block.iter().fold(false, |any, &b| any | is_opcode(b)) {
                break;
            }
            at += BLOCK;
        }
    }
}

/// Marks bytes that are opcodes; exact up to and including the first.
fn opcodes(word: u64) -> u64 {
    let off = (word & 0xfefe_fefe_fefe_fefe) ^ 0xe8e8_e8e8_e8e8_e8e8;
    off.wrapping_sub(0x0101_0101_0101_0101) & !off & 0x8080_8080_8080_8080
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_become_relative_again() {
        let mut code = vec![0x90; 64];
        // call 0x1000, seen from address 0x20 + 5
        code[0x20..0x25].copy_from_slice(&[0xe8, 0x00, 0x10, 0, 0]);
        // not a sign in the highest byte: left alone
        code[0x30..0x35].copy_from_slice(&[0xe9, 1, 2, 3, 4]);
        let mut expected = code.clone();
        expected[0x21..0x25].copy_from_slice(&(0x1000i32 - 0x25).to_le_bytes());
        x86(&mut code, 0);
        assert_eq!(code, expected);
        // cut off operands stay
        let mut short = [0xe8, 0, 0, 0];
        x86(&mut short, 0);
        assert_eq!(short, [0xe8, 0, 0, 0]);
    }

    #[test]
    fn opcodes_are_found_wherever_they_are() {
        for len in [0, 7, 8, 9, 64, 65, 200] {
            for at in 0..len {
                let mut bytes = vec![0x11u8; len];
                assert_eq!(next_opcode(&bytes, 0), None);
                bytes[at] = 0xe9;
                for from in 0..len {
                    let expected = (from <= at).then_some(at);
                    assert_eq!(next_opcode(&bytes, from), expected, "{len} {at} {from}");
                }
            }
        }
    }
}
