//! Carrying out a [`Plan`]: frames trade places, page tables are pinned, and
//! the last instructions of this kernel start the next one.
//!
//! [`prepare`] does everything that can still be undone: it fills pages in the
//! loader's own memory and has Xen check the new page tables. [`Ready::jump`]
//! then makes the new order of frames true and leaves. The instructions that
//! switch page tables must be mapped at the same address before and after;
//! they run in the frame of the new kernel's boot stack, where the new tables
//! map it anyway, and get there over a second mapping of that frame at an
//! address of ours, since the first may lie in the middle of this image.

use alloc::vec::Vec;
use core::arch::global_asm;
use core::fmt;

use minios::boot::{XEN_WINDOW_END, start_info as own};
use minios::hypercall::{self, Errno, mmu_update, mmuext_op};
use minios::mm::{Mfn, OutOfMemory, PAGE_SIZE, PageBuf, Pfn, free_pages, p2m, pagetable};
use xen_sys::mmu::{
    MMU_MACHPHYS_UPDATE, MMUEXT_NEW_BASEPTR, MMUEXT_PIN_L4_TABLE, MMUEXT_UNPIN_TABLE,
};
use xen_sys::mmu::{MmuUpdate, MmuextOp};

use crate::build::{Buffer, Edit, Given, Plan, Run, Source, What, page_tables, start_info};
use crate::exchange::Exchange;

/// Why a plan could not be carried out. Nothing has changed then.
#[derive(Debug)]
pub enum JumpError {
    /// The pages that the new kernel needs beside its image.
    Memory(OutOfMemory),
    /// The plan names a page that is not there: a bug of ours.
    Plan(&'static str, u64),
    /// The loader's page tables have no place outside what the kernel maps.
    NoRoomForOldTables,
    /// Xen refused a mapping or the new page tables.
    Xen(&'static str, Errno),
}

impl fmt::Display for JumpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JumpError::Memory(error) => error.fmt(f),
            JumpError::Plan(what, page) => {
                write!(f, "the plan is wrong: {what} {page:#x} is not there")
            }
            JumpError::NoRoomForOldTables => {
                f.write_str("too little memory beside what the kernel maps at start")
            }
            JumpError::Xen(what, error) => write!(f, "Xen refuses {what}: {error}"),
        }
    }
}

impl From<OutOfMemory> for JumpError {
    fn from(error: OutOfMemory) -> Self {
        JumpError::Memory(error)
    }
}

/// The buffers a plan takes pages from.
pub struct Buffers {
    /// The unpacked kernel.
    pub kernel: PageBuf,
    /// Its modules; the first one is the initrd.
    pub modules: Vec<PageBuf>,
}

impl Buffers {
    fn get(&self, which: Buffer) -> Option<&PageBuf> {
        match which {
            Buffer::Kernel => Some(&self.kernel),
            Buffer::Module(index) => self.modules.get(index),
        }
    }
}

// The trampoline. %rbx holds the page it runs in; the parameters follow at
// PARAMETERS. Nothing here may use a stack or an address outside the page.
global_asm!(
    r#"
    .pushsection .rodata.trampoline, "a", @progbits
    .p2align 4
    .globl pvgrub_trampoline, pvgrub_trampoline_end
    pvgrub_trampoline:
        lea rbx, [rip + pvgrub_trampoline]
        // update_va_mapping(final address, entry of this very frame, INVLPG)
        mov rdi, [rbx + 512]
        mov rsi, [rbx + 520]
        mov edx, 2
        mov eax, 14
        syscall
        test rax, rax
        jnz 8f
        // Go on at the final address.
        mov rbx, [rbx + 512]
        lea rax, [rip + 7f]
        lea rcx, [rip + pvgrub_trampoline]
        sub rax, rcx
        add rax, rbx
        jmp rax
    7:
        // mmuext_op({{new base pointer}}, {{unpin the old}})
        lea rdi, [rbx + 552]
        mov esi, 2
        xor edx, edx
        mov r10d, 0x7ff0
        mov eax, 26
        syscall
        test rax, rax
        jnz 8f
        mov rsi, [rbx + 528]
        mov rsp, [rbx + 536]
        mov rax, [rbx + 544]
        xor ebx, ebx
        xor ecx, ecx
        xor edx, edx
        xor edi, edi
        xor ebp, ebp
        xor r8d, r8d
        xor r9d, r9d
        xor r10d, r10d
        xor r11d, r11d
        xor r12d, r12d
        xor r13d, r13d
        xor r14d, r14d
        xor r15d, r15d
        cld
        jmp rax
    8:
        ud2
    pvgrub_trampoline_end:
    .popsection
    "#
);

