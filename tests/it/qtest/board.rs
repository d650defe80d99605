//! What the board is made of, and the protocol's ways around it.

use crate::start;
use ioemu_stub::bus::Width;
use std::fs;

#[test]
fn without_a_machine_questions_are_answered() {
    let mut client = start("-machine none");
    let machines = client.qmp("query-machines", "{}").to_string();
    assert!(machines.contains("\"alias\": \"pc\""), "{machines}");
    let arguments = r#"{"implements": "device", "abstract": true}"#;
    let types = client.qmp("qom-list-types", arguments).to_string();
    assert!(types.contains("\"name\": \"ide-hd\""), "{types}");
    assert!(!types.contains("rtl8139"), "{types}");
    assert!(client.line("inb 0").starts_with("FAIL"));
    let error = client.try_qmp("frobnicate", "{}").to_string();
    assert!(error.contains("CommandNotFound"), "{error}");
}

#[test]
fn cmos_tells_the_boot_order_and_once_is_once() {
    for (words, first, then) in [
        ("", 0x1230, 0x1230),
        ("-no-fd-bootchk", 0x1231, 0x1231),
        ("-boot nda", 0x3410, 0x3410),
        ("-boot order=", 0, 0),
        ("-boot once=a,order=c", 0x0100, 0x0200),
        ("-boot once=a -boot once=c -no-fd-bootchk", 0x0201, 0x1231),
    ] {
        let mut client = start(&format!("-nodefaults {words}"));
        let mut order = || u16::from_le_bytes([0x38, 0x3d].map(|index| client.cmos(index)));
        assert_eq!(order(), first, "{words}");
        client.qmp("system_reset", "{}");
        client.event("RESET");
        let mut order = || u16::from_le_bytes([0x38, 0x3d].map(|index| client.cmos(index)));
        assert_eq!(order(), then, "{words}");
    }
}

#[test]
fn firmware_lies_at_both_ends_and_shadow_ram_hides_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bios");
    let firmware: Vec<u8> = (0..0x10000u32).map(|i| (i * 7) as u8).collect();
    fs::write(&file, &firmware).unwrap();
    let mut client = start(&format!("-nodefaults -bios {}", file.display()));
    fs::remove_file(&file).unwrap();
    assert_eq!(client.read_bytes(0xffff_0000, 0x10000), firmware);
    assert_eq!(client.read_bytes(0xf_0000, 0x10000), firmware);
    assert_eq!(client.read(0xe_fffe, Width::Dword), 0x0700_ffff);
    client.write(0xf_0000, Width::Byte, 0x55);
    assert_eq!(client.read(0xf_0000, Width::Byte), 0);
    // PAM0 bits 5:4: writes and reads of 0xf0000 go to RAM.
    for (pam, reads, written) in [(0x10, 0, 0), (0x30, 0, 0x42), (0x10, 0x42, 0x42)] {
        client.config_write(0, 0, 0x59, Width::Byte, pam);
        assert_eq!(client.read(0xf_0001, Width::Byte), reads);
        client.write(0xf_0001, Width::Byte, 0x42);
        assert_eq!(client.read(0xf_0001, Width::Byte), written);
    }
    client.config_write(0, 0, 0x59, Width::Byte, 0);
    assert_eq!(client.read(0xf_0001, Width::Byte), 7);
}

#[test]
fn fw_cfg_tells_the_memory_by_port_and_by_dma() {
    let mut client = start("-m 32M -nodefaults -boot reboot-timeout=15");
    client.outw(0x510, 3);
    let size: Vec<u8> = (0..8).map(|_| client.inb(0x511)).collect();
    assert_eq!(size, (32u64 << 20).to_le_bytes());
    // The directory: a count, then 64 bytes each: size, key, name.
    client.outw(0x510, 0x19);
    let mut bytes = |n: usize| -> Vec<u8> { (0..n).map(|_| client.inb(0x511)).collect() };
    let count = bytes(4)[3];
    let files: Vec<Vec<u8>> = (0..count).map(|_| bytes(64)).collect();
    let file = files
        .iter()
        .find(|file| file[8..].starts_with(b"etc/boot-fail-wait\0"));
    let file = file.unwrap();
    assert_eq!(file[..4], [0, 0, 0, 4]);
    // Control: select the key and read. All is big endian.
    let mut command = vec![file[4], file[5], 0, 0x0a, 0, 0, 0, 4];
    command.extend(0x2000u64.to_be_bytes());
    client.write_bytes(0x1000, &command);
    client.outl(0x514, 0);
    client.outl(0x518, 0x1000u32.swap_bytes());
    assert_eq!(client.read(0x1000, Width::Dword), 0);
    assert_eq!(client.read(0x2000, Width::Dword), 15);
}

#[test]
fn the_test_device_is_little_endian_in_all_widths() {
    let mut client = start("-device pc-testdev -nodefaults");
    client.outl(0xe0, 0x8765_4321);
    client.outw(0xe2, 0x8866);
    client.outb(0xe1, 0x99);
    assert_eq!(client.inl(0xe0), 0x8866_9921);
    assert_eq!(client.inb(0xe3), 0x88);
    assert_eq!(client.inl(0xe8), 0x8866_9921);
    client.write(0xff00_0000, Width::Qword, 0x0102_0304_0506_0708);
    assert_eq!(client.read(0xff00_0003, Width::Word), 0x0405);
}

#[test]
fn an_unknown_device_is_refused() {
    let program = env!("CARGO_BIN_EXE_ioemu-system-x86_64");
    for words in ["-device rtl8139", "-drive if=ide,file=/no/such", "-frob"] {
        let output = std::process::Command::new(program)
            .args(words.split(' '))
            .output()
            .unwrap();
        assert!(!output.status.success(), "{words}");
        assert!(
            output.stdout.is_empty() && !output.stderr.is_empty(),
            "{words}"
        );
    }
}
