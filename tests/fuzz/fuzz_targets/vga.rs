//! The display adapter against any guest: nothing panics or reads outside its
//! memory, and what it reports as changed is all that changed.
//!
//! An input is a list of accesses of four bytes: which kind, where (two bytes),
//! and a value; some of them look at the screen.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::rc::Rc;

use ioemu_stub::bus::{Registers, Width};
use ioemu_stub::display::{Rect, Screenshot, Source};
use ioemu_stub::surroundings::{Clock, NoRange, VideoMemory};
use ioemu_stub::vga::{Blink, DISPI_PORTS, MMIO, PORTS, Vga, WINDOW};

const LEN: usize = 256 << 10;
/// Larger pictures are looked at in part.
const PIXELS: usize = 300_000;

struct Memory {
    bytes: RefCell<Vec<u8>>,
    dirty: RefCell<Vec<bool>>,
}

impl VideoMemory for Memory {
    fn len(&self) -> usize {
        LEN
    }

    fn read(&self, offset: usize, data: &mut [u8]) {
        for (i, byte) in data.iter_mut().enumerate() {
            *byte = *self.bytes.borrow().get(offset + i).unwrap_or(&0);
        }
    }

    fn write(&self, offset: usize, data: &[u8]) {
        let mut bytes = self.bytes.borrow_mut();
        for (i, byte) in data.iter().enumerate() {
            if let Some(place) = bytes.get_mut(offset + i) {
                *place = *byte;
            }
        }
    }

    fn place(&self, _: Option<u64>) -> Result<(), NoRange> {
        Ok(())
    }

    fn take_dirty(&self, pages: Range<usize>, dirty: &mut [u8]) {
        assert!(pages.end <= LEN / 4096, "beyond display memory");
        assert!(dirty.len() * 8 >= pages.len());
        for (i, page) in self.dirty.borrow_mut()[pages].iter_mut().enumerate() {
            dirty[i / 8] |= u8::from(std::mem::take(page)) << (i % 8);
        }
    }
}

struct Time(Cell<u64>);

impl Clock for Time {
    fn now_ns(&self) -> u64 {
        self.0.replace(self.0.get() + 1_234_567)
    }
}

fn whole(source: &dyn Source) -> Rect {
    let geometry = source.geometry();
    Rect {
        x: 0,
        y: 0,
        width: geometry.width,
        height: geometry.height,
    }
}

/// Looks at what changed, and compares with a look at everything.
fn look(vga: &mut Vga, kept: &mut Option<Screenshot>, blink: Blink) {
    let damage = vga.collect(blink);
    let all = whole(vga);
    if all.width as usize * all.height as usize > PIXELS {
        *kept = None;
        let few = Rect { height: 3, ..all };
        vga.draw(few, &mut |_, _, line| assert!(line.len() <= 16000));
        return;
    }
    let fresh = Screenshot::of(vga);
    match kept {
        Some(shot) if (shot.width, shot.height) == (all.width, all.height) => {
            for rect in damage {
                shot.update(vga, rect);
            }
            assert!(*shot == fresh, "a change was not reported");
        }
        _ => *kept = Some(fresh),
    }
}

pub fn fuzz(data: &[u8]) {
    let memory = Rc::new(Memory {
        bytes: RefCell::new(vec![0; LEN]),
        dirty: RefCell::new(vec![false; LEN / 4096]),
    });
    let clock = Rc::new(Time(Cell::new(0)));
    let mut vga = Vga::new(memory.clone(), clock, Rc::from([0x55, 0xaa]));
    let mut kept = None;
    let mut looks = 0;
    for record in data.chunks_exact(4).take(400) {
        let [kind, low, high, value] = [record[0], record[1], record[2], record[3]];
        let at = u64::from(high) << 8 | u64::from(low);
        let byte = u64::from(value);
        match kind % 10 {
            // Index and data at once, as most registers are set.
            0 | 1 => vga.write(PORTS, at % 0x2f, Width::Word, byte << 8 | u64::from(high)),
            2 => vga.write(PORTS, at % 0x30, Width::Byte, byte),
            3 => {
                vga.read(PORTS, at % 0x30, Width::Byte);
            }
            4 => {
                vga.write(DISPI_PORTS, 0, Width::Word, byte % 12);
                vga.write(DISPI_PORTS, 1, Width::Word, at);
            }
            5 => vga.write(WINDOW, at * 2, Width::Word, byte * 0x0101),
            6 => {
                vga.read(WINDOW, at * 2, Width::Word);
            }
            7 => vga.write(MMIO, at % 0xffe, Width::Word, byte * 0x0103),
            8 => {
                let page = at as usize % (LEN / 4096);
                memory.bytes.borrow_mut()[page * 4096 + 16 * usize::from(value)] ^= 0xff;
                memory.dirty.borrow_mut()[page] = true;
            }
            _ if looks < 8 => {
                looks += 1;
                let blink = Blink {
                    characters: value & 1 != 0,
                    cursor: value & 2 != 0,
                };
                look(&mut vga, &mut kept, blink);
            }
            _ => {}
        }
    }
    look(&mut vga, &mut kept, Blink::REST);
}
