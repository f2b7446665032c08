//! A pseudo-terminal: one [`Pair`] behind its master and its slaves; and all that there are.

use alloc::sync::Arc;
use alloc::vec::Vec;

use hal::interrupts::SpinLock;
use linux_abi::Errno;
use process_core::{PendingSignal, Pid, Signal, SignalCause};
use vfs_core::{Key, Terminal, WindowSize};

use crate::fs::{Readiness, WatchList};
use crate::{levels, process};

/// The most that there may be at the same time.
const PAIRS_MAX: usize = 256;

static PAIRS: SpinLock<Vec<Option<Arc<Pair>>>> =
    SpinLock::new(levels::TERMINALS, "terminals", Vec::new());

/// A pseudo-terminal.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) index: u32,
    pub(super) state: SpinLock<State>,
    pub(super) master_watch: WatchList,
    pub(super) slave_watch: WatchList,
}

/// What changes of it.
#[derive(Debug)]
pub(super) struct State {
    pub(super) terminal: Terminal,
    /// The session whose controlling terminal it is.
    pub(super) session: Option<Pid>,
    /// The group that may read, and that the keyboard's signals reach.
    pub(super) foreground: Option<Pid>,
    /// Open files of its slave's side.
    pub(super) slaves: u32,
    pub(super) was_opened: bool,
    pub(super) is_locked: bool,
    /// Bits a second, if the modes leave it to a number.
    pub(super) other_speed: u32,
    pub(super) has_master: bool,
}

impl State {
    /// The slaves' side has been there and is gone.
    pub(super) fn has_lost_slaves(&self) -> bool {
        self.was_opened && self.slaves == 0
    }
}

/// Makes one.
///
/// # Errors
/// ENOSPC when there are too many; ENOMEM.
pub(super) fn make() -> Result<Arc<Pair>, Errno> {
    let terminal = Terminal::new().map_err(|_| Errno::ENOMEM)?;
    let state = State {
        terminal,
        session: None,
        foreground: None,
        slaves: 0,
        was_opened: false,
        is_locked: true,
        other_speed: 0,
        has_master: true,
    };
    let mut state = Some(state);
    let mut pairs = PAIRS.lock();
    let free = pairs.iter().position(Option::is_none);
    let index = match free {
        Some(index) => index,
        None if pairs.len() >= PAIRS_MAX => return Err(Errno::ENOSPC),
        None => {
            pairs.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
            pairs.push(None);
            pairs.len() - 1
        }
    };
    let (Some(state), Some(place)) = (state.take(), pairs.get_mut(index)) else {
        return Err(Errno::ENOSPC);
    };
    let pair = Arc::new(Pair {
        index: u32::try_from(index).unwrap_or(u32::MAX),
        state: SpinLock::new(levels::TERMINAL, "terminal", state),
        master_watch: WatchList::new(),
        slave_watch: WatchList::new(),
    });
    *place = Some(Arc::clone(&pair));
    Ok(pair)
}

/// Forgets one: its master is gone.
pub(super) fn forget(index: u32) {
    let pair = usize::try_from(index).ok().and_then(|index| PAIRS.lock().get_mut(index)?.take());
    // Dropped without the lock.
    drop(pair);
}

/// The one with this number.
pub(super) fn find(index: u32) -> Option<Arc<Pair>> {
    PAIRS.lock().get(usize::try_from(index).ok()?)?.clone()
}

/// The one that is this session's controlling terminal.
pub(super) fn of_session(session: Pid) -> Option<Arc<Pair>> {
    let pairs = PAIRS.lock();
    pairs.iter().flatten().find(|pair| pair.state.lock().session == Some(session)).cloned()
}

impl Pair {
    /// Takes what was typed; how many bytes.
    pub(super) fn type_in(&self, bytes: &[u8]) -> Result<usize, Errno> {
        let mut pressed = [None; 3];
        let (count, foreground) = {
            let mut state = self.state.lock();
            let count = state.terminal.type_in(bytes, |key| {
                if let Some(place) = pressed.get_mut(key as usize) {
                    *place = Some(key);
                }
            });
            (count, state.foreground)
        };
        for key in pressed.into_iter().flatten() {
            let signal = match key {
                Key::Interrupt => Signal::SIGINT,
                Key::Quit => Signal::SIGQUIT,
                Key::Suspend => Signal::SIGTSTP,
            };
            signal_group(foreground, signal);
        }
        if count == 0 && !bytes.is_empty() {
            return Err(Errno::EAGAIN);
        }
        // There may be a line to read, an echo to show, and output that goes on.
        self.slave_watch.notify(Readiness::IN | Readiness::OUT);
        self.master_watch.notify(Readiness::IN);
        Ok(count)
    }

    /// Changes its size; its programs hear of it.
    pub(super) fn resize(&self, window: WindowSize) {
        let foreground = {
            let mut state = self.state.lock();
            if state.terminal.window == window {
                return;
            }
            state.terminal.window = window;
            state.foreground
        };
        signal_group(foreground, Signal::SIGWINCH);
    }

    /// Both sides look again.
    pub(super) fn notify_all(&self) {
        self.slave_watch.notify(Readiness::IN | Readiness::OUT);
        self.master_watch.notify(Readiness::IN | Readiness::OUT);
    }
}

/// The kernel sends a signal to a group, if there is one.
pub(super) fn signal_group(group: Option<Pid>, signal: Signal) {
    if let Some(group) = group {
        process::signal_group(group, PendingSignal { signal, cause: SignalCause::Kernel });
    }
}
