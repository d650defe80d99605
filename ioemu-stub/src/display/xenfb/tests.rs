//! The screen over the toy Xen: what a backend in dom0 sees of an adapter, and
//! how often this domain wakes for it.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::ToString;
use alloc::vec;
use core::cell::Cell;
use core::ops::Range;

use minios::arch::host::{OtherDomain, add_peer, connect_store, map_frame};
use minios::executor::{self, block_on};
use minios::time;
use xen_proto::fb;
use xen_proto::mock::BackendState;
use xen_proto::mock::blkback::Domain;
use xen_proto::mock::store::Xenstored;
use xen_proto::ring::{EventReader, EventWriter};
use xen_proto::xenbus::XenbusState;

use super::super::task;
use super::*;
use crate::bus::{Registers, Width};
use crate::surroundings::{Clock, NoRange};
use crate::vga::{DISPI_PORTS, PORTS, Vga};

const BACK: &str = "/local/domain/0/backend/vfb/5/0";
const FRONT: &str = "device/vfb/0";

/// Display memory in pages that a backend can map, or in those it can't.
struct Vram {
    bytes: RefCell<Vec<u8>>,
    dirty: Cell<bool>,
    frames: Vec<u64>,
}

impl VideoMemory for Vram {
    fn len(&self) -> usize {
        self.bytes.borrow().len()
    }

    fn read(&self, offset: usize, data: &mut [u8]) {
        data.copy_from_slice(&self.bytes.borrow()[offset..offset + data.len()]);
    }

    fn write(&self, offset: usize, data: &[u8]) {
        self.bytes.borrow_mut()[offset..offset + data.len()].copy_from_slice(data);
    }

    fn place(&self, _: Option<u64>) -> Result<(), NoRange> {
        Ok(())
    }

    fn take_dirty(&self, _: Range<usize>, dirty: &mut [u8]) {
        dirty.fill(if self.dirty.take() { 0xff } else { 0 });
    }

    fn machine_frames(&self) -> Vec<u64> {
        self.frames.clone()
    }
}

struct Time;

impl Clock for Time {
    fn now_ns(&self) -> u64 {
        time::now_ns()
    }
}

type Page = <OtherDomain as Domain>::Page;

/// dom0's end: the page, what it was told, what it has to say.
#[derive(Default)]
struct Dom0 {
    page: Option<Page>,
    port: u32,
    told: Vec<[u8; 40]>,
    say: Option<u32>,
    turns: u32,
}

struct Bench {
    vga: Rc<RefCell<Vga>>,
    vram: Rc<Vram>,
    dom0: Rc<RefCell<Dom0>>,
}

impl Dom0 {
    fn turn(&mut self, daemon: &Xenstored, state: &mut BackendState) -> bool {
        self.turns += 1;
        let theirs = daemon.get(&format!("{FRONT}/state"));
        let before = state.state();
        let theirs = theirs.as_deref();
        state.saw(theirs.map_or(XenbusState::Unknown, XenbusState::parse));
        state.works();
        let now = state.state();
        if now != before {
            if now == XenbusState::Connected {
                let number = |node: &str| -> u64 {
                    let text = daemon.get(&format!("{FRONT}/{node}"));
                    text.expect("published").parse().unwrap()
                };
                self.page = map_frame(Mfn(number("page-ref")));
                self.port = OtherDomain.bind(number("event-channel") as u32).unwrap();
                daemon.set(&format!("{BACK}/request-update"), "1");
            }
            daemon.set(&format!("{BACK}/state"), &now.number().to_string());
        }
        (now != before) | self.events()
    }

    fn events(&mut self) -> bool {
        let Some(page) = &self.page else {
            return false;
        };
        let before = self.told.len();
        let mut event = [0; 40];
        let mut reader = EventReader::attach(fb::OUT, page);
        while reader.read(page, &mut event).unwrap() {
            self.told.push(event);
        }
        let mut did = self.told.len() != before;
        if let Some(period) = self.say.take() {
            let mut event = [0; 40];
            event[0] = 1;
            event[4..8].copy_from_slice(&period.to_le_bytes());
            let mut writer = EventWriter::attach(fb::IN, page);
            writer.write(page, &event).unwrap();
            OtherDomain.notify(self.port);
            did = true;
        }
        did
    }

