//! The data sheet's registers, and how systems probe for them.

use alloc::rc::Rc;
use alloc::vec::Vec;

use super::*;
use crate::testing::{self, World};

struct Setup {
    world: Rc<World>,
    far: Rc<testing::Line>,
    chip: Uart,
}

fn setup() -> Setup {
    let world = World::new(0);
    let far = testing::Line::new(usize::MAX);
    let line = crate::surroundings::Line::isa(&world.pins(), 4);
    let chip = Uart::new(far.clone(), Rc::new(SharedLine::new(line)), 0);
    Setup { world, far, chip }
}

impl Setup {
    fn read(&mut self, register: u64) -> u8 {
        self.chip.read(0, register, Width::Byte) as u8
    }

    fn write(&mut self, register: u64, value: u8) {
        self.chip.write(0, register, Width::Byte, value.into());
    }

    fn write_all(&mut self, values: &[(u64, u8)]) {
        for (register, value) in values {
            self.write(*register, *value);
        }
    }

    fn receive(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.chip.receive(*byte));
    }

    fn irq(&self) -> bool {
        self.world.irq(4)
    }
}

#[test]
fn registers_after_reset() {
    let mut setup = setup();
    for (register, value) in [(1, 0), (2, 1), (3, 0), (4, 0), (5, 0x60), (6, 0xb0), (7, 0)] {
        assert_eq!(setup.read(register), value, "register {register}");
    }
}

#[test]
fn each_register_keeps_its_bits() {
    let mut setup = setup();
    for (register, written, kept) in [
        (1, 0xff, 0x0f),
        (3, 0x7f, 0x7f),
        (4, 0xff, 0x1f),
        (7, 0xa5, 0xa5),
        (3, 0x00, 0x00),
    ] {
        setup.write(register, written);
        assert_eq!(setup.read(register), kept, "register {register}");
    }
}

#[test]
fn the_divisor_hides_behind_its_bit() {
    let mut setup = setup();
    setup.write_all(&[(3, 0x83), (0, 0x34), (1, 0x12), (3, 0x03), (1, 0x05)]);
    assert_eq!(setup.read(1), 0x05);
    setup.write(3, 0x83);
    assert_eq!(setup.chip.read(0, 0, Width::Word), 0x1234);
    assert_eq!(setup.far.take(), []);
}

#[test]
fn what_is_written_is_sent() {
    let mut setup = setup();
    setup.write(3, 0x03);
    for byte in *b"hello" {
        assert_eq!(setup.read(5) & 0x60, 0x60);
        setup.write(0, byte);
    }
    assert_eq!(setup.far.take(), b"hello");
    setup.write_all(&[(3, 0x00), (0, 0xff)]);
    assert_eq!(setup.far.take(), [0x1f], "five bits");
}

/// autoconfig of Linux: the interrupt register, the loop, the FIFO bits.
#[test]
fn linux_finds_a_16550a() {
    let mut setup = setup();
    setup.write(1, 0);
    assert_eq!(setup.read(1), 0);
    setup.write(1, 0x0f);
    assert_eq!(setup.read(1), 0x0f);
    setup.write_all(&[(1, 0), (4, 0x1a)]);
    assert_eq!(setup.read(6) & 0xf0, 0x90);
    setup.write_all(&[(4, 0), (3, 0xbf), (2, 0), (3, 0), (2, 1)]);
    assert_eq!(setup.read(2) >> 6, 3);
    // Not a 16750 (64 bytes), not an XScale (UUE).
    setup.write_all(&[(2, 1), (3, 0), (2, 0x21)]);
    assert_eq!(setup.read(2) & 0xe0, 0xc0);
    setup.write_all(&[(3, 0x80), (2, 0x21)]);
    assert_eq!(setup.read(2) & 0xe0, 0xc0);
    setup.write_all(&[(3, 0), (1, 0x40)]);
    assert_eq!(setup.read(1), 0);
}

