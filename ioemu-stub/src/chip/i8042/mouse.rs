//! A PS/2 mouse with three buttons that becomes an IntelliMouse (wheel) or an
//! IntelliMouse Explorer (wheel and five buttons) for those who know the
//! knocks (IBM PS/2 technical reference, "Mouse"; Microsoft, "PS/2 Mouse
//! Enhancements").

use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// How many bytes of movement it keeps while nobody reads them.
const BUFFER: usize = 16;

const ACKNOWLEDGE: u8 = 0xfa;
const RESEND: u8 = 0xfe;
const ERROR: u8 = 0xfc;
const SELF_TEST_PASSED: u8 = 0xaa;
const RESET_WRAP: u8 = 0xec;
const RESET: u8 = 0xff;
const DEFAULT_RATE: u8 = 100;
/// 4 counts per millimetre.
const DEFAULT_RESOLUTION: u8 = 2;
/// The most that a packet can say.
const MOST: i32 = 255;

/// Which buttons are down.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Buttons(u8);

impl Buttons {
    /// Buttons by their bits: 0 left, 1 right, 2 middle, 3 and 4 the side
    /// ones.
    pub const fn from_bits(bits: u8) -> Self {
        Buttons(bits & 0x1f)
    }

    const fn first_three(self) -> u8 {
        self.0 & 7
    }
}

/// What it is by now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Standard = 0,
    Wheel = 3,
    FiveButtons = 4,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    /// Movements are sent as they are made.
    Stream,
    /// Movements are sent when asked for.
    Remote,
    /// Bytes come back.
    Wrap { remote: bool },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Expecting {
    Command,
    Resolution,
    Rate,
}

/// The mouse.
pub struct Mouse {
    kind: Kind,
    mode: Mode,
    expecting: Expecting,
    reporting: bool,
    /// Movements count double, by a table.
    scaling: bool,
    resolution: u8,
    rate: u8,
    /// The last three rates: the knocks.
    knocks: [u8; 3],
    buttons: Buttons,
    /// Movement since the last packet: right, up, and the wheel.
    moved: [i32; 3],
    /// Some movement was more than a packet can say.
    overflow: [bool; 2],
    /// Something happened since the last packet.
    unsaid: bool,
    buffer: VecDeque<u8>,
    replies: VecDeque<u8>,
    last: u8,
    /// The command before was wrong, too.
    wrong: bool,
}

impl Mouse {
    /// After power-on: it says nothing until it is told to.
    pub fn new() -> Self {
        Mouse {
            kind: Kind::Standard,
            mode: Mode::Stream,
            expecting: Expecting::Command,
            reporting: false,
            scaling: false,
            resolution: DEFAULT_RESOLUTION,
            rate: DEFAULT_RATE,
            knocks: [0; 3],
            buttons: Buttons::default(),
            moved: [0; 3],
            overflow: [false; 2],
            unsaid: false,
            buffer: VecDeque::with_capacity(BUFFER),
            replies: VecDeque::new(),
            last: 0,
            wrong: false,
        }
    }

    /// The next byte it has to say.
    pub fn take(&mut self) -> Option<u8> {
        if self.replies.is_empty() && self.buffer.is_empty() {
            self.stream();
        }
        let byte = match self.replies.pop_front() {
            Some(byte) => byte,
            None => self.buffer.pop_front()?,
        };
        self.last = byte;
        Some(byte)
    }

    /// It moves right by `dx` and down by `dy`; the wheel turns towards the
    /// user by `dz`.
    pub fn moved(&mut self, dx: i32, dy: i32, dz: i32) {
        let wheel = if self.kind == Kind::Standard { 0 } else { dz };
        let mut left = [dx, dy.saturating_neg(), wheel];
        // A long way is several packets, as long as there is room for them.
        for _ in 0..BUFFER {
            for (axis, left) in left.iter_mut().enumerate() {
                let most = if axis == 2 { 7 } else { MOST };
                let step = (*left).clamp(-most, most);
                let sum = self.moved[axis] + step;
                let kept = sum.clamp(-most, most);
                *left -= step - (sum - kept);
                self.moved[axis] = kept;
                self.unsaid |= step != 0;
            }
            if !self.stream() || left == [0; 3] {
                break;
            }
        }
        // What its counters can't hold is lost, and it says so.
        for (overflow, left) in self.overflow.iter_mut().zip(left) {
            *overflow |= left != 0;
        }
    }

    /// These buttons are down now.
    pub fn set_buttons(&mut self, buttons: Buttons) {
        if core::mem::replace(&mut self.buttons, buttons) != buttons {
            self.unsaid = true;
            self.stream();
        }
    }

    /// Sends a packet, if there is something to say and room for it.
    fn stream(&mut self) -> bool {
        let length = if self.kind == Kind::Standard { 3 } else { 4 };
        let sends = self.mode == Mode::Stream && self.reporting && self.unsaid;
        if !sends || self.buffer.len() + length > BUFFER {
            return false;
        }
        let packet = self.packet(self.scaling);
        self.buffer.extend(packet);
        true
    }

