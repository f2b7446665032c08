//! A queue's notifications, gathered: a device that is told of several buffers at once is told once.
//!
//! The transport only notes that the device is to be notified; the driver, which knows when it has
//! nothing more to queue, rings. Each ring is an access to the device, under emulation by far the
//! dearest part of sending a frame.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::registers::Registers;

/// Where the queue is not set up, or has no place to be notified in.
const NOWHERE: usize = usize::MAX;

/// The driver's end. Cloning gives another handle on the same bell.
#[derive(Clone, Debug)]
pub(super) struct Doorbell<R: Registers> {
    notify: R,
    queue: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    offset: AtomicUsize,
    is_due: AtomicBool,
}

impl<R: Registers> Doorbell<R> {
    pub(super) fn new(notify: R, queue: u16) -> Self {
        let shared = Shared { offset: AtomicUsize::new(NOWHERE), is_due: AtomicBool::new(false) };
        Self { notify, queue, shared: Arc::new(shared) }
    }

    pub(super) fn queue(&self) -> u16 {
        self.queue
    }

    /// Where in the notification structure the queue is notified, once that is known.
    pub(super) fn place(&self, offset: Option<usize>) {
        // Relaxed: transport and driver are used by one thread at a time, whose lock orders this.
        self.shared.offset.store(offset.unwrap_or(NOWHERE), Ordering::Relaxed);
    }

    /// The device is to be notified, by the next [`ring`](Self::ring).
    pub(super) fn hold(&self) {
        // Relaxed: as in `place`; the queue's own barriers order the buffers before the ring.
        self.shared.is_due.store(true, Ordering::Relaxed);
    }

    /// Notifies the device if it is to be.
    pub(super) fn ring(&self) {
        // Relaxed: as in `hold`. Not a swap: that would be a locked access in each call.
        if self.shared.is_due.load(Ordering::Relaxed) {
            self.shared.is_due.store(false, Ordering::Relaxed);
            // Relaxed: as in `place`.
            let offset = self.shared.offset.load(Ordering::Relaxed);
            if offset != NOWHERE {
                self.notify.write_u16(offset, self.queue);
            }
        }
    }
}
