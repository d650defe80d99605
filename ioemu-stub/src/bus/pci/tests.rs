//! What the PCI specification says of configuration spaces, and what went
//! wrong with them elsewhere.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;

use super::*;
use crate::bus::{Registers, Shared};
use crate::surroundings::{Line, PowerState};
use crate::testing::World;

/// Answers with its region.
struct Chip;

impl Registers for Chip {
    fn read(&mut self, region: u8, offset: u64, _: Width) -> u64 {
        u64::from(region) << 4 | offset & 0xf
    }

    fn write(&mut self, _: u8, _: u64, _: Width, _: u64) {}
}

#[derive(Default)]
struct Function {
    placed: Vec<(u8, Option<u64>)>,
}

impl PciFunction for Function {
    fn place(&mut self, bar: u8, address: Option<u64>) {
        self.placed.push((bar, address));
    }
}

struct Setup {
    world: Rc<World>,
    decoder: Decoder,
    bus: Rc<RefCell<PciBus>>,
    function: Rc<RefCell<Function>>,
    pin: Rc<IntxPin>,
}

const AT: Devfn = devfn(4, 0);

/// A VGA-like function: I/O in BAR 0, RAM in BAR 1, 64-bit registers in BAR 2,
/// a ROM, a pin.
fn setup() -> Setup {
    let world = World::new(0);
    let surroundings = world.surroundings();
    let decoder = Decoder::new(surroundings.ranges.clone());
    let bus = Rc::new(RefCell::new(PciBus::new(
        decoder.clone(),
        surroundings.ranges.clone(),
    )));
    let chip: Shared = Rc::new(RefCell::new(Chip));
    let pin = Rc::new(IntxPin::new(Line::intx(&world.pins(), 4, 0), 0));
    let function = Rc::new(RefCell::new(Function::default()));
    let identity = Identity {
        vendor: 0x1234,
        device: 0x5678,
        revision: 0x9a,
        class: 0x03_00_01,
        subsystem: (0xabcd, 0xef01),
    };
    let configuration = Configuration::new(identity)
        .with_pin(&pin)
        .with_bar(0, BarKind::Io { size: 16 }, &chip, 1)
        .with_memory_bar(
            1,
            BarKind::Memory32 {
                size: 16 << 20,
                prefetchable: true,
            },
        )
        .with_bar(
            2,
            BarKind::Memory64 {
                size: 4096,
                prefetchable: false,
            },
            &chip,
            2,
        )
        .with_rom(65536, &chip, 3);
    bus.borrow_mut().attach(AT, configuration, function.clone());
    Setup {
        world,
        decoder,
        bus,
        function,
        pin,
    }
}

impl Setup {
    fn read(&self, at: u64, width: Width) -> u64 {
        self.bus.borrow().read(AT, at, width)
    }

    fn write(&self, at: u64, width: Width, value: u64) {
        self.bus.borrow_mut().write(AT, at, width, value);
    }

    fn port(&self, port: u64) -> u64 {
        self.decoder.ports().borrow().read(port, Width::Byte)
    }

    fn memory(&self, address: u64) -> u64 {
        self.decoder.memory().borrow().read(address, Width::Byte)
    }
}

#[test]
fn the_header_says_who_it_is() {
    let setup = setup();
    for (at, width, value) in [
        (0x00, Width::Dword, 0x5678_1234),
        (0x04, Width::Dword, 0),
        (0x08, Width::Dword, 0x0300_019a),
        (0x0e, Width::Byte, 0),
        (0x10, Width::Dword, 1),
        (0x14, Width::Dword, 8),
        (0x18, Width::Dword, 4),
        (0x1c, Width::Dword, 0),
        (0x2c, Width::Dword, 0xef01_abcd),
        (0x30, Width::Dword, 0),
        (0x3d, Width::Byte, 1),
    ] {
        assert_eq!(setup.read(at, width), value, "{at:#x}");
        setup.write(0, Width::Dword, 0);
        setup.write(8, Width::Dword, 0);
        setup.write(0x2c, Width::Dword, 0);
    }
}

#[test]
fn an_absent_function_reads_as_ones() {
    let setup = setup();
    let mut bus = setup.bus.borrow_mut();
    assert_eq!(bus.read(devfn(5, 0), 0, Width::Dword), 0xffff_ffff);
    bus.write(devfn(5, 0), 4, Width::Word, 7);
}

/// As hvmloader, SeaBIOS and Linux do: all ones, read back, put right.
#[test]
fn a_base_address_register_tells_its_size() {
    let setup = setup();
    for (at, back) in [
        (0x10, 0xffff_fff1),
        (0x14, 0xff00_0008),
        (0x18, 0xffff_f004),
        (0x1c, 0xffff_ffff),
        (0x20, 0),
        (0x30, 0xffff_0001),
    ] {
        setup.write(at, Width::Dword, 0xffff_ffff);
        assert_eq!(setup.read(at, Width::Dword), back, "{at:#x}");
    }
    setup.write(0x30, Width::Dword, 0xffff_fffe);
    assert_eq!(setup.read(0x30, Width::Dword), 0xffff_0000);
}

