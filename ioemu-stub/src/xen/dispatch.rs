//! From a request to the chip it is for.
//!
//! Pure: a request, a machine and the guest's memory in, the answer out. What
//! the guest can't have meant (no such width, an address that wraps) reads as
//! ones and writes nothing, as an access to nothing does.

use alloc::vec;

use super::request::{Kind, Request};
use crate::bus::{Shared, Width};
use crate::surroundings::GuestMemory;

/// What requests are for: the machine.
pub trait Target {
    /// Who answers at a port.
    fn port(&self, address: u64, bytes: usize) -> Option<(Shared, u8, u64)>;
    /// Who answers at an address of device memory.
    fn memory(&self, address: u64, bytes: usize) -> Option<(Shared, u8, u64)>;
    /// Reads configuration space of function `devfn` of bus 0.
    fn config_read(&self, devfn: u8, register: u64, width: Width) -> u64;
    /// Writes it.
    fn config_write(&self, devfn: u8, register: u64, width: Width, value: u64);
}

/// Most bytes of a string instruction that are worked off at once. Xen cuts
/// them at page borders, so this is plenty.
const CHUNK: usize = 4096;

/// Carries out `request`. Returns what the guest reads.
pub fn dispatch(request: &Request, machine: &dyn Target, memory: &dyn GuestMemory) -> u64 {
    let Some(width) = request.width else {
        return u64::MAX;
    };
    match request.kind {
        Kind::Port if request.indirect => string_port(request, width, machine, memory),
        Kind::Port => single(request, width, machine.port(request.address, width.bytes())),
        Kind::Memory => copy(request, width, machine, memory),
        Kind::Config => config(request, width, machine),
        // Dealt with by those who know what changed.
        Kind::TimeOffset | Kind::Invalidate | Kind::Unknown(_) => request.data,
    }
}

/// One access of one register.
fn single(request: &Request, width: Width, chip: Option<(Shared, u8, u64)>) -> u64 {
    match (chip, request.read) {
        (Some((chip, region, offset)), true) => chip.borrow_mut().read(region, offset, width),
        (Some((chip, region, offset)), false) => {
            let value = request.data & width.ones();
            chip.borrow_mut().write(region, offset, width, value);
            request.data
        }
        (None, true) => width.ones(),
        (None, false) => request.data,
    }
}

/// `ins` and `outs`: one port, many values.
fn string_port(
    request: &Request,
    width: Width,
    machine: &dyn Target,
    memory: &dyn GuestMemory,
) -> u64 {
    let chip = machine.port(request.address, width.bytes());
    if request.descending {
        each_value(request, width, |at, _| {
            let mut value = [0; 8];
            let value = &mut value[..width.bytes()];
            transfer(request.read, width, &chip, memory, at, value);
        });
        return request.data;
    }
    let mut left = u64::from(request.count.min(MOST)) * width.bytes() as u64;
    let mut at = request.data;
    let mut buffer = vec![0; CHUNK.min(left as usize)];
    while left > 0 {
        let part = &mut buffer[..CHUNK.min(left as usize)];
        transfer(request.read, width, &chip, memory, at, part);
        left -= part.len() as u64;
        match at.checked_add(part.len() as u64) {
            Some(next) => at = next,
            None => break,
        }
    }
    request.data
}

/// Moves values between a register and the guest's memory at `at`.
fn transfer(
    read: bool,
    width: Width,
    chip: &Option<(Shared, u8, u64)>,
    memory: &dyn GuestMemory,
    at: u64,
    buffer: &mut [u8],
) {
    // Where the guest's own pointer leads nowhere, it reads ones, and what it
    // would store is lost, as on any bus.
    if read {
        match chip {
            Some((chip, region, offset)) => {
                let mut chip = chip.borrow_mut();
                chip.read_block(*region, *offset, width, buffer);
            }
            None => buffer.fill(0xff),
        }
        let _ = memory.write(at, buffer);
    } else {
        if memory.read(at, buffer).is_err() {
            buffer.fill(0xff);
        }
        if let Some((chip, region, offset)) = chip {
            let mut chip = chip.borrow_mut();
            chip.write_block(*region, *offset, width, buffer);
        }
    }
}

