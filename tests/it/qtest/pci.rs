//! The PCI bus, walked as firmware walks it.

use crate::start;
use ioemu_stub::bus::Width;

#[test]
fn the_fixed_functions_are_where_installed_guests_know_them() {
    let mut client = start("-nodefaults");
    for (device, function, id) in [
        (0, 0, 0x1237_8086),
        (1, 0, 0x7000_8086),
        (1, 3, 0x7113_8086),
        (31, 0, 0xffff_ffff),
    ] {
        let found = client.config_read(device, function, 0, Width::Dword);
        assert_eq!(found, id, "{device}.{function}");
    }
    // The ISA bridge says that its device has more functions.
    assert_eq!(client.config_read(1, 0, 0x0e, Width::Byte), 0x80);
}

#[test]
fn the_address_port_answers_to_double_words_only() {
    let mut client = start("-nodefaults");
    client.outl(0xcf8, 0x8000_0800);
    assert_eq!(client.inl(0xcf8), 0x8000_0800);
    assert_eq!(client.inw(0xcfe), 0x7000);
    assert_eq!(client.inb(0xcff), 0x70);
    // As libqos has it: the byte is chosen by the address port.
    client.outl(0xcf8, 0x8000_0802);
    assert_eq!(client.inw(0xcfc), 0x7000);
    // Without the enable bit nothing answers.
    client.outl(0xcf8, 0x0000_0800);
    assert_eq!(client.inl(0xcfc), 0xffff_ffff);
}

#[test]
fn a_link_carries_a_pin_to_its_interrupt() {
    let mut client = start("-nodefaults");
    for (register, value) in [(0x60, 5), (0x61, 10), (0x62, 11), (0x63, 0x80)] {
        client.config_write(1, 0, register, Width::Byte, value);
        assert_eq!(client.config_read(1, 0, register, Width::Byte), value);
    }
}

#[test]
fn reset_control_resets_and_acpi_switches_off() {
    let mut client = start("-nodefaults");
    client.config_write(1, 0, 0x60, Width::Byte, 5);
    client.outb(0xcf9, 0x02);
    client.outb(0xcf9, 0x06);
    let event = client.event("RESET").to_string();
    assert!(event.contains("\"guest\": true"), "{event}");
    assert_eq!(client.config_read(1, 0, 0x60, Width::Byte), 0x80);
    // PMBASE and its enable, then SLP_EN with type 0, which is S5.
    client.config_write(1, 3, 0x40, Width::Dword, 0xb001);
    client.config_write(1, 3, 0x80, Width::Byte, 1);
    client.command("outw 0xb004 0x2000");
    client.event("SHUTDOWN");
    client.wait();
}