unsafe extern "C" {
    static pvgrub_trampoline: u8;
    static pvgrub_trampoline_end: u8;
}

/// What the trampoline reads, at this offset of its page.
const PARAMETERS: usize = 512;

#[repr(C)]
struct Parameters {
    page_virt: u64,
    page_entry: u64,
    start_info_virt: u64,
    stack_top: u64,
    entry: u64,
    operations: [MmuextOp; 2],
}

const _: () = assert!(PARAMETERS + core::mem::offset_of!(Parameters, operations) == 552);

/// Where the trampoline starts out: an address of ours that no payload uses.
const TRAMPOLINE_VIRT: [usize; 2] = [XEN_WINDOW_END, XEN_WINDOW_END + PAGE_SIZE];

/// A boot that Xen has agreed to.
pub struct Ready {
    exchange: Exchange,
    new_root: Mfn,
    trampoline: usize,
    tables: Vec<Pfn>,
    // Held so that an abandoned boot gives them back.
    _buffers: Buffers,
    fresh: Vec<PageBuf>,
}

/// Everything that is being put together.
struct Builder<'a> {
    plan: &'a Plan,
    buffers: Buffers,
    fresh: Vec<PageBuf>,
    exchange: Exchange,
}

impl Builder<'_> {
    /// The page of ours that will be the new domain's `target`.
    fn page(&self, target: u64) -> Result<Pfn, JumpError> {
        let origin = self
            .exchange
            .origin(target)
            .ok_or(JumpError::Plan("page", target))?;
        Ok(Pfn(origin as usize))
    }

    /// Machine frame that the new domain will have at `target`.
    fn new_mfn(&self, target: u64) -> u64 {
        self.exchange
            .origin(target)
            .and_then(|origin| p2m::list().get(origin as usize))
            .copied()
            .unwrap_or(0)
    }

    /// The bytes of a page that the plan has given a frame of ours.
    fn bytes(&mut self, target: u64) -> Result<&mut [u8; PAGE_SIZE], JumpError> {
        if self.plan.source(target).is_none() {
            return Err(JumpError::Plan("prepared page", target));
        }
        let page = self.page(target)?;
        // SAFETY:
        // - ours: every page with a source lies in `buffers` or `fresh` (rings
        //   excepted, which no edit names: checked by the plan's own tests), and
        //   `self` is borrowed mutably, so nobody else looks at them;
        // - mapped read-write: buffers are, until `protect_tables`.
        Ok(unsafe { &mut *(page.address() as *mut [u8; PAGE_SIZE]) })
    }

    /// Give the pages of one run their frames.
    fn place(&mut self, run: &Run) -> Result<(), JumpError> {
        match run.source {
            Source::Buffer { buffer, page } => {
                let pages = self
                    .buffers
                    .get(buffer)
                    .ok_or(JumpError::Plan("buffer", page as u64))?;
                let end = page
                    .checked_add(run.count as usize)
                    .filter(|&end| end <= pages.pages());
                end.ok_or(JumpError::Plan("buffer page", page as u64 + run.count))?;
                let first = pages.pfn().0 + page;
                self.put(run.first, first as u64, run.count)
            }
            Source::Store => self.put_ring(run.first, own().store_mfn),
            Source::Console => self.put_ring(run.first, own().console_mfn),
            _ => self.place_fresh(run.first, run.count),
        }
    }

    fn put(&mut self, target: u64, origin: u64, count: u64) -> Result<(), JumpError> {
        (0..count).try_for_each(|at| {
            self.exchange
                .put(target + at, origin + at)
                .ok_or(JumpError::Plan("page", target + at))
        })
    }

    fn put_ring(&mut self, target: u64, mfn: u64) -> Result<(), JumpError> {
        let pfn = p2m::pfn(Mfn(mfn)).ok_or(JumpError::Plan("ring frame", mfn))?;
        self.put(target, pfn.0 as u64, 1)
    }

    /// Zeroed pages, in pieces that are easy to find room for.
    fn place_fresh(&mut self, target: u64, count: u64) -> Result<(), JumpError> {
        let mut largest = 256;
        let mut done = 0;
        while done < count {
            let piece = largest.min(count - done);
            let pages = match PageBuf::new(piece as usize * PAGE_SIZE) {
                Ok(pages) => pages,
                // As many pages may be there, but not side by side.
                Err(_) if piece > 1 => {
                    largest = piece / 2;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            self.put(target + done, pages.pfn().0 as u64, piece)?;
            self.fresh.push(pages);
            done += piece;
        }
        Ok(())
    }

    /// The new tables may not map a page table of ours writable, so those must
    /// end up in pages outside the map whose content does not matter.
    fn move_old_tables_aside(&mut self) -> Result<(), JumpError> {
        let old = pagetable::tables();
        let is_old = {
            let mut sorted: Vec<u64> = old.iter().map(|pfn| pfn.0 as u64).collect();
            sorted.sort_unstable();
            move |origin: u64| sorted.binary_search(&origin).is_ok()
        };
        let mut free = (0..self.plan.nr_pages).rev();
        for table in old {
            let target = self
                .exchange
                .target(table.0 as u64)
                .ok_or(JumpError::Plan("table", table.0 as u64))?;
            if !self.plan.is_mapped(target) {
                continue;
            }
            let place = free
                .find(|&page| {
                    !self.plan.is_mapped(page)
                        && self.plan.source(page).is_none()
                        && !self.exchange.origin(page).is_some_and(&is_old)
                })
                .ok_or(JumpError::NoRoomForOldTables)?;
            self.exchange
                .put(place, table.0 as u64)
                .ok_or(JumpError::Plan("page", place))?;
        }
        Ok(())
    }

    fn edit(&mut self, edit: &Edit) -> Result<(), JumpError> {
        let wrong = || JumpError::Plan("edit of page", edit.pfn);
        // A copy's source may be the page itself or its neighbour: through a
        // buffer of our own, so that it is never aliased.
        let mut content = [0; PAGE_SIZE];
        let content = content.get_mut(..edit.len).ok_or_else(wrong)?;
        match edit.what {
            What::Zero => {}
            What::Bytes(at) => {
                content.copy_from_slice(self.plan.bytes.get(at..at + edit.len).ok_or_else(wrong)?)
            }
            What::Copy { buffer, at } => {
                let from = self
                    .buffers
                    .get(buffer)
                    .and_then(|pages| pages.get(at..at + edit.len));
                content.copy_from_slice(from.ok_or_else(wrong)?);
            }
        }
        let page = self.bytes(edit.pfn)?;
        page.get_mut(edit.offset..edit.offset + edit.len)
            .ok_or_else(wrong)?
            .copy_from_slice(content);
        Ok(())
    }

    fn write_p2m_list(&mut self) -> Result<(), JumpError> {
        const PER_PAGE: usize = PAGE_SIZE / 8;
        let mut entries = [0u8; PAGE_SIZE];
        let pages = self.plan.p2m_list.clone();
        for (index, target) in pages.enumerate() {
            let first = (index * PER_PAGE) as u64;
            for (at, entry) in (first..).zip(entries.as_chunks_mut::<8>().0) {
                *entry = self.new_mfn(at).to_le_bytes();
            }
            *self.bytes(target)? = entries;
        }
        Ok(())
    }

    fn write_start_info(&mut self) -> Result<(), JumpError> {
        let info = own();
        let given = Given {
            shared_info: info.shared_info,
            store_mfn: info.store_mfn,
            store_evtchn: info.store_evtchn,
            console_mfn: info.console_mfn,
            console_evtchn: info.console_evtchn,
        };
        *self.bytes(self.plan.start_info_pfn)? = start_info(self.plan, &given);
        Ok(())
    }

    fn write_page_tables(&mut self) -> Result<(), JumpError> {
        let plan = self.plan;
        let mut pages = Vec::with_capacity(plan.tables.as_slice().len());
        for table in plan.tables.as_slice() {
            self.bytes(table.pfn)?;
            pages.push((table.pfn, self.page(table.pfn)?));
        }
        pages.sort_unstable_by_key(|&(target, _)| target);
        let mut wrong = None;
        page_tables::emit(
            plan,
            &|target| self.new_mfn(target),
            &mut |target, entries| {
                match pages.binary_search_by_key(&target, |&(target, _)| target) {
                    // SAFETY: checked by `bytes` above: a fresh page of ours.
                    Ok(at) => unsafe { *(pages[at].1.address() as *mut [u64; 512]) = *entries },
                    Err(_) => wrong = Some(target),
                }
            },
        );
        wrong.map_or(Ok(()), |target| Err(JumpError::Plan("table", target)))
    }

    /// Put code and parameters into the boot stack's page, and map it where
    /// the jump begins.
    fn write_trampoline(&mut self) -> Result<usize, JumpError> {
        let (plan, stack) = (self.plan, self.plan.boot_stack_pfn);
        let page_virt = plan.boot_stack_top - PAGE_SIZE as u64;
        let start = TRAMPOLINE_VIRT
            .into_iter()
            .find(|&virt| virt as u64 != page_virt)
            .unwrap_or_default();
        let frame = Mfn(self.new_mfn(stack));
        let executable = pagetable::entry(frame, pagetable::bits::RW);
        let operation = |cmd, mfn: Mfn| MmuextOp {
            cmd,
            arg1: mfn.0,
            ..MmuextOp::default()
        };
        let root = Mfn(self.new_mfn(plan.root()));
        let parameters = Parameters {
            page_virt,
            page_entry: executable,
            start_info_virt: plan.start_info_virt,
            stack_top: plan.boot_stack_top,
            entry: plan.entry,
            operations: [
                operation(MMUEXT_NEW_BASEPTR, root),
                operation(MMUEXT_UNPIN_TABLE, pagetable::base()),
            ],
        };
        let (code, end) = (
            &raw const pvgrub_trampoline,
            &raw const pvgrub_trampoline_end,
        );
        let page = self.bytes(stack)?;
        // SAFETY:
        // - source: the assembler's bytes between two labels of one section;
        // - destination: a whole page, and PARAMETERS is behind the code.
        unsafe {
            let len = end.addr() - code.addr();
            assert!(len <= PARAMETERS, "the trampoline has outgrown its place");
            page.as_mut_ptr().copy_from_nonoverlapping(code, len);
            page.as_mut_ptr()
                .add(PARAMETERS)
                .cast::<Parameters>()
                .write(parameters);
        }
        pagetable::make_path(page_virt as usize)
            .map_err(|error| JumpError::Xen("a way to the boot stack", error))?;
        // SAFETY: an address nobody uses; the frame is a fresh one of ours.
        unsafe { pagetable::map_frame(start, executable) }
            .map_err(|error| JumpError::Xen("the trampoline", error))?;
        Ok(start)
    }

    fn finish(mut self) -> Result<Ready, JumpError> {
        let plan = self.plan;
        plan.runs.iter().try_for_each(|run| self.place(run))?;
        // Whatever makes page tables of ours comes before they are moved aside.
        let stack = plan.boot_stack_top - PAGE_SIZE as u64;
        let path = |virt| {
            pagetable::make_path(virt).map_err(|error| JumpError::Xen("a page table", error))
        };
        path(stack as usize)?;
        TRAMPOLINE_VIRT.into_iter().try_for_each(path)?;
        let tables = plan
            .tables
            .as_slice()
            .iter()
            .map(|table| self.page(table.pfn))
            .collect::<Result<Vec<_>, _>>()?;
        self.move_old_tables_aside()?;
        plan.edits.iter().try_for_each(|edit| self.edit(edit))?;
        self.write_start_info()?;
        self.write_p2m_list()?;
        self.write_page_tables()?;
        let trampoline = self.write_trampoline()?;
        let new_root = Mfn(self.new_mfn(plan.root()));
        let ready = Ready {
            exchange: self.exchange,
            new_root,
            trampoline,
            tables,
            _buffers: self.buffers,
            fresh: self.fresh,
        };
        ready.pin()?;
        Ok(ready)
    }
}

/// Do everything that can be undone. `plan` was made for these buffers.
pub fn prepare(plan: &Plan, buffers: Buffers) -> Result<Ready, JumpError> {
    let exchange = Exchange::new(plan.nr_pages).ok_or(OutOfMemory {
        wanted: plan.nr_pages as usize * 8 / PAGE_SIZE,
        free: free_pages(),
    })?;
    Builder {
        plan,
        buffers,
        fresh: Vec::new(),
        exchange,
    }
    .finish()
}

impl Ready {
    /// Have Xen check the new tables, which must not be mapped writable then.
    fn pin(&self) -> Result<(), JumpError> {
        for &table in &self.tables {
            // SAFETY: filled in, and nobody writes or frees it before the jump or `Drop`.
            unsafe { pagetable::protect(table, pagetable::bits::RO) }
                .map_err(|error| JumpError::Xen("a read-only page table", error))?;
        }
        let pin = MmuextOp {
            cmd: MMUEXT_PIN_L4_TABLE,
            arg1: self.new_root.0,
            ..MmuextOp::default()
        };
        // SAFETY: pinning changes no mapping of ours.
        unsafe { mmuext_op(&[pin]) }.map_err(|error| JumpError::Xen("the new page tables", error))
    }

    /// Leave. Every device, watch and port must have been given up before.
    pub fn jump(self) -> ! {
        // Collected first: what follows must not allocate, for that could map
        // more RAM through page tables that the new kernel believes to be its own.
        let list = p2m::list();
        let update = |(target, origin): (u64, u64)| MmuUpdate {
            ptr: (list[origin as usize] << 12) | MMU_MACHPHYS_UPDATE,
            val: target,
        };
        let mut batch = [MmuUpdate::default(); 256];
        let mut moved = self.exchange.moved();
        loop {
            let mut filled = 0;
            for (slot, pair) in batch.iter_mut().zip(&mut moved) {
                *slot = update(pair);
                filled += 1;
            }
            if filled == 0 {
                break;
            }
            // SAFETY: changes Xen's reverse table only, which we do not use from here on.
            unsafe { mmu_update(&batch[..filled]) }.expect("Xen renumbers our own frames");
        }
        hypercall::clear_trap_table();
        let _ = hypercall::restart_periodic_timer();
        minios::event::reset();
        // SAFETY:
        // - mapped and executable: `write_trampoline` put code there;
        // - never returns, so nothing of ours is used again.
        unsafe {
            let start: extern "C" fn() -> ! = core::mem::transmute(self.trampoline);
            start()
        }
    }
}

impl Drop for Ready {
    /// An abandoned boot: the tables become plain memory again.
    fn drop(&mut self) {
        let unpin = MmuextOp {
            cmd: MMUEXT_UNPIN_TABLE,
            arg1: self.new_root.0,
            ..MmuextOp::default()
        };
        // SAFETY: unpinning what we do not run on; fails harmlessly if it was never pinned.
        let _ = unsafe { mmuext_op(&[unpin]) };
        // SAFETY: the trampoline's own address, which nothing else uses.
        let _ = unsafe { hypercall::update_va_mapping(self.trampoline, 0) };
        for &table in &self.tables {
            // SAFETY: our own page, which is no table any more.
            if unsafe { pagetable::protect(table, pagetable::bits::RW) }.is_err() {
                log::error!("page {:#x} stays read-only", table.0);
                // Whoever got such a page next would fault: all stay out of use.
                self.fresh.drain(..).for_each(|pages| {
                    pages.leak();
                });
            }
        }
    }
}
