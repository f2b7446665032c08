//! Groups: what a member's failure does to the other members, and how a group comes down.
//!
//! Groups may be members of groups, as deep as somebody likes: nothing here calls itself.

use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::Manager;
use super::instance::Then;
use super::service::{Phase, Service};
use crate::document::Supervision;
use crate::graph::{Direction, EdgeKind};
use crate::time::Instant;

impl Manager {
    /// A member has failed and starts again: others of its groups are started again with it.
    pub(super) fn supervise(&mut self, now: Instant, member: &Arc<str>) {
        let groups = self.graph.before(member).filter(|(_, kind)| *kind == EdgeKind::Member);
        let groups: Vec<Arc<str>> = groups.map(|(group, _)| Arc::clone(group)).collect();
        let mut others = Vec::new();
        for group in groups {
            let Some(group) = self.by_name(&group) else { continue };
            if group.is_leaving() {
                continue;
            }
            let document = group.document();
            let after = |name: &&alloc::string::String| ***name != **member;
            match document.supervision {
                Supervision::OneForOne => {}
                Supervision::OneForAll => {
                    others.extend(document.members.iter().filter(after).cloned());
                }
                Supervision::RestForOne => {
                    let rest = document.members.iter().skip_while(after).skip(1);
                    others.extend(rest.cloned());
                }
            }
        }
        for other in others {
            let Ok(id) = self.id(&other) else { continue };
            let Some(service) = self.services.get(&id) else { continue };
            if service.phase != Phase::Up {
                continue;
            }
            for index in service.indices() {
                self.begin_stop(now, id, index, Then::Again);
            }
            self.marked.insert(id);
        }
    }

    /// Whether members of a group are still on their way down.
    pub(super) fn has_members_leaving(&self, group: &Service) -> bool {
        let is_on_its_way = |member: &Service| {
            let has_arrived =
                matches!(member.phase, Phase::Down | Phase::Completed | Phase::Failed(_));
            member.is_leaving() && !has_arrived
        };
        let mut members = self.graph.after(&group.name);
        members.any(|(member, kind)| {
            *kind == EdgeKind::Member && self.by_name(member).is_some_and(is_on_its_way)
        })
    }

    /// Whether somebody who is to go down before a service still runs: who needs a group that goes down
    /// needs its members.
    pub(super) fn has_dependants_up(&self, name: &Arc<str>) -> bool {
        let is_leaving = |other: &Arc<str>| self.by_name(other).is_some_and(Service::is_leaving);
        let groups = |other: &Arc<str>, kind| kind == EdgeKind::Member && is_leaving(other);
        let own = self.graph.closure([Arc::clone(name)], Direction::NeededBy, groups);
        own.iter().flat_map(|one| self.graph.before(one)).any(|(other, kind)| {
            let is_up = |other: &Service| other.is_leaving() && !other.is_down();
            kind.is_ordered() && self.by_name(other).is_some_and(is_up)
        })
    }

    /// Members of the groups that a service came after, who may have waited for it to go down.
    pub(super) fn members_that_waited(&self, name: &str) -> Vec<Arc<str>> {
        let is_member = |_: &Arc<str>, kind| kind == EdgeKind::Member;
        let after = self.graph.after(name).map(|(other, _)| Arc::clone(other));
        let members = self.graph.closure(after, Direction::Needs, is_member).into_iter();
        let waits = |service: &Service| {
            matches!(service.phase, Phase::Stopping { .. }) && !service.is_down()
        };
        members.filter(|member| self.by_name(member).is_some_and(waits)).collect()
    }

    /// A service, its members if it is a group, and theirs.
    #[must_use]
    pub fn with_members(&self, name: &str) -> BTreeSet<Arc<str>> {
        let is_member = |_: &Arc<str>, kind| kind == EdgeKind::Member;
        self.graph.closure([Arc::from(name)], Direction::Needs, is_member)
    }
}
