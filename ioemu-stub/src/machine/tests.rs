//! The machine as its guests first see it.

use alloc::vec::Vec;

use super::*;
use crate::surroundings::PowerState;
use crate::testing::World;

fn machine(config: &Config) -> (Rc<World>, Machine) {
    let world = World::new(1 << 20);
    let machine = Machine::new(config, world.surroundings(), Backends::default());
    (world, machine)
}

/// Reads configuration space as the guest does, through its ports.
fn config_dword(machine: &Machine, devfn: u8, register: u8) -> u32 {
    let address = 1 << 31 | u64::from(devfn) << 8 | u64::from(register);
    machine.port_write(0xcf8, Width::Dword, address);
    machine.port_read(0xcfc, Width::Dword) as u32
}

#[test]
fn functions_sit_where_qemu_has_them() {
    let (_world, machine) = machine(&Config::default());
    for (devfn, ids) in [
        (0x00, 0x1237_8086),
        (0x08, 0x7000_8086),
        (0x0b, 0x7113_8086),
    ] {
        assert_eq!(config_dword(&machine, devfn, 0), ids, "{devfn:#x}");
    }
    assert_eq!(config_dword(&machine, 0x08, 0x0c) >> 16, 0x80);
}

#[test]
fn without_acpi_there_is_none() {
    let config = Config {
        acpi: false,
        ..Config::default()
    };
    let (world, machine) = machine(&config);
    assert_eq!(config_dword(&machine, 0x0b, 0), 0xffff_ffff);
    assert!(!world.has_port(0xb2) && !world.has_port(0xafe0));
    machine.press_power_button();
    machine.plug_processor(1, true);
}

/// Offset, width, value after reset, value after all ones were written.
type Register = (u64, Width, u64, u64);

fn registers(devfn: u8, table: &[Register]) {
    use Width::*;
    let (_world, machine) = machine(&Config::default());
    for (at, width, reset, _) in table {
        let value = machine.config_read(devfn, *at, *width);
        assert_eq!(value, *reset, "{devfn:#x}:{at:#x} after reset");
    }
    for (at, width, _, written) in table {
        machine.config_write(devfn, *at, *width, u64::MAX);
        let value = machine.config_read(devfn, *at, *width);
        assert_eq!(value, *written, "{devfn:#x}:{at:#x} written");
        assert!(matches!(width, Byte | Word | Dword));
    }
}

/// 82441FX data sheet, 3.2.
#[test]
fn i440fx_registers() {
    use Width::*;
    registers(
        0x00,
        &[
            (0x00, Word, 0x8086, 0x8086),
            (0x02, Word, 0x1237, 0x1237),
            (0x04, Word, 0x0006, 0x0146),
            (0x06, Word, 0x0280, 0x0280),
            (0x08, Byte, 0x02, 0x02),
            (0x09, Byte, 0x00, 0x00),
            (0x0a, Word, 0x0600, 0x0600),
            (0x0d, Byte, 0x00, 0xf8),
            (0x0e, Byte, 0x00, 0x00),
            (0x0f, Byte, 0x00, 0x00),
            (0x10, Dword, 0, 0),
            (0x3c, Word, 0, 0),
            (0x50, Word, 0x0000, 0xc070),
            (0x52, Byte, 0x00, 0xff),
            (0x53, Byte, 0x80, 0xe4),
            (0x54, Byte, 0x00, 0x00),
            (0x55, Word, 0x0000, 0xffff),
            (0x57, Byte, 0x01, 0x3f),
            (0x58, Byte, 0x10, 0xff),
            // PAM0 has the BIOS segment in its upper half only.
            (0x59, Byte, 0x00, 0xf0),
            (0x5a, Byte, 0x00, 0x33),
            (0x5f, Byte, 0x00, 0x33),
            (0x60, Dword, 0x0101_0101, 0xffff_ffff),
            (0x64, Dword, 0x0101_0101, 0xffff_ffff),
            (0x68, Byte, 0x00, 0xc0),
            (0x70, Byte, 0x00, 0xf8),
            (0x71, Byte, 0x10, 0x1f),
            // Locked, it is closed.
            (0x72, Byte, 0x02, 0x3a),
            (0x90, Byte, 0x00, 0x1b),
            (0x91, Byte, 0x00, 0x00),
            (0x93, Byte, 0x00, 0x0f),
        ],
    );
}

