//! A `vfb` device as a viewer: dom0 shows the picture by VNC or in a window.
//!
//! The device's memory is pages of our own, and behind them, where the backend
//! may map it, the adapter's display memory. A picture that lies there as it is
//! is only pointed at; any other one is drawn into our pages.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::time::Duration;

use minios::frontend::fb::{FrameBuffer, Layout, Period, Setup};
use minios::mm::{self, Mfn, PAGE_SIZE};
use minios::xenstore::Store;

use super::task::Kick;
use super::{Attention, Display, Geometry, Rect, Source, Viewer};
use crate::surroundings::VideoMemory;

/// Our own pages, at most: a picture of 1920x1080.
const MOST: usize = 2048 * PAGE_SIZE;
/// Pages that are left for everything else.
const LEAVE: usize = 1024;
/// Events that one showing may take: damage, and a resize.
const EVENTS: u32 = 40;

/// A backend that has not said how often it looks does not look at changes
/// that it is not told of more often than so, once all is quiet.
const UNKNOWN: Duration = Duration::from_secs(30);
/// QEMU's VNC server looks so rarely (in ms) when nobody is connected, and also
/// after a minute of rest; but there it comes in small steps.
const ASLEEP: u32 = 3000;
/// More than any of those steps.
const STEP: u32 = 500;

/// What is known of a frame buffer's backend.
struct Backend {
    buffer: FrameBuffer,
    /// Bytes of our own pages: display memory begins there.
    own: u64,
    /// Display memory follows.
    direct: bool,
}

/// The viewer.
struct XenFb {
    backend: Rc<Backend>,
    layout: Layout,
    /// The picture lies in display memory.
    direct: bool,
    line: Vec<u8>,
}

/// Before the guest has set any mode.
const FIRST: Layout = Layout {
    width: 640,
    height: 400,
    stride: 640 * 4,
    depth: 32,
    offset: 0,
};

impl Viewer for XenFb {
    fn attention(&self) -> Attention {
        self.backend.attention()
    }

    fn is_ready(&self) -> bool {
        self.backend.buffer.room() >= EVENTS
    }

    fn show(&mut self, source: &dyn Source, damage: &[Rect]) {
        let geometry = source.geometry();
        let layout = self.backend.layout(&geometry);
        if layout != self.layout {
            self.layout = layout;
            if self.backend.buffer.resize(layout) == Ok(false) {
                log::warn!(
                    "a picture of {}x{} can't be shown",
                    layout.width,
                    layout.height
                );
            }
        }
        self.direct = self.backend.points_at(&geometry);
        for rect in damage {
            self.show_part(source, *rect);
        }
    }
}

impl Backend {
    /// Whether somebody looks, by what it says of that.
    fn attention(&self) -> Attention {
        let buffer = &self.buffer;
        if buffer.failure().is_some() {
            return Attention::Nobody;
        }
        match buffer.period() {
            Period::Unknown => Attention::Every(UNKNOWN),
            Period::Never => Attention::Nobody,
            Period::Milliseconds { now, before } => {
                let fell = before.is_none_or(|before| now.saturating_sub(before) > STEP);
                if now >= ASLEEP && fell {
                    Attention::Nobody
                } else {
                    Attention::Every(Duration::from_millis(now.into()))
                }
            }
        }
    }

    /// Whether the picture need not be drawn.
    fn points_at(&self, geometry: &Geometry) -> bool {
        self.direct && geometry.direct.is_some()
    }

    /// Where a picture lies in the frame buffer. Too large a one is cut off below.
    fn layout(&self, geometry: &Geometry) -> Layout {
        let Geometry { width, height, .. } = *geometry;
        let number = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        match geometry.direct {
            Some(direct) if self.direct => Layout {
                width,
                height,
                stride: number(direct.stride),
                depth: direct.format.bits(),
                offset: number(self.own + direct.offset),
            },
            _ => {
                let stride = width.saturating_mul(4);
                let room = self.own / u64::from(stride.max(1));
                Layout {
                    width,
                    height: height.min(number(room)),
                    stride,
                    depth: 32,
                    offset: 0,
                }
            }
        }
    }
}

impl XenFb {
    fn show_part(&mut self, source: &dyn Source, rect: Rect) {
        let Some(rect) = rect.within(self.layout.width, self.layout.height) else {
            return;
        };
        let buffer = &self.backend.buffer;
        if !self.direct {
            let (line, stride) = (&mut self.line, self.layout.stride as usize);
            source.draw(rect, &mut |x, y, pixels| {
                line.clear();
                line.extend(pixels.iter().flat_map(|pixel| pixel.to_le_bytes()));
                buffer.write(y as usize * stride + x as usize * 4, line);
            });
        }
        if buffer.wants_updates() {
            // There was room before; a failure shows in the next look.
            let _ = buffer.update(rect.x, rect.y, rect.width, rect.height);
        }
    }
}

/// Whether somebody looks more often than before.
fn looks_more(before: Attention, now: Attention) -> bool {
    match (before, now) {
        (_, Attention::Nobody) => false,
        (Attention::Nobody, _) => true,
        (Attention::Every(before), Attention::Every(now)) => now < before,
    }
}

/// Shows `display` on frame buffer `number` until its backend goes.
pub async fn serve(
    store: &Store,
    number: u32,
    display: Rc<RefCell<Display>>,
    memory: Rc<dyn VideoMemory>,
    kick: Kick,
) {
    let others: Vec<Mfn> = memory.machine_frames().into_iter().map(Mfn).collect();
    let direct = !others.is_empty();
    let room = mm::free_pages().saturating_sub(LEAVE) * PAGE_SIZE;
    let own = MOST.min(room).min(memory.len().max(1 << 20));
    let mut setup = Setup {
        layout: FIRST,
        own,
        others,
    };
    let mut direct = direct;
    let mut opened = FrameBuffer::open(store, number, setup.clone()).await;
    if direct && opened.is_err() {
        // A dom0 that is no PV domain can't map the guest's memory through us.
        direct = false;
        setup.others.clear();
        opened = FrameBuffer::open(store, number, setup).await;
    }
    let buffer = match opened {
        Ok(buffer) => buffer,
        Err(error) => return log::warn!("no screen: {error}"),
    };
    let how = if direct {
        "the guest's own memory"
    } else {
        "a copy"
    };
    log::info!("screen connected: {how}");
    let backend = Rc::new(Backend {
        own: buffer.own() as u64,
        buffer,
        direct,
    });
    display.borrow_mut().add(alloc::boxed::Box::new(XenFb {
        backend: backend.clone(),
        layout: FIRST,
        direct: false,
        line: Vec::new(),
    }));
    kick.kick();
    let failure = loop {
        if let Some(failure) = backend.buffer.failure() {
            break failure;
        }
        let before = backend.attention();
        backend.buffer.happening().await;
        // That it will look more rarely is soon enough noticed.
        if looks_more(before, backend.attention()) {
            kick.kick();
        }
    };
    log::warn!("{failure}");
}

#[cfg(test)]
mod tests;
