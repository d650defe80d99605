//! ACPI, APM, SMBus, hotplug, CMOS and the reset ports.

use crate::traffic::{Focus, run};

static FOCUS: Focus = Focus {
    ports: &[
        0xb000..0xb040,
        0xb100..0xb110,
        0xb2..0xb4,
        0xafe0..0xafe4,
        0xae00..0xae14,
        0xaf00..0xaf24,
        0x70..0x73,
        0x92..0x93,
        0xcf9..0xcfa,
        0xb044..0xb048,
    ],
    memory: &[],
    functions: &[0x0b],
    setup: &[
        (0x0b, 0x40, 0xb001),
        (0x0b, 0x80, 1),
        (0x0b, 0x90, 0xb101),
        (0x0b, 0xd0, 0x0001_0000),
    ],
};

pub fn fuzz(data: &[u8]) {
    run(data, &FOCUS, |bench, step| {
        bench.machine.press_power_button();
        bench.machine.plug_processor(step.place, step.number & 1 != 0);
        let handles = bench.machine.handles();
        let Some(hotplug) = &handles.hotplug else {
            return;
        };
        let mut hotplug = hotplug.borrow_mut();
        match step.number & 6 {
            0 => hotplug.insert(step.place),
            2 => hotplug.request_removal(step.place),
            _ => _ = hotplug.take_ejected(),
        }
    });
}