#[test]
fn a_bar_shows_only_while_command_says_so() {
    let setup = setup();
    setup.write(0x10, Width::Dword, 0xc000);
    assert_eq!(setup.port(0xc003), 0xff);
    setup.write(4, Width::Word, 1);
    assert_eq!(setup.port(0xc003), 0x13);
    assert!(setup.world.has_port(0xc00f) && !setup.world.has_port(0xc010));
    setup.write(4, Width::Word, 2);
    assert_eq!(setup.port(0xc003), 0xff);
    assert!(!setup.world.has_port(0xc003));
}

#[test]
fn a_64_bit_bar_shows_above_4_gib() {
    let setup = setup();
    setup.write(4, Width::Word, 2);
    setup.write(0x18, Width::Dword, 0xe000_0000);
    assert_eq!(setup.memory(0xe000_0001), 0x21);
    setup.write(0x1c, Width::Dword, 0x10);
    assert_eq!(setup.memory(0xe000_0001), 0xff);
    assert_eq!(setup.memory(0x10_e000_0001), 0x21);
}

#[test]
fn a_rom_has_an_enable_of_its_own() {
    let setup = setup();
    setup.write(4, Width::Word, 2);
    setup.write(0x30, Width::Dword, 0xfeb0_0000);
    assert_eq!(setup.memory(0xfeb0_0002), 0xff);
    setup.write(0x30, Width::Dword, 0xfeb0_0001);
    assert_eq!(setup.memory(0xfeb0_0002), 0x32);
}

/// Decoding is left on while sizing, as some systems do: for a moment the
/// register is all ones, then zero. Neither place is taken.
#[test]
fn sizing_with_decoding_on_moves_a_bar_nowhere() {
    let setup = setup();
    setup.write(0x14, Width::Dword, 0xf000_0000);
    setup.write(4, Width::Word, 3);
    for value in [0xffff_ffff, 0, 0xf100_0000] {
        setup.write(0x14, Width::Dword, value);
        setup.write(0x10, Width::Dword, value);
    }
    let placed = &setup.function.borrow().placed;
    assert_eq!(
        *placed,
        [(1, Some(0xf000_0000)), (1, None), (1, Some(0xf100_0000))]
    );
    assert!(!setup.world.has_port(0) && !setup.world.has_port(0xfff0));
}

#[test]
fn ports_beyond_64k_are_not_decoded() {
    let setup = setup();
    setup.write(4, Width::Word, 1);
    setup.write(0x10, Width::Dword, 0x1_c000);
    assert_eq!(setup.port(0x1_c000), 0xff);
    setup.write(0x10, Width::Dword, 0xfff0);
    assert_eq!(setup.port(0xfff0), 0x10);
}

#[test]
fn a_bar_on_top_of_another_comes_out_when_that_moves() {
    let setup = setup();
    setup.write(4, Width::Word, 2);
    setup.write(0x30, Width::Dword, 0xf000_0001);
    setup.write(0x18, Width::Dword, 0xf000_0000);
    assert_eq!(setup.memory(0xf000_0000), 0x30, "it was there before");
    setup.write(0x30, Width::Dword, 0xf100_0001);
    assert_eq!(setup.memory(0xf000_0000), 0x20);
    setup.write(0x18, Width::Dword, 0);
    setup.write(4, Width::Word, 0);
    assert_eq!(setup.world.claims().len(), 1, "only the function itself");
}

/// Found by fuzzing: a base address register moved over the configuration
/// ports hid them, and the guest could not undo it.
#[test]
fn a_bar_never_hides_a_chip_that_has_its_place() {
    let setup = setup();
    let fixed: Shared = Rc::new(RefCell::new(Chip));
    setup.decoder.place_ports(&fixed, 7, 0xcf8..0xd00);
    setup.write(4, Width::Word, 1);
    setup.write(0x10, Width::Dword, 0xcf0);
    assert_eq!(setup.port(0xcf8), 0x70);
    assert_eq!(setup.port(0xcf7), 0x17);
}

#[test]
fn the_interrupt_disable_bit_holds_the_pin_low() {
    let setup = setup();
    setup.pin.set(true);
    assert!(setup.world.pin(4, 0));
    assert_eq!(setup.read(6, Width::Word), 8);
    assert_eq!(setup.read(4, Width::Dword), 8 << 16);
    assert_eq!(setup.read(7, Width::Byte), 0);
    setup.write(4, Width::Word, 0x400);
    assert!(!setup.world.pin(4, 0));
    assert_eq!(setup.read(6, Width::Word), 8, "it asks nevertheless");
    setup.write(4, Width::Word, 0);
    assert!(setup.world.pin(4, 0));
    setup.pin.set(false);
    assert!(!setup.world.pin(4, 0));
}

