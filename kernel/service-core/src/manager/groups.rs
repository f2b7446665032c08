//! Supervision: what a member's failure does to the other members of its group.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::Manager;
use super::instance::Then;
use super::service::Phase;
use crate::document::Supervision;
use crate::graph::EdgeKind;
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
}
