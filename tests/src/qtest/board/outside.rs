//! What the board is to its machine: who gets which access, and the power.

use ioemu_stub::surroundings::{Claim, NoRange, Power, PowerState, Ranges, Serial};
use std::cell::RefCell;
use std::fs::File;
use std::io::Write as _;
use std::ops::Range;

/// What the machine claims. Ranges of one kind never overlap, as under Xen.
#[derive(Default)]
pub struct Claims {
    ports: RefCell<Vec<Range<u64>>>,
    memory: RefCell<Vec<Range<u64>>>,
}

impl Claims {
    /// Whether an access to `bytes` ports from `port` on is the machine's.
    pub fn has_ports(&self, port: u64, bytes: u64) -> bool {
        let all = |range: &Range<u64>| range.start <= port && port + bytes <= range.end;
        self.ports.borrow().iter().any(all)
    }

    /// The device memory of the machine.
    pub fn memory(&self) -> Vec<Range<u64>> {
        self.memory.borrow().clone()
    }
}

impl Ranges for Claims {
    fn claim(&self, range: Claim) -> Result<(), NoRange> {
        let (list, range) = match range {
            Claim::Ports(ports) => (&self.ports, ports),
            Claim::Memory(memory) => (&self.memory, memory),
            // Configuration cycles all go to the machine.
            Claim::Function(_) => return Ok(()),
        };
        let mut list = list.borrow_mut();
        if list
            .iter()
            .any(|known| range.start < known.end && known.start < range.end)
        {
            return Err(NoRange);
        }
        list.push(range);
        Ok(())
    }

    fn release(&self, range: Claim) {
        let (list, range) = match range {
            Claim::Ports(ports) => (&self.ports, ports),
            Claim::Memory(memory) => (&self.memory, memory),
            Claim::Function(_) => return,
        };
        let mut list = list.borrow_mut();
        let known = list.iter().position(|known| *known == range);
        list.remove(known.expect("only what was claimed is released"));
    }
}

/// Remembers what the machine did to its power, until the board acts on it.
#[derive(Default)]
pub struct PowerSwitch {
    wanted: RefCell<Option<PowerState>>,
}

impl PowerSwitch {
    /// What was asked for since the last call.
    pub fn take(&self) -> Option<PowerState> {
        self.wanted.take()
    }
}

impl Power for PowerSwitch {
    fn set(&self, state: PowerState) {
        self.wanted.replace(Some(state));
    }
}

/// The far end of a serial line: a file, or nothing.
pub struct SerialFile(pub Option<File>);

impl Serial for SerialFile {
    fn send(&self, byte: u8) -> bool {
        if let Some(mut file) = self.0.as_ref() {
            // A full disk of the host is no matter of the guest's.
            let _ = file.write_all(&[byte]);
        }
        true
    }
}