/// 82371SB data sheet, 2.1.
#[test]
fn piix3_registers() {
    use Width::*;
    registers(
        0x08,
        &[
            (0x00, Dword, 0x7000_8086, 0x7000_8086),
            (0x04, Word, 0x0007, 0x010f),
            (0x06, Word, 0x0200, 0x0200),
            (0x08, Dword, 0x0601_0000, 0x0601_0000),
            (0x0e, Byte, 0x80, 0x80),
            (0x4c, Byte, 0x4d, 0xff),
            (0x4e, Word, 0x0003, 0x01ff),
            (0x60, Dword, 0x8080_8080, 0x8f8f_8f8f),
            (0x69, Byte, 0x02, 0xff),
            (0x82, Byte, 0x00, 0x0f),
            (0xa0, Byte, 0x08, 0x1f),
            (0xa8, Byte, 0x0f, 0xff),
        ],
    );
}

/// 82371AB data sheet, 7.1.
#[test]
fn piix4_registers() {
    use Width::*;
    registers(
        0x0b,
        &[
            (0x00, Dword, 0x7113_8086, 0x7113_8086),
            (0x04, Word, 0x0000, 0x0009),
            (0x06, Word, 0x0280, 0x0280),
            (0x08, Dword, 0x0680_0003, 0x0680_0003),
            (0x3c, Word, 0x0100, 0x01ff),
            (0x40, Dword, 0x0000_0001, 0x0000_ffc1),
            (0x80, Byte, 0x00, 0x01),
            (0x90, Dword, 0x0000_0001, 0x0000_fff1),
            (0xd2, Byte, 0x00, 0x0f),
        ],
    );
}

/// As hvmloader walks the bus: each base address register is sized with the
/// decoders off, then put somewhere by size.
#[test]
fn hvmloader_sizes_what_there_is() {
    let config = Config {
        vga: Some(Vga::Std),
        ..Config::default()
    };
    let world = World::new(1 << 20);
    let video = crate::testing::VideoRam::new(16 << 20);
    let backends = Backends {
        video: Some(video.clone()),
        vga_rom: Some(vec![0x55; 39_936].into()),
        ..Backends::default()
    };
    let machine = Machine::new(&config, world.surroundings(), backends);
    let size = |devfn: u8, at: u64| {
        let old = machine.config_read(devfn, at, Width::Dword);
        machine.config_write(devfn, at, Width::Dword, 0xffff_ffff);
        let back = machine.config_read(devfn, at, Width::Dword);
        machine.config_write(devfn, at, Width::Dword, old);
        let mask = if at == 0x30 {
            !0x7ff
        } else if back & 1 != 0 {
            !3
        } else {
            !15
        };
        (back & mask) & (back & mask).wrapping_neg()
    };
    for (devfn, at, expected) in [
        // PIIX3 IDE: the bus master's ports.
        (0x09, 0x20, 16),
        // The platform device.
        (0x10, 0x10, 256),
        (0x10, 0x14, 16 << 20),
        // VGA, at the next free place: frame buffer, registers, BIOS.
        (0x18, 0x10, 16 << 20),
        (0x18, 0x18, 4096),
        (0x18, 0x30, 65_536),
    ] {
        assert_eq!(size(devfn, at), expected, "{devfn:#x}:{at:#x}");
    }
    machine.config_write(0x18, 0x10, Width::Dword, 0xf000_0000);
    machine.config_write(0x18, 0x30, Width::Dword, 0xf200_0001);
    assert_eq!(video.placed(), None);
    machine.config_write(0x18, 4, Width::Word, 3);
    assert_eq!(video.placed(), Some(0xf000_0000));
    assert_eq!(machine.memory_read(0xf200_0000, Width::Word), 0x5555);
    // Sized while it decodes, it comes back where it was.
    size(0x18, 0x10);
    assert_eq!(video.placed(), Some(0xf000_0000));
}

