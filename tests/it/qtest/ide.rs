//! The IDE controller over files: registers, data, the bus master, CDs.

use crate::start;
use harness::qtest::client::Client;
use ioemu_stub::bus::Width;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

// Registers of the first channel (ATA/ATAPI-6, 7): offsets from 0x1f0.
const DATA: u16 = 0x1f0;
const COUNT: u16 = 0x1f2;
const LBA: [u16; 3] = [0x1f3, 0x1f4, 0x1f5];
const DEVICE: u16 = 0x1f6;
const COMMAND: u16 = 0x1f7;
const STATUS: u16 = 0x1f7;
// And of the second.
const SECOND: u16 = 0x170;
// Status bits.
const ERR: u8 = 0x01;
const DRQ: u8 = 0x08;
const DF: u8 = 0x20;
const DRDY: u8 = 0x40;
const BSY: u8 = 0x80;

/// A disk of 1 MiB whose bytes tell their sector.
fn disk(folder: &TempDir) -> String {
    let path = folder.path().join("disk");
    let sector = |nth: u32| [nth as u8, (nth >> 8) as u8].repeat(256);
    let content: Vec<u8> = (0..2048).flat_map(sector).collect();
    fs::write(&path, content).unwrap();
    path.display().to_string()
}

fn file_sector(path: &str, nth: usize) -> Vec<u8> {
    fs::read(Path::new(path)).unwrap()[nth * 512..][..512].to_vec()
}

fn command(client: &mut Client, code: u8, sector: u32, count: u8) {
    client.outb(COUNT, count);
    for (register, byte) in LBA.into_iter().zip(sector.to_le_bytes()) {
        client.outb(register, byte);
    }
    client.outb(DEVICE, 0xe0);
    client.outb(COMMAND, code);
}

fn read_data(client: &mut Client, words: usize) -> Vec<u8> {
    let words = (0..words).map(|_| client.inw(DATA).to_le_bytes());
    words.collect::<Vec<_>>().concat()
}

/// Places the bus master's registers and lets it work.
fn bus_master(client: &mut Client) -> u16 {
    client.config_write(1, 1, 0x20, Width::Dword, 0xc000);
    client.config_write(1, 1, 0x04, Width::Word, 0x0007);
    assert_eq!(client.config_read(1, 1, 0x20, Width::Dword), 0xc001);
    0xc000
}

/// Lets the bus master go over one region of memory; its status afterwards.
fn dma(client: &mut Client, master: u16, code: u8, sector: u32, memory: u32, bytes: u32) -> u8 {
    let entry = [memory.to_le_bytes(), (bytes | 1 << 31).to_le_bytes()].concat();
    client.write_bytes(0x1000, &entry);
    client.outl(master + 4, 0x1000);
    client.outb(master + 2, 0x06);
    // READ DMA goes to memory: bit 3.
    let direction = if code == 0xc8 { 0x08 } else { 0 };
    client.outb(master, direction);
    command(client, code, sector, (bytes / 512) as u8);
    client.outb(master, direction | 1);
    let status = client.inb(master + 2);
    client.outb(master, 0);
    status
}

#[test]
fn identify_names_the_disk_as_it_was_told() {
    let folder = TempDir::new().unwrap();
    let mut client = start(&format!(
        "-nodefaults -drive file={},if=ide,format=raw -global ide-hd.serial=testdisk \
         -global ide-hd.ver=version",
        disk(&folder)
    ));
    client.intercept();
    command(&mut client, 0xec, 0, 0);
    assert!(client.irq(14));
    assert_eq!(client.inb(STATUS) & (BSY | DRDY | DRQ | ERR), DRDY | DRQ);
    assert!(!client.irq(14));
    let data = read_data(&mut client, 256);
    assert_eq!(client.inb(STATUS) & DRQ, 0);
    let text = |words: std::ops::Range<usize>| {
        let bytes = data[words.start * 2..words.end * 2].chunks(2);
        let text: Vec<u8> = bytes.flat_map(|pair| [pair[1], pair[0]]).collect();
        String::from_utf8(text).unwrap().trim().to_owned()
    };
    assert_eq!(text(10..20), "testdisk");
    assert_eq!(text(23..27), "version");
    // Words 60 and 61: the sectors; 2048.
    assert_eq!(data[120..124], 2048u32.to_le_bytes());
}

