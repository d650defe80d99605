//! The clock MC146818 and the timer 8254.

use crate::start;
use harness::qtest::client::Client;

const SECOND: u64 = 1_000_000_000;
// Registers and bits of the data sheet.
const A: u8 = 10;
const B: u8 = 11;
const C: u8 = 12;
const SET: u8 = 0x80;
const PIE: u8 = 0x40;
const AIE: u8 = 0x20;
const UIE: u8 = 0x10;
const BINARY: u8 = 0x04;
const HOURS_24: u8 = 0x02;

/// Divider reset, these registers, divider on.
fn set_time(client: &mut Client, b: u8, time: [u8; 3]) {
    client.set_cmos(B, b);
    client.set_cmos(A, 0x76);
    for (index, value) in [4, 2, 0].into_iter().zip(time) {
        client.set_cmos(index, value);
    }
    client.set_cmos(A, 0x26);
}

fn time(client: &mut Client) -> [u8; 3] {
    [4, 2, 0].map(|index| client.cmos(index))
}

#[test]
fn hours_minutes_and_seconds_carry_in_every_mode() {
    let mut client = start("-nodefaults");
    for (b, before, after) in [
        (HOURS_24, [0x09, 0x59, 0x59], [0x10, 0x00, 0x00]),
        (HOURS_24, [0x23, 0x59, 0x59], [0x00, 0x00, 0x00]),
        (HOURS_24 | BINARY, [9, 59, 59], [10, 0, 0]),
        (0, [0x12, 0x59, 0x59], [0x01, 0x00, 0x00]),
        (0, [0x92, 0x59, 0x59], [0x81, 0x00, 0x00]),
        (0, [0x11, 0x59, 0x59], [0x92, 0x00, 0x00]),
        (0, [0x91, 0x59, 0x59], [0x12, 0x00, 0x00]),
        (BINARY, [0x8b, 59, 59], [0x0c, 0, 0]),
    ] {
        set_time(&mut client, b, before);
        client.clock_step(SECOND);
        assert_eq!(time(&mut client), after, "{b:#x} {before:x?}");
    }
}

#[test]
fn the_calendar_carries_into_the_century() {
    let mut client = start("-rtc base=1999-12-31T23:59:59 -nodefaults");
    client.clock_step(SECOND);
    let date = [0x32, 9, 8, 7, 6, 4].map(|index| client.cmos(index));
    // A Saturday.
    assert_eq!(date, [0x20, 0x00, 0x01, 0x01, 7, 0x00]);
}

#[test]
fn a_change_of_the_mode_keeps_the_time() {
    let mut client = start("-rtc base=2006-06-17T16:41:21 -nodefaults");
    assert_eq!(time(&mut client), [0x16, 0x41, 0x21]);
    client.set_cmos(B, BINARY | HOURS_24);
    assert_eq!(time(&mut client), [16, 41, 21]);
    client.set_cmos(B, BINARY);
    assert_eq!(time(&mut client), [0x84, 41, 21]);
}

#[test]
fn the_first_update_ends_half_a_second_after_the_divider_reset() {
    let mut client = start("-nodefaults");
    set_time(&mut client, HOURS_24, [2, 4, 0x58]);
    // 8 cycles of 32768 Hz ahead of it UIP shows.
    let hold = 8 * SECOND / 32768;
    client.clock_step(SECOND / 2 - hold - 1);
    assert_eq!(client.cmos(A) & 0x80, 0);
    client.clock_step(1);
    assert_eq!(client.cmos(A) & 0x80, 0x80);
    assert_eq!(client.cmos(0), 0x58);
    client.clock_step(hold);
    assert_eq!(client.cmos(A) & 0x80, 0);
    assert_eq!(client.cmos(0), 0x59);
}

