//! What the mock backend does with requests, by its manners.

use super::{Blkback, Connected, Domain, Manners};
use crate::block::{PAGE, RESPONSE, SLOT};
use crate::ring::Memory;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use xen_sys::io::blkif::{
    BLKIF_OP_DISCARD, BLKIF_OP_FLUSH_DISKCACHE, BLKIF_OP_INDIRECT, BLKIF_OP_READ, BLKIF_OP_WRITE,
    BLKIF_OP_WRITE_BARRIER, BLKIF_RSP_EOPNOTSUPP, BLKIF_RSP_ERROR, BLKIF_RSP_OKAY, BlkifRequest,
    BlkifRequestDiscard, BlkifRequestIndirect, BlkifRequestSegment, BlkifResponse,
};
use zerocopy::{FromBytes, IntoBytes};

/// A request taken apart.
struct Request {
    op: u8,
    id: u64,
    sector: u64,
    segments: Vec<BlkifRequestSegment>,
    indirect: bool,
    /// Of a discard.
    sectors: u64,
}

impl<D: Domain> Blkback<D> {
    pub(super) fn serve(&mut self, c: &mut Connected<D::Page>) {
        let mut responses: Vec<[u8; RESPONSE]> = Vec::new();
        let mut found = 0;
        loop {
            let mut slot = [0; SLOT];
            match c.ring.pop(&mut slot) {
                Ok(true) => {}
                Ok(false) if c.ring.arm() => continue,
                Ok(false) => break,
                Err(e) => {
                    self.seen.nonsense.push(format!("{e}"));
                    return;
                }
            }
            found += 1;
            self.request(c, &slot, &mut responses);
            if self.manners == Manners::OneAtATime {
                self.answer(c, &mut responses);
            }
        }
        self.seen.most_at_once = self.seen.most_at_once.max(found);
        if self.manners == Manners::Backwards {
            responses.reverse();
        }
        if self.manners == Manners::Overrun && found > 0 {
            c.ring.memory().store(8, 0x1000);
            self.domain.notify(c.port);
            return;
        }
        self.answer(c, &mut responses);
        match self.manners {
            Manners::Leaves if found > 0 => self.leave(),
            Manners::Vanishes if found > 0 => self.store.remove(&self.path.clone()),
            _ => {}
        }
    }

    fn answer(&mut self, c: &mut Connected<D::Page>, responses: &mut Vec<[u8; RESPONSE]>) {
        for response in responses.drain(..) {
            // More answers than requests do not fit the honest ring: the second of "twice" goes unsaid then.
            let _ = c.ring.push(&response);
        }
        if c.ring.publish() {
            self.domain.notify(c.port);
        }
    }

    fn request(
        &mut self,
        c: &Connected<D::Page>,
        slot: &[u8; SLOT],
        responses: &mut Vec<[u8; RESPONSE]>,
    ) {
        let request = match self.parse(slot) {
            Ok(request) => request,
            Err((id, op, why)) => {
                self.seen.nonsense.push(why);
                responses.push(response(id, op, BLKIF_RSP_ERROR));
                return;
            }
        };
        let index = [
            BLKIF_OP_READ,
            BLKIF_OP_WRITE,
            BLKIF_OP_WRITE_BARRIER,
            BLKIF_OP_FLUSH_DISKCACHE,
            BLKIF_OP_DISCARD,
        ];
        if let Some(at) = index.iter().position(|op| *op == request.op)
            && let Some(n) = self.seen.requests.get_mut(at)
        {
            *n += 1;
        }
        self.seen.indirect += u32::from(request.indirect);
        self.seen.most_segments = self.seen.most_segments.max(request.segments.len());
        let id = request.id;
        let status = match self.manners {
            Manners::Never | Manners::Leaves | Manners::Vanishes | Manners::Overrun => return,
            Manners::NeverAndKeeps => {
                for segment in &request.segments {
                    if let Some(page) = self.domain.map(segment.gref, request.op == BLKIF_OP_READ) {
                        self.kept.push((segment.gref, page));
                    }
                }
                return;
            }
            Manners::Errors => BLKIF_RSP_ERROR,
            Manners::Status(s) => s,
            Manners::Lies => BLKIF_RSP_OKAY,
            _ => self
                .carry_out(c.persistent, &request)
                .unwrap_or_else(|why| {
                    self.seen.nonsense.push(why);
                    BLKIF_RSP_ERROR
                }),
        };
        match self.manners {
            Manners::WrongId => responses.push(response(id ^ 0x7777_0000_0000, request.op, status)),
            Manners::Twice => {
                // The answer before this one takes this one's place, this one the next one's.
                responses.extend(self.last_response);
                responses.push(response(id, request.op, status));
                self.last_response = responses.last().copied();
            }
            _ => responses.push(response(id, request.op, status)),
        }
    }