    /// What happened since the last packet.
    fn packet(&mut self, scaling: bool) -> Vec<u8> {
        let mut first = 0x08 | self.buttons.first_three();
        let mut packet = Vec::with_capacity(4);
        packet.push(0);
        for axis in 0..2 {
            let counted = match scaling {
                true => double(self.moved[axis]),
                false => self.moved[axis],
            };
            let said = counted.clamp(-MOST, MOST);
            if said < 0 {
                first |= 0x10 << axis;
            }
            if self.overflow[axis] || said != counted {
                first |= 0x40 << axis;
            }
            packet.push(said as u8);
        }
        packet[0] = first;
        let wheel = self.moved[2];
        match self.kind {
            Kind::Standard => {}
            Kind::Wheel => packet.push(wheel as u8),
            Kind::FiveButtons => packet.push(wheel as u8 & 0x0f | (self.buttons.0 & 0x18) << 1),
        }
        self.forget_movement();
        packet
    }

    fn forget_movement(&mut self) {
        self.moved = [0; 3];
        self.overflow = [false; 2];
        self.unsaid = false;
    }

    /// A byte from the controller.
    pub fn command(&mut self, byte: u8) {
        if let Mode::Wrap { .. } = self.mode
            && byte != RESET_WRAP
            && byte != RESET
        {
            self.replies.clear();
            self.replies.push_back(byte);
            return;
        }
        if byte == RESEND {
            self.replies.clear();
            self.replies.push_back(self.last);
            return;
        }
        // Whatever it was about to say is of no interest any more.
        self.replies.clear();
        self.buffer.clear();
        let expecting = core::mem::replace(&mut self.expecting, Expecting::Command);
        let right = match expecting {
            Expecting::Command => self.execute(byte),
            Expecting::Resolution => self.set_resolution(byte),
            Expecting::Rate => self.set_rate(byte),
        };
        if !right {
            let reply = if self.wrong { ERROR } else { RESEND };
            self.reply(&[reply]);
        }
        self.wrong = !right && !self.wrong;
    }

    fn reply(&mut self, bytes: &[u8]) {
        self.replies.extend(bytes);
    }

    /// Carries out a command. Says whether there is such a one.
    fn execute(&mut self, command: u8) -> bool {
        let remote = matches!(self.mode, Mode::Remote | Mode::Wrap { remote: true });
        match command {
            0xe6 => self.scaling = false,
            0xe7 => self.scaling = true,
            0xe8 => self.expecting = Expecting::Resolution,
            0xea => self.mode = Mode::Stream,
            RESET_WRAP if remote => self.mode = Mode::Remote,
            RESET_WRAP => self.mode = Mode::Stream,
            0xee => self.mode = Mode::Wrap { remote },
            0xf0 => self.mode = Mode::Remote,
            0xf3 => self.expecting = Expecting::Rate,
            0xf4 => self.reporting = true,
            0xf5 => self.reporting = false,
            0xf6 => self.set_defaults(),
            0xe9 => return self.answer(&self.status()),
            0xeb => {
                let packet = self.packet(false);
                return self.answer(&packet);
            }
            0xf2 => return self.answer(&[self.kind as u8]),
            RESET => {
                self.set_defaults();
                self.kind = Kind::Standard;
                self.knocks = [0; 3];
                return self.answer(&[SELF_TEST_PASSED, 0]);
            }
            _ => return false,
        }
        // What was before does not count under the new rules.
        self.forget_movement();
        self.answer(&[])
    }

    fn answer(&mut self, bytes: &[u8]) -> bool {
        self.reply(&[ACKNOWLEDGE]);
        self.reply(bytes);
        true
    }

    fn set_defaults(&mut self) {
        self.mode = Mode::Stream;
        self.reporting = false;
        self.scaling = false;
        self.resolution = DEFAULT_RESOLUTION;
        self.rate = DEFAULT_RATE;
        self.forget_movement();
    }

    fn status(&self) -> [u8; 3] {
        let [right, middle] = [self.buttons.0 >> 1 & 1, self.buttons.0 >> 2 & 1];
        let left = self.buttons.0 & 1;
        let flags = u8::from(self.mode == Mode::Remote) << 6
            | u8::from(self.reporting) << 5
            | u8::from(self.scaling) << 4;
        let first = flags | left << 2 | middle << 1 | right;
        [first, self.resolution, self.rate]
    }

    fn set_resolution(&mut self, value: u8) -> bool {
        if value > 3 {
            return false;
        }
        self.resolution = value;
        self.answer(&[])
    }

    fn set_rate(&mut self, value: u8) -> bool {
        if !matches!(value, 10 | 20 | 40 | 60 | 80 | 100 | 200) {
            return false;
        }
        self.rate = value;
        self.knocks = [self.knocks[1], self.knocks[2], value];
        match self.knocks {
            [200, 100, 80] => self.kind = Kind::Wheel,
            [200, 200, 80] => self.kind = Kind::FiveButtons,
            _ => {}
        }
        self.answer(&[])
    }
}

impl Default for Mouse {
    fn default() -> Self {
        Self::new()
    }
}

/// 2:1 scaling, by the technical reference's table.
fn double(counts: i32) -> i32 {
    let size = match counts.abs() {
        2 => 1,
        3 => 3,
        4 => 6,
        5 => 9,
        few @ 0..=1 => few,
        many => 2 * many,
    };
    size * counts.signum()
}
