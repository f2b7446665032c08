//! What the processes of a sandbox may do (requirement X1): an allow-list of system calls, rights on
//! the network, and the capabilities that are left to them.
//!
//! A process enters a sandbox when it is made; its children are in it, too, and nobody leaves. Those
//! inside see and reach each other alone.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicU64, Ordering};

use crate::credentials::{Capability, CapabilitySet, Credentials};
use crate::process::Profile;

/// A set of system calls, by their numbers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallSet([u64; Self::WORDS]);

impl CallSet {
    const WORDS: usize = 12;
    /// Numbers from here on are in no set.
    pub const LIMIT: usize = Self::WORDS * 64;

    /// No call.
    pub const EMPTY: Self = Self([0; Self::WORDS]);

    /// Whether the call is in it.
    pub fn contains(&self, index: usize) -> bool {
        self.0.get(index / 64).is_some_and(|word| word & (1 << (index % 64)) != 0)
    }

    /// Puts a call into it; says whether it has a place.
    pub fn insert(&mut self, index: usize) -> bool {
        match self.0.get_mut(index / 64) {
            Some(word) => {
                *word |= 1 << (index % 64);
                true
            }
            None => false,
        }
    }

    /// The calls in it, in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        (0..Self::LIMIT).filter(|index| self.contains(*index))
    }
}

/// What processes may do with the network.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct NetworkRights {
    /// Begin: connect, and send datagrams to addresses.
    pub connect: bool,
    /// Wait for others: bind to ports, listen.
    pub listen: bool,
}

/// What becomes of a call that is not allowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum OnViolation {
    /// It answers an error.
    #[default]
    Refuse,
    /// It ends the process.
    Kill,
}

/// The capabilities that sandboxed processes can have: those over their own files, processes and ids,
/// none over the system.
pub const SANDBOX_CAPABILITIES: CapabilitySet = CapabilitySet::EMPTY
    .with(Capability::Chown)
    .with(Capability::DacOverride)
    .with(Capability::DacReadSearch)
    .with(Capability::Fowner)
    .with(Capability::Fsetid)
    .with(Capability::Kill)
    .with(Capability::Setgid)
    .with(Capability::Setuid)
    .with(Capability::Setpcap)
    .with(Capability::NetBindService);

/// A sandbox: its rules, and how often they were broken. Who has been in it keeps it, also when its
/// processes have ended.
#[derive(PartialEq, Eq, Debug)]
pub struct Sandbox {
    /// Which one: no two have the same number.
    pub id: u64,
    /// The calls that are allowed.
    pub calls: CallSet,
    /// What is allowed on the network.
    pub network: NetworkRights,
    /// What becomes of other calls.
    pub on_violation: OnViolation,
    /// How often its processes tried what it does not allow.
    pub violations: Violations,
}

/// How often something was tried that is not allowed.
#[derive(Default, Debug)]
pub struct Violations(AtomicU64);

impl Violations {
    /// Counts one.
    pub fn note(&self) {
        // Relaxed: a count, on which nothing else hangs.
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// So often.
    pub fn count(&self) -> u64 {
        // Relaxed: as above.
        self.0.load(Ordering::Relaxed)
    }
}

impl PartialEq for Violations {
    fn eq(&self, other: &Self) -> bool {
        self.count() == other.count()
    }
}

impl Eq for Violations {}

impl Credentials {
    /// The credentials with no more than these capabilities, now and later.
    #[must_use]
    pub fn bounded(&self, to: CapabilitySet) -> Self {
        Self {
            capabilities: self.capabilities.intersection(to),
            permitted: self.permitted.intersection(to),
            inheritable: self.inheritable.intersection(to),
            bounding: self.bounding.intersection(to),
            ..self.clone()
        }
    }
}

/// Whether who is in the one sandbox, or none, reaches who is in the other, or none.
pub fn reaches(from: Option<&Arc<Sandbox>>, to: Option<&Arc<Sandbox>>) -> bool {
    match (from, to) {
        (None, _) => true,
        (Some(from), Some(to)) => from.id == to.id,
        (Some(_), None) => false,
    }
}

impl Profile {
    /// Whether a process of this profile sees one of the other at all.
    pub fn sees(&self, other: &Self) -> bool {
        reaches(self.sandbox.as_ref(), other.sandbox.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::{Gid, Uid};
    use crate::identity::{CapabilitySets, NotAllowed};

    fn sandbox(id: u64) -> Arc<Sandbox> {
        Arc::new(Sandbox {
            id,
            calls: CallSet::EMPTY,
            network: NetworkRights::default(),
            on_violation: OnViolation::Refuse,
            violations: Violations::default(),
        })
    }

    #[test]
    fn a_set_of_calls_holds_what_is_put_in() {
        let mut set = CallSet::EMPTY;
        for index in [0, 63, 64, 469, CallSet::LIMIT - 1] {
            assert!(!set.contains(index));
            assert!(set.insert(index));
            assert!(set.contains(index));
        }
        assert!(!set.insert(CallSet::LIMIT) && !set.insert(usize::MAX));
        assert!(!set.contains(CallSet::LIMIT) && !set.contains(usize::MAX));
        assert!(set.iter().eq([0, 63, 64, 469, CallSet::LIMIT - 1]));
    }

    // proves: X1
    #[test]
    fn who_is_inside_reaches_only_who_is_in_the_same_one() {
        let (one, same, other) = (sandbox(1), sandbox(1), sandbox(2));
        assert!(reaches(None, None) && reaches(None, Some(&one)));
        assert!(reaches(Some(&one), Some(&same)));
        assert!(!reaches(Some(&one), Some(&other)) && !reaches(Some(&one), None));
    }

    // proves: X1
    #[test]
    fn capabilities_over_the_system_do_not_come_back() {
        let root = Credentials::for_user(Uid(0), Gid(0), Arc::new([]));
        let bounded = root.bounded(SANDBOX_CAPABILITIES);
        assert_eq!(bounded.capabilities, SANDBOX_CAPABILITIES);
        assert_eq!(bounded.of_executed_program().capabilities, SANDBOX_CAPABILITIES);
        let more = CapabilitySets {
            effective: CapabilitySet::ALL,
            permitted: CapabilitySet::ALL,
            inheritable: CapabilitySet::EMPTY,
        };
        assert_eq!(bounded.with_capabilities(more), Err(NotAllowed));
        for gone in [Capability::SysChroot, Capability::SysAdmin, Capability::NetRaw] {
            assert!(!bounded.is_capable(gone));
        }
    }
}