#[test]
fn sectors_go_through_the_data_port_into_the_file_and_back() {
    let folder = TempDir::new().unwrap();
    let path = disk(&folder);
    let mut client = start(&format!("-nodefaults -drive file={path},if=ide,format=raw"));
    command(&mut client, 0x20, 0x123, 2);
    let data = read_data(&mut client, 512);
    assert_eq!(data[..4], [0x23, 0x01, 0x23, 0x01]);
    assert_eq!(data[512..516], [0x24, 0x01, 0x24, 0x01]);
    command(&mut client, 0x30, 7, 1);
    assert_eq!(client.inb(STATUS) & (BSY | DRQ), DRQ);
    for word in 0..128 {
        client.outl(DATA, 0x0101_0101 * word);
    }
    assert_eq!(client.inb(STATUS) & (BSY | DRQ | ERR), 0);
    command(&mut client, 0xe7, 0, 0);
    assert_eq!(client.inb(STATUS) & (BSY | ERR), 0);
    let expected: Vec<u8> = (0..128u8).flat_map(|word| [word; 4]).collect();
    assert_eq!(file_sector(&path, 7), expected);
    assert_eq!(file_sector(&path, 8), [8, 0].repeat(256));
}

#[test]
fn the_bus_master_moves_sectors_and_interrupts() {
    let folder = TempDir::new().unwrap();
    let path = disk(&folder);
    let mut client = start(&format!("-nodefaults -drive file={path},if=ide,format=raw"));
    client.intercept();
    let master = bus_master(&mut client);
    let status = dma(&mut client, master, 0xc8, 0x40, 0x10_0000, 1024);
    assert_eq!(status & 0x07, 0x04);
    assert!(client.irq(14));
    assert_eq!(client.inb(STATUS) & (BSY | DF | ERR), 0);
    assert!(!client.irq(14));
    let data = client.read_bytes(0x10_0000, 1024);
    assert_eq!((data[0], data[512]), (0x40, 0x41));
    client.write_bytes(0x10_0000, &[0x5a; 512]);
    dma(&mut client, master, 0xca, 0x50, 0x10_0000, 512);
    assert_eq!(file_sector(&path, 0x50), [0x5a; 512]);
}

#[test]
fn dma_to_device_memory_is_an_error_and_harms_nobody() {
    let folder = TempDir::new().unwrap();
    let path = disk(&folder);
    let mut client = start(&format!("-vga none -drive file={path},if=ide,format=raw"));
    let master = bus_master(&mut client);
    for memory in [0xa_0000, 0xfee0_0000, 0xffff_fe00] {
        dma(&mut client, master, 0xc8, 0, memory, 512);
        assert_eq!(client.inb(STATUS) & BSY, 0, "{memory:#x}");
    }
    let status = dma(&mut client, master, 0xc8, 3, 0x10_0000, 512);
    assert_eq!(status & 0x07, 0x04);
    assert_eq!(client.read(0x10_0000, Width::Byte), 3);
}

#[test]
fn trimmed_sectors_read_as_zero() {
    let folder = TempDir::new().unwrap();
    let path = disk(&folder);
    let mut client = start(&format!("-nodefaults -drive file={path},if=ide,format=raw"));
    let master = bus_master(&mut client);
    // Two sectors from 0x30 on; the other ranges are empty.
    client.write_bytes(0x10_0000, &[0; 512]);
    client.write(0x10_0000, Width::Qword, 2 << 48 | 0x30);
    client.outb(0x1f1, 1);
    dma(&mut client, master, 0x06, 0, 0x10_0000, 512);
    assert_eq!(client.inb(STATUS) & (BSY | DF | ERR), 0);
    assert_eq!(file_sector(&path, 0x2f), [0x2f, 0].repeat(256));
    assert_eq!(file_sector(&path, 0x30), [0; 512]);
    assert_eq!(file_sector(&path, 0x31), [0; 512]);
    assert_eq!(file_sector(&path, 0x32), [0x32, 0].repeat(256));
}

#[test]
fn a_flush_is_over_when_the_file_says_so() {
    let folder = TempDir::new().unwrap();
    let path = disk(&folder);
    let mut client = start(&format!("-nodefaults -drive file=blkdebug::{path},if=ide"));
    let line = |line: &str| format!("{{\"command-line\": \"qemu-io ide0-hd0 \\\"{line}\\\"\"}}");
    client.qmp("human-monitor-command", &line("break flush_to_os A"));
    command(&mut client, 0xe7, 0, 0);
    assert_eq!(client.inb(STATUS) & (BSY | DRDY | ERR), BSY | DRDY);
    client.qmp("human-monitor-command", &line("resume A"));
    assert_eq!(client.inb(STATUS) & (BSY | DRDY | ERR), DRDY);
}

#[test]
fn an_error_reaches_the_guest_or_waits_for_better_times() {
    let folder = TempDir::new().unwrap();
    let path = disk(&folder);
    let script = folder.path().join("script");
    let rule = "[inject-error]\nevent = \"read_aio\"\nerrno = \"5\"\nonce = \"on\"\n";
    fs::write(&script, rule).unwrap();
    let file = format!("blkdebug:{}:{path}", script.display());
    let mut client = start(&format!("-nodefaults -drive file={file},if=ide"));
    for error in [ERR, 0] {
        command(&mut client, 0x20, 5, 1);
        assert_eq!(client.inb(STATUS) & (BSY | ERR), error);
    }
    drop(client);
    let mut client = start(&format!(
        "-nodefaults -drive file={file},if=ide,rerror=stop"
    ));
    command(&mut client, 0x20, 5, 1);
    assert_eq!(client.inb(STATUS) & BSY, BSY);
    client.event("STOP");
    client.qmp("cont", "{}");
    assert_eq!(client.inb(STATUS) & (BSY | ERR | DRQ), DRQ);
    assert_eq!(client.inw(DATA), 0x0005);
}