/// An access to device memory: one, `stos` (one value to many places), or
/// `movs` between it and RAM.
fn copy(request: &Request, width: Width, machine: &dyn Target, memory: &dyn GuestMemory) -> u64 {
    let mut answer = request.data;
    if !request.indirect && request.count <= 1 {
        return single(
            request,
            width,
            machine.memory(request.address, width.bytes()),
        );
    }
    if request.indirect && block(request, width, machine, memory) {
        return answer;
    }
    each_value(request, width, |data, step| {
        let Some(address) = request.address.checked_add_signed(step) else {
            return;
        };
        let chip = machine.memory(address, width.bytes());
        if request.indirect {
            let mut value = [0; 8];
            let value = &mut value[..width.bytes()];
            // `movs` from one place of device memory to another comes here, too.
            let other = machine.memory(data, width.bytes());
            match other {
                Some(_) => between(request.read, width, &chip, &other),
                None => transfer(request.read, width, &chip, memory, data, value),
            }
        } else {
            answer = single(request, width, chip);
        }
    });
    answer
}

/// `movs` upwards between RAM and one chip's memory, all at once: a guest that
/// draws or scrolls. Whether it was that.
fn block(request: &Request, width: Width, machine: &dyn Target, memory: &dyn GuestMemory) -> bool {
    let bytes = request.count as usize * width.bytes();
    if request.descending || request.count == 0 || bytes > CHUNK {
        return false;
    }
    let in_ram = |at: u64| machine.memory(at, 1).is_none();
    let last = request.data.checked_add(bytes as u64 - 1);
    if !in_ram(request.data) || !last.is_some_and(in_ram) {
        return false;
    }
    let Some((chip, region, offset)) = machine.memory(request.address, bytes) else {
        return false;
    };
    let mut buffer = [0; CHUNK];
    let buffer = &mut buffer[..bytes];
    let mut chip = chip.borrow_mut();
    let offsets = (offset..).step_by(width.bytes());
    if request.read {
        for (element, offset) in buffer.chunks_exact_mut(width.bytes()).zip(offsets) {
            let value = chip.read(region, offset, width);
            element.copy_from_slice(&value.to_le_bytes()[..width.bytes()]);
        }
        // Read once; what has no place in RAM is lost.
        let _ = memory.write(request.data, buffer);
        return true;
    }
    if memory.read(request.data, buffer).is_err() {
        return false;
    }
    for (element, offset) in buffer.chunks_exact(width.bytes()).zip(offsets) {
        chip.write(region, offset, width, width.from_le(element));
    }
    true
}

/// Moves one value from one chip to another (or within one).
fn between(
    read: bool,
    width: Width,
    chip: &Option<(Shared, u8, u64)>,
    other: &Option<(Shared, u8, u64)>,
) {
    let (from, to) = if read { (chip, other) } else { (other, chip) };
    let value = match from {
        Some((from, region, offset)) => from.borrow_mut().read(*region, *offset, width),
        None => width.ones(),
    };
    if let Some((to, region, offset)) = to {
        to.borrow_mut().write(*region, *offset, width, value);
    }
}

/// Most values of one request: Xen makes none with more.
const MOST: u32 = 4096;

/// Calls `f` with the address of each value in memory and its distance from
/// the first, in the guest's order.
fn each_value(request: &Request, width: Width, mut f: impl FnMut(u64, i64)) {
    let size = width.bytes() as i64;
    let step = if request.descending { -size } else { size };
    for index in 0..request.count.min(MOST) {
        let distance = step * i64::from(index);
        if let Some(at) = request.data.checked_add_signed(distance) {
            f(at, distance);
        } else if !request.indirect {
            f(request.data, distance);
        }
    }
}

/// Configuration space: segment, bus, device and function in the upper half.
fn config(request: &Request, width: Width, machine: &dyn Target) -> u64 {
    let register = request.address & 0xffff_ffff;
    // Bus 0 of segment 0 is all there is.
    let Ok(devfn) = u8::try_from(request.address >> 32) else {
        return width.ones();
    };
    if request.read {
        machine.config_read(devfn, register, width)
    } else {
        machine.config_write(devfn, register, width, request.data & width.ones());
        request.data
    }
}

#[cfg(test)]
mod tests;
