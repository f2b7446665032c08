//! A disk: virtio-blk (VIRTIO 1.2, 5.2), one request at a time.
//!
//! Whoever owns the [`VirtioBlock`] (the kernel's disk thread) begins a request and sleeps until
//! [`VirtioBlock::poll`], which leaves its waker for the interrupt handler, says that it is over. How long
//! that may take is the owner's to decide: [`VirtioBlock::give_up`] puts the disk out of use.

use alloc::sync::Arc;
use core::fmt;
use core::task::{Context, Poll};

use ksync::{Counter, WakerCell};
use virtio_drivers::Hal;
use virtio_drivers::transport::{DeviceType, Transport};
use virtio_queues::{BlockError, BlockQueue, Done, Request};

use super::{PciTransport, VirtioError};
use crate::pci::{Function, MsiTarget, Msix};
use crate::registers::{Machine, Registers};

/// MSI-X entry of the queue.
const ENTRY: u16 = 0;

/// What was asked of the disk; read from anywhere.
#[derive(Debug, Default)]
pub struct BlockCounters {
    /// Requests to read that were carried out.
    pub reads: Counter,
    /// Bytes that they read.
    pub read_bytes: Counter,
    /// Requests to write that were carried out.
    pub writes: Counter,
    /// Bytes that they wrote.
    pub written_bytes: Counter,
    /// Requests to flush that were carried out.
    pub flushes: Counter,
    /// Requests that were not carried out.
    pub errors: Counter,
    /// Interrupts.
    pub interrupts: Counter,
}

/// The interrupt handler's end.
#[derive(Debug, Default)]
pub struct BlockSignal {
    waker: WakerCell,
    counters: BlockCounters,
}

impl BlockSignal {
    /// The disk has interrupted: wakes the one who waits for it. For the interrupt handler.
    pub fn interrupt(&self) {
        self.counters.interrupts.increment();
        self.waker.wake();
    }

    /// The disk's counters.
    #[must_use]
    pub fn counters(&self) -> &BlockCounters {
        &self.counters
    }
}

/// A disk.
pub struct VirtioBlock<H: Hal, T: Transport> {
    queue: BlockQueue<H, T>,
    signal: Arc<BlockSignal>,
    /// What is under way, for the counters.
    asked: Asked,
}

#[derive(Clone, Copy, Debug)]
enum Asked {
    Read(u64),
    Write(u64),
    Flush,
}

impl<H: Hal, R: Registers> VirtioBlock<H, PciTransport<R>> {
    /// Starts the disk, which interrupts `target` after each request.
    ///
    /// # Errors
    /// When the disk cannot be used.
    pub fn start<M: Machine<Registers = R>>(
        machine: &M,
        function: &Function,
        target: MsiTarget,
    ) -> Result<Self, VirtioError> {
        let msix = Msix::enable(machine, function)?;
        msix.set(ENTRY, target)?;
        let vectors = [Some(ENTRY), None];
        let transport = PciTransport::new(machine, function, DeviceType::Block, vectors)?;
        let disk = Self::assemble(BlockQueue::new(transport)?);
        msix.unmask(ENTRY);
        Ok(disk)
    }
}

impl<H: Hal, T: Transport> VirtioBlock<H, T> {
    fn assemble(queue: BlockQueue<H, T>) -> Self {
        Self { queue, signal: Arc::default(), asked: Asked::Flush }
    }

    /// How many sectors of 512 bytes the disk has.
    #[must_use]
    pub fn sectors(&self) -> u64 {
        self.queue.sectors()
    }

    /// Whether it cannot be written.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.queue.is_read_only()
    }

    /// Whether what was written needs a flush to last.
    #[must_use]
    pub fn has_cache(&self) -> bool {
        self.queue.has_cache()
    }

    /// What the interrupt handler calls, and where the counters are.
    #[must_use]
    pub fn signal(&self) -> Arc<BlockSignal> {
        Arc::clone(&self.signal)
    }

    /// Asks the disk for something.
    ///
    /// # Errors
    /// Why not; what is under way goes on.
    pub fn begin(&mut self, request: Request<'_>) -> Result<(), BlockError> {
        let asked = match &request {
            Request::Read { len_bytes, .. } => Asked::Read(*len_bytes as u64),
            Request::Write { bytes, .. } => Asked::Write(bytes.len() as u64),
            Request::Flush => Asked::Flush,
        };
        match self.queue.begin(request) {
            Ok(()) => {
                self.asked = asked;
                Ok(())
            }
            Err(error) => {
                self.signal.counters.errors.increment();
                Err(error)
            }
        }
    }

    /// Ready with what became of the request. Else its end wakes the task.
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Done<'_>, BlockError>> {
        // Registered first: an interrupt from here on finds the waker.
        self.signal.waker.register(context.waker());
        let Some(outcome) = self.queue.poll() else { return Poll::Pending };
        let counters = &self.signal.counters;
        match (&outcome, self.asked) {
            (Err(_), _) => counters.errors.increment(),
            (Ok(_), Asked::Read(bytes)) => {
                counters.reads.increment();
                counters.read_bytes.add(bytes);
            }
            (Ok(_), Asked::Write(bytes)) => {
                counters.writes.increment();
                counters.written_bytes.add(bytes);
            }
            (Ok(_), Asked::Flush) => counters.flushes.increment(),
        }
        Poll::Ready(outcome)
    }

    /// Puts a disk that does not answer out of use.
    pub fn give_up(&mut self) {
        self.signal.counters.errors.increment();
        self.queue.give_up();
    }
}

impl<H: Hal, T: Transport> fmt::Debug for VirtioBlock<H, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VirtioBlock").field("queue", &self.queue).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