#[test]
fn a_snapshot_leaves_the_file_alone() {
    let folder = TempDir::new().unwrap();
    let path = disk(&folder);
    let mut client = start(&format!(
        "-nodefaults -drive file={path},if=ide,snapshot=on"
    ));
    command(&mut client, 0x30, 9, 1);
    for _ in 0..128 {
        client.outl(DATA, u32::MAX);
    }
    command(&mut client, 0x20, 9, 1);
    assert_eq!(read_data(&mut client, 256), [0xff; 512]);
    assert_eq!(file_sector(&path, 9), [9, 0].repeat(256));
}

/// Sends a packet to the CD drive at the second channel; what it answers.
fn packet(client: &mut Client, packet: [u8; 12], most: u16) -> Result<Vec<u8>, u8> {
    let [low, high] = most.to_le_bytes();
    for (offset, value) in [(6, 0xa0), (1, 0), (4, low), (5, high), (7, 0xa0)] {
        client.outb(SECOND + offset, value);
    }
    for word in packet.chunks(2) {
        client.outw(SECOND, u16::from_le_bytes([word[0], word[1]]));
    }
    let mut data = Vec::new();
    loop {
        let status = client.inb(SECOND + 7);
        assert_eq!(status & BSY, 0);
        if status & ERR != 0 {
            return Err(client.inb(SECOND + 1) >> 4);
        }
        if status & DRQ == 0 {
            return Ok(data);
        }
        let bytes = u16::from_le_bytes([client.inb(SECOND + 4), client.inb(SECOND + 5)]);
        for _ in 0..bytes.div_ceil(2) {
            data.extend(client.inw(SECOND).to_le_bytes());
        }
    }
}

fn sense(client: &mut Client) -> (u8, u8) {
    let data = packet(client, [3, 0, 0, 0, 18, 0, 0, 0, 0, 0, 0, 0], 18).unwrap();
    (data[2] & 15, data[12])
}

#[test]
fn a_cd_is_read_taken_out_and_put_in() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("cd");
    let sector = |nth: u8| [nth; 2048];
    fs::write(&path, (0..20).flat_map(sector).collect::<Vec<u8>>()).unwrap();
    let file = path.display();
    let mut client = start(&format!("-nodefaults -cdrom {file}"));
    // The signature of a packet device.
    let signature = [client.inb(SECOND + 4), client.inb(SECOND + 5)];
    assert_eq!(signature, [0x14, 0xeb]);
    // TEST UNIT READY until the drive has told of its new medium.
    for _ in 0..3 {
        if packet(&mut client, [0; 12], 0).is_ok() {
            break;
        }
        sense(&mut client);
    }
    let capacity = packet(&mut client, [0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 8).unwrap();
    assert_eq!(capacity, [0, 0, 0, 19, 0, 0, 8, 0]);
    let read = [0x28, 0, 0, 0, 0, 17, 0, 0, 2, 0, 0, 0];
    let data = packet(&mut client, read, 2048).unwrap();
    assert_eq!(data, [[17; 2048], [18; 2048]].concat());
    // PREVENT ALLOW MEDIUM REMOVAL: a locked tray stays closed.
    for (locked, answer) in [(1, "error"), (0, "return")] {
        packet(&mut client, [0x1e, 0, 0, 0, locked, 0, 0, 0, 0, 0, 0, 0], 0).unwrap();
        let ejected = client.try_qmp("eject", r#"{"device": "ide1-cd0"}"#);
        assert!(ejected.get(answer).is_some(), "{ejected}");
    }
    // NOT READY, medium not present; perhaps after a word about the change.
    let mut senses = Vec::new();
    for _ in 0..2 {
        assert!(packet(&mut client, read, 2048).is_err());
        senses.push(sense(&mut client));
    }
    assert_eq!(senses[1], (2, 0x3a));
    let arguments = format!("{{\"id\": \"ide1-cd0\", \"filename\": \"{file}\"}}");
    client.qmp("blockdev-change-medium", &arguments);
    // UNIT ATTENTION, the medium may have changed.
    assert!(packet(&mut client, read, 2048).is_err());
    assert_eq!(sense(&mut client), (6, 0x28));
    assert_eq!(packet(&mut client, read, 2048).unwrap(), data);
}

#[test]
fn nobody_answers_on_an_empty_channel() {
    let mut client = start("-nodefaults");
    for _ in 0..2 {
        assert_eq!(client.inb(STATUS), 0xff);
        client.outb(DEVICE, 0);
        client.outb(COMMAND, 0xec);
    }
}
