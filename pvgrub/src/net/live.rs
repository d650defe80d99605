//! The network at work: the card, its address, and who is asked for files.

use super::error::NetError;
use super::file::RemoteFile;
use super::http::Place;
use super::meter::{BURST, END, Meter, Pace, Progress};
use super::transfer::{Http, Room, Tftp, Transfer};
use super::{Addresses, Change, Network, Protocol};
use crate::disk::DeviceName;
use crate::fs::File;
use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec;
use core::cell::RefCell;
use core::future::Future;
use core::net::Ipv4Addr;
use core::pin::{Pin, pin};
use core::time::Duration;
use minios::executor::select::{Either, select};
use minios::executor::{block_on, spawn};
use minios::time::{self, now_ns};
use netfront::stack::{Config, Ipv4Cidr, Port, Stack};

/// A card that is being connected; why it cannot be, in words.
pub type Opening<P> = Pin<Box<dyn Future<Output = Result<P, String>>>>;

/// Connects the card.
pub type Opener<P> = Box<dyn Fn() -> Opening<P>>;

/// How often a wait is looked up from: for keys, repetitions, the progress line.
const TICK: Duration = Duration::from_millis(200);

/// How long DHCP servers may take: the bridge that the card hangs on may only
/// just have come up.
const DHCP: Duration = Duration::from_secs(10);

/// The network of one card.
pub struct Live<P: Port + 'static> {
    open: Opener<P>,
    meter: RefCell<Box<dyn Meter>>,
    stack: RefCell<Option<Stack<P>>>,
    /// The TFTP server, if it was set by hand.
    server: RefCell<Option<Ipv4Addr>>,
}

