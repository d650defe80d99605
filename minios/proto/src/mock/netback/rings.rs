//! What the mock backend does with its rings, by its manners.

use super::{Connected, Domain, Frame, Manners, Netback};
use crate::net::{MOST_SLOTS, PAGE, RX_SLOT, TX_SLOT};
use crate::ring::Memory;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use xen_sys::io::netif::{
    NETIF_RSP_NULL, NETIF_RSP_OKAY, NETRXF_CSUM_BLANK, NETRXF_DATA_VALIDATED, NETRXF_EXTRA_INFO,
    NETRXF_MORE_DATA, NETTXF_CSUM_BLANK, NETTXF_DATA_VALIDATED, NETTXF_EXTRA_INFO,
    NETTXF_MORE_DATA, NetifExtraInfo, NetifRxRequest, NetifRxResponse, NetifTxRequest,
    NetifTxResponse, XEN_NETIF_EXTRA_FLAG_MORE, XEN_NETIF_EXTRA_TYPE_GSO,
};
use zerocopy::{FromBytes, IntoBytes};

/// Offset of `rsp_prod` in a ring (io/ring.h).
const RSP_PROD: usize = 8;

impl<D: Domain> Netback<D> {
    /// Takes everything that is there to be sent.
    pub(super) fn sending(&mut self, c: &mut Connected<D::Page>) {
        let mut responses = Vec::new();
        loop {
            match self.take(c, &mut responses) {
                Ok(Some(frame)) => self.sent.push(frame),
                Ok(None) if c.tx.arm() => {}
                Ok(None) => break,
                Err(why) => {
                    self.seen.nonsense.push(why);
                    break;
                }
            }
        }
        let anything = !responses.is_empty();
        if anything && self.manners == Manners::Overrun {
            c.tx.memory().store(RSP_PROD, 0x1000);
            self.domain.notify(c.port);
            return;
        }
        self.spoil(&mut responses);
        for response in &responses {
            let _ = c.tx.push(response.as_bytes());
        }
        if c.tx.publish() {
            self.seen.notified += 1;
            self.domain.notify(c.port);
        }
        match self.manners {
            Manners::Leaves if anything => self.leave(),
            Manners::Vanishes if anything => self.store.remove(&self.path.clone()),
            _ => {}
        }
    }

    fn spoil(&self, responses: &mut Vec<NetifTxResponse>) {
        match self.manners {
            Manners::Backwards => responses.reverse(),
            Manners::Never | Manners::NeverAndKeeps | Manners::Leaves | Manners::Vanishes => {
                responses.clear();
            }
            Manners::Refuses(status) => {
                for response in responses.iter_mut().filter(|r| r.status == NETIF_RSP_OKAY) {
                    response.status = status;
                }
            }
            Manners::WrongId => responses.iter_mut().for_each(|r| r.id ^= 0x5500),
            Manners::Twice => {
                if let [first, second, ..] = &mut responses[..] {
                    *second = *first;
                }
            }
            Manners::Nothing => responses.iter_mut().for_each(|r| r.status = NETIF_RSP_NULL),
            _ => {}
        }
    }

    fn take(
        &mut self,
        c: &mut Connected<D::Page>,
        responses: &mut Vec<NetifTxResponse>,
    ) -> Result<Option<Frame>, String> {
        let mut frame = Frame::default();
        let mut total = None;
        loop {
            let mut slot = [0; TX_SLOT];
            if !c.tx.pop(&mut slot).map_err(|e| format!("{e}"))? {
                return match total {
                    None => Ok(None),
                    Some(_) => Err("a frame without its end".into()),
                };
            }
            let request = NetifTxRequest::read_from_bytes(&slot).unwrap_or_default();
            frame.slots += 1;
            responses.push(NetifTxResponse {
                id: request.id,
                status: NETIF_RSP_OKAY,
            });
            // What the first request says is the size of all.
            let first = total.is_none();
            let total = *total.get_or_insert(usize::from(request.size));
            let mut extra = None;
            if request.flags & NETTXF_EXTRA_INFO != 0 {
                extra = Some(self.extra(c, responses)?);
                frame.slots += 1;
            }
            if first {
                frame.blank = request.flags & NETTXF_CSUM_BLANK != 0;
                frame.validated = request.flags & NETTXF_DATA_VALIDATED != 0;
                frame.segment = extra.map(|extra| extra.gso_size);
            }
            let more = request.flags & NETTXF_MORE_DATA != 0;
            // Of the first of several parts, the size is what the others leave over.
            let len = if first && more {
                PAGE - usize::from(request.offset)
            } else {
                usize::from(request.size)
            };
            self.read_part(&mut frame, request.gref, usize::from(request.offset), len)?;
            if !more {
                if frame.bytes.len() != total || frame.slots > MOST_SLOTS {
                    return Err(format!("{total} bytes in {frame:?}"));
                }
                return Ok(Some(frame));
            }
        }
    }

    fn extra(
        &mut self,
        c: &mut Connected<D::Page>,
        responses: &mut Vec<NetifTxResponse>,
    ) -> Result<NetifExtraInfo, String> {
        let mut slot = [0; TX_SLOT];
        if !c.tx.pop(&mut slot).map_err(|e| format!("{e}"))? {
            return Err("no extra slot".into());
        }
        responses.push(NetifTxResponse {
            id: 0xdead,
            status: NETIF_RSP_NULL,
        });
        let (extra, _) = NetifExtraInfo::read_from_prefix(&slot).map_err(|e| format!("{e}"))?;
        let known = extra.type_ == XEN_NETIF_EXTRA_TYPE_GSO && extra.gso_type == 1;
        if !known || extra.flags != 0 {
            return Err(format!("{extra:?}"));
        }
        Ok(extra)
    }

