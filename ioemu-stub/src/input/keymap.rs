//! Keysyms as keys, for viewers that send those: X11's keysymdef.h and the
//! national layouts, by the names that `-k` has for them.
//!
//! A keysym is what a key means; which key of the machine's keyboard means it
//! depends on what the guest believes its keyboard to be.

/// A key, and what must be held down with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Key {
    /// Its scan code in set 1, E0h in the upper byte for those with that prefix.
    pub scan: u16,
    /// What makes it mean that.
    pub level: Level,
}

/// What a key is pressed with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Level {
    /// It means the same with everything.
    Any,
    /// Nothing.
    Plain,
    /// Shift.
    Shift,
    /// The right Alt key.
    AltGr,
}

/// The keys of four rows: plain, with Shift, with AltGr. A space is nothing.
type Rows = [[&'static str; 3]; 4];

/// A national layout.
pub struct Keymap {
    rows: &'static Rows,
}

/// Scan codes of the rows' keys.
#[rustfmt::skip]
static SCAN_CODES: [&[u16]; 4] = [
    &[0x29, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d],
    &[0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b],
    &[0x1e, 0x1f, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x2b],
    &[0x56, 0x2c, 0x2d, 0x2e, 0x2f, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35],
];

static EN_US: Rows = [
    ["`1234567890-=", "~!@#$%^&*()_+", ""],
    ["qwertyuiop[]", "QWERTYUIOP{}", ""],
    ["asdfghjkl;'\\", "ASDFGHJKL:\"|", ""],
    [" zxcvbnm,./", " ZXCVBNM<>?", ""],
];

static EN_GB: Rows = [
    ["`1234567890-=", "¬!\"£$%^&*()_+", "¦   €"],
    ["qwertyuiop[]", "QWERTYUIOP{}", "  é   úíó"],
    ["asdfghjkl;'#", "ASDFGHJKL:@~", "á"],
    ["\\zxcvbnm,./", "|ZXCVBNM<>?", ""],
];

static DE: Rows = [
    ["^1234567890ß´", "°!\"§$%&/()=?`", "  ²³   {[]}\\"],
    ["qwertzuiopü+", "QWERTZUIOPÜ*", "@ €        ~"],
    ["asdfghjklöä#", "ASDFGHJKLÖÄ'", ""],
    ["<yxcvbnm,.-", ">YXCVBNM;:_", "|      µ"],
];

static FR: Rows = [
    ["²&é\"'(-è_çà)=", " 1234567890°+", "  ~#{[|`\\^@]}"],
    ["azertyuiop^$", "AZERTYUIOP¨£", "  €        ¤"],
    ["qsdfghjklmù*", "QSDFGHJKLM%µ", ""],
    ["<wxcvbn,;:!", ">WXCVBN?./§", ""],
];

/// Keys that mean the same everywhere: keysym, scan code.
#[rustfmt::skip]
static EVERYWHERE: &[(u32, u16)] = &[
    (0x20, 0x39), (0xff08, 0x0e), (0xff09, 0x0f), (0xfe20, 0x0f), (0xff0d, 0x1c), (0xff1b, 0x01),
    (0xff13, 0xe046), (0xff6b, 0xe046), (0xff14, 0x46), (0xff15, 0xe037), (0xff61, 0xe037), (0xff7f, 0x45),
    (0xff50, 0xe047), (0xff51, 0xe04b), (0xff52, 0xe048), (0xff53, 0xe04d), (0xff54, 0xe050),
    (0xff55, 0xe049), (0xff56, 0xe051), (0xff57, 0xe04f), (0xff63, 0xe052), (0xffff, 0xe053), (0xff67, 0xe05d),
    // The keypad.
    (0xff8d, 0xe01c), (0xffaf, 0xe035), (0xffaa, 0x37), (0xffad, 0x4a), (0xffab, 0x4e),
    (0xff95, 0x47), (0xff97, 0x48), (0xff9a, 0x49), (0xff96, 0x4b), (0xff9d, 0x4c), (0xff98, 0x4d),
    (0xff9c, 0x4f), (0xff99, 0x50), (0xff9b, 0x51), (0xff9e, 0x52), (0xff9f, 0x53), (0xffae, 0x53),
    (0xffb7, 0x47), (0xffb8, 0x48), (0xffb9, 0x49), (0xffb4, 0x4b), (0xffb5, 0x4c), (0xffb6, 0x4d),
    (0xffb1, 0x4f), (0xffb2, 0x50), (0xffb3, 0x51), (0xffb0, 0x52),
    // F1 to F12.
    (0xffbe, 0x3b), (0xffbf, 0x3c), (0xffc0, 0x3d), (0xffc1, 0x3e), (0xffc2, 0x3f), (0xffc3, 0x40),
    (0xffc4, 0x41), (0xffc5, 0x42), (0xffc6, 0x43), (0xffc7, 0x44), (0xffc8, 0x57), (0xffc9, 0x58),
    // What is held down with others.
    (0xffe1, 0x2a), (0xffe2, 0x36), (0xffe3, 0x1d), (0xffe4, 0xe01d), (0xffe5, 0x3a), (0xffe7, 0x38),
    (0xffe9, 0x38), (0xffea, 0xe038), (0xfe03, 0xe038), (0xff7e, 0xe038), (0xffeb, 0xe05b), (0xffec, 0xe05c),
];

/// Dead keys: keysym, the character on the key.
static DEAD: &[(u32, char)] = &[
    (0xfe50, '`'),
    (0xfe51, '´'),
    (0xfe52, '^'),
    (0xfe53, '~'),
    (0xfe57, '¨'),
];

/// Keysyms above this are Unicode's numbers.
const UNICODE: u32 = 0x0100_0000;
/// The one keysym of the rest that these layouts have.
const EURO_SIGN: u32 = 0x20ac;

impl Keymap {
    /// The layouts there are.
    pub const NAMES: &[&str] = &["en-us", "en-gb", "de", "fr"];

    /// The layout that `-k` calls so.
    pub fn named(name: &str) -> Option<Keymap> {
        let rows = match name {
            "en-us" => &EN_US,
            "en-gb" => &EN_GB,
            "de" => &DE,
            "fr" => &FR,
            _ => return None,
        };
        Some(Keymap { rows })
    }

    /// The key that means `keysym`.
    pub fn key(&self, keysym: u32) -> Option<Key> {
        if let Some((_, scan)) = EVERYWHERE.iter().find(|(known, _)| *known == keysym) {
            let (scan, level) = (*scan, Level::Any);
            return Some(Key { scan, level });
        }
        let wanted = character(keysym)?;
        let levels = [Level::Plain, Level::Shift, Level::AltGr];
        levels.into_iter().enumerate().find_map(|(at, level)| {
            let mut keys = self.rows.iter().zip(SCAN_CODES).flat_map(|(row, codes)| {
                let characters = row.get(at).copied().unwrap_or_default().chars();
                characters.zip(codes)
            });
            let (_, scan) = keys.find(|(character, _)| *character == wanted)?;
            Some(Key { scan: *scan, level })
        })
    }
}

/// The character that a keysym stands for.
fn character(keysym: u32) -> Option<char> {
    match keysym {
        // Latin 1.
        0x21..=0x7e | 0xa0..=0xff | EURO_SIGN => char::from_u32(keysym),
        UNICODE.. => char::from_u32(keysym - UNICODE),
        _ => {
            let dead = DEAD.iter().find(|(known, _)| *known == keysym);
            dead.map(|(_, character)| *character)
        }
    }
}