/// hvmloader's pci_setup and acpi_enable_sci, in its order.
#[test]
fn hvmloader_turns_acpi_on() {
    let (world, machine) = machine(&Config::default());
    for (register, irq) in [(0x60, 5), (0x61, 10), (0x62, 11), (0x63, 5)] {
        machine.config_write(0x08, register, Width::Byte, irq);
    }
    assert_eq!(world.routes(), [5, 10, 11, 5]);
    for register in [0x20, 0x22, 0xd2] {
        machine.config_write(0x0b, register, Width::Word, 0);
    }
    machine.config_write(0x0b, 0x3c, Width::Word, 0x0009);
    machine.config_write(0x0b, 0x3d, Width::Byte, 1);
    machine.config_write(0x0b, 0x40, Width::Dword, 0xb001);
    machine.config_write(0x0b, 0x80, Width::Byte, 1);
    assert_eq!(machine.config_read(0x0b, 0x3c, Width::Word), 0x0109);
    assert_eq!(machine.config_read(0x0b, 0x40, Width::Dword), 0xb001);
    assert!(world.has_port(0xb004));
    assert_eq!(machine.port_read(0xb004, Width::Byte) & 1, 0);
    machine.port_write(0xb2, Width::Byte, 0xf1);
    assert_eq!(machine.port_read(0xb004, Width::Byte) & 1, 1);
    machine.port_write(0xb2, Width::Byte, 0xf0);
    assert_eq!(machine.port_read(0xb004, Width::Byte) & 1, 0);
}

#[test]
fn the_guest_sleeps_and_switches_off() {
    let (world, machine) = machine(&Config::default());
    machine.config_write(0x0b, 0x40, Width::Dword, 0xb001);
    machine.config_write(0x0b, 0x80, Width::Byte, 1);
    for (width, port, value, state) in [
        (Width::Word, 0xb004, 0x2001, PowerState::Off),
        (Width::Word, 0xb004, 0x2401, PowerState::Suspend),
        (Width::Word, 0xb004, 0x2801, PowerState::Off),
        (Width::Byte, 0xb005, 0x20, PowerState::Off),
        (Width::Dword, 0xb004, 0x2400, PowerState::Suspend),
    ] {
        machine.port_write(port, width, value);
        assert_eq!(world.take_power(), [state], "{value:#x} to {port:#x}");
        assert_eq!(machine.port_read(0xb004, Width::Word) & 0x2000, 0);
    }
    // The type without the enable bit, and types that nobody has.
    for value in [0x0000, 0x1c00, 0x3c00] {
        machine.port_write(0xb004, Width::Word, value);
        assert_eq!(world.take_power(), []);
    }
}

#[test]
fn three_ways_to_reset() {
    let (world, machine) = machine(&Config::default());
    machine.port_write(0xcf9, Width::Byte, 0x02);
    machine.port_write(0xcf9, Width::Byte, 0x06);
    assert_eq!(world.take_power(), [PowerState::Reset]);
    let old = machine.port_read(0x92, Width::Byte);
    machine.port_write(0x92, Width::Byte, old | 1);
    assert_eq!(world.take_power(), [PowerState::Reset]);
}

#[test]
fn the_host_bridge_resets_too() {
    let (world, machine) = machine(&Config::default());
    for (value, resets) in [(0x02, false), (0x06, true), (0x06, false), (0x00, false)] {
        machine.config_write(0x00, 0x93, Width::Byte, value);
        let expected: &[PowerState] = if resets { &[PowerState::Reset] } else { &[] };
        assert_eq!(world.take_power(), expected, "{value:#x}");
    }
}