#[test]
fn set_stops_the_time_and_clears_uie() {
    let mut client = start("-nodefaults");
    set_time(&mut client, HOURS_24, [2, 4, 0x30]);
    client.set_cmos(B, HOURS_24 | UIE | SET);
    assert_eq!(client.cmos(B), HOURS_24 | SET);
    client.clock_step(5 * SECOND);
    assert_eq!(client.cmos(0), 0x30);
    assert_eq!(client.cmos(C) & 0x10, 0);
    client.set_cmos(B, HOURS_24);
    client.clock_step(SECOND);
    assert_eq!(client.cmos(0), 0x31);
}

#[test]
fn the_alarm_and_the_update_interrupt_once_each() {
    let mut client = start("-nodefaults");
    client.intercept();
    set_time(&mut client, HOURS_24, [2, 4, 0x10]);
    for (index, value) in [(1, 0x12), (3, 0xff), (5, 0xc0)] {
        client.set_cmos(index, value);
    }
    client.cmos(C);
    client.set_cmos(B, HOURS_24 | AIE);
    client.clock_step(SECOND);
    assert!(!client.irq(8));
    client.clock_step(SECOND);
    assert!(client.irq(8));
    assert_eq!(client.cmos(C) & 0xb0, 0xb0);
    assert!(!client.irq(8));
    assert_eq!(client.cmos(C) & 0x80, 0);
    client.set_cmos(B, HOURS_24 | UIE);
    client.clock_step(SECOND);
    assert!(client.irq(8));
    assert_eq!(client.cmos(C) & 0xb0, 0x90);
}

#[test]
fn the_periodic_interrupt_has_its_rate() {
    let mut client = start("-nodefaults");
    client.intercept();
    // Rate 13 is 8 Hz.
    client.set_cmos(A, 0x2d);
    client.cmos(C);
    client.set_cmos(B, HOURS_24 | PIE);
    for _ in 0..20 {
        client.clock_step(SECOND / 8 - 1000);
        assert!(!client.irq(8));
        client.clock_step(1000);
        assert!(client.irq(8));
        assert_eq!(client.cmos(C) & 0xc0, 0xc0);
    }
}

/// Ticks of the 8254 as nanoseconds, rounded up.
fn ticks(n: u64) -> u64 {
    (n * SECOND).div_ceil(1_193_182)
}

#[test]
fn a_counter_counts_down_and_its_latch_holds() {
    let mut client = start("-nodefaults");
    // Counter 2, low then high, mode 0; its gate is open.
    client.outb(0x61, 1);
    client.outb(0x43, 0xb0);
    client.outb(0x42, 0x34);
    client.outb(0x42, 0x12);
    client.clock_step(ticks(0x34));
    client.outb(0x43, 0x80);
    client.clock_step(ticks(0x100));
    assert_eq!([client.inb(0x42), client.inb(0x42)], [0x00, 0x12]);
    assert_eq!(client.inb(0x61) & 0x20, 0);
    client.clock_step(ticks(0x1234));
    assert_eq!(client.inb(0x61) & 0x20, 0x20);
    // Read back the status: output, loaded, both bytes, mode 0, binary.
    client.outb(0x43, 0xe8);
    assert_eq!(client.inb(0x42), 0xb0);
}

#[test]
fn the_first_counter_interrupts_at_its_rate() {
    let mut client = start("-nodefaults");
    client.intercept();
    // Mode 2: low for the last tick of each round.
    client.outb(0x43, 0x34);
    client.outb(0x40, 0xa9);
    client.outb(0x40, 0x04);
    assert!(client.irq(0));
    client.clock_step(ticks(0x4a8) + 1);
    assert!(!client.irq(0));
    client.clock_step(ticks(1));
    assert!(client.irq(0));
}

#[test]
fn bcd_counts_in_tens() {
    let mut client = start("-nodefaults");
    client.outb(0x43, 0x31);
    client.outb(0x40, 0x00);
    client.outb(0x40, 0x10);
    client.clock_step(ticks(1));
    assert_eq!([client.inb(0x40), client.inb(0x40)], [0x99, 0x09]);
}
