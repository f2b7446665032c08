//! The limit of CPU time: SIGXCPU at the soft one and each second from there on, SIGKILL at the hard
//! one. setrlimit(2), RLIMIT_CPU.
//!
//! The manager's thread looks at each process that has a limit when it could have reached it at the
//! earliest, so that nothing is counted where programs run.

use alloc::sync::Arc;
use alloc::vec::Vec;

use hal::interrupts::SpinLock;
use process_core::{PendingSignal, Rlimit, Signal, SignalCause, SoftHard};

use super::{Process, control};
use crate::events::{self, Kind};
use crate::levels;

const SECOND_NS: u64 = 1_000_000_000;
/// Not looked at more often, nor, while it does not run, less often.
const SHORTEST_NS: u64 = 2_000_000;
const LONGEST_REST_NS: u64 = SECOND_NS;

/// A process with a limit.
#[derive(Debug)]
struct Watched {
    process: Arc<Process>,
    check_at_ns: u64,
    /// What it had used at the last look.
    used_ns: u64,
    /// How long it has rested since, looked at twice as rarely each time.
    rest_ns: u64,
    /// Of its time from where on the next SIGXCPU is due; none before the first.
    next_warning_ns: Option<u64>,
}

static WATCHED: SpinLock<Vec<Watched>> =
    SpinLock::new(levels::PROCESS, "limits of CPU time", Vec::new());

fn nanoseconds(seconds: u64) -> u64 {
    seconds.saturating_mul(SECOND_NS)
}

/// The process may have a limit of CPU time from now on.
pub(super) fn watch(process: &Arc<Process>) {
    let SoftHard { soft, hard } = process.rlimits.lock().of(Rlimit::Cpu);
    if soft.min(hard) == process_core::NO_RLIMIT {
        return;
    }
    {
        let mut watched = WATCHED.lock();
        let known = watched.iter_mut().find(|it| Arc::ptr_eq(&it.process, process));
        match known {
            Some(known) => (known.check_at_ns, known.next_warning_ns) = (0, None),
            None => watched.push(Watched {
                process: Arc::clone(process),
                check_at_ns: 0,
                used_ns: 0,
                rest_ns: 0,
                next_warning_ns: None,
            }),
        }
    }
    control::wake_manager();
}

/// Looks at those whose time it is; says when to look again. By the manager's thread.
pub(super) fn check(now_ns: u64) -> Option<u64> {
    let due: Vec<Watched> =
        WATCHED.lock().extract_if(.., |watched| watched.check_at_ns <= now_ns).collect();
    for mut watched in due {
        if watched.look(now_ns) {
            let mut all = WATCHED.lock();
            // It may have been entered anew meanwhile.
            if !all.iter().any(|it| Arc::ptr_eq(&it.process, &watched.process)) {
                all.push(watched);
            }
        }
    }
    WATCHED.lock().iter().map(|watched| watched.check_at_ns).min()
}

impl Watched {
    /// Carries the limit out. Says whether there is anything left to watch.
    fn look(&mut self, now_ns: u64) -> bool {
        let SoftHard { soft, hard } = self.process.rlimits.lock().of(Rlimit::Cpu);
        if self.process.has_ended() || soft.min(hard) == process_core::NO_RLIMIT {
            return false;
        }
        let used = self.process.usage().cpu.total_ns();
        if used >= nanoseconds(hard) {
            self.exceeded(Signal::SIGKILL);
            return false;
        }
        let warning = self.next_warning_ns.unwrap_or(nanoseconds(soft));
        if used >= warning {
            self.exceeded(Signal::SIGXCPU);
            self.next_warning_ns = Some(used.saturating_add(SECOND_NS));
        }
        let next = self.next_warning_ns.unwrap_or(warning).min(nanoseconds(hard));
        let at_once = self.process.threads.lock().list.len().clamp(1, hal::cpu::online().max(1));
        let earliest = next.saturating_sub(used) / at_once as u64;
        self.rest_ns = if used == self.used_ns {
            (self.rest_ns * 2).clamp(SHORTEST_NS, LONGEST_REST_NS)
        } else {
            0
        };
        self.used_ns = used;
        self.check_at_ns = now_ns.saturating_add(earliest.max(SHORTEST_NS).max(self.rest_ns));
        true
    }

    fn exceeded(&self, signal: Signal) {
        events::publish(
            Kind::LimitExceeded,
            Some(self.process.pid),
            None,
            format_args!("cpu_time_ns: {}", signal.name()),
        );
        // It may end at this very moment, which is what is wanted.
        let _ =
            control::deliver(&self.process, PendingSignal { signal, cause: SignalCause::Kernel });
    }
}