    fn parse(&mut self, slot: &[u8; SLOT]) -> Result<Request, (u64, u8, String)> {
        let broken = || (0, 0, String::from("short slot"));
        let plain = BlkifRequest::read_from_bytes(slot).map_err(|_| broken())?;
        let no = |why: &str| (plain.id, plain.operation, String::from(why));
        let mut request = Request {
            op: plain.operation,
            id: plain.id,
            sector: plain.sector_number,
            segments: Vec::new(),
            indirect: false,
            sectors: 0,
        };
        match plain.operation {
            BLKIF_OP_DISCARD => {
                let (discard, _) =
                    BlkifRequestDiscard::read_from_prefix(slot).map_err(|_| broken())?;
                request.sectors = discard.nr_sectors;
            }
            BLKIF_OP_INDIRECT => {
                let (indirect, _) =
                    BlkifRequestIndirect::read_from_prefix(slot).map_err(|_| broken())?;
                let n = usize::from(indirect.nr_segments);
                if self.offer.indirect.is_none_or(|max| n as u32 > max) || n == 0 {
                    return Err(no("too many segments"));
                }
                request.op = indirect.indirect_op;
                request.indirect = true;
                request.segments = self
                    .indirect_segments(&indirect.indirect_grefs, n)
                    .ok_or(no("bad indirect page"))?;
            }
            _ => {
                let n = usize::from(plain.nr_segments);
                request.segments = plain.seg.get(..n).ok_or(no("too many segments"))?.to_vec();
            }
        }
        Ok(request)
    }

    fn indirect_segments(&mut self, grefs: &[u32], n: usize) -> Option<Vec<BlkifRequestSegment>> {
        let each = PAGE / size_of::<BlkifRequestSegment>();
        let mut segments = Vec::new();
        for gref in grefs.iter().take(n.div_ceil(each)) {
            let page = self.domain.map(*gref, false)?;
            let mut bytes = vec![0; PAGE];
            page.read(0, &mut bytes);
            self.domain.unmap(*gref);
            for chunk in bytes.chunks_exact(size_of::<BlkifRequestSegment>()) {
                segments.push(BlkifRequestSegment::read_from_bytes(chunk).ok()?);
            }
        }
        segments.truncate(n);
        Some(segments)
    }

    fn carry_out(&mut self, persistent: bool, request: &Request) -> Result<i16, String> {
        match request.op {
            BLKIF_OP_READ | BLKIF_OP_WRITE | BLKIF_OP_WRITE_BARRIER => {}
            BLKIF_OP_FLUSH_DISKCACHE if self.offer.flush => return Ok(BLKIF_RSP_OKAY),
            BLKIF_OP_DISCARD if self.offer.discard => {
                let range = self.range(request.sector, request.sectors * 512)?;
                self.data.get_mut(range).unwrap_or_default().fill(0);
                return Ok(BLKIF_RSP_OKAY);
            }
            _ => return Ok(BLKIF_RSP_EOPNOTSUPP),
        }
        if request.op == BLKIF_OP_WRITE_BARRIER && request.segments.is_empty() {
            return Ok(if self.offer.barrier {
                BLKIF_RSP_OKAY
            } else {
                BLKIF_RSP_EOPNOTSUPP
            });
        }
        if request.op != BLKIF_OP_READ && self.offer.info & 4 != 0 {
            return Err("write to a read-only disk".into());
        }
        let read = request.op == BLKIF_OP_READ;
        let mut sector = request.sector;
        for s in &request.segments {
            if s.last_sect < s.first_sect || s.last_sect > 7 {
                return Err(format!("segment {}..={}", s.first_sect, s.last_sect));
            }
            let count = u64::from(s.last_sect - s.first_sect) + 1;
            let size = u64::from(self.offer.sector_size);
            if !(sector * 512).is_multiple_of(size) || !(count * 512).is_multiple_of(size) {
                return Err("part of a sector".into());
            }
            let range = self.range(sector, count * 512)?;
            self.transfer(persistent, s, range, read)?;
            sector += count;
        }
        Ok(BLKIF_RSP_OKAY)
    }

    fn range(&self, sector: u64, bytes: u64) -> Result<core::ops::Range<usize>, String> {
        let start = sector.checked_mul(512).ok_or("beyond the end")?;
        let end = start
            .checked_add(bytes)
            .filter(|end| *end <= self.data.len() as u64)
            .ok_or("beyond the end")?;
        Ok(start as usize..end as usize)
    }

    fn transfer(
        &mut self,
        persistent: bool,
        s: &BlkifRequestSegment,
        range: core::ops::Range<usize>,
        read: bool,
    ) -> Result<(), String> {
        let known = self.kept.iter().position(|(gref, _)| *gref == s.gref);
        let at = match known {
            Some(at) => at,
            None => {
                // Persistent grants are used both ways, so they are mapped so.
                let page = self
                    .domain
                    .map(s.gref, read || persistent)
                    .ok_or(format!("page {} not granted", s.gref))?;
                self.seen.maps += 1;
                self.kept.push((s.gref, page));
                self.kept.len() - 1
            }
        };
        let bytes = self.data.get_mut(range).unwrap_or_default();
        if let Some((_, page)) = self.kept.get(at) {
            let offset = usize::from(s.first_sect) * 512;
            if read {
                page.write(offset, bytes)
            } else {
                page.read(offset, bytes)
            }
        }
        if !persistent {
            self.kept.swap_remove(at);
            self.domain.unmap(s.gref);
        }
        Ok(())
    }
}

fn response(id: u64, operation: u8, status: i16) -> [u8; RESPONSE] {
    let mut bytes = [0; RESPONSE];
    let response = BlkifResponse {
        id,
        operation,
        status,
        ..BlkifResponse::default()
    };
    bytes.copy_from_slice(response.as_bytes());
    bytes
}
