//! The disk: what lasts over a boot.
//!
//! One thread has the disk and the store on it (`store_core`), and does what others want done there, one
//! after the other; it sleeps until the disk has answered. Who asks waits for a [`Promise`], as a task or
//! as a thread. Without a disk, or with one that holds something else, there is no such thread: what
//! changes is gone with the next boot, and the API says so.
//!
//! - `device`: the disk. `state`: what others are told.

mod device;
mod state;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use hal::interrupts::SpinLock;
use ksync::Once;
use process_core::{BlockReason, Priority};
use store_core::{OpenError, Sectors};

use crate::levels;
use crate::process::{self, CreateError};
use crate::random;
use crate::scheduler::{self, Thread};
use crate::sync::promise::{Promise, promise};

pub use device::DiskError;
pub use state::{Condition, State, counters, state};
pub use store_core::{Foreign, StoreError};

/// The store on the disk.
pub type Store = store_core::Store<device::Device>;
/// Something to be done with it.
type Job = Box<dyn FnOnce(&mut Store) + Send>;

/// Bytes of the thread's stack: documents are checked and written on it.
const STACK_BYTES: u64 = 128 * 1024;

/// None once nobody does any.
static JOBS: SpinLock<Option<VecDeque<Job>>> =
    SpinLock::new(levels::RINGS, "disk jobs", Some(VecDeque::new()));
/// What was kept when the store was opened, until it is asked for.
static CONTENTS: SpinLock<Vec<(String, Vec<u8>)>> =
    SpinLock::new(levels::RINGS, "disk contents", Vec::new());
static THREAD: Once<Arc<Thread>> = Once::new();

/// Starts the disk's thread, which looks for a disk. Once.
///
/// # Errors
/// When there is no memory for it.
pub fn start(foreign: Foreign) -> Result<(), CreateError> {
    let main = Box::new(move || main(foreign));
    process::spawn_kernel_thread("disk", Priority::High, STACK_BYTES, main)?;
    Ok(())
}

/// Has something done with the store. The promise has no answer if there is none.
pub fn submit<R: Send + 'static>(job: impl FnOnce(&mut Store) -> R + Send + 'static) -> Promise<R> {
    let (answer, promise) = promise();
    let job: Job = Box::new(move |store| {
        let outcome = job(store);
        // Before the answer: who has that sees what came of it.
        state::set_figures(store.figures());
        answer.give(outcome);
    });
    let refused = match JOBS.lock().as_mut() {
        Some(jobs) => {
            jobs.push_back(job);
            None
        }
        None => Some(job),
    };
    // Outside the lock: this tells who waits.
    drop(refused);
    if let Some(thread) = THREAD.get() {
        thread.unpark();
    }
    promise
}

/// Whether there may be a store: not before it is known that there is none.
#[must_use]
pub fn may_keep() -> bool {
    JOBS.lock().is_some()
}

/// All that was kept when the system started. Once; waits until it is known.
#[must_use]
pub fn take_contents() -> Vec<(String, Vec<u8>)> {
    state::await_known();
    core::mem::take(&mut *CONTENTS.lock())
}

fn main(foreign: Foreign) {
    if let Some(thread) = scheduler::current() {
        THREAD.call_once(|| thread);
    }
    let Some(mut store) = open(foreign) else {
        let jobs = JOBS.lock().take();
        drop(jobs);
        return;
    };
    loop {
        let job = JOBS.lock().as_mut().and_then(VecDeque::pop_front);
        match job {
            Some(job) => job(&mut store),
            None => scheduler::park(BlockReason::Work),
        }
    }
}

/// Opens the store on the disk, and lets it be known.
fn open(foreign: Foreign) -> Option<Store> {
    let refuse = |condition, why: String, size_bytes| {
        crate::warning!("disk: {why}: changes of services are not kept");
        state::set(State { condition, size_bytes, reason: Some(why), ..State::default() });
    };
    let device = match device::start() {
        None => {
            state::set(State::default());
            return None;
        }
        Some(Err(why)) => {
            refuse(Condition::Failed, why, 0);
            return None;
        }
        Some(Ok(device)) => device,
    };
    let size_bytes = device.count().saturating_mul(store_core::SECTOR_BYTES as u64);
    state::set_opening(size_bytes);
    if device.is_read_only() {
        refuse(Condition::Refused, "the disk is read-only".to_string(), size_bytes);
        return None;
    }
    let (store, recovery) = match Store::open(device, foreign, random::number()) {
        Ok(opened) => opened,
        Err(OpenError::Disk(error)) => {
            refuse(Condition::Failed, error.to_string(), size_bytes);
            return None;
        }
        Err(error) => {
            let help = match error {
                OpenError::TooSmall { .. } => "",
                _ => " (the kernel option disk=format has it overwritten)",
            };
            refuse(
                Condition::Refused,
                alloc::format!("the disk is not used: {error}{help}"),
                size_bytes,
            );
            return None;
        }
    };
    let figures = store.figures();
    if recovery.was_set_up {
        crate::info!("disk: {} MiB were set up to keep changes", size_bytes >> 20);
    } else {
        crate::info!("disk: {} records, {} KiB", figures.records, figures.used_bytes >> 10);
    }
    if recovery.is_tail_unreadable {
        crate::warning!("disk: a change that was under way when the power went is left out");
    }
    if recovery.gaps > 0 {
        let gaps = recovery.gaps;
        crate::error!("disk: it is damaged: records are lost in {gaps} places");
    }
    let entry =
        |(key, value): (&[u8], &[u8])| (String::from_utf8_lossy(key).into_owned(), value.to_vec());
    let contents = store.iter().map(entry).collect();
    *CONTENTS.lock() = contents;
    state::set(State {
        condition: Condition::InUse,
        size_bytes,
        reason: None,
        figures,
        gaps: recovery.gaps,
    });
    Some(store)
}