/// The register that hides the system management RAM can be locked, for good.
#[test]
fn smram_once_locked_stays() {
    let (_world, machine) = machine(&Config::default());
    let smram = |value| {
        machine.config_write(0x00, 0x72, Width::Byte, value);
        machine.config_read(0x00, 0x72, Width::Byte)
    };
    assert_eq!(smram(0x4a), 0x4a);
    assert_eq!(smram(0x0a), 0x0a);
    assert_eq!(smram(0x5a), 0x1a);
    assert_eq!(smram(0x4a), 0x1a);
    assert_eq!(smram(0x00), 0x1a);
}

#[test]
fn cmos_tells_memory_processors_and_boot_order() {
    let config = Config {
        processors: 4,
        low_memory: 0x7800_0000,
        high_memory: 0x1_8000_0000,
        boot: "dcn".chars().filter_map(BootDevice::from_letter).collect(),
        check_floppy: false,
        ..Config::default()
    };
    let (_world, machine) = machine(&config);
    let cmos = |index: u8| {
        machine.port_write(0x70, Width::Byte, index.into());
        machine.port_read(0x71, Width::Byte) as u8
    };
    for (index, value) in [
        (0x10, 0x00),
        (0x14, 0x06),
        (0x15, 0x80),
        (0x16, 0x02),
        (0x17, 0xff),
        (0x18, 0xff),
        (0x30, 0xff),
        (0x31, 0xff),
        // (1920 - 16) MiB / 64 KiB = 7700h
        (0x34, 0x00),
        (0x35, 0x77),
        (0x38, 0x41),
        (0x3d, 0x23),
        // 6 GiB / 64 KiB = 018000h
        (0x5b, 0x00),
        (0x5c, 0x80),
        (0x5d, 0x01),
        (0x5f, 3),
    ] {
        assert_eq!(cmos(index), value, "index {index:#x}");
    }
    machine.port_write(0x70, Width::Byte, 0x8f);
    machine.port_write(0x71, Width::Byte, 0x0a);
    assert_eq!(cmos(0x0f), 0x0a, "bit 7 of the index is not part of it");
}

#[test]
fn an_event_raises_the_sci_until_it_is_seen_to() {
    let (world, machine) = machine(&Config::default());
    machine.plug_processor(2, true);
    assert!(!world.irq(9), "not enabled yet");
    machine.port_write(0xafe2, Width::Word, 0x0006);
    assert!(world.irq(9));
    assert_eq!(machine.port_read(0xafe0, Width::Word), 0x0004);
    assert_eq!(machine.port_read(0xaf00, Width::Byte), 0b101);
    machine.port_write(0xafe0, Width::Word, 0x0002);
    assert!(world.irq(9), "another event was cleared");
    machine.port_write(0xafe0, Width::Word, 0x0004);
    assert!(!world.irq(9));
}

#[test]
fn only_a_slot_whose_removal_was_asked_for_is_ejected() {
    let (_world, machine) = machine(&Config::default());
    let hotplug = machine.handles().hotplug.clone().unwrap();
    hotplug.borrow_mut().insert(5);
    hotplug.borrow_mut().insert(6);
    assert_eq!(machine.port_read(0xae00, Width::Dword), 1 << 6);
    assert_eq!(machine.port_read(0xae0c, Width::Dword), 3 << 5);
    machine.port_write(0xae08, Width::Dword, u64::from(u32::MAX));
    assert_eq!(hotplug.borrow_mut().take_ejected(), 0);
    hotplug.borrow_mut().request_removal(5);
    assert_eq!(machine.port_read(0xae04, Width::Dword), 1 << 5);
    machine.port_write(0xae08, Width::Dword, 1 << 5);
    assert_eq!(hotplug.borrow_mut().take_ejected(), 1 << 5);
    assert_eq!(machine.port_read(0xae04, Width::Dword), 0);
    assert_eq!(machine.port_read(0xae0c, Width::Dword), 1 << 6);
}

