//! The disk itself: found, asked, waited for.

use alloc::sync::Arc;
use core::fmt;
use core::task::{Context, Poll, Waker};

use drivers::machine::{Disk, ThisMachine};
use drivers::pci::{Function, MsiTarget, enumerate};
use drivers::virtio::{BlockError, BlockSignal, Kind, MOST_SECTORS, Request, kind};
use ksync::Once;
use process_core::BlockReason;
use store_core::{SECTOR_BYTES, Sectors};

use crate::interrupts;
use crate::scheduler;

/// A disk that has not answered by then is put out of use: hosts give up sooner.
const PATIENCE_NS: u64 = 30_000_000_000;
const MOST_BYTES: usize = MOST_SECTORS * SECTOR_BYTES;

static SIGNAL: Once<Arc<BlockSignal>> = Once::new();

fn on_interrupt() {
    if let Some(signal) = SIGNAL.get() {
        signal.interrupt();
    }
}

/// The disk's counters.
pub(super) fn signal() -> Option<&'static BlockSignal> {
    SIGNAL.get().map(|signal| &**signal)
}

/// Why the disk did not do what it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskError {
    /// It refused.
    Block(BlockError),
    /// It did not answer, and is out of use.
    Timeout,
}

impl fmt::Display for DiskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Block(error) => error.fmt(f),
            Self::Timeout => {
                write!(f, "the disk did not answer within {} s", PATIENCE_NS / 1_000_000_000)
            }
        }
    }
}

/// A disk that one thread uses, which sleeps until it has answered.
#[derive(Debug)]
pub struct Device {
    disk: Disk,
    waker: Waker,
}

/// Starts the first disk that works. None if there is no disk; else why none can be used.
pub(super) fn start() -> Option<Result<Device, alloc::string::String>> {
    let mut refused = None;
    let functions = enumerate(&ThisMachine);
    for function in functions.iter().filter(|function| kind(function) == Some(Kind::Block)) {
        match start_one(function) {
            Ok(device) => return Some(Ok(device)),
            Err(why) => refused = Some(Err(why)),
        }
    }
    refused
}

fn start_one(function: &Function) -> Result<Device, alloc::string::String> {
    let failed = |why: &dyn fmt::Display| {
        alloc::format!("the disk at {} cannot be used: {why}", function.address)
    };
    let vector = interrupts::allocate_vector("disk", on_interrupt);
    let vector = vector.ok_or_else(|| failed(&"no interrupt is left"))?;
    let apic_id = hal::cpu::apic_id(0).ok_or_else(|| failed(&"no CPU takes its interrupt"))?;
    let target = MsiTarget { apic_id, vector };
    let disk = Disk::start(&ThisMachine, function, target).map_err(|error| failed(&error))?;
    let thread = scheduler::current().ok_or_else(|| failed(&"nobody could wait for it"))?;
    SIGNAL.call_once(|| disk.signal());
    Ok(Device { disk, waker: Waker::from(thread) })
}

impl Device {
    pub(super) fn is_read_only(&self) -> bool {
        self.disk.is_read_only()
    }

    /// Asks, and sleeps until the answer is there; what was read is copied to `into`.
    fn ask(&mut self, request: Request<'_>, into: &mut [u8]) -> Result<(), DiskError> {
        self.disk.begin(request).map_err(DiskError::Block)?;
        let deadline_ns = hal::time::now_ns().saturating_add(PATIENCE_NS);
        let mut is_late = false;
        loop {
            let mut context = Context::from_waker(&self.waker);
            match self.disk.poll(&mut context) {
                Poll::Ready(Ok(done)) => {
                    let len = done.data.len().min(into.len());
                    into[..len].copy_from_slice(&done.data[..len]);
                    return Ok(());
                }
                Poll::Ready(Err(error)) => return Err(DiskError::Block(error)),
                Poll::Pending if is_late => {
                    self.disk.give_up();
                    return Err(DiskError::Timeout);
                }
                // After the last moment it is looked once more.
                Poll::Pending => {
                    is_late = !scheduler::park_until(BlockReason::Device, deadline_ns);
                }
            }
        }
    }
}

/// Calls `f` with the pieces of a range that fit into a request, and their first sectors.
fn in_pieces<E>(
    first: u64,
    len: usize,
    mut f: impl FnMut(u64, usize, usize) -> Result<(), E>,
) -> Result<(), E> {
    let mut at = 0;
    while at < len {
        let piece = MOST_BYTES.min(len - at);
        f(first.saturating_add((at / SECTOR_BYTES) as u64), at, piece)?;
        at += piece;
    }
    Ok(())
}

impl Sectors for Device {
    type Error = DiskError;

    fn count(&self) -> u64 {
        self.disk.sectors()
    }

    fn read(&mut self, first: u64, into: &mut [u8]) -> Result<(), DiskError> {
        in_pieces(first, into.len(), |sector, at, len_bytes| {
            self.ask(Request::Read { sector, len_bytes }, &mut into[at..at + len_bytes])
        })
    }

    fn write(&mut self, first: u64, bytes: &[u8]) -> Result<(), DiskError> {
        in_pieces(first, bytes.len(), |sector, at, len| {
            self.ask(Request::Write { sector, bytes: &bytes[at..at + len] }, &mut [])
        })
    }

    fn flush(&mut self) -> Result<(), DiskError> {
        if self.disk.has_cache() { self.ask(Request::Flush, &mut []) } else { Ok(()) }
    }
}
