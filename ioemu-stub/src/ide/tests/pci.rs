//! The controller as function 1 of the PIIX3, in a machine.

use crate::bus::Width;
use crate::machine::{Backends, Config, Drive, Machine};
use crate::testing::{MemoryDisk, World};

const DEVFN: u8 = 1 << 3 | 1;

fn machine() -> (Machine, alloc::rc::Rc<World>, alloc::rc::Rc<MemoryDisk>) {
    let world = World::new(1 << 20);
    let disk = MemoryDisk::new((0..2048).map(|at| (at / 512) as u8 + 1).collect(), false);
    let mut backends = Backends::default();
    backends.drives[0] = Some(Drive {
        cd: false,
        disk: disk.clone(),
        serial: Some("ABC".into()),
        firmware: None,
    });
    let machine = Machine::new(&Config::default(), world.surroundings(), backends);
    (machine, world, disk)
}

#[test]
fn configuration_space_is_the_data_sheets() {
    let (machine, ..) = machine();
    let read = |at, width| machine.config_read(DEVFN, at, width);
    assert_eq!(read(0, Width::Dword), 0x7010_8086);
    assert_eq!(read(8, Width::Dword) >> 8, 0x01_0180);
    assert_eq!(read(0x3d, Width::Byte), 0, "no pin: IRQ 14 and 15");
    machine.config_write(DEVFN, 0x20, Width::Dword, 0xffff_ffff);
    assert_eq!(read(0x20, Width::Dword), 0xffff_fff1, "16 ports");
    for bar in [0x10, 0x14, 0x18, 0x1c, 0x24] {
        machine.config_write(DEVFN, bar, Width::Dword, 0xffff_ffff);
        assert_eq!(read(bar, Width::Dword), 0);
    }
}

#[test]
fn a_channel_answers_while_its_decoding_is_enabled() {
    let (machine, world, _) = machine();
    assert_eq!(machine.port_read(0x1f7, Width::Byte), 0x50);
    machine.config_write(DEVFN, 0x40, Width::Word, 0);
    assert!(!world.has_port(0x1f7) && !world.has_port(0x3f6));
    assert!(world.has_port(0x177));
    assert_eq!(machine.port_read(0x1f7, Width::Byte), 0xff);
    // As hvmloader does.
    machine.config_write(DEVFN, 0x40, Width::Word, 0x8000);
    machine.config_write(DEVFN, 0x42, Width::Word, 0x8000);
    assert_eq!(machine.port_read(0x1f7, Width::Byte), 0x50);
    assert_eq!(machine.port_read(0x3f6, Width::Byte), 0x50);
}

#[test]
fn the_bus_master_works_where_its_bar_says_and_only_if_allowed() {
    let (machine, world, disk) = machine();
    use crate::surroundings::GuestMemory;
    machine.config_write(DEVFN, 0x20, Width::Dword, 0xc000);
    for (master, expected) in [(0x1, [0; 4]), (0x5, [3; 4])] {
        machine.config_write(DEVFN, 4, Width::Word, master);
        world.write(0x100, &[0, 0x20, 0, 0, 0, 2, 0, 0x80]).unwrap();
        machine.port_write(0xc004, Width::Dword, 0x100);
        for (port, value) in [
            (0x1f2, 1),
            (0x1f3, 2),
            (0x1f4, 0),
            (0x1f5, 0),
            (0x1f6, 0xe0),
        ] {
            machine.port_write(port, Width::Byte, value);
        }
        machine.port_write(0x1f7, Width::Byte, 0xc8);
        machine.port_write(0xc000, Width::Byte, 9);
        disk.go_on();
        assert!(world.irq(14));
        machine.port_read(0x1f7, Width::Byte);
        machine.port_write(0xc000, Width::Byte, 0);
        machine.port_write(0xc002, Width::Byte, 6);
        let mut data = [0; 4];
        world.read(0x2000, &mut data).unwrap();
        assert_eq!(data, expected);
    }
}

#[test]
fn a_given_serial_number_is_used() {
    let (machine, ..) = machine();
    machine.port_write(0x1f7, Width::Byte, 0xec);
    let mut data = [0; 512];
    machine.port_read_block(0x1f0, Width::Word, &mut data);
    assert_eq!(data[20..24], *b"BA C");
}