    /// A pixel of the frame buffer, by way of the directory.
    fn pixel(&self, at: usize) -> u32 {
        let page = self.page.as_ref().expect("connected");
        let (number, within) = (at / 4096, at % 4096);
        let directory = map_frame(Mfn(page.get(40 + number / 512 * 8))).unwrap();
        let pixels = map_frame(Mfn(directory.get(number % 512 * 8))).unwrap();
        pixels.get::<u32>(within)
    }
}

/// A screen with everything connected.
fn bench(frames: Vec<u64>) -> Bench {
    let daemon = Xenstored::new(5);
    for (node, value) in [("backend", BACK), ("backend-id", "0"), ("state", "1")] {
        daemon.set(&format!("{FRONT}/{node}"), value);
    }
    daemon.set(&format!("{BACK}/state"), "1");
    let store = connect_store(&daemon);
    let dom0 = Rc::new(RefCell::new(Dom0::default()));
    let mine = dom0.clone();
    let mut state = BackendState::new(XenbusState::Initialising);
    add_peer(Box::new(move || {
        mine.borrow_mut().turn(&daemon, &mut state)
    }));
    let vram = Rc::new(Vram {
        bytes: RefCell::new(vec![0; 4 << 20]),
        dirty: Cell::new(false),
        frames,
    });
    let vga = Vga::new(vram.clone(), Rc::new(Time), Rc::from([]));
    let vga = Rc::new(RefCell::new(vga));
    let display = Rc::new(RefCell::new(Display::new(vga.clone())));
    let kick = Kick::default();
    executor::spawn(task::run(display.clone(), kick.clone()));
    let memory = vram.clone();
    executor::spawn(async move { serve(&store, 0, display, memory, kick).await });
    let bench = Bench { vga, vram, dom0 };
    bench.pass(100);
    bench
}

impl Bench {
    fn pass(&self, ms: u64) {
        block_on(time::sleep(Duration::from_millis(ms)));
    }

    fn dispi(&self, registers: &[(u64, u64)]) {
        let mut vga = self.vga.borrow_mut();
        for (index, value) in registers {
            vga.write(DISPI_PORTS, 0, Width::Word, *index);
            vga.write(DISPI_PORTS, 1, Width::Word, *value);
        }
        vga.write(PORTS, 0x10, Width::Byte, 0x20);
    }

    fn set_mode(&self, width: u64, height: u64, bpp: u64) {
        self.dispi(&[(4, 0), (1, width), (2, height), (3, bpp), (4, 0xc1)]);
        self.pass(100);
    }

    fn say(&self, period: u32) {
        self.dom0.borrow_mut().say = Some(period);
        self.pass(1);
    }

    fn told(&self) -> Vec<[u8; 40]> {
        self.dom0.borrow_mut().told.split_off(0)
    }

    /// How often this domain goes to sleep in an hour in which nothing happens.
    fn wakes(&self) -> u32 {
        let before = self.dom0.borrow().turns;
        self.pass(3_600_000);
        self.dom0.borrow().turns - before
    }
}

fn number(event: &[u8; 40], at: usize) -> u32 {
    u32::from_le_bytes(event[at..at + 4].try_into().unwrap())
}

