//! How a process changes whom it acts for: setuid(2) and its kin, capset(2), capabilities(7).

use alloc::sync::Arc;

use crate::credentials::{Capability, CapabilitySet, Credentials, Gid, Uid};

/// The caller may not become that: EPERM.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotAllowed;

/// New ids; those that are `None` stay.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct NewIds<I> {
    /// The real one.
    pub real: Option<I>,
    /// The effective one.
    pub effective: Option<I>,
    /// The saved one.
    pub saved: Option<I>,
}

/// The three ids of one kind.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Ids<I> {
    real: I,
    effective: I,
    saved: I,
}

impl<I: Copy + PartialEq> Ids<I> {
    fn has(&self, id: I) -> bool {
        self.real == id || self.effective == id || self.saved == id
    }

    /// setuid(2): all three for who may, else the effective one.
    fn set(mut self, id: I, may: bool) -> Result<Self, NotAllowed> {
        if may {
            return Ok(Self { real: id, effective: id, saved: id });
        }
        if self.real != id && self.saved != id {
            return Err(NotAllowed);
        }
        self.effective = id;
        Ok(self)
    }

    /// setreuid(2).
    fn set_two(self, new: NewIds<I>, may: bool) -> Result<Self, NotAllowed> {
        let is_refused =
            |id: Option<I>, allowed: &[I]| id.is_some_and(|id| !may && !allowed.contains(&id));
        if is_refused(new.real, &[self.real, self.effective])
            || is_refused(new.effective, &[self.real, self.effective, self.saved])
        {
            return Err(NotAllowed);
        }
        let effective = new.effective.unwrap_or(self.effective);
        let saves = new.real.is_some() || new.effective.is_some_and(|id| id != self.real);
        Ok(Self {
            real: new.real.unwrap_or(self.real),
            effective,
            saved: if saves { effective } else { self.saved },
        })
    }

    /// setresuid(2).
    fn set_three(self, new: NewIds<I>, may: bool) -> Result<Self, NotAllowed> {
        let wanted = [new.real, new.effective, new.saved];
        if !may && wanted.iter().flatten().any(|id| !self.has(*id)) {
            return Err(NotAllowed);
        }
        Ok(Self {
            real: new.real.unwrap_or(self.real),
            effective: new.effective.unwrap_or(self.effective),
            saved: new.saved.unwrap_or(self.saved),
        })
    }
}

/// Which call changes ids.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IdChange<I> {
    /// setuid(2), setgid(2).
    One(I),
    /// setreuid(2), setregid(2); the saved id of the argument does not count.
    Two(NewIds<I>),
    /// setresuid(2), setresgid(2).
    Three(NewIds<I>),
}

impl<I: Copy + PartialEq> IdChange<I> {
    fn apply(self, ids: Ids<I>, may: bool) -> Result<Ids<I>, NotAllowed> {
        match self {
            Self::One(id) => ids.set(id, may),
            Self::Two(new) => ids.set_two(new, may),
            Self::Three(new) => ids.set_three(new, may),
        }
    }
}

/// A process's three sets of capabilities, as capget(2) has them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CapabilitySets {
    /// What it uses.
    pub effective: CapabilitySet,
    /// What it may use.
    pub permitted: CapabilitySet,
    /// What a program that it executes may get.
    pub inheritable: CapabilitySet,
}

impl Credentials {
    /// The credentials after a change of the user.
    ///
    /// # Errors
    /// [`NotAllowed`].
    pub fn with_user(&self, change: IdChange<Uid>) -> Result<Self, NotAllowed> {
        let old = Ids { real: self.real_uid, effective: self.effective_uid, saved: self.saved_uid };
        let new = change.apply(old, self.is_capable(Capability::Setuid))?;
        let root = Uid(0);
        let mut changed = Self {
            real_uid: new.real,
            effective_uid: new.effective,
            saved_uid: new.saved,
            ..self.clone()
        };
        if old.has(root) && !new.has(root) && !self.keeps_capabilities {
            changed.permitted = CapabilitySet::EMPTY;
        }
        if old.effective == root && new.effective != root {
            changed.capabilities = CapabilitySet::EMPTY;
        } else if old.effective != root && new.effective == root {
            changed.capabilities = changed.permitted;
        }
        changed.capabilities = changed.capabilities.intersection(changed.permitted);
        Ok(changed)
    }

    /// The credentials after a change of the group.
    ///
    /// # Errors
    /// [`NotAllowed`].
    pub fn with_group(&self, change: IdChange<Gid>) -> Result<Self, NotAllowed> {
        let old = Ids { real: self.real_gid, effective: self.effective_gid, saved: self.saved_gid };
        let new = change.apply(old, self.is_capable(Capability::Setgid))?;
        Ok(Self {
            real_gid: new.real,
            effective_gid: new.effective,
            saved_gid: new.saved,
            ..self.clone()
        })
    }

    /// The credentials with other further groups: setgroups(2).
    ///
    /// # Errors
    /// [`NotAllowed`].
    pub fn with_groups(&self, groups: Arc<[Gid]>) -> Result<Self, NotAllowed> {
        if !self.is_capable(Capability::Setgid) {
            return Err(NotAllowed);
        }
        Ok(Self { groups, ..self.clone() })
    }

    /// Its capabilities, as capget(2) tells.
    pub const fn capability_sets(&self) -> CapabilitySets {
        CapabilitySets {
            effective: self.capabilities,
            permitted: self.permitted,
            inheritable: self.inheritable,
        }
    }