impl<P: Port + 'static> Live<P> {
    /// A network whose card `open` connects when it is first needed.
    pub fn new(open: Opener<P>, meter: Box<dyn Meter>) -> Self {
        Live {
            open,
            meter: RefCell::new(meter),
            stack: RefCell::default(),
            server: RefCell::default(),
        }
    }

    /// Ends everything; gives the card to be closed, if it was ever opened.
    pub fn shut(&self) -> Option<P> {
        let stack = self.stack.take();
        stack.and_then(|stack| stack.shut())
    }

    /// The stack, connected.
    fn stack(&self, any_key: bool) -> Result<Stack<P>, NetError> {
        if let Some(stack) = &*self.stack.borrow() {
            return Ok(stack.clone());
        }
        let port = self.watched((self.open)(), any_key)?;
        let port = port.map_err(NetError::Card)?;
        let seed = now_ns() ^ time::wall_clock().as_nanos() as u64;
        let stack = Stack::new(port, seed);
        spawn(stack.clone().run());
        *self.stack.borrow_mut() = Some(stack.clone());
        Ok(stack)
    }

    /// The stack, with an address.
    fn ready(&self) -> Result<Stack<P>, NetError> {
        let stack = self.stack(false)?;
        if stack.config().is_none() {
            self.dhcp(false)?;
        }
        Ok(stack)
    }

    /// Waits for `future`, unless a key ends that.
    fn watched<T>(&self, future: impl Future<Output = T>, any_key: bool) -> Result<T, NetError> {
        let mut future = pin!(future);
        loop {
            match block_on(select(future.as_mut(), time::sleep(TICK))) {
                Either::First(result) => return Ok(result),
                Either::Second(()) if self.ended(any_key) => return Err(NetError::Cancelled),
                Either::Second(()) => {}
            }
        }
    }

    /// Whether a key was pressed that ends things. Others are kept: they are
    /// for the menu or the prompt that comes.
    fn ended(&self, any_key: bool) -> bool {
        let mut meter = self.meter.borrow_mut();
        let mut ended = false;
        // A key may be several bytes, which belong together.
        for _ in 0..BURST {
            match meter.key() {
                None => break,
                Some(key) if any_key || key == END => ended = true,
                Some(key) => meter.keep(key),
            }
        }
        ended
    }

    /// Where `(nd)` is.
    fn tftp_server(&self, stack: &Stack<P>) -> Result<Ipv4Addr, NetError> {
        if let Some(server) = *self.server.borrow() {
            return Ok(server);
        }
        let lease = stack.lease().ok_or(NetError::NoServer)?;
        if let Some(server) = lease.next_server {
            return Ok(server);
        }
        match lease.text(66) {
            Some(name) => self.resolve(stack, &name),
            None => Ok(lease.server),
        }
    }

    fn resolve(&self, stack: &Stack<P>, name: &str) -> Result<Ipv4Addr, NetError> {
        let address = self.watched(stack.resolve(name), false)?;
        address.map_err(|why| NetError::Name(name.to_string(), why))
    }

    /// Asks for a file from byte `from` on, and waits until it comes.
    pub(super) fn begin(
        &self,
        device: DeviceName,
        path: &str,
        from: u64,
    ) -> Result<Transfer<P>, NetError> {
        let stack = self.ready()?;
        let mut transfer = match device {
            DeviceName::Server(Protocol::Http, host) => {
                let place = Place::new(host.as_str(), path);
                let place = place.ok_or(NetError::Protocol("no such address can be asked"))?;
                let asked = self.watched(Http::ask(&stack, place, from), false)?;
                Transfer::Http(asked?)
            }
            DeviceName::Server(Protocol::Tftp, host) => {
                let server = self.resolve(&stack, host.as_str())?;
                Transfer::Tftp(Tftp::ask(&stack, server, path)?)
            }
            _ => {
                let server = self.tftp_server(&stack)?;
                Transfer::Tftp(Tftp::ask(&stack, server, path)?)
            }
        };
        while !transfer.begun() {
            let begun = block_on(select(transfer.begin(), time::sleep(TICK)));
            if let Either::First(result) = begun {
                result?;
            }
            if self.ended(false) {
                return Err(NetError::Cancelled);
            }
            transfer.tick()?;
        }
        self.skip(&mut transfer, from, path)?;
        Ok(transfer)
    }

    /// Reads past what comes before byte `from`.
    fn skip(&self, transfer: &mut Transfer<P>, from: u64, name: &str) -> Result<(), NetError> {
        let Some(mut left) = from.checked_sub(transfer.start()) else {
            return Err(NetError::Protocol("it sends another part of the file"));
        };
        let mut scratch = vec![0; 64 << 10];
        while left > 0 && !transfer.done() {
            let most = usize::try_from(left)
                .unwrap_or(usize::MAX)
                .min(scratch.len());
            let read = self.read(transfer, scratch.get_mut(..most).unwrap_or_default(), name)?;
            left = left.saturating_sub(read as u64);
        }
        Ok(())
    }

    /// Fills `out`; less than that comes only at the end of the file.
    pub(super) fn read(
        &self,
        transfer: &mut Transfer<P>,
        out: &mut [u8],
        name: &str,
    ) -> Result<usize, NetError> {
        let now = now_ns();
        let already = transfer.received();
        let mut progress = Progress::new(name, transfer.size(), now);
        let result = self.read_on(transfer, out, &mut progress, &mut Pace::new(already, now));
        progress.clear(&mut **self.meter.borrow_mut());
        let (received, now) = (transfer.received(), now_ns());
        log::debug!(
            "{name}: {received} bytes so far, {} KiB/s",
            progress.rate(received.saturating_sub(already), now)
        );
        result
    }

    fn read_on(
        &self,
        transfer: &mut Transfer<P>,
        out: &mut [u8],
        progress: &mut Progress,
        pace: &mut Pace,
    ) -> Result<usize, NetError> {
        let mut room = Room { out, filled: 0 };
        while !room.full() && !transfer.done() {
            let filled = select(transfer.fill(&mut room), time::sleep(TICK));
            match block_on(filled) {
                Either::First(result) => result?,
                Either::Second(()) => {
                    let (received, now) = (transfer.received(), now_ns());
                    transfer.tick()?;
                    pace.check(received, now)?;
                    progress.tell(&mut **self.meter.borrow_mut(), received, now);
                    if self.ended(false) {
                        return Err(NetError::Cancelled);
                    }
                }
            }
        }
        Ok(room.filled)
    }

    fn known(&self, stack: &Stack<P>) -> Option<Addresses> {
        let config = stack.config()?;
        let lease = stack.lease();
        let named = lease.and_then(|lease| match lease.next_server {
            Some(server) => Some(server),
            None => lease
                .text(66)
                .map_or(Some(lease.server), |name| name.parse().ok()),
        });
        Some(Addresses {
            address: config.address.address(),
            mask: config.address.netmask(),
            server: self.server.borrow().or(named),
            gateway: config.gateway,
        })
    }
}