#[test]
fn a_function_that_leaves_takes_everything_with_it() {
    let setup = setup();
    setup.write(0x10, Width::Dword, 0xc000);
    setup.write(0x14, Width::Dword, 0xf000_0000);
    setup.write(4, Width::Word, 3);
    setup.pin.set(true);
    setup.bus.borrow_mut().detach(AT);
    assert_eq!(setup.world.claims(), []);
    assert!(!setup.world.pin(4, 0));
    setup.pin.set(false);
    setup.pin.set(true);
    assert!(!setup.world.pin(4, 0), "it is not connected any more");
    assert_eq!(setup.function.borrow().placed.last(), Some(&(1, None)));
    assert_eq!(setup.port(0xc000), 0xff);
    assert_eq!(setup.read(0, Width::Word), 0xffff);
    setup.bus.borrow_mut().detach(AT);
}

/// A class of faults elsewhere: an access that starts in one register and ends
/// in the next, or past the last one.
#[test]
fn accesses_across_registers_are_bytes() {
    let setup = setup();
    setup.write(0x3b, Width::Dword, 0x1122_3344);
    assert_eq!(setup.read(0x3c, Width::Byte), 0x33);
    assert_eq!(setup.read(0x3b, Width::Dword), 0x0001_3300);
    assert_eq!(setup.read(0xff, Width::Dword), 0xffff_ff00);
    assert_eq!(setup.read(0xfe, Width::Word), 0);
    setup.write(0xff, Width::Dword, 0xffff_ffff);
    setup.write(0x1_0004, Width::Word, 7);
    assert_eq!(setup.read(4, Width::Word), 0);
    assert_eq!(setup.read(u64::MAX, Width::Dword), 0xffff_ffff);
    setup.write(u64::MAX, Width::Dword, 0);
}

mod mechanism1 {
    use super::*;

    fn ports() -> (Setup, Mechanism1) {
        let setup = setup();
        let ports = Mechanism1::new(&setup.bus, setup.world.clone());
        (setup, ports)
    }

    /// The address port holds its value: Linux asks so whether there is a
    /// mechanism #1.
    #[test]
    fn the_address_reads_back() {
        let (_setup, mut ports) = ports();
        ports.write(0, 3, Width::Byte, 1);
        assert_eq!(ports.read(0, 0, Width::Dword), 0);
        ports.write(0, 0, Width::Dword, 0x8000_0000);
        assert_eq!(ports.read(0, 0, Width::Dword), 0x8000_0000);
        ports.write(0, 0, Width::Dword, 0xffff_ffff);
        assert_eq!(ports.read(0, 0, Width::Dword), 0x80ff_fffc);
        ports.write(0, 0, Width::Word, 0);
        assert_eq!(ports.read(0, 0, Width::Dword), 0x80ff_fffc);
        assert_eq!(ports.read(0, 0, Width::Word), 0xffff);
    }

    #[test]
    fn data_reaches_the_function_by_byte_lanes() {
        let (_setup, mut ports) = ports();
        ports.write(0, 0, Width::Dword, 0x8000_2000);
        assert_eq!(ports.read(0, 4, Width::Dword), 0x5678_1234);
        assert_eq!(ports.read(0, 6, Width::Word), 0x5678);
        assert_eq!(ports.read(0, 7, Width::Byte), 0x56);
        ports.write(0, 0, Width::Dword, 0x8000_203c);
        ports.write(0, 4, Width::Byte, 11);
        assert_eq!(ports.read(0, 4, Width::Word), 0x010b);
    }

    #[test]
    fn without_the_enable_bit_or_on_another_bus_nobody_answers() {
        let (_setup, mut ports) = ports();
        for address in [0x0000_2000, 0x8001_2000, 0x8000_2100] {
            ports.write(0, 0, Width::Dword, address);
            assert_eq!(ports.read(0, 4, Width::Dword), 0xffff_ffff);
            ports.write(0, 4, Width::Dword, 0);
        }
    }

    /// Linux: 06h after what was there; SeaBIOS: 02h, then 06h.
    #[test]
    fn the_reset_control_register_resets_on_a_rise() {
        let (setup, mut ports) = ports();
        ports.write(0, 1, Width::Byte, 0x02);
        assert_eq!(setup.world.take_power(), []);
        ports.write(0, 1, Width::Byte, 0x06);
        ports.write(0, 1, Width::Byte, 0x06);
        assert_eq!(setup.world.take_power(), [PowerState::Reset]);
        assert_eq!(ports.read(0, 1, Width::Byte), 0x06);
        assert_eq!(ports.read(0, 0, Width::Dword), 0, "the address is its own");
    }
}