    /// The credentials with other capabilities: capset(2). None can be won that is not permitted.
    ///
    /// # Errors
    /// [`NotAllowed`].
    pub fn with_capabilities(&self, new: CapabilitySets) -> Result<Self, NotAllowed> {
        let inheritable_limit = self.inheritable.union(self.bounding);
        let may_inherit = if self.is_capable(Capability::Setpcap) {
            true
        } else {
            new.inheritable.is_within(self.inheritable.union(self.permitted))
        };
        let is_allowed = may_inherit
            && new.inheritable.is_within(inheritable_limit)
            && new.permitted.is_within(self.permitted)
            && new.effective.is_within(new.permitted);
        if !is_allowed {
            return Err(NotAllowed);
        }
        Ok(Self {
            capabilities: new.effective,
            permitted: new.permitted,
            inheritable: new.inheritable,
            ..self.clone()
        })
    }

    /// The credentials without a capability that programs it executes might get:
    /// `PR_CAPBSET_DROP`.
    ///
    /// # Errors
    /// [`NotAllowed`].
    pub fn without_bound(&self, capability: Capability) -> Result<Self, NotAllowed> {
        if !self.is_capable(Capability::Setpcap) {
            return Err(NotAllowed);
        }
        Ok(Self { bounding: self.bounding.without(capability), ..self.clone() })
    }

    /// The credentials of a program that is executed from a file without rights of its own: root
    /// gets what its bound allows, others get nothing. capabilities(7), "Transformation of
    /// capabilities during execve".
    #[must_use]
    pub fn of_executed_program(&self) -> Self {
        let is_root = self.real_uid == Uid(0) || self.effective_uid == Uid(0);
        let permitted = if is_root {
            self.permitted.intersection(self.bounding.union(self.inheritable))
        } else {
            CapabilitySet::EMPTY
        };
        let capabilities =
            if self.effective_uid == Uid(0) { permitted } else { CapabilitySet::EMPTY };
        Self {
            saved_uid: self.effective_uid,
            saved_gid: self.effective_gid,
            capabilities,
            permitted,
            keeps_capabilities: false,
            ..self.clone()
        }
    }

    /// Whether it may change how a process with those credentials is scheduled: setpriority(2).
    pub fn may_schedule(&self, other: &Self) -> bool {
        self.is_capable(Capability::SysNice)
            || self.effective_uid == other.real_uid
            || self.effective_uid == other.effective_uid
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(uid: u32) -> Credentials {
        Credentials::for_user(Uid(uid), Gid(uid), Arc::new([]))
    }

    fn uids(it: &Credentials) -> [u32; 3] {
        [it.real_uid.0, it.effective_uid.0, it.saved_uid.0]
    }

    #[test]
    fn root_becomes_anyone_and_loses_all_by_it() {
        let root = user(0);
        let other = root.with_user(IdChange::One(Uid(7))).unwrap();
        assert_eq!(uids(&other), [7, 7, 7]);
        assert_eq!((other.capabilities, other.permitted), Default::default());
        assert_eq!(other.with_user(IdChange::One(Uid(0))), Err(NotAllowed));
    }

    #[test]
    fn an_effective_user_can_be_left_and_taken_back() {
        let effective = NewIds { effective: Some(Uid(7)), ..NewIds::default() };
        let away = user(0).with_user(IdChange::Three(effective)).unwrap();
        assert_eq!(uids(&away), [0, 7, 0]);
        assert_eq!(away.capabilities, CapabilitySet::EMPTY);
        assert_eq!(away.permitted, CapabilitySet::ALL);
        let back = away.with_user(IdChange::One(Uid(0))).unwrap();
        assert_eq!(uids(&back), [0, 0, 0]);
        assert_eq!(back.capabilities, CapabilitySet::ALL);
    }

    #[test]
    fn two_ids_are_swapped_and_saved() {
        let mut it = user(5);
        it.effective_uid = Uid(6);
        it.saved_uid = Uid(9);
        let swap = NewIds { real: Some(Uid(6)), effective: Some(Uid(5)), saved: None };
        assert_eq!(uids(&it.with_user(IdChange::Two(swap)).unwrap()), [6, 5, 5]);
        let real = NewIds { real: Some(Uid(9)), ..NewIds::default() };
        assert_eq!(it.with_user(IdChange::Two(real)), Err(NotAllowed));
        let effective = NewIds { effective: Some(Uid(5)), ..NewIds::default() };
        assert_eq!(uids(&it.with_user(IdChange::Two(effective)).unwrap()), [5, 5, 9]);
    }

    #[test]
    fn capabilities_are_only_given_away() {
        let kill = CapabilitySet::EMPTY.with(Capability::Kill);
        let none = CapabilitySet::EMPTY;
        let sets = CapabilitySets { effective: kill, permitted: kill, inheritable: none };
        let less = user(0).with_capabilities(sets).unwrap();
        assert_eq!(less.capability_sets(), sets);
        let more = CapabilitySets { permitted: CapabilitySet::ALL, ..sets };
        assert_eq!(less.with_capabilities(more), Err(NotAllowed));
        assert_eq!(less.without_bound(Capability::Kill), Err(NotAllowed));
        assert_eq!(user(3).of_executed_program(), user(3));
        assert_eq!(user(0).of_executed_program(), user(0));
    }
}
