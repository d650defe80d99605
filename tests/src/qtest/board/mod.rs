//! The board: the machine of `ioemu-stub`, what Xen would give it, and a
//! client's hands on all of it.
//!
//! After each thing that a client does, [`Board::settle`] works off what it
//! set going: disk requests, resets, a power-off. So everything is over when
//! the client hears that its command was carried out.

mod address_space;
mod build;
mod outside;

use super::chip::{AcpiTimer, ElcrPorts, FwCfg, Pics, Pit, Rtc, TestDevice, Timed};
use super::clock::VirtualClock;
use super::disk::{Drive, Image, Pumped};
use super::interrupts::Interrupts;
use super::options::Options;
use address_space::test_memory;
use anyhow::{Context, Result, anyhow, ensure};
pub use build::DEVICES;
use build::{BoardDrive, Parts};
use ioemu_stub::bus::{Registers, Shared, Space, Width};
use ioemu_stub::machine::Machine;
use ioemu_stub::surroundings::{Clock as _, Line, Pins, PowerState, Surroundings};
use outside::{Claims, PowerSwitch};
use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

/// Something that monitors are told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// The machine was reset, by the guest or not.
    Reset {
        /// By the guest.
        guest: bool,
    },
    /// The guest switched it off.
    Shutdown,
    /// The guest sleeps.
    Suspend,
    /// An error of the host stops it.
    Stop,
    /// It goes on.
    Resume,
}

/// The board.
pub struct Board {
    parts: Parts,
    clock: Rc<VirtualClock>,
    pics: Rc<RefCell<Pics>>,
    interrupts: Rc<Interrupts>,
    rtc: Rc<RefCell<Rtc>>,
    power: Rc<PowerSwitch>,
    claims: Rc<Claims>,
    machine: Machine,
    chips: Chips,
    /// What was last written to port 0x70.
    cmos_index: u8,
    /// The two lowest bits last written to port 0xcf8.
    config_lane: u64,
    stopped: bool,
    off: bool,
    events: Vec<Event>,
}

impl Board {
    /// Builds what `options` want.
    ///
    /// # Errors
    /// With what is wrong about them.
    pub fn new(options: &Options) -> Result<Self> {
        let mut parts = Parts::new(options)?;
        let clock = Rc::new(VirtualClock::default());
        let pics = Rc::new(RefCell::new(Pics::default()));
        let interrupts = Rc::new(Interrupts::new(pics.clone()));
        let pins: Rc<dyn Pins> = interrupts.clone();
        let rtc = Rtc::new(clock.clone(), Line::isa(&pins, 8), parts.date);
        let power = Rc::new(PowerSwitch::default());
        let claims = Rc::new(Claims::default());
        let around = Surroundings {
            memory: parts.ram.clone(),
            pins: pins.clone(),
            ranges: claims.clone(),
            clock: clock.clone(),
            power: power.clone(),
        };
        let mut first = parts.config.clone();
        if let Some(once) = parts.once.take() {
            first.boot = once;
        }
        let machine = Machine::new(&first, around, parts.backends());
        let chips = Chips::new(&parts, &clock, &pins, &pics);
        let mut board = Board {
            parts,
            clock,
            pics,
            interrupts,
            rtc: Rc::new(RefCell::new(rtc)),
            power,
            claims,
            machine,
            chips,
            cmos_index: 0,
            config_lane: 0,
            stopped: false,
            off: false,
            events: Vec::new(),
        };
        board.settle();
        Ok(board)
    }

    /// The drive that a client calls `name`.
    ///
    /// # Errors
    /// If there is none.
    pub fn drive(&self, name: &str) -> Result<&Rc<Drive>> {
        self.board_drive(name).map(|drive| &drive.drive)
    }

    fn board_drive(&self, name: &str) -> Result<&BoardDrive> {
        let drive = self.parts.drives.iter().find(|drive| drive.name == name);
        drive.with_context(|| format!("Device '{name}' not found"))
    }

    /// Takes the medium out of the CD drive that a client calls `name`; out of
    /// a locked one only if `force`.
    ///
    /// # Errors
    /// If it is none, or locked.
    pub fn eject(&mut self, name: &str, force: bool) -> Result<()> {
        let drive = self.board_drive(name)?;
        let ide = self.machine.handles().ide.as_ref();
        let ide = ide.context("there is no IDE")?;
        let opened = ide.borrow_mut().eject(drive.place, force);
        opened.map_err(|error| anyhow!("{error}"))?;
        drive.drive.change(None);
        self.settle();
        Ok(())
    }