/// A class of faults elsewhere: registers found through an index that the
/// guest sets.
#[test]
fn hotplug_registers_end_where_they_end() {
    let (world, machine) = machine(&Config::default());
    machine
        .handles()
        .hotplug
        .as_ref()
        .unwrap()
        .borrow_mut()
        .insert(200);
    assert_eq!(machine.port_read(0xae10, Width::Dword), 0xffff_ffff);
    assert_eq!(machine.port_read(0xaf1e, Width::Dword), 0xffff_ffff);
    assert_eq!(machine.port_read(0xaf1c, Width::Dword), 0);
    for port in 0xae00..0xae20 {
        for width in [Width::Byte, Width::Word, Width::Dword] {
            machine.port_write(port, width, u64::MAX);
        }
    }
    assert_eq!(machine.port_read(0xae00, Width::Dword), 0);
    assert!(!world.irq(9));
}

#[test]
fn the_pm_timer_runs_and_the_button_is_an_event() {
    let (world, machine) = machine(&Config::default());
    machine.config_write(0x0b, 0x40, Width::Dword, 0xb001);
    machine.config_write(0x0b, 0x80, Width::Byte, 1);
    world.pass(1_000_000_000);
    assert_eq!(machine.port_read(0xb008, Width::Dword), 3_579_545);
    world.pass(4_000_000_000);
    assert_eq!(
        machine.port_read(0xb008, Width::Dword),
        17_897_725 % (1 << 24)
    );
    machine.press_power_button();
    assert!(!world.irq(9));
    machine.port_write(0xb002, Width::Word, 0x0100);
    assert!(world.irq(9));
    machine.port_write(0xb000, Width::Word, 0x0100);
    assert!(!world.irq(9));
}

#[test]
fn nobody_is_on_the_smbus() {
    let (_world, machine) = machine(&Config::default());
    machine.config_write(0x0b, 0x90, Width::Dword, 0xb101);
    machine.config_write(0x0b, 0xd2, Width::Byte, 1);
    assert_eq!(machine.port_read(0xb100, Width::Byte), 0);
    machine.port_write(0xb104, Width::Byte, 0xa1);
    machine.port_write(0xb102, Width::Byte, 0x48);
    assert_eq!(machine.port_read(0xb100, Width::Byte), 0x04);
    assert_eq!(machine.port_read(0xb102, Width::Byte), 0x08);
    machine.port_write(0xb100, Width::Byte, 0xff);
    assert_eq!(machine.port_read(0xb100, Width::Byte), 0);
}

#[test]
fn blocks_of_memory_and_ports_with_nobody_there_are_ones() {
    let (_world, machine) = machine(&Config::default());
    let mut data = [0; 8];
    machine.port_read_block(0x5555, Width::Word, &mut data);
    assert_eq!(data, [0xff; 8]);
    data = [0; 8];
    machine.memory_read_block(u64::MAX - 3, Width::Dword, &mut data);
    assert_eq!(data, [0xff; 8]);
    machine.memory_write_block(u64::MAX - 3, Width::Dword, &data);
    machine.port_write_block(0x5555, Width::Word, &data);
}

/// Two rows at one place would be two chips in each other's way.
#[test]
fn no_two_rows_share_a_port_or_a_slot() {
    let mut seen: Vec<(&str, u16, u16)> = Vec::new();
    for device in DEVICES {
        for (first, last) in device.ports {
            assert!(first <= last, "{}", device.name);
            for (name, f, l) in &seen {
                assert!(*last < *f || *l < *first, "{} and {name}", device.name);
            }
            seen.push((device.name, *first, *last));
        }
    }
    let fixed = DEVICES.iter().filter_map(|device| match device.slot {
        Slot::At(slot, function) => Some((slot, function)),
        _ => None,
    });
    let mut fixed: Vec<_> = fixed.collect();
    let count = fixed.len();
    fixed.sort_unstable();
    fixed.dedup();
    assert_eq!(fixed.len(), count);
}