impl<P: Port + 'static> Network for Live<P> {
    fn dhcp(&self, any_key: bool) -> Result<Addresses, NetError> {
        let stack = self.stack(any_key)?;
        self.meter
            .borrow_mut()
            .show("   Asking for an address (DHCP)...");
        let asked = self.watched(stack.dhcp(DHCP), any_key);
        self.meter.borrow_mut().show("");
        asked?.map_err(NetError::NoAddress)?;
        *self.server.borrow_mut() = None;
        self.addresses().ok_or(NetError::NoServer)
    }

    fn configure(&self, change: &Change) -> Result<Addresses, NetError> {
        let stack = self.stack(false)?;
        let before = stack.config();
        if let Some(server) = change.server {
            *self.server.borrow_mut() = Some(server);
        }
        let only_server = Change {
            server: change.server,
            ..Change::default()
        };
        if *change == only_server {
            let known = self.known(&stack);
            // The server alone may well come before the address.
            return known.ok_or(NetError::AddressFirst);
        }
        // What DHCP said of the server stays true.
        let server = self.known(&stack).and_then(|known| known.server);
        let address = change
            .address
            .or(before.as_ref().map(|config| config.address.address()))
            .ok_or(NetError::AddressFirst)?;
        let kept = before.as_ref().filter(|_| change.address.is_none());
        let mask = change
            .mask
            .or(kept.map(|config| config.address.netmask()))
            .unwrap_or_else(|| classful(address));
        let address = cidr(address, mask).ok_or(NetError::BadAddress)?;
        let mut config = Config::new(address);
        config.gateway = change.gateway.or(before.as_ref().and_then(|b| b.gateway));
        config.dns = match change.dns {
            Some(dns) => vec![dns],
            None => before.map(|before| before.dns).unwrap_or_default(),
        };
        if config.gateway.is_some_and(|gateway| !usable(gateway)) {
            return Err(NetError::BadAddress);
        }
        stack.set_static(config);
        *self.server.borrow_mut() = change.server.or(server);
        self.known(&stack).ok_or(NetError::AddressFirst)
    }

    fn addresses(&self) -> Option<Addresses> {
        self.known(self.stack.borrow().as_ref()?)
    }

    fn menu(&self) -> Option<String> {
        let lease = self.stack.borrow().as_ref()?.lease()?;
        menu_name(&lease.text(150)?)
    }

    fn open(self: Rc<Self>, device: DeviceName, path: &str) -> Result<Box<dyn File>, NetError> {
        Ok(Box::new(RemoteFile::open(self, device, path)?))
    }
}

/// A menu's full name from what option 150 holds. (Others keep addresses of
/// servers in it, RFC 5859: those are not text, or no path.)
fn menu_name(text: &str) -> Option<String> {
    match text.chars().next()? {
        '(' => Some(text.into()),
        '/' => Some(alloc::format!("(nd){text}")),
        _ => None,
    }
}

fn usable(address: Ipv4Addr) -> bool {
    !address.is_unspecified() && !address.is_broadcast() && !address.is_multicast()
}

fn cidr(address: Ipv4Addr, mask: Ipv4Addr) -> Option<Ipv4Cidr> {
    let bits = u32::from(mask);
    let whole = bits.leading_ones().saturating_add(bits.trailing_zeros()) >= 32;
    let length = u8::try_from(bits.leading_ones()).ok()?;
    (usable(address) && whole).then(|| Ipv4Cidr::new(address, length))
}

/// The mask that an address had before there were masks (RFC 791).
fn classful(address: Ipv4Addr) -> Ipv4Addr {
    match address.octets() {
        [0..=127, ..] => Ipv4Addr::new(255, 0, 0, 0),
        [128..=191, ..] => Ipv4Addr::new(255, 255, 0, 0),
        _ => Ipv4Addr::new(255, 255, 255, 0),
    }
}