    /// Puts `image` into the CD drive that a client calls `name`.
    ///
    /// # Errors
    /// If it is none.
    pub fn insert(&mut self, name: &str, image: Image) -> Result<()> {
        let drive = self.board_drive(name)?;
        let ide = self.machine.handles().ide.as_ref();
        let ide = ide.context("there is no IDE")?;
        ensure!(drive.cd, "Device '{name}' has no removable medium");
        drive.drive.change(Some(image));
        let closed = ide.borrow_mut().insert(drive.place, drive.drive.clone());
        closed.map_err(|error| anyhow!("{error}"))?;
        self.settle();
        Ok(())
    }

    /// The interrupt inputs.
    pub fn interrupts(&self) -> &Interrupts {
        &self.interrupts
    }

    /// How many processors there would be.
    pub fn processors(&self) -> u32 {
        self.parts.config.processors
    }

    /// Whether no error stops it.
    pub fn running(&self) -> bool {
        !self.stopped
    }

    /// Whether the guest switched it off.
    pub fn is_off(&self) -> bool {
        self.off
    }

    /// What happened since the last call.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// The power button.
    pub fn press_power_button(&mut self) {
        self.machine.press_power_button();
        self.settle();
    }

    /// The machine and all chips beside it are built anew, as when Xen builds
    /// a domain anew. Disks stay as they are.
    pub fn reset(&mut self, guest: bool) {
        for drive in &self.parts.drives {
            drive.drive.reset();
        }
        let pins: Rc<dyn Pins> = self.interrupts.clone();
        self.interrupts.reset();
        self.claims = Rc::new(Claims::default());
        let around = Surroundings {
            memory: self.parts.ram.clone(),
            pins: pins.clone(),
            ranges: self.claims.clone(),
            clock: self.clock.clone(),
            power: self.power.clone(),
        };
        self.machine = Machine::new(&self.parts.config, around, self.parts.backends());
        self.chips = Chips::new(&self.parts, &self.clock, &pins, &self.pics);
        self.events.push(Event::Reset { guest });
        self.settle();
    }

    /// Goes on after an error of the host.
    pub fn go_on(&mut self) {
        if std::mem::take(&mut self.stopped) {
            self.events.push(Event::Resume);
        }
        self.settle();
    }

    /// The processor reads a port.
    pub fn port_read(&mut self, port: u64, width: Width) -> u64 {
        let port = self.lane(port);
        let value = match self.chips.ports.find(port, width.bytes()) {
            _ if port == 0x71 && width == Width::Byte && Rtc::owns(self.cmos_index) => {
                u64::from(self.rtc.borrow_mut().read(self.cmos_index))
            }
            Some((chip, region, offset)) => chip.borrow_mut().read(region, offset, width),
            None if self.claims.has_ports(port, width.bytes() as u64) => {
                self.machine.port_read(port, width)
            }
            None => width.ones(),
        };
        self.settle();
        value
    }

    /// The processor writes a port.
    pub fn port_write(&mut self, port: u64, width: Width, value: u64) {
        let port = self.lane(port);
        if port == 0xcf8 && width == Width::Dword {
            self.config_lane = value & 3;
        }
        if port == 0x70 && width == Width::Byte {
            self.cmos_index = value as u8 & 0x7f;
        }
        match self.chips.ports.find(port, width.bytes()) {
            _ if port == 0x71 && width == Width::Byte && Rtc::owns(self.cmos_index) => {
                self.rtc.borrow_mut().write(self.cmos_index, value as u8);
            }
            Some((chip, region, offset)) => chip.borrow_mut().write(region, offset, width, value),
            None if self.claims.has_ports(port, width.bytes() as u64) => {
                self.machine.port_write(port, width, value);
            }
            None => {}
        }
        self.settle();
    }

    /// The bytes of a configuration register are chosen by the data port. Some
    /// clients choose them by the address port, whose two lowest bits a real
    /// one does not have.
    fn lane(&self, port: u64) -> u64 {
        match port {
            0xcfc..=0xcff => port | self.config_lane,
            _ => port,
        }
    }

