//! The ioreq server: Xen's requests in, the machine's answers out.
//!
//! Each vCPU has a slot in one shared page and an event channel; it stands
//! still until its slot is answered. Writes to the VGA window need no answer:
//! Xen collects them in a second page, which is worked off before every
//! request that came after them.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::mem::offset_of;

use minios::event::Port;
use minios::executor;
use minios::guest::{Frame, Guest};
use minios::hypercall::{self, Errno, IoreqServer};
use minios::mm::{Foreign, Mfn};
use minios::shared::Shared;
use xen_sys::hvm::dm_op::HVM_IOREQSRV_BUFIOREQ_ATOMIC;
use xen_sys::hvm::dm_op::XEN_DMOP_NO_GFNS;
use xen_sys::hvm::ioreq::*;

use super::XenMemory;
use super::dispatch::{Target, dispatch};
use super::request::{Kind, Request, buffered, state, with_state};
use crate::contract::Attempt;

/// Slots in the page of the vCPUs.
const SLOTS: usize = 4096 / size_of::<Ioreq>();

type VcpuPage = [Ioreq; SLOTS];

/// The buffered page: two free-running indices and the slots.
#[repr(C)]
struct BufferedPage {
    read_pointer: u32,
    write_pointer: u32,
    slots: [BufIoreq; IOREQ_BUFFER_SLOT_NUM],
}

/// What Xen refused, and why.
pub type Refusal = (Attempt, Errno);

/// The device model's side of Xen's requests.
pub struct Server {
    guest: Guest,
    id: IoreqServer,
    vcpus: Shared<VcpuPage>,
    buffered: Shared<BufferedPage>,
}

impl Server {
    /// Makes a server for `guest`. It gets requests once it has ranges and was
    /// started.
    ///
    /// # Errors
    /// What Xen refused.
    pub fn new(guest: Guest) -> Result<Self, Refusal> {
        let id = hypercall::create_ioreq_server(guest, HVM_IOREQSRV_BUFIOREQ_ATOMIC)
            .map_err(|error| (Attempt::DeviceModel, error))?;
        let frames = frames(guest, id).map_err(|error| (Attempt::RequestPage, error))?;
        let pages =
            Foreign::map(guest, &frames).map_err(|error| (Attempt::RequestPage, error.reason))?;
        let pages = Rc::new(pages);
        Ok(Server {
            guest,
            id,
            buffered: pages.clone().shared(0),
            vcpus: pages.shared(1),
        })
    }

    /// Its number, for ranges.
    pub fn id(&self) -> IoreqServer {
        self.id
    }

    /// From now on the guest's `vcpus` processors are answered by `machine`.
    ///
    /// # Errors
    /// What Xen refused.
    pub fn start(
        self,
        vcpus: u32,
        machine: Rc<dyn Target>,
        memory: Rc<XenMemory>,
    ) -> Result<(), Refusal> {
        hypercall::set_ioreq_server_state(self.guest, self.id, true)
            .map_err(|error| (Attempt::DeviceModel, error))?;
        let ports = self.bind(vcpus)?;
        let collected = hypercall::ioreq_server_info(self.guest, self.id, XEN_DMOP_NO_GFNS)
            .and_then(|info| Port::bind_interdomain(self.guest.number(), info.bufioreq_port))
            .map_err(|error| (Attempt::EventChannel, error))?;
        let desk = Rc::new(Desk {
            server: self,
            machine,
            memory,
        });
        for (vcpu, port) in ports.into_iter().enumerate() {
            let desk = desk.clone();
            executor::spawn(async move {
                loop {
                    port.wait().await;
                    if desk.answer(vcpu) {
                        port.notify();
                    }
                }
            });
        }
        executor::spawn(async move {
            loop {
                collected.wait().await;
                desk.collect();
            }
        });
        Ok(())
    }

    /// Binds each vCPU's event channel, which its slot names.
    fn bind(&self, vcpus: u32) -> Result<Vec<Port>, Refusal> {
        (0..vcpus.min(SLOTS as u32))
            .map(|vcpu| {
                let at = vcpu as usize * size_of::<Ioreq>() + offset_of!(Ioreq, vp_eport);
                let remote: u32 = self.vcpus.get(at);
                Port::bind_interdomain(self.guest.number(), remote)
                    .map_err(|error| (Attempt::EventChannel, error))
            })
            .collect()
    }
}

/// The two pages of a server: buffered, vCPUs. Before Xen 4.11 they are frames
/// of the guest's.
fn frames(guest: Guest, id: IoreqServer) -> Result<Vec<Frame>, Errno> {
    match hypercall::acquire_ioreq_pages(guest, id, 0, 2) {
        Ok(frames) => Ok(frames
            .into_iter()
            .map(|mfn| Frame::Machine(Mfn(mfn)))
            .collect()),
        Err(error) => {
            log::info!("no ioreq pages as a resource ({error}), looking among the guest's frames");
            let info = hypercall::ioreq_server_info(guest, id, 0)?;
            Ok([info.bufioreq_gfn, info.ioreq_gfn].map(Frame::Guest).into())
        }
    }
}

/// Where requests are worked off.
struct Desk {
    server: Server,
    machine: Rc<dyn Target>,
    memory: Rc<XenMemory>,
}

impl Desk {
    /// Answers the request of a vCPU; whether there was one.
    fn answer(&self, vcpu: usize) -> bool {
        let page = &self.server.vcpus;
        let at = vcpu * size_of::<Ioreq>();
        let bits = at + offset_of!(Ioreq, bits);
        if state(page.get(bits)) != STATE_IOREQ_READY {
            return false;
        }
        // What the guest wrote before is done before.
        self.collect();
        let raw: Ioreq = page.get(at);
        page.set(bits, with_state(raw.bits, STATE_IOREQ_INPROCESS));
        let answer = self.carry_out(&Request::from(&raw));
        page.set(at + offset_of!(Ioreq, data), answer);
        // The answer is there before its state says so.
        Shared::<VcpuPage>::full_fence();
        page.set(bits, with_state(raw.bits, STATE_IORESP_READY));
        true
    }

    fn carry_out(&self, request: &Request) -> u64 {
        match request.kind {
            Kind::Invalidate => self.memory.invalidate(),
            Kind::TimeOffset => log::debug!("the guest set its clock by {} s", request.data as i64),
            Kind::Unknown(kind) => log::warn!("Xen asks for what is not known here: type {kind}"),
            _ => return dispatch(request, &*self.machine, &*self.memory),
        }
        request.data
    }

    /// Works off the buffered page.
    fn collect(&self) {
        let page = &self.server.buffered;
        let slot = |index: u32| -> BufIoreq {
            let index = index as usize % IOREQ_BUFFER_SLOT_NUM;
            page.get(offset_of!(BufferedPage, slots) + index * size_of::<BufIoreq>())
        };
        // More than the page holds can't be waiting; what comes meanwhile has an
        // event of its own.
        for _ in 0..IOREQ_BUFFER_SLOT_NUM {
            // Both at once: Xen may set both back by the same amount.
            let pointers: u64 = page.get(offset_of!(BufferedPage, read_pointer));
            let (read, write) = (pointers as u32, (pointers >> 32) as u32);
            if read == write {
                return;
            }
            // The slots are read behind the pointer that announced them.
            Shared::<BufferedPage>::full_fence();
            let request = buffered(&slot(read), &slot(read.wrapping_add(1)));
            let used = 1 + u32::from(request.width == Some(crate::bus::Width::Qword));
            self.carry_out(&request);
            page.add(offset_of!(BufferedPage, read_pointer), used);
        }
    }
}

#[cfg(test)]
mod tests;