#[test]
fn a_picture_is_drawn_into_the_frame_buffer_as_it_changes() {
    let bench = bench(Vec::new());
    bench.told();
    bench.set_mode(64, 32, 32);
    let told = bench.told();
    let resize = told.iter().find(|event| event[0] == 3).expect("a resize");
    let layout = [4, 8, 12, 16, 20].map(|at| number(resize, at));
    assert_eq!(layout, [64, 32, 256, 32, 0]);
    // The guest draws into line 16, which begins a page.
    bench.vram.write(4096, &0x00aa_bbccu32.to_le_bytes());
    bench.vram.dirty.set(true);
    // It was quiet, so it is not looked at at once.
    bench.pass(500);
    assert_eq!(bench.dom0.borrow().pixel(16 * 256), 0xaa_bbcc);
    assert!(bench.told().iter().all(|event| event[0] == 2));
}

#[test]
fn a_picture_in_display_memory_is_pointed_at() {
    let frames: Vec<u64> = (0..1024).map(|frame| 0x10_0000 + frame).collect();
    let bench = bench(frames.clone());
    bench.told();
    bench.set_mode(1024, 768, 32);
    let told = bench.told();
    let resize = told.iter().find(|event| event[0] == 3).expect("a resize");
    let own = number(resize, 20) as usize;
    assert!(own > 0 && own.is_multiple_of(4096));
    let first = own / 4096;
    let page = bench.dom0.borrow().page.clone().unwrap();
    let directory = map_frame(Mfn(page.get(40 + first / 512 * 8))).unwrap();
    assert_eq!(directory.get::<u64>(first % 512 * 8), frames[0]);
    // The offsets move it; 24 bits are not what a backend shows.
    bench.dispi(&[(9, 100)]);
    bench.pass(100);
    let told = bench.told();
    let resize = told.iter().rfind(|event| event[0] == 3).expect("a resize");
    assert_eq!(number(resize, 20) as usize, own + 100 * 4096);
    bench.set_mode(640, 480, 24);
    let told = bench.told();
    let resize = told.iter().rfind(|event| event[0] == 3).expect("a resize");
    assert_eq!([16, 20].map(|at| number(resize, at)), [32, 0]);
}

#[test]
fn nothing_wakes_this_domain_while_nobody_looks() {
    let bench = bench(Vec::new());
    bench.set_mode(640, 480, 32);
    bench.say(30);
    // A frame buffer that may change at any time, and somebody who looks.
    bench.say(80);
    let looking = bench.wakes();
    assert!(
        (3000..5000).contains(&looking),
        "once in a second: {looking}"
    );
    // QEMU's VNC server with its last client gone.
    bench.say(3000);
    bench.pass(1000);
    let asleep = bench.wakes();
    assert!(asleep <= 2, "{asleep}");
    // Back again: what happened meanwhile is seen.
    bench.vram.write(0, &0x1234u32.to_le_bytes());
    bench.vram.dirty.set(true);
    bench.say(30);
    bench.pass(50);
    assert_eq!(bench.dom0.borrow().pixel(0), 0x1234);
}

#[test]
fn a_text_screen_wakes_nobody_even_while_somebody_looks() {
    let bench = bench(Vec::new());
    bench.say(30);
    let mut vga = bench.vga.borrow_mut();
    vga.write(PORTS, 0x12, Width::Byte, 0x67);
    vga.write(PORTS, 0x10, Width::Byte, 0x20);
    drop(vga);
    // What blinks goes on for a while.
    bench.pass(20_000);
    let wakes = bench.wakes();
    assert!(wakes <= 2, "{wakes}");
}

#[test]
fn a_backend_that_never_said_how_often_it_looks_costs_little() {
    let bench = bench(Vec::new());
    bench.set_mode(640, 480, 32);
    let wakes = bench.wakes();
    assert!((100..200).contains(&wakes), "twice a minute: {wakes}");
}

#[test]
fn a_picture_too_large_is_cut_off() {
    let bench = bench(Vec::new());
    bench.told();
    // 8 bits, drawn with 32: four times the memory.
    bench.set_mode(2048, 2000, 8);
    let told = bench.told();
    let resize = told.iter().rfind(|event| event[0] == 3).expect("a resize");
    assert_eq!(number(resize, 4), 2048);
    assert_eq!(number(resize, 8), 512, "4 MiB of lines of 8 KiB");
}