    /// Works off everything that was set going.
    pub fn settle(&mut self) {
        loop {
            match self.power.take() {
                None | Some(PowerState::On) => {}
                Some(PowerState::Reset) => return self.reset(true),
                Some(PowerState::Off) => {
                    self.off = true;
                    self.events.push(Event::Shutdown);
                }
                Some(PowerState::Suspend) => self.events.push(Event::Suspend),
            }
            if !self.pump() {
                return;
            }
        }
    }

    /// Gives each drive its turn. Says whether there may be more to do.
    fn pump(&mut self) -> bool {
        let mut worked = false;
        for drive in &self.parts.drives {
            if self.stopped {
                return false;
            }
            match drive.drive.pump() {
                Pumped::Idle => {}
                Pumped::Worked => worked = true,
                Pumped::Stopped => {
                    self.stopped = true;
                    self.events.push(Event::Stop);
                }
            }
        }
        worked
    }

    /// The chips that act by themselves.
    fn timed(&self) -> [Rc<RefCell<dyn Timed>>; 2] {
        [self.rtc.clone(), self.chips.pit.clone()]
    }

    /// When the next chip acts by itself.
    fn deadline(&self) -> Option<u64> {
        let timed = self.timed();
        let deadlines = timed.iter().map(|chip| chip.borrow().deadline());
        deadlines.flatten().min()
    }

    /// Moves the clock to the next moment at which a chip acts.
    ///
    /// # Errors
    /// If there is none.
    pub fn step(&mut self) -> Result<u64> {
        let next = self.deadline().context("no timer is running")?;
        self.move_clock(next);
        Ok(next)
    }

    /// Moves the clock to `to`, from deadline to deadline.
    ///
    /// # Errors
    /// If that is in the past.
    pub fn set_clock(&mut self, to: u64) -> Result<()> {
        ensure!(to >= self.clock.now_ns(), "the clock does not go back");
        self.move_clock(to);
        Ok(())
    }

    fn move_clock(&mut self, to: u64) {
        while let Some(deadline) = self.deadline().filter(|deadline| *deadline <= to) {
            self.clock.set(deadline);
            for chip in &self.timed() {
                chip.borrow_mut().expire(deadline);
            }
            self.settle();
        }
        self.clock.set(to);
    }

    /// The time.
    pub fn now_ns(&self) -> u64 {
        self.clock.now_ns()
    }
}

/// The chips beside the machine, but for the clock.
struct Chips {
    ports: Space,
    pit: Rc<RefCell<Pit>>,
    /// And where its memory is.
    test_device: Option<(Shared, Range<u64>)>,
}

impl Chips {
    /// Each at its ports.
    fn new(
        parts: &Parts,
        clock: &Rc<VirtualClock>,
        pins: &Rc<dyn Pins>,
        pics: &Rc<RefCell<Pics>>,
    ) -> Self {
        let mut ports = Space::new();
        let mut place = |chip: Shared, regions: &[(u64, u64)]| {
            for (region, (first, count)) in (0..).zip(regions) {
                ports.map(*first..first + count, chip.clone(), region);
            }
        };
        place(pics.clone(), &[(0x20, 2), (0xa0, 2)]);
        place(shared(ElcrPorts(pics.clone())), &[(0x4d0, 2)]);
        let pit = Pit::new(clock.clone(), Line::isa(pins, 0));
        let pit = Rc::new(RefCell::new(pit));
        place(pit.clone(), &[(0x40, 4), (0x61, 1)]);
        let acpi = shared(AcpiTimer::new(clock.clone()));
        place(acpi, &[(0xb000, 4), (0xb008, 4)]);
        let fw_cfg = shared(FwCfg::new(parts.ram.clone(), &parts.fw_cfg));
        place(fw_cfg, &[(0x510, 12)]);
        let test_device = parts.test_device.then(|| {
            let chip = shared(TestDevice::default());
            place(chip.clone(), &[(0xe0, 4), (0, 0), (0xe8, 4)]);
            (chip, test_memory())
        });
        Chips {
            ports,
            pit,
            test_device,
        }
    }
}

fn shared(chip: impl Registers + 'static) -> Shared {
    Rc::new(RefCell::new(chip))
}