fn unplug_machine(config: &Config) -> (Rc<World>, Machine) {
    let disk = |bytes: usize| crate::testing::MemoryDisk::new(vec![0; bytes], false);
    let drive = |cd: bool| {
        Some(Drive {
            cd,
            disk: disk(1 << 20),
            serial: None,
            firmware: None,
        })
    };
    let backends = Backends {
        drives: [drive(false), drive(false), drive(true), None],
        ..Backends::default()
    };
    let world = World::new(1 << 20);
    let machine = Machine::new(config, world.surroundings(), backends);
    machine.config_write(0x09, 4, Width::Word, 5);
    machine.config_write(0x09, 0x40, Width::Dword, 0x8000_8000);
    (world, machine)
}

/// Whether something answers when drive `device` of the channel at `port` is
/// selected.
fn drive_answers(machine: &Machine, port: u64, device: u64) -> bool {
    machine.port_write(port + 6, Width::Byte, 0xa0 | device << 4);
    let status = machine.port_read(port + 7, Width::Byte);
    machine.port_write(port + 2, Width::Byte, 0x55);
    let kept = machine.port_read(port + 2, Width::Byte) == 0x55;
    kept && status != 0xff && (status & 0x40 != 0 || port == 0x170)
}

/// The whole way of a guest with drivers of its own: the disks go, the CD
/// stays.
#[test]
fn unplugging_takes_disks_and_leaves_the_cd() {
    for (mask, left) in [(1, [false, false, true]), (4, [true, false, true])] {
        let (_world, machine) = unplug_machine(&Config::default());
        let there = || {
            [(0x1f0, 0), (0x1f0, 1), (0x170, 0)]
                .map(|(port, device)| drive_answers(&machine, port, device))
        };
        assert_eq!(there(), [true; 3]);
        assert_eq!(machine.port_read(0x10, Width::Word), 0x49d2);
        machine.port_write(0x10, Width::Word, mask);
        assert_eq!(there(), left, "mask {mask}");
    }
    let config = Config {
        unplug: false,
        ..Config::default()
    };
    let (_world, machine) = unplug_machine(&config);
    machine.port_write(0x10, Width::Word, 1);
    assert!(drive_answers(&machine, 0x1f0, 0));
}

#[test]
fn the_platform_device_sits_at_2_if_it_is_wanted() {
    let (_world, machine) = machine(&Config::default());
    assert_eq!(config_dword(&machine, 0x10, 0), 0x0001_5853);
    assert_eq!(config_dword(&machine, 0x10, 8) >> 8, 0xff_8000);
    let config = Config {
        platform: false,
        ..Config::default()
    };
    let (world, machine) = self::machine(&config);
    assert_eq!(config_dword(&machine, 0x10, 0), 0xffff_ffff);
    assert!(!world.has_port(0x10));
}

#[test]
fn serial_ports_are_those_with_a_far_end() {
    let lines: Vec<_> = (0..3).map(|_| crate::testing::Line::new(9)).collect();
    let backends = Backends {
        serials: lines
            .iter()
            .map(|line| line.clone() as Rc<dyn Serial>)
            .collect(),
        ..Backends::default()
    };
    let world = World::new(0);
    let machine = Machine::new(&Config::default(), world.surroundings(), backends);
    for (port, byte) in [(0x3f8, 1), (0x2f8, 2), (0x3e8, 3), (0x2e8, 4)] {
        machine.port_write(port + 3, Width::Byte, 3);
        machine.port_write(port, Width::Byte, byte);
    }
    let sent: Vec<_> = lines.iter().map(|line| line.take()).collect();
    assert_eq!(sent, [[1], [2], [3]]);
    assert_eq!(machine.port_read(0x2ed, Width::Byte), 0xff);
    for (i, irq) in [4, 3, 4].into_iter().enumerate() {
        let port = [0x3f8, 0x2f8, 0x3e8][i];
        machine.port_write(port + 4, Width::Byte, 8);
        machine.port_write(port + 1, Width::Byte, 1);
        machine.handles().serials[i].borrow_mut().receive(b'x');
        assert!(world.irq(irq));
        machine.port_read(port, Width::Byte);
        assert!(!world.irq(irq));
    }
}
