//! A VNC client as a test needs it: looks at the screen, reads the text on it,
//! types and points.
//!
//! Source: RFC 6143 (RFB 3.8), with the raw encoding and the DesktopSize
//! pseudo-encoding only, no authentication, 32 bits per pixel. It asks for
//! whole screens, since it compares pictures.

use anyhow::{Context, Result, bail, ensure};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

pub use crate::picture::Picture;

/// The raw encoding (RFC 6143, 7.7.1).
const RAW: i32 = 0;
/// The screen changes its size (RFC 6143, 7.8.2).
const DESKTOP_SIZE: i32 = -223;

/// No screen of a PC here is larger, in pixels.
const LARGEST: usize = 4096 * 4096;

/// Key symbols that are no characters (X11's keysymdef.h).
pub mod keysym {
    /// Return.
    pub const RETURN: u32 = 0xff0d;
    /// Escape.
    pub const ESCAPE: u32 = 0xff1b;
    /// Shift, the left one.
    pub const SHIFT: u32 = 0xffe1;
    /// Control, the left one.
    pub const CONTROL: u32 = 0xffe3;
    /// Alt, the left one.
    pub const ALT: u32 = 0xffe9;
    /// Cursor up.
    pub const UP: u32 = 0xff52;
    /// Cursor down.
    pub const DOWN: u32 = 0xff54;
}

/// A connection to a VNC server.
pub struct Vnc {
    stream: UnixStream,
    screen: Picture,
}

impl Vnc {
    /// Connects through `stream`, beginning with the protocol's first byte.
    pub fn new(stream: UnixStream, timeout: Duration) -> Result<Vnc> {
        stream.set_read_timeout(Some(timeout))?;
        let mut vnc = Vnc {
            stream,
            screen: Picture::new(0, 0),
        };
        vnc.handshake().context("the VNC server's greeting")?;
        Ok(vnc)
    }

    fn handshake(&mut self) -> Result<()> {
        let version: [u8; 12] = self.bytes()?;
        ensure!(
            version.starts_with(b"RFB 003."),
            "no VNC server: {version:?}"
        );
        self.stream.write_all(b"RFB 003.008\n")?;
        let [kinds] = self.bytes()?;
        let mut offered = vec![0; usize::from(kinds)];
        self.stream.read_exact(&mut offered)?;
        // 1: none.
        ensure!(offered.contains(&1), "it wants a password: {offered:?}");
        self.stream.write_all(&[1])?;
        let result = u32::from_be_bytes(self.bytes()?);
        ensure!(result == 0, "it refuses: {result}");
        // Shared.
        self.stream.write_all(&[1])?;
        let (width, height) = (self.u16()?, self.u16()?);
        let _format: [u8; 16] = self.bytes()?;
        let name = self.u32()?;
        ensure!(name < 4096, "a name of {name} bytes");
        let mut name = vec![0; name as usize];
        self.stream.read_exact(&mut name)?;
        self.screen = sized(width, height)?;
        // SetPixelFormat: 32 bits, depth 24, little-endian, true colour, 8 bits
        // each, blue lowest.
        self.stream.write_all(&[
            0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0,
        ])?;
        // SetEncodings.
        let mut message = vec![2, 0, 0, 2];
        message.extend(RAW.to_be_bytes());
        message.extend(DESKTOP_SIZE.to_be_bytes());
        Ok(self.stream.write_all(&message)?)
    }

    /// The screen as it is now.
    pub fn look(&mut self) -> Result<Picture> {
        loop {
            let (width, height) = (self.screen.width, self.screen.height);
            let mut ask = vec![3, 0, 0, 0, 0, 0];
            ask.extend((width as u16).to_be_bytes());
            ask.extend((height as u16).to_be_bytes());
            self.stream.write_all(&ask)?;
            self.update().context("the VNC server's picture")?;
            // It was the answer to a question about another screen otherwise.
            if (self.screen.width, self.screen.height) == (width, height) {
                return Ok(self.screen.clone());
            }
        }
    }

    /// Reads messages up to one that updates the screen.
    fn update(&mut self) -> Result<()> {
        loop {
            let [kind] = self.bytes()?;
            match kind {
                0 => return self.rectangles(),
                // Bell.
                2 => {}
                // Cut text.
                3 => {
                    let _padding: [u8; 3] = self.bytes()?;
                    let len = self.u32()?;
                    std::io::copy(
                        &mut Read::by_ref(&mut self.stream).take(len.into()),
                        &mut std::io::sink(),
                    )?;
                }
                _ => bail!("message {kind}"),
            }
        }
    }

    fn rectangles(&mut self) -> Result<()> {
        let _padding: [u8; 1] = self.bytes()?;
        for _ in 0..self.u16()? {
            let [x, y, width, height] = [self.u16()?, self.u16()?, self.u16()?, self.u16()?];
            let encoding = i32::from_be_bytes(self.bytes()?);
            match encoding {
                RAW => self.raw([x, y, width, height])?,
                DESKTOP_SIZE => self.screen = sized(width, height)?,
                _ => bail!("encoding {encoding} was not asked for"),
            }
        }
        Ok(())
    }

    fn raw(&mut self, [x, y, width, height]: [u16; 4]) -> Result<()> {
        let mut line = vec![0; usize::from(width) * 4];
        for row in 0..usize::from(height) {
            self.stream.read_exact(&mut line)?;
            let start = (usize::from(y) + row) * self.screen.width + usize::from(x);
            let pixels = self
                .screen
                .pixels
                .get_mut(start..start + usize::from(width))
                .context("a rectangle beyond the screen")?;
            for (pixel, [blue, green, red, _]) in pixels.iter_mut().zip(line.as_chunks::<4>().0) {
                *pixel = [*red, *green, *blue];
            }
        }
        Ok(())
    }

