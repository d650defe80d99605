//! The interrupt controllers 8259A, fed by the other chips.

use crate::start;
use harness::qtest::client::Client;

/// Both controllers as a PC sets them up, all inputs open.
fn initialise(client: &mut Client) {
    for (port, value) in [
        (0x20, 0x11),
        (0x21, 0x08),
        (0x21, 0x04),
        (0x21, 0x01),
        (0xa0, 0x11),
        (0xa1, 0x70),
        (0xa1, 0x02),
        (0xa1, 0x01),
        (0x21, 0x00),
        (0xa1, 0x00),
    ] {
        client.outb(port, value);
    }
}

/// Sets an input from outside.
fn set(client: &mut Client, irq: u8, level: bool) {
    let level = u8::from(level);
    client.command(&format!(
        "set_irq_in /machine/ioapic unnamed-gpio-in {irq} {level}"
    ));
}

/// Acknowledges by poll; the interrupt, if there is one.
fn poll(client: &mut Client, port: u16) -> Option<u8> {
    client.outb(port, 0x0c);
    let answer = client.inb(port);
    (answer & 0x80 != 0).then_some(answer & 7)
}

#[test]
fn the_highest_priority_comes_first_and_lower_ones_wait() {
    let mut client = start("-nodefaults");
    initialise(&mut client);
    // The timer's output has been high since the start: no edge.
    set(&mut client, 4, true);
    set(&mut client, 3, true);
    assert_eq!(poll(&mut client, 0x20), Some(3));
    assert_eq!(poll(&mut client, 0x20), None);
    // OCW3: the in-service register.
    client.outb(0x20, 0x0b);
    assert_eq!(client.inb(0x20), 0x08);
    client.outb(0x20, 0x20);
    assert_eq!(poll(&mut client, 0x20), Some(4));
    client.outb(0x20, 0x64);
    client.outb(0x20, 0x0b);
    assert_eq!(client.inb(0x20), 0);
}

#[test]
fn a_masked_request_waits_for_its_mask() {
    let mut client = start("-nodefaults");
    initialise(&mut client);
    client.outb(0x21, 0x10);
    assert_eq!(client.inb(0x21), 0x10);
    set(&mut client, 4, true);
    assert_eq!(poll(&mut client, 0x20), None);
    client.outb(0x20, 0x0a);
    assert_eq!(client.inb(0x20) & 0x10, 0x10);
    client.outb(0x21, 0x00);
    assert_eq!(poll(&mut client, 0x20), Some(4));
}

#[test]
fn the_second_controller_comes_through_the_cascade() {
    let mut client = start("-nodefaults");
    initialise(&mut client);
    set(&mut client, 12, true);
    assert_eq!(poll(&mut client, 0x20), Some(2));
    assert_eq!(poll(&mut client, 0xa0), Some(4));
    assert_eq!(poll(&mut client, 0xa0), None);
}

#[test]
fn an_edge_counts_once_and_a_level_as_long_as_it_lasts() {
    let mut client = start("-nodefaults");
    initialise(&mut client);
    // ELCR: interrupt 5 is level triggered; 0 to 2 can't be.
    client.outb(0x4d0, 0x27);
    assert_eq!(client.inb(0x4d0), 0x20);
    for (irq, again) in [(4, None), (5, Some(5))] {
        set(&mut client, irq, true);
        assert_eq!(poll(&mut client, 0x20), Some(irq));
        client.outb(0x20, 0x20);
        assert_eq!(poll(&mut client, 0x20), again);
        client.outb(0x20, 0x20);
        set(&mut client, irq, false);
        assert_eq!(poll(&mut client, 0x20), None);
    }
}

#[test]
fn priorities_rotate() {
    let mut client = start("-nodefaults");
    initialise(&mut client);
    // OCW2: interrupt 3 has the lowest priority.
    client.outb(0x20, 0xc3);
    for irq in [3, 4] {
        set(&mut client, irq, true);
    }
    assert_eq!(poll(&mut client, 0x20), Some(4));
    // Rotate on the end of it: 4 is lowest now.
    client.outb(0x20, 0xa0);
    assert_eq!(poll(&mut client, 0x20), Some(3));
}
