//! timerfd_create(2): a timer to wait for.

use alloc::string::String;
use alloc::sync::Arc;

use hal::interrupts::SpinLock;
use linux_abi::Errno;
use vfs_core::{FileKind, Metadata};

use super::file::{File, Transfer, nameless};
use super::{Readiness, WatchList};
use crate::levels;
use crate::scheduler::{self, Alarm, AlarmId};

/// A timer as a file: a read tells how often it has run out since the last one.
#[derive(Debug)]
pub struct TimerFile {
    timer: Arc<Timer>,
    /// Whether absolute times are the wall clock's.
    is_wall: bool,
}

/// What the alarm and the file share.
#[derive(Debug)]
struct Timer {
    state: SpinLock<State>,
    watchers: WatchList,
}

#[derive(Debug, Default)]
struct State {
    /// When it runs out next, on the monotonic clock; none while it is not set.
    due_ns: Option<u64>,
    /// How long after that again and again; 0 for once.
    interval_ns: u64,
    alarm: Option<AlarmId>,
}

/// What a timer is set to: how long until it runs out, 0 for never, and the time between two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// In nanoseconds.
    pub value_ns: u64,
    /// In nanoseconds.
    pub interval_ns: u64,
}

impl Timer {
    fn new() -> Arc<Self> {
        let state = SpinLock::new(levels::FILES, "timer", State::default());
        Arc::new(Self { state, watchers: WatchList::new() })
    }
}

impl Alarm for Timer {
    fn ring(self: Arc<Self>) {
        self.watchers.notify(Readiness::IN);
    }
}

impl State {
    /// How often it has run out by `now_ns`, and when it will again.
    fn expired(&self, now_ns: u64) -> (u64, Option<u64>) {
        let Some(due) = self.due_ns.filter(|due| *due <= now_ns) else { return (0, self.due_ns) };
        if self.interval_ns == 0 {
            return (1, None);
        }
        let more = (now_ns - due) / self.interval_ns;
        let passed = more.saturating_add(1).saturating_mul(self.interval_ns);
        (more.saturating_add(1), Some(due.saturating_add(passed)))
    }

    fn setting(&self, now_ns: u64) -> Setting {
        let (_, next) = self.expired(now_ns);
        // What is due at this moment has at least one nanosecond left: 0 would say that it is off.
        let value_ns = next.map_or(0, |due| due.saturating_sub(now_ns).max(1));
        Setting { value_ns, interval_ns: self.interval_ns }
    }
}

impl TimerFile {
    /// A timer that is not set; absolute times are of the monotonic clock.
    #[must_use]
    pub fn monotonic() -> Self {
        Self { timer: Timer::new(), is_wall: false }
    }

    /// As `monotonic`, with absolute times of the wall clock.
    #[must_use]
    pub fn wall() -> Self {
        Self { timer: Timer::new(), is_wall: true }
    }

    /// Sets it, and forgets what has run out. Says what it was set to.
    ///
    /// # Errors
    /// ENOMEM; then it is not set.
    pub fn set(&self, new: Setting, is_absolute: bool) -> Result<Setting, Errno> {
        let now_ns = hal::time::now_ns();
        let due_ns = match new.value_ns {
            0 => None,
            value if !is_absolute => Some(now_ns.saturating_add(value)),
            value if self.is_wall => {
                let wall_ns = u64::try_from(hal::time::wall_ns()).unwrap_or(0);
                // What has passed is due at once; how often is counted from then on.
                let at = i128::from(now_ns) + i128::from(value) - i128::from(wall_ns);
                Some(u64::try_from(at.max(0)).unwrap_or(u64::MAX))
            }
            value => Some(value),
        };
        let (old, alarm) = {
            let mut state = self.timer.state.lock();
            let old = state.setting(now_ns);
            let alarm = state.alarm.take();
            state.due_ns = due_ns;
            state.interval_ns = new.interval_ns;
            (old, alarm)
        };
        if let Some(alarm) = alarm {
            scheduler::cancel_alarm(&alarm);
        }
        self.arm()?;
        Ok(old)
    }

    /// What it is set to.
    #[must_use]
    pub fn setting(&self) -> Setting {
        self.timer.state.lock().setting(hal::time::now_ns())
    }

    /// Sets the alarm to when it runs out next. Two threads that do so at once may leave one alarm
    /// too many, which says what is true.
    fn arm(&self) -> Result<(), Errno> {
        let due_ns = self.timer.state.lock().due_ns;
        let Some(due_ns) = due_ns else { return Ok(()) };
        let alarm: Arc<dyn Alarm> = Arc::clone(&self.timer) as Arc<dyn Alarm>;
        let alarm = scheduler::set_alarm(alarm, due_ns);
        let replaced = self.timer.state.lock().alarm.replace(alarm);
        if let Some(replaced) = replaced {
            scheduler::cancel_alarm(&replaced);
        }
        Ok(())
    }
}

impl Drop for TimerFile {
    fn drop(&mut self) {
        let alarm = self.timer.state.lock().alarm.take();
        if let Some(alarm) = alarm {
            scheduler::cancel_alarm(&alarm);
        }
    }
}

impl File for TimerFile {
    fn transfer(&self) -> Transfer {
        Transfer::Messages
    }

    fn read(&self, _at: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
        let place = buffer.first_chunk_mut::<8>().ok_or(Errno::EINVAL)?;
        let count = {
            let mut state = self.timer.state.lock();
            let (count, next) = state.expired(hal::time::now_ns());
            if count == 0 {
                return Err(Errno::EAGAIN);
            }
            state.due_ns = next;
            count
        };
        self.arm()?;
        *place = count.to_le_bytes();
        Ok(8)
    }

    fn metadata(&self) -> Result<Metadata, Errno> {
        Ok(nameless(FileKind::Regular, 0o600, 0))
    }

    fn readiness(&self) -> Readiness {
        let (count, _) = self.timer.state.lock().expired(hal::time::now_ns());
        Readiness::NONE.with_if(count > 0, Readiness::IN)
    }

    fn watch_list(&self) -> Option<&WatchList> {
        Some(&self.timer.watchers)
    }

    fn describe(&self) -> String {
        String::from("anon_inode:[timerfd]")
    }
}