/// size_fifo of Linux: 256 bytes into a loop, and 16 come out.
#[test]
fn linux_measures_the_fifo() {
    let mut setup = setup();
    setup.write_all(&[
        (3, 0),
        (2, 0x07),
        (4, 0x10),
        (3, 0x80),
        (0, 1),
        (1, 0),
        (3, 3),
    ]);
    for i in 0..=255 {
        setup.write(0, i);
    }
    let mut count = 0;
    while setup.read(5) & 1 != 0 && count < 256 {
        assert_eq!(setup.read(0), count as u8);
        count += 1;
    }
    assert_eq!(count, 16);
    assert_eq!(setup.far.take(), [], "nothing leaves a loop");
}

/// The test of serial8250_startup: a transmitter that is idle asks again each
/// time it is enabled.
#[test]
fn an_idle_transmitter_asks_whenever_it_is_enabled() {
    let mut setup = setup();
    for _ in 0..2 {
        setup.write(1, 0x02);
        assert_eq!(setup.read(2), 0x02);
        assert_eq!(setup.read(2), 0x01, "reading it is enough");
        setup.write(1, 0);
        assert_eq!(setup.read(2), 0x01);
    }
}

#[test]
fn out2_lets_the_interrupt_through() {
    let mut setup = setup();
    setup.write(1, 0x01);
    setup.receive(b"x");
    assert!(!setup.irq());
    setup.write(4, 0x08);
    assert!(setup.irq());
    assert_eq!(setup.read(2), 0x04);
    assert_eq!(setup.read(0), b'x');
    assert!(!setup.irq());
    assert_eq!(setup.read(2), 0x01);
}

#[test]
fn the_fifo_asks_at_its_trigger_and_for_the_rest() {
    for (bits, trigger) in [(0x00, 1), (0x40, 4), (0x80, 8), (0xc0, 14)] {
        let mut setup = setup();
        setup.write_all(&[(2, 0x07 | bits), (1, 0x01), (4, 0x08)]);
        for n in 1..=16 {
            setup.receive(&[n]);
            let expected = if n >= trigger { 0xc4 } else { 0xcc };
            assert_eq!(setup.read(2), expected, "{n} of {trigger}");
        }
        for n in 1..=16 {
            assert!(setup.irq());
            assert_eq!(setup.read(0), n);
        }
        assert!(!setup.irq());
    }
}

/// A class of faults elsewhere: more than the FIFO holds.
#[test]
fn an_overrun_loses_the_new_and_says_so() {
    let mut setup = setup();
    setup.write_all(&[(2, 0x01), (1, 0x04), (4, 0x08)]);
    assert_eq!(setup.chip.room(), 16);
    for n in 0..100 {
        setup.receive(&[n]);
    }
    assert_eq!(setup.chip.room(), 0);
    assert!(setup.irq());
    assert_eq!(setup.read(2), 0xc6);
    assert_eq!(setup.read(5), 0x63);
    assert_eq!(setup.read(5), 0x61);
    assert!(!setup.irq());
    for n in 0..16 {
        assert_eq!(setup.read(0), n);
    }
    assert_eq!(setup.read(5), 0x60);
    assert_eq!(setup.read(0), 0);
}

#[test]
fn without_fifos_the_new_overwrites_the_old() {
    let mut setup = setup();
    setup.receive(b"ab");
    assert_eq!(setup.read(5) & 3, 3);
    assert_eq!(setup.read(0), b'b');
    assert_eq!(setup.read(5) & 3, 0);
}

#[test]
fn a_break_is_a_zero_with_a_mark() {
    let mut setup = setup();
    setup.write_all(&[(2, 0x01), (1, 0x05), (4, 0x08), (3, 0x03)]);
    setup.receive(b"a");
    setup.chip.receive_break();
    assert_eq!(setup.read(5), 0xe1, "it is not the first yet");
    assert_eq!(setup.read(0), b'a');
    assert_eq!(setup.read(2), 0xc6);
    assert_eq!(setup.read(5), 0xf1);
    assert_eq!(setup.read(5), 0xe1);
    assert_eq!(setup.read(0), 0);
    assert_eq!(setup.read(5), 0x60);
    // Its own break comes back in a loop.
    setup.write_all(&[(4, 0x10), (3, 0x43)]);
    assert_eq!(setup.read(5), 0xf1);
}

