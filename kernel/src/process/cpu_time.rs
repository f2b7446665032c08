//! The limit of CPU time: SIGXCPU at the soft one and each second from there on, SIGKILL at the hard
//! one and at the operator's. setrlimit(2), RLIMIT_CPU.
//!
//! The manager's thread looks at each process that has a limit when it could have reached it at the
//! earliest, so that nothing is counted where programs run.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use hal::interrupts::SpinLock;
use process_core::{LimitKind, PendingSignal, Rlimit, Signal, SignalCause, SoftHard};

use super::{Process, control};
use crate::levels;
use crate::scheduler::Thread;

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
    if !process.has_cpu_time_limit() {
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
        if self.process.has_ended() || !self.process.has_cpu_time_limit() {
            return false;
        }
        let SoftHard { soft, hard } = self.process.rlimits.lock().of(Rlimit::Cpu);
        let most = self.process.cpu_time_limit_ns.load(Ordering::Relaxed).min(nanoseconds(hard));
        let used = self.process.cpu_time_ns();
        if used >= most {
            self.exceeded(Signal::SIGKILL);
            return false;
        }
        let warning = self.next_warning_ns.unwrap_or(nanoseconds(soft));
        if used >= warning {
            self.exceeded(Signal::SIGXCPU);
            self.next_warning_ns = Some(used.saturating_add(SECOND_NS));
        }
        let next = self.next_warning_ns.unwrap_or(warning).min(most);
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
        self.process.met(LimitKind::CpuTime, format_args!("{}", signal.name()));
        // It may end at this very moment, which is what is wanted.
        let _ =
            control::deliver(&self.process, PendingSignal { signal, cause: SignalCause::Kernel });
    }
}

impl Process {
    fn has_cpu_time_limit(&self) -> bool {
        let SoftHard { soft, hard } = self.rlimits.lock().of(Rlimit::Cpu);
        soft.min(hard) != process_core::NO_RLIMIT
            || self.cpu_time_limit_ns.load(Ordering::Relaxed) != u64::MAX
    }

    /// What its threads have used so far.
    fn cpu_time_ns(&self) -> u64 {
        let threads = self.threads.lock();
        let of_thread = |thread: &Arc<Thread>| thread.figures.cpu_usage().total_ns();
        let living: u64 = threads.list.iter().map(of_thread).sum();
        threads.ended.get().cpu.total_ns().saturating_add(living)
    }
}
