//! What others are told about the disk.

use alloc::string::String;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::Waker;

use drivers::virtio::BlockCounters;
use hal::interrupts::SpinLock;
use process_core::BlockReason;
use store_core::Figures;

use super::device;
use crate::broadcast::Broadcast;
use crate::levels;
use crate::scheduler;

/// Whether there is a disk that is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    /// There is none, or it is still looked for.
    #[default]
    Absent,
    /// It is being looked at.
    Opening,
    /// What changes is kept on it.
    InUse,
    /// It holds something else, or is not fit for it.
    Refused,
    /// It does not work.
    Failed,
}

/// The disk, as the API tells of it.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Whether it is used.
    pub condition: Condition,
    /// Its size.
    pub size_bytes: u64,
    /// Why it is not used.
    pub reason: Option<String>,
    /// What is on it.
    pub figures: Figures,
    /// Places where records were lost.
    pub gaps: u64,
}

static STATE: SpinLock<Option<State>> = SpinLock::new(levels::RINGS, "disk state", None);
static IS_KNOWN: AtomicBool = AtomicBool::new(false);
static KNOWN: Broadcast = Broadcast::new();

/// What there is to tell.
#[must_use]
pub fn state() -> State {
    STATE.lock().clone().unwrap_or_default()
}

/// The disk's counters, if there is one.
#[must_use]
pub fn counters() -> Option<&'static BlockCounters> {
    device::signal().map(drivers::virtio::BlockSignal::counters)
}

/// There is a disk; what is on it is being looked at.
pub(super) fn set_opening(size_bytes: u64) {
    *STATE.lock() = Some(State { condition: Condition::Opening, size_bytes, ..State::default() });
}

pub(super) fn set(state: State) {
    *STATE.lock() = Some(state);
    // Release pairs with the acquire in `await_known`.
    IS_KNOWN.store(true, Ordering::Release);
    KNOWN.wake_all();
}

pub(super) fn set_figures(figures: Figures) {
    if let Some(state) = STATE.lock().as_mut() {
        state.figures = figures;
    }
}

/// Waits until it is known whether there is a disk.
pub(super) fn await_known() {
    let Some(thread) = scheduler::current() else { return };
    let waker = Waker::from(thread);
    while !IS_KNOWN.load(Ordering::Acquire) {
        KNOWN.register(&waker);
        if !IS_KNOWN.load(Ordering::Acquire) {
            scheduler::park(BlockReason::Work);
        }
    }
}