#[test]
fn a_loop_joins_the_modem_lines_and_marks_changes() {
    let mut setup = setup();
    for (control, lines) in [(0x12, 0x10), (0x11, 0x20), (0x14, 0x40), (0x18, 0x80)] {
        setup.write(4, control);
        assert_eq!(setup.read(6) & 0xf0, lines, "{control:#x}");
    }
    setup.write(4, 0x10);
    setup.read(6);
    setup.write(4, 0x1f);
    assert_eq!(setup.read(6), 0xfb, "ringing begins: no mark");
    setup.write(4, 0x10);
    assert_eq!(setup.read(6), 0x0f, "ringing ends: a mark");
    assert_eq!(setup.read(6), 0x00);
}

#[test]
fn modem_lines_interrupt() {
    let mut setup = setup();
    setup.write_all(&[(1, 0x08), (4, 0x08)]);
    assert!(!setup.irq());
    setup.chip.set_modem(0x30);
    assert!(setup.irq());
    assert_eq!(setup.read(2), 0x00);
    assert_eq!(setup.read(6), 0x38);
    assert!(!setup.irq());
}

#[test]
fn a_full_far_end_holds_the_transmitter() {
    let mut setup = setup();
    setup.far.set_room(2);
    setup.write_all(&[(3, 3), (2, 0x01), (1, 0x02), (4, 0x08)]);
    assert_eq!(setup.read(2), 0xc2);
    for byte in *b"0123456789abcdefXYZ" {
        setup.write(0, byte);
    }
    assert_eq!(setup.far.take(), b"01");
    assert_eq!(setup.read(5), 0x00);
    assert!(!setup.irq());
    setup.far.set_room(100);
    setup.chip.send_more();
    // Sixteen waited; of those that came then, each took the place of the
    // last.
    assert_eq!(setup.far.take(), b"23456789abcdefXZ");
    assert_eq!(setup.read(5), 0x60);
    assert!(setup.irq());
    setup.far.set_room(0);
    setup.write_all(&[(0, b'a'), (2, 0x05)]);
    assert_eq!(setup.read(5), 0x60, "cleared");
}

/// A far end that was refused hears when there is room again.
#[test]
fn the_far_end_hears_of_room() {
    use core::cell::Cell;
    #[derive(Default)]
    struct Far(Cell<u32>);
    impl Serial for Far {
        fn send(&self, _: u8) -> bool {
            true
        }
        fn has_room(&self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let far = Rc::new(Far::default());
    let world = World::new(0);
    let line = crate::surroundings::Line::isa(&world.pins(), 3);
    let mut chip = Uart::new(far.clone(), Rc::new(SharedLine::new(line)), 0);
    assert_eq!(chip.room(), 1);
    chip.receive(b'x');
    chip.read(0, 0, Width::Byte);
    assert_eq!(far.0.get(), 0, "nobody had asked");
    chip.receive(b'y');
    assert_eq!(chip.room(), 0);
    chip.read(0, 0, Width::Byte);
    assert_eq!(far.0.get(), 1);
}

#[test]
fn two_ports_share_an_interrupt() {
    let world = World::new(0);
    let line = crate::surroundings::Line::isa(&world.pins(), 4);
    let line = Rc::new(SharedLine::new(line));
    let mut ports: Vec<Uart> = (0..2)
        .map(|i| Uart::new(testing::Line::new(9), line.clone(), i))
        .collect();
    for port in &mut ports {
        port.write(0, 4, Width::Byte, 0x08);
        port.write(0, 1, Width::Byte, 0x01);
        port.receive(b'x');
    }
    assert!(world.irq(4));
    ports[0].read(0, 0, Width::Byte);
    assert!(world.irq(4));
    ports[1].read(0, 0, Width::Byte);
    assert!(!world.irq(4));
}
