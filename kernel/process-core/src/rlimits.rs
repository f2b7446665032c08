//! The limits that programs set for themselves: soft ones, and hard ones that bound those.
//! getrlimit(2). What an operator allows bounds both.

use alloc::sync::Arc;

use crate::limits::Limits;

/// No limit.
pub const INFINITY: u64 = u64::MAX;

/// A limit of one resource.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SoftHard {
    /// The one in force.
    pub soft: u64,
    /// How far it may be raised.
    pub hard: u64,
}

impl SoftHard {
    const fn both(value: u64) -> Self {
        Self { soft: value, hard: value }
    }
}

/// Why a limit was not changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RlimitRefusal {
    /// The soft one is above the hard one, or there is no such resource.
    Invalid,
    /// The hard one cannot be raised, or not so far.
    NotAllowed,
}

/// The resources, by Linux's numbers, that mean something here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "getrlimit(2) says what each one limits")]
#[repr(usize)]
pub enum Rlimit {
    Cpu = 0,
    FileSize = 1,
    Stack = 3,
    Core = 4,
    Processes = 6,
    OpenFiles = 7,
    LockedMemory = 8,
    AddressSpace = 9,
    PendingSignals = 11,
    MessageQueues = 12,
    Nice = 13,
    RealTimePriority = 14,
}

const COUNT: usize = 16;

/// A process's limits, one for each of Linux's resources. A clone shares them until one of the two changes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ResourceLimits(Arc<[SoftHard; COUNT]>);

impl ResourceLimits {
    /// Those of a process for which an operator has set these.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        const LOCKED_BYTES: u64 = 8 << 20;
        const QUEUED_SIGNALS: u64 = 1_024;
        const QUEUE_BYTES: u64 = 819_200;
        let mut all = Self(Arc::new([SoftHard::both(INFINITY); COUNT]));
        for (which, value) in [
            (Rlimit::Core, SoftHard { soft: 0, hard: INFINITY }),
            (Rlimit::LockedMemory, SoftHard::both(LOCKED_BYTES)),
            (Rlimit::PendingSignals, SoftHard::both(QUEUED_SIGNALS)),
            (Rlimit::MessageQueues, SoftHard::both(QUEUE_BYTES)),
            (Rlimit::Nice, SoftHard::both(0)),
            (Rlimit::RealTimePriority, SoftHard::both(0)),
        ] {
            all.put(which, value);
        }
        for which in Self::BOUNDED {
            all.put(which, Self::allowed(which, limits));
        }
        all
    }

    /// Those that an operator bounds.
    const BOUNDED: [Rlimit; 4] = [Rlimit::Cpu, Rlimit::Stack, Rlimit::OpenFiles, Rlimit::Processes];

    /// What an operator's limits come to; CPU time in seconds, the last one begun.
    const fn allowed(which: Rlimit, limits: &Limits) -> SoftHard {
        const SECOND_NS: u64 = 1_000_000_000;
        SoftHard::both(match which {
            Rlimit::Cpu => match limits.cpu_time_ns {
                Some(ns) => ns.div_ceil(SECOND_NS),
                None => INFINITY,
            },
            Rlimit::Stack => limits.stack_bytes,
            Rlimit::OpenFiles => limits.open_files as u64,
            Rlimit::Processes => limits.processes as u64,
            _ => INFINITY,
        })
    }

    /// An operator has changed what the process may use. What it has set itself stays where the
    /// operator's limit stays.
    pub fn allow(&mut self, old: &Limits, new: &Limits) {
        for which in Self::BOUNDED {
            let allowed = Self::allowed(which, new);
            if allowed != Self::allowed(which, old) {
                self.put(which, allowed);
            }
        }
    }

    fn put(&mut self, which: Rlimit, value: SoftHard) {
        if let Some(place) = Arc::make_mut(&mut self.0).get_mut(which as usize) {
            *place = value;
        }
    }

    /// The limit of a resource.
    #[must_use]
    pub fn of(&self, which: Rlimit) -> SoftHard {
        self.get(which as usize).unwrap_or(SoftHard::both(INFINITY))
    }

    /// The limit of the resource with this number.
    pub fn get(&self, number: usize) -> Option<SoftHard> {
        self.0.get(number).copied()
    }

    /// Changes a limit. `may_raise`: the caller may raise hard limits (CAP_SYS_RESOURCE), but not
    /// above what the operator allows.
    ///
    /// # Errors
    /// See [`RlimitRefusal`]; nothing has changed then.
    pub fn set(
        &mut self,
        number: usize,
        new: SoftHard,
        may_raise: bool,
        allowed: &Limits,
    ) -> Result<(), RlimitRefusal> {
        let old = self.get(number).ok_or(RlimitRefusal::Invalid)?;
        if new.soft > new.hard {
            return Err(RlimitRefusal::Invalid);
        }
        let bounded = Self::BOUNDED.into_iter().find(|which| *which as usize == number);
        let bound = bounded.map_or(INFINITY, |which| Self::allowed(which, allowed).hard);
        if new.hard > old.hard && (!may_raise || new.hard > bound) {
            return Err(RlimitRefusal::NotAllowed);
        }
        if let Some(place) = Arc::make_mut(&mut self.0).get_mut(number) {
            *place = new;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soft_limits_move_below_hard_ones_which_only_sink() {
        let allowed = Limits::default();
        let mut limits = ResourceLimits::new(&allowed);
        let files = Rlimit::OpenFiles as usize;
        let set = |limits: &mut ResourceLimits, soft, hard, may| {
            limits.set(files, SoftHard { soft, hard }, may, &allowed)
        };
        assert_eq!(limits.of(Rlimit::OpenFiles), SoftHard { soft: 1024, hard: 1024 });
        assert_eq!(set(&mut limits, 10, 100, false), Ok(()));
        assert_eq!(set(&mut limits, 100, 100, false), Ok(()));
        assert_eq!(set(&mut limits, 101, 100, true), Err(RlimitRefusal::Invalid));
        assert_eq!(set(&mut limits, 100, 200, false), Err(RlimitRefusal::NotAllowed));
        assert_eq!(set(&mut limits, 100, 1024, true), Ok(()));
        assert_eq!(set(&mut limits, 100, 1025, true), Err(RlimitRefusal::NotAllowed));
        // The operator changes another limit, then this one.
        let more = Limits { processes: 7, cpu_time_ns: Some(1_500_000_000), ..allowed };
        limits.allow(&allowed, &more);
        assert_eq!(limits.of(Rlimit::OpenFiles), SoftHard { soft: 100, hard: 1024 });
        assert_eq!(limits.of(Rlimit::Processes), SoftHard { soft: 7, hard: 7 });
        assert_eq!(limits.of(Rlimit::Cpu), SoftHard { soft: 2, hard: 2 });
        limits.allow(&more, &Limits { open_files: 9, ..more });
        assert_eq!(limits.of(Rlimit::OpenFiles), SoftHard { soft: 9, hard: 9 });
        assert_eq!(limits.get(16), None);
        let any = SoftHard { soft: 1, hard: 1 };
        assert_eq!(limits.set(16, any, true, &allowed), Err(RlimitRefusal::Invalid));
    }
}
