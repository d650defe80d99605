//! Linux' key codes as scan codes of set 1.

/// The upper byte of a code with prefix E0h.
const E0: u16 = 0xe000;

/// Codes up to this one are the scan codes themselves: Linux took them from there.
const SAME: u32 = 83;

/// The others: Linux' code, scan code.
#[rustfmt::skip]
static OTHERS: &[(u32, u16)] = &[
    // Of 102- and 106-key keyboards, F11 and F12.
    (85, 0x76), (86, 0x56), (87, 0x57), (88, 0x58), (89, 0x73), (90, 0x78), (91, 0x77), (92, 0x79),
    (93, 0x70), (94, 0x7b), (95, 0x5c), (117, 0x59), (121, 0x7e), (124, 0x7d),
    // Those that IBM added for the enhanced keyboard.
    (96, E0 | 0x1c), (97, E0 | 0x1d), (98, E0 | 0x35), (99, E0 | 0x37), (100, E0 | 0x38),
    (102, E0 | 0x47), (103, E0 | 0x48), (104, E0 | 0x49), (105, E0 | 0x4b), (106, E0 | 0x4d),
    (107, E0 | 0x4f), (108, E0 | 0x50), (109, E0 | 0x51), (110, E0 | 0x52), (111, E0 | 0x53),
    (119, E0 | 0x46),
    // Windows, menu, power.
    (125, E0 | 0x5b), (126, E0 | 0x5c), (127, E0 | 0x5d), (116, E0 | 0x5e), (142, E0 | 0x5f), (143, E0 | 0x63),
    // Sound and media.
    (113, E0 | 0x20), (114, E0 | 0x2e), (115, E0 | 0x30), (163, E0 | 0x19), (164, E0 | 0x22),
    (165, E0 | 0x10), (166, E0 | 0x24), (226, E0 | 0x6d),
    // Programs and the web.
    (140, E0 | 0x21), (155, E0 | 0x6c), (215, E0 | 0x6c), (157, E0 | 0x6b), (172, E0 | 0x32), (217, E0 | 0x65),
    (156, E0 | 0x66), (173, E0 | 0x67), (128, E0 | 0x68), (159, E0 | 0x69), (158, E0 | 0x6a),
    // F13 to F24.
    (183, 0x64), (184, 0x65), (185, 0x66), (186, 0x67), (187, 0x68), (188, 0x69), (189, 0x6a), (190, 0x6b),
    (191, 0x6c), (192, 0x6d), (193, 0x6e), (194, 0x76),
];

/// The scan code of a key, if a PS/2 keyboard has it.
pub fn scan_code(code: u32) -> Option<u16> {
    match code {
        1..=SAME => Some(code as u16),
        _ => {
            let found = OTHERS.iter().find(|(linux, _)| *linux == code);
            found.map(|(_, scan)| *scan)
        }
    }
}