    /// Looks until `good` says so of the screen; gives that screen. `wanted` is
    /// what an error calls it.
    pub fn until(
        &mut self,
        wanted: &str,
        timeout: Duration,
        mut good: impl FnMut(&Picture) -> bool,
    ) -> Result<Picture> {
        let deadline = Instant::now() + timeout;
        loop {
            let begin = Instant::now();
            let screen = self.look()?;
            if good(&screen) {
                return Ok(screen);
            }
            let took = begin.elapsed();
            if Instant::now() >= deadline {
                bail!(
                    "waited {timeout:?} in vain for {wanted} on a screen of {}x{}",
                    screen.width,
                    screen.height
                );
            }
            // Looking takes time from what is looked at.
            sleep((took * 4).max(Duration::from_millis(100)));
        }
    }

    /// Presses or releases a key.
    pub fn key(&mut self, keysym: u32, down: bool) -> Result<()> {
        let mut message = vec![4, u8::from(down), 0, 0];
        message.extend(keysym.to_be_bytes());
        Ok(self.stream.write_all(&message)?)
    }

    /// Types a key: down and up, as slowly as a person.
    pub fn press(&mut self, keysym: u32) -> Result<()> {
        self.key(keysym, true)?;
        sleep(Duration::from_millis(40));
        self.key(keysym, false)?;
        sleep(Duration::from_millis(40));
        Ok(())
    }

    /// Types text on an American keyboard.
    pub fn enter(&mut self, text: &str) -> Result<()> {
        for c in text.chars() {
            let shifted = c.is_ascii_uppercase() || "~!@#$%^&*()_+{}|:\"<>?".contains(c);
            if shifted {
                self.key(keysym::SHIFT, true)?;
            }
            match c {
                '\n' => self.press(keysym::RETURN)?,
                _ => self.press(c as u32)?,
            }
            if shifted {
                self.key(keysym::SHIFT, false)?;
            }
        }
        Ok(())
    }

    /// Moves the pointer, with these buttons held (bit 0 is the left one).
    pub fn point(&mut self, x: u16, y: u16, buttons: u8) -> Result<()> {
        let mut message = vec![5, buttons];
        message.extend(x.to_be_bytes());
        message.extend(y.to_be_bytes());
        Ok(self.stream.write_all(&message)?)
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.stream.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn u16(&mut self) -> Result<u16> {
        Ok(u16::from_be_bytes(self.bytes()?))
    }

    fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_be_bytes(self.bytes()?))
    }
}

fn sized(width: u16, height: u16) -> Result<Picture> {
    let (width, height) = (usize::from(width), usize::from(height));
    ensure!(
        width * height <= LARGEST,
        "a screen of {width}x{height} pixels"
    );
    Ok(Picture::new(width, height))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    /// A server of a screen of 2x1 pixels that grows to 2x2, by the RFC's bytes.
    fn serve(mut peer: UnixStream) -> Vec<u8> {
        let mut said = vec![0; 12];
        peer.write_all(b"RFB 003.008\n").unwrap();
        peer.read_exact(&mut said).unwrap();
        assert_eq!(said, b"RFB 003.008\n");
        peer.write_all(&[2, 2, 1]).unwrap();
        peer.read_exact(&mut said[..1]).unwrap();
        assert_eq!(said[0], 1, "no authentication");
        peer.write_all(&[0, 0, 0, 0]).unwrap();
        peer.read_exact(&mut said[..1]).unwrap();
        peer.write_all(&[0, 2, 0, 1]).unwrap();
        peer.write_all(&[0; 16]).unwrap();
        peer.write_all(&[0, 0, 0, 1, b'x']).unwrap();
        // SetPixelFormat, SetEncodings, FramebufferUpdateRequest.
        let mut asked = vec![0; 20 + 12 + 10];
        peer.read_exact(&mut asked).unwrap();
        // A bell, then a new size.
        peer.write_all(&[2]).unwrap();
        peer.write_all(&[0, 0, 0, 1, 0, 0, 0, 0, 0, 2, 0, 2, 0xff, 0xff, 0xff, 0x21])
            .unwrap();
        let mut again = [0; 10];
        peer.read_exact(&mut again).unwrap();
        asked.extend(again);
        peer.write_all(&[0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0])
            .unwrap();
        peer.write_all(&[3, 2, 1, 0, 6, 5, 4, 0]).unwrap();
        let mut key = [0; 8];
        peer.read_exact(&mut key).unwrap();
        asked.extend(key);
        asked
    }

    #[test]
    fn a_session_is_the_rfc_s() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let server = thread::spawn(move || serve(theirs));
        let mut vnc = Vnc::new(ours, Duration::from_secs(20)).unwrap();
        let screen = vnc.look().unwrap();
        assert_eq!((screen.width, screen.height), (2, 2));
        assert_eq!(screen.pixels, [[0; 3], [1, 2, 3], [0; 3], [4, 5, 6]]);
        vnc.key('a' as u32, true).unwrap();
        let asked = server.join().unwrap();
        assert_eq!(asked[..4], [0, 0, 0, 0], "SetPixelFormat");
        assert_eq!(asked[20..24], [2, 0, 0, 2], "SetEncodings");
        assert_eq!(asked[32..42], [3, 0, 0, 0, 0, 0, 0, 2, 0, 1]);
        assert_eq!(asked[42..52], [3, 0, 0, 0, 0, 0, 0, 2, 0, 2]);
        assert_eq!(asked[52..], [4, 1, 0, 0, 0, 0, 0, 0x61]);
    }
}
