//! Keyboard controller, serial port, display adapter, power management, and
//! the platform device.

use crate::start;
use ioemu_stub::bus::Width;
use std::fs;
use tempfile::TempDir;

#[test]
fn keyboard_and_mouse_answer_and_interrupt() {
    let mut client = start("-nodefaults");
    client.intercept();
    // Self-test of the controller.
    client.outb(0x64, 0xaa);
    assert_eq!(client.inb(0x64) & 1, 1);
    assert_eq!(client.inb(0x60), 0x55);
    // Both interrupts on, both devices on.
    client.outb(0x64, 0x60);
    client.outb(0x60, 0x03);
    // The keyboard resets: acknowledged, then passed.
    client.outb(0x60, 0xff);
    assert!(client.irq(1));
    assert_eq!(client.inb(0x60), 0xfa);
    assert_eq!(client.inb(0x60), 0xaa);
    assert!(!client.irq(1));
    // The mouse's identity, through the controller.
    client.outb(0x64, 0xd4);
    client.outb(0x60, 0xf2);
    assert!(client.irq(12));
    // From the mouse: bit 5.
    assert_eq!(client.inb(0x64) & 0x21, 0x21);
    assert_eq!(client.inb(0x60), 0xfa);
    assert_eq!(client.inb(0x60), 0x00);
    assert!(!client.irq(12));
}

#[test]
fn the_keyboard_controller_and_port_92_reset() {
    let mut client = start("-nodefaults");
    for (port, value) in [(0x64, 0xfe), (0x92, 0x01)] {
        client.outb(port, value);
        client.event("RESET");
    }
}

#[test]
fn a_serial_port_sends_loops_and_interrupts() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("com1");
    let mut client = start(&format!("-nodefaults -serial file:{}", file.display()));
    client.intercept();
    // 8 bits, no parity; then the line status: empty.
    client.outb(0x3fb, 0x03);
    for byte in b"hello" {
        assert_eq!(client.inb(0x3fd) & 0x60, 0x60);
        client.outb(0x3f8, *byte);
    }
    assert_eq!(fs::read(&file).unwrap(), b"hello");
    // OUT2 lets the interrupt out; the transmitter is empty.
    client.outb(0x3fc, 0x08);
    client.outb(0x3f9, 0x02);
    assert!(client.irq(4));
    assert_eq!(client.inb(0x3fa) & 0x0f, 0x02);
    assert!(!client.irq(4));
    // Loop-back: what is sent is received, and goes nowhere else.
    client.outb(0x3f9, 0x00);
    client.outb(0x3fc, 0x10);
    client.outb(0x3f8, b'x');
    assert_eq!(client.inb(0x3fd) & 1, 1);
    assert_eq!(client.inb(0x3f8), b'x');
    assert_eq!(fs::read(&file).unwrap(), b"hello");
    // There is no second one.
    assert_eq!(client.inb(0x2fd), 0xff);
}

/// The display adapter's slot.
const VGA: u8 = 2;

#[test]
fn the_frame_buffer_shows_where_its_register_says() {
    let mut client = start("-nodefaults -device VGA");
    assert_eq!(client.config_read(VGA, 0, 0, Width::Dword), 0x1111_1234);
    client.config_write(VGA, 0, 0x10, Width::Dword, 0xffff_ffff);
    let size = !(client.config_read(VGA, 0, 0x10, Width::Dword) & !15) + 1;
    assert_eq!(size, 16 << 20);
    for place in [0xe000_0000u32, 0xd000_0000] {
        client.config_write(VGA, 0, 0x10, Width::Dword, place);
        client.config_write(VGA, 0, 0x04, Width::Word, 3);
        let at = u64::from(place) + 0x12345;
        client.write(at, Width::Dword, 0x1234_5678 + u64::from(place));
        assert_eq!(
            client.read(at, Width::Dword) as u32,
            0x1234_5678u32.wrapping_add(place)
        );
        client.config_write(VGA, 0, 0x04, Width::Word, 0);
        assert_eq!(client.read(at, Width::Dword), 0xffff_ffff);
    }
}

#[test]
fn the_bochs_interface_switches_to_a_linear_mode() {
    let mut client = start("-nodefaults -device VGA");
    let dispi = |client: &mut harness::qtest::client::Client, index: u16| {
        client.outw(0x1ce, index);
        client.inw(0x1cf)
    };
    assert_eq!(dispi(&mut client, 0) & 0xfff0, 0xb0c0);
    for (index, value) in [(4, 0), (1, 800), (2, 600), (3, 32), (4, 0x41)] {
        client.outw(0x1ce, index);
        client.outw(0x1cf, value);
    }
    let mode = [1, 2, 3].map(|index| dispi(&mut client, index));
    assert_eq!(mode, [800, 600, 32]);
    assert_eq!(dispi(&mut client, 4) & 0x41, 0x41);
}

#[test]
fn text_goes_through_the_window_of_a_pc() {
    let mut client = start("-nodefaults -device VGA");
    client.config_write(VGA, 0, 0x04, Width::Word, 3);
    // Colour registers; memory on; planes 0 and 1, odd/even; window at b8000.
    client.outb(0x3c2, 0x67);
    for (port, index, value) in [
        (0x3c4, 2, 0x03),
        (0x3c4, 4, 0x02),
        (0x3ce, 5, 0x10),
        (0x3ce, 6, 0x0e),
        (0x3ce, 8, 0xff),
        (0x3ce, 1, 0x00),
    ] {
        client.outb(port, index);
        client.outb(port + 1, value);
    }
    client.write_bytes(0xb_8000, b"A\x07B\x70");
    assert_eq!(client.read_bytes(0xb_8000, 4), b"A\x07B\x70");
    // The other windows are closed.
    assert_eq!(client.read(0xa_0000, Width::Byte), 0xff);
}

#[test]
fn acpi_is_switched_on_by_the_apm_port() {
    let mut client = start("-nodefaults");
    client.config_write(1, 3, 0x40, Width::Dword, 0xb001);
    client.config_write(1, 3, 0x80, Width::Byte, 1);
    assert_eq!(client.inw(0xb004) & 1, 0);
    client.outb(0xb2, 0xf1);
    assert_eq!(client.inw(0xb004) & 1, 1);
    client.outb(0xb2, 0xf0);
    assert_eq!(client.inw(0xb004) & 1, 0);
}

#[test]
fn unplugging_takes_disks_away_and_leaves_cds() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("disk");
    fs::write(&file, [0; 4096]).unwrap();
    let file = file.display();
    let mut client = start(&format!(
        "-machine xenfv -nodefaults -drive if=ide,file={file} -cdrom {file}"
    ));
    assert_eq!(client.config_read(2, 0, 0, Width::Dword), 0x0001_5853);
    let identify = |client: &mut harness::qtest::client::Client, base: u16, code: u8| {
        client.outb(base + 6, 0xa0);
        client.outb(base + 7, code);
        client.inb(base + 7)
    };
    assert_eq!(identify(&mut client, 0x1f0, 0xec) & 0x89, 0x08);
    assert_eq!(client.inw(0x10), 0x49d2);
    assert_eq!(client.inb(0x12), 1);
    // Product and build, then all disks.
    client.outw(0x12, 3);
    client.outl(0x10, 1);
    assert_eq!(client.inw(0x10), 0x49d2);
    client.outw(0x10, 1);
    assert_eq!(identify(&mut client, 0x1f0, 0xec), 0xff);
    assert_eq!(identify(&mut client, 0x170, 0xa1) & 0x89, 0x08);
}