    fn read_part(
        &mut self,
        frame: &mut Frame,
        gref: u32,
        offset: usize,
        len: usize,
    ) -> Result<(), String> {
        if self.domain.map(gref, true).is_some() {
            self.domain.unmap(gref);
            return Err(format!("page {gref} may be written"));
        }
        let page = self.domain.map(gref, false);
        let page = page.ok_or(format!("page {gref} is not granted"))?;
        let mut bytes = vec![0; len];
        page.read(offset, &mut bytes);
        frame.bytes.extend(bytes);
        if self.manners == Manners::NeverAndKeeps {
            self.kept.push(gref);
        } else {
            self.domain.unmap(gref);
        }
        Ok(())
    }

    /// Puts waiting frames into the guest's buffers; true if there were any.
    pub(super) fn receiving(&mut self, c: &mut Connected<D::Page>) -> bool {
        let mut any = false;
        while let Some(frame) = self.queue.front().cloned() {
            let parts = frame.bytes.len().div_ceil(PAGE).max(frame.slots).max(1);
            let free = self.buffers(c);
            if free <= parts {
                // As netback does: the guest will say when there are more.
                if c.rx.arm() && self.buffers(c) > parts {
                    continue;
                }
                break;
            }
            any = true;
            self.queue.pop_front();
            if let Err(why) = self.deliver(c, &frame, parts) {
                self.seen.nonsense.push(why);
                break;
            }
        }
        if self.manners == Manners::RxOverrun {
            if any {
                c.rx.memory().store(RSP_PROD, 0x1000);
                self.domain.notify(c.port);
            }
        } else if c.rx.publish() {
            self.seen.notified += 1;
            self.domain.notify(c.port);
        }
        any
    }

    /// Buffers that the guest has given.
    fn buffers(&self, c: &Connected<D::Page>) -> usize {
        c.rx.waiting().unwrap_or(0) as usize
    }

    fn deliver(
        &mut self,
        c: &mut Connected<D::Page>,
        frame: &Frame,
        parts: usize,
    ) -> Result<(), String> {
        let size = frame.bytes.len().div_ceil(parts).max(1);
        let mut chunks: Vec<&[u8]> = frame.bytes.chunks(size).collect();
        chunks.resize(parts, &[]);
        if self.manners == Manners::RxEndless {
            chunks.resize(self.buffers(c), &[]);
        }
        for (at, bytes) in chunks.iter().enumerate() {
            let mut flags = 0;
            if at + 1 < chunks.len() || self.manners == Manners::RxEndless {
                flags |= NETRXF_MORE_DATA;
            }
            if at == 0 {
                let set = |is: bool, bit| if is { bit } else { 0 };
                flags |= set(frame.blank, NETRXF_CSUM_BLANK);
                flags |= set(frame.validated, NETRXF_DATA_VALIDATED);
                flags |= set(frame.segment.is_some(), NETRXF_EXTRA_INFO);
            }
            self.part(c, bytes, flags)?;
            if let Some(gso_size) = frame.segment.filter(|_| at == 0) {
                self.extras(c, gso_size)?;
            }
        }
        Ok(())
    }

    fn part(&mut self, c: &mut Connected<D::Page>, bytes: &[u8], flags: u16) -> Result<(), String> {
        let mut slot = [0; RX_SLOT];
        if !c.rx.pop(&mut slot).map_err(|e| format!("{e}"))? {
            return Err("no buffer".into());
        }
        let request = NetifRxRequest::read_from_bytes(&slot).unwrap_or_default();
        let gref = request.gref;
        let page = self.domain.map(gref, true);
        let page = page.ok_or(format!("buffer {gref} is not granted for writing"))?;
        // A page holds a part anywhere.
        let offset = (PAGE - bytes.len()).min(64);
        page.write(offset, bytes);
        self.domain.unmap(gref);
        let mut response = NetifRxResponse {
            id: request.id,
            offset: offset as u16,
            flags,
            status: bytes.len() as i16,
        };
        match self.manners {
            Manners::RxWrongId => response.id ^= 1,
            Manners::RxOffset(offset) => response.offset = offset,
            Manners::RxStatus(status) => response.status = status,
            Manners::RxFlags(more) => response.flags |= more,
            _ => {}
        }
        c.rx.push(response.as_bytes()).map_err(|e| format!("{e}"))
    }

    fn extras(&mut self, c: &mut Connected<D::Page>, gso_size: u16) -> Result<(), String> {
        loop {
            let mut slot = [0; RX_SLOT];
            if !c.rx.pop(&mut slot).map_err(|e| format!("{e}"))? {
                return Err("no buffer for an extra slot".into());
            }
            let endless = self.manners == Manners::RxExtras && self.buffers(c) > 0;
            let extra = NetifExtraInfo {
                type_: match self.manners {
                    Manners::RxExtra(kind) => kind,
                    _ => XEN_NETIF_EXTRA_TYPE_GSO,
                },
                flags: if endless {
                    XEN_NETIF_EXTRA_FLAG_MORE
                } else {
                    0
                },
                gso_size,
                gso_type: 1,
                ..NetifExtraInfo::default()
            };
            c.rx.push(extra.as_bytes()).map_err(|e| format!("{e}"))?;
            if !endless {
                return Ok(());
            }
        }
    }
}
