//! TLB shoot-downs: one CPU has changed mappings that others may have cached, and waits until they
//! have let go of them.
//!
//! One request is under way at a time. Who waits to make one, or waits for a spin lock, serves the
//! request of another meanwhile, so that two CPUs with interrupts disabled cannot wait for each
//! other. A requester holds no spin lock: a CPU that waits for that lock with interrupts disabled
//! would still serve, but the request would lengthen everybody's wait.

use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};

use x86_64::VirtAddr;
use x86_64::instructions::tlb;

use super::layout::PAGE_BYTES;
use crate::cpu::local::AtomicCpuMask;
use crate::{apic, cpu};

/// The vector by which CPUs are asked.
pub const SHOOTDOWN_VECTOR: u8 = 0xf2;

/// From this many pages on, everything is flushed instead of page by page.
const FLUSH_ALL_PAGES: u64 = 32;

static BUSY: AtomicBool = AtomicBool::new(false);
static ASKED: AtomicCpuMask = AtomicCpuMask::new();
static WAITED_FOR: AtomicUsize = AtomicUsize::new(0);
static START: AtomicU64 = AtomicU64::new(0);
static PAGES: AtomicU64 = AtomicU64::new(0);
/// The space that is to be left, or 0.
static LEAVE: AtomicU64 = AtomicU64::new(0);

/// Flushes a range of kernel addresses everywhere.
pub(crate) fn flush_kernel(start: u64, pages: u64) {
    request(0..cpu::online(), start, pages, 0);
}

/// Flushes a range of user addresses on the CPUs in `mask`.
pub(crate) fn flush_user(mask: &AtomicCpuMask, start: u64, pages: u64) {
    request_of(mask, start, pages, 0);
}

/// Has the CPUs in `mask` carry out a request; others are not asked when that is the calling one alone.
fn request_of(mask: &AtomicCpuMask, start: u64, pages: u64, leave: u64) {
    let is_done = crate::interrupts::without(|| {
        // Sequentially consistent, for what was changed before this look at the mask: as the `swap` in
        // `request`. A program that runs on one CPU costs the others nothing.
        fence(Ordering::SeqCst);
        let own = cpu::current();
        if mask.iter().any(|cpu| cpu != own) {
            return false;
        }
        if mask.contains(own) {
            carry_out(start, pages, leave);
        }
        true
    });
    if !is_done {
        request(mask.iter(), start, pages, leave);
    }
}

/// Flushes a range of addresses on the calling CPU alone.
pub(crate) fn flush_own(start: u64, pages: u64) {
    crate::interrupts::without(|| carry_out(start, pages, 0));
}

/// Interrupts the CPUs in `mask`, and waits until each has been: whatever they had stored before is
/// seen by all that comes after, and the other way round.
pub(crate) fn interrupt(mask: &AtomicCpuMask) {
    fence(Ordering::SeqCst);
    request(mask.iter(), 0, 0, 0);
    fence(Ordering::SeqCst);
}

/// As `interrupt`, for every CPU.
pub fn barrier_everywhere() {
    fence(Ordering::SeqCst);
    request(0..cpu::online(), 0, 0, 0);
    fence(Ordering::SeqCst);
}

/// Makes the CPUs in `mask` leave the space whose root this is, if they still have it loaded.
pub(crate) fn leave(mask: &AtomicCpuMask, root: u64) {
    request_of(mask, 0, 0, root);
}

fn request(targets: impl Iterator<Item = usize>, start: u64, pages: u64, leave: u64) {
    crate::interrupts::without(|| {
        let own = cpu::current();
        // Acquire and release order one request's stores after the end of the one before.
        while BUSY.swap(true, Ordering::Acquire) {
            while BUSY.load(Ordering::Relaxed) {
                serve();
                core::hint::spin_loop();
            }
        }
        START.store(start, Ordering::Relaxed);
        PAGES.store(pages, Ordering::Relaxed);
        LEAVE.store(leave, Ordering::Relaxed);
        // One share is the requester's own, so that the count cannot reach zero while asking.
        WAITED_FOR.store(1, Ordering::Relaxed);
        let mut flush_own = false;
        let mut asked = 0_u64;
        for target in targets {
            if target == own {
                flush_own = true;
                continue;
            }
            WAITED_FOR.fetch_add(1, Ordering::Relaxed);
            // Sequentially consistent, so it publishes the request to the `remove` in `serve`.
            ASKED.insert(target);
            apic::send_ipi(target, SHOOTDOWN_VECTOR);
            asked += 1;
        }
        if asked > 0 {
            cpu::local::current().statistics.shootdowns_sent.increment();
        }
        if flush_own {
            carry_out(start, pages, leave);
        }
        WAITED_FOR.fetch_sub(1, Ordering::Relaxed);
        // Acquire pairs with the release in `serve`: their flushes are done when it reads zero.
        while WAITED_FOR.load(Ordering::Acquire) != 0 {
            core::hint::spin_loop();
        }
        BUSY.store(false, Ordering::Release);
    });
}

/// Carries out the request that is under way if this CPU is asked. Called with interrupts disabled,
/// from the interrupt and from every loop that waits with interrupts disabled.
pub(crate) fn serve() {
    let Some(local) = cpu::local::try_current() else { return };
    if !ASKED.contains(local.id()) {
        return;
    }
    crate::interrupts::without(|| {
        let local = cpu::local::current();
        if !ASKED.take(local.id()) {
            return;
        }
        carry_out(
            START.load(Ordering::Relaxed),
            PAGES.load(Ordering::Relaxed),
            LEAVE.load(Ordering::Relaxed),
        );
        local.statistics.shootdowns_received.increment();
        WAITED_FOR.fetch_sub(1, Ordering::Release);
    });
}

fn carry_out(start: u64, pages: u64, leave: u64) {
    if leave != 0 {
        super::address_space::leave_if_loaded(leave);
    } else if pages > FLUSH_ALL_PAGES {
        // Kernel mappings are global, so a change of CR3 does not flush them.
        if start >= super::layout::DIRECT_MAP_BASE {
            flush_global();
        } else {
            tlb::flush_all();
        }
    } else {
        for page in 0..pages {
            tlb::flush(VirtAddr::new_truncate(start + page * PAGE_BYTES));
        }
    }
}

fn flush_global() {
    use x86_64::registers::control::{Cr4, Cr4Flags};
    let cr4 = Cr4::read();
    // SAFETY: taking global pages away for a moment only empties the TLB (SDM volume 3, 4.10.4.1).
    unsafe { Cr4::write(cr4 - Cr4Flags::PAGE_GLOBAL) };
    // SAFETY: this is the value found before.
    unsafe { Cr4::write(cr4) };
}
