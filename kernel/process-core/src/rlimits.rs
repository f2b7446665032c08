//! The limits that programs set for themselves: soft ones, and hard ones that bound those.
//! getrlimit(2). What an operator allows bounds both.

use alloc::sync::Arc;

use crate::limits::{Limits, LimitsChange};

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
    Data = 2,
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
const SECOND_NS: u64 = 1_000_000_000;

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

    /// What the process may use is other than it was. What it has set itself stays where that is the
    /// same.
    pub fn allow(&mut self, old: &Limits, new: &Limits) {
        for which in Self::BOUNDED {
            let allowed = Self::allowed(which, new);
            if allowed != Self::allowed(which, old) {
                self.put(which, allowed);
            }
        }
    }

    /// An operator has changed what the process may use, which is `new` now. What it has set itself
    /// stays where the operator did not name a limit.
    pub fn impose(&mut self, change: &LimitsChange, new: &Limits) {
        for (which, is_changed) in [
            (Rlimit::Cpu, change.cpu_time_ns.is_some()),
            (Rlimit::Stack, change.stack_bytes.is_some()),
            (Rlimit::OpenFiles, change.open_files.is_some()),
            (Rlimit::Processes, change.processes.is_some()),
        ] {
            if is_changed {
                self.put(which, Self::allowed(which, new));
            }
        }
    }

    /// What binds the process: what an operator allows, or what it has set itself where that is less.
    /// Of that the soft limits count. May hold values that no operator can set, such as 0.
    #[must_use]
    pub fn in_force(&self, allowed: &Limits) -> Limits {
        let small = |which, most: u32| {
            u32::try_from(self.of(which).soft).map_or(most, |soft| soft.min(most))
        };
        let cpu_time_ns = match self.of(Rlimit::Cpu).soft {
            INFINITY => allowed.cpu_time_ns,
            seconds => {
                let own = seconds.saturating_mul(SECOND_NS);
                Some(allowed.cpu_time_ns.map_or(own, |most| most.min(own)))
            }
        };
        Limits {
            stack_bytes: self.of(Rlimit::Stack).soft.min(allowed.stack_bytes),
            open_files: small(Rlimit::OpenFiles, allowed.open_files),
            processes: small(Rlimit::Processes, allowed.processes),
            cpu_time_ns,
            ..*allowed
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

    /// The limit of what is private and can be written. As on Linux, one of 0 is taken for a wish that
    /// no other limit says, and the hard one holds.
    #[must_use]
    pub fn data_bytes(&self) -> u64 {
        match self.of(Rlimit::Data) {
            SoftHard { soft: 0, hard } => hard,
            SoftHard { soft, .. } => soft,
        }
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
        let change = LimitsChange {
            processes: Some(7),
            cpu_time_ns: Some(Some(1_500_000_000)),
            ..LimitsChange::default()
        };
        let more = allowed.changed(&change).unwrap();
        limits.impose(&change, &more);
        assert_eq!(limits.of(Rlimit::OpenFiles), SoftHard { soft: 100, hard: 1024 });
        assert_eq!(limits.of(Rlimit::Processes), SoftHard { soft: 7, hard: 7 });
        assert_eq!(limits.of(Rlimit::Cpu), SoftHard { soft: 2, hard: 2 });
        // What is the same stays as it was set, unless an operator says so again.
        limits.allow(&more, &more);
        assert_eq!(limits.of(Rlimit::OpenFiles), SoftHard { soft: 100, hard: 1024 });
        let change = LimitsChange { open_files: Some(1024), ..LimitsChange::default() };
        limits.impose(&change, &more);
        assert_eq!(limits.of(Rlimit::OpenFiles), SoftHard { soft: 1024, hard: 1024 });
        limits.allow(&more, &Limits { open_files: 9, ..more });
        assert_eq!(limits.of(Rlimit::OpenFiles), SoftHard { soft: 9, hard: 9 });
        assert_eq!(limits.get(16), None);
        let any = SoftHard { soft: 1, hard: 1 };
        assert_eq!(limits.set(16, any, true, &allowed), Err(RlimitRefusal::Invalid));
    }

    #[test]
    fn the_lesser_of_what_is_allowed_and_what_was_set_is_in_force() {
        let allowed = Limits { cpu_time_ns: Some(1_500_000_000), ..Limits::default() };
        let mut limits = ResourceLimits::new(&allowed);
        assert_eq!(limits.in_force(&allowed), allowed, "nothing was set");
        for (which, soft) in [
            (Rlimit::OpenFiles, 0),
            (Rlimit::Processes, 12),
            (Rlimit::Stack, 4097),
            (Rlimit::Cpu, 1),
            (Rlimit::AddressSpace, 1 << 20),
        ] {
            let hard = limits.of(which).hard;
            limits.set(which as usize, SoftHard { soft, hard }, false, &allowed).unwrap();
        }
        let expected = Limits {
            open_files: 0,
            processes: 12,
            stack_bytes: 4097,
            cpu_time_ns: Some(1_000_000_000),
            ..allowed
        };
        assert_eq!(limits.in_force(&allowed), expected);
        let free = Limits { cpu_time_ns: None, ..allowed };
        assert_eq!(ResourceLimits::new(&free).in_force(&free).cpu_time_ns, None);
    }
}
