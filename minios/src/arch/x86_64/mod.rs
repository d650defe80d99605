//! A real Xen PV domain on x86-64.

#[cfg(feature = "bare")]
pub mod boot;
#[cfg(feature = "bare")]
pub mod hypercall;
mod mem;
#[cfg(feature = "bare")]
pub mod traps;

#[cfg(feature = "bare")]
pub(crate) use crate::mm::pagetable::{TABLE_RESERVE, map_more, mapped_end};
#[cfg(feature = "bare")]
pub(crate) use crate::mm::window::Window;
#[cfg(feature = "bare")]
pub(crate) use cpu::{
    fault_address, map_grant_frame, prepare, rdtsc, set_shared_info, shared_info,
};

#[cfg(feature = "bare")]
mod cpu {
    use core::ptr::NonNull;

    use xen_sys::shared_info::SharedInfo;

    use core::mem::offset_of;

    use xen_sys::shared_info::VcpuInfo;

    use crate::boot::XEN_WINDOW;
    use crate::hypercall::Errno;
    use crate::local::cpu_local;
    use crate::mm::{Mfn, PAGE_SIZE, pagetable};
    use crate::shared::Shared;

    /// Boot has made everything ready before anybody could ask.
    pub(crate) fn prepare() {}

    /// Page 0 of the window is shared info; the grant table starts at page 1.
    pub(crate) fn map_grant_frame<T>(index: usize, frame: Mfn) -> Result<Shared<T>, Errno> {
        let address = XEN_WINDOW + (1 + index) * PAGE_SIZE;
        let entry = pagetable::entry(frame, pagetable::bits::RW | pagetable::bits::NO_EXECUTE);
        // SAFETY: the window is ours to fill; the frame is one Xen keeps for this table.
        unsafe { pagetable::map_frame(address, entry)? };
        let pointer = NonNull::new(address as *mut T).expect("the window is not at 0");
        // SAFETY: mapped for good, and used through `Shared` only.
        Ok(unsafe { Shared::new(pointer) })
    }

    /// Address of the last page fault: Xen's copy of %cr2.
    pub(crate) fn fault_address() -> u64 {
        shared_info().get(offset_of!(SharedInfo, vcpu_info) + offset_of!(VcpuInfo, arch))
    }

    /// Processor cycles; Xen's time is a function of them.
    pub(crate) fn rdtsc() -> u64 {
        // SAFETY: reads a counter; Xen emulates it where it must.
        unsafe { core::arch::x86_64::_rdtsc() }
    }

    cpu_local! {
        static SHARED_INFO: Option<Shared<SharedInfo>> = None;
    }

    /// The page that Xen shares with this domain.
    ///
    /// # Panics
    /// Before boot has mapped it.
    pub(crate) fn shared_info() -> Shared<SharedInfo> {
        SHARED_INFO
            .with_borrow(|page| page.clone())
            .expect("shared info is mapped at boot")
    }

    /// Tell where boot mapped the page.
    ///
    /// # Safety
    /// The frame of start_info's `shared_info` is mapped there, read-write, for good.
    pub(crate) unsafe fn set_shared_info(address: usize) {
        let pointer = NonNull::new(address as *mut SharedInfo).expect("not at address 0");
        // SAFETY: mapped for good, by the caller's word.
        let page = unsafe { Shared::new(pointer) };
        SHARED_INFO.with_borrow_mut(|slot| *slot = Some(page));
    }
}
