//! What a request would do, without doing it.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::Manager;
use super::action::Request;
use super::instance::InstanceState;
use super::service::{Phase, Service};
use crate::document::Document;
use crate::error::ServiceError;
use crate::graph::EdgeKind;

words! {
    /// What happens to a service in a step of a plan.
    PlanAction {
        /// It becomes known.
        Register = "register",
        /// Its document is replaced.
        Update = "update",
        /// It is forgotten.
        Unregister = "unregister",
        /// It is started.
        Start = "start",
        /// It is stopped.
        Stop = "stop",
        /// One of its instances is stopped and started again.
        RestartInstance = "restart_instance",
        /// An instance more is started.
        AddInstance = "add_instance",
        /// An instance is stopped.
        RemoveInstance = "remove_instance",
        /// It is sent the signal to read its configuration.
        Reload = "reload",
        /// It is suspended.
        Pause = "pause",
        /// It goes on.
        Resume = "resume",
    }
}

/// One step of a plan. Steps with the same order happen together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanStep {
    /// Its place in the order, from 1.
    pub order: u32,
    /// The service.
    pub service: Arc<str>,
    /// What happens to it.
    pub action: PlanAction,
    /// To which of its instances, if to one.
    pub instance: Option<u32>,
    /// What for.
    pub reason: PlanReason,
}

/// Why a step is part of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanReason {
    /// This is what was asked for.
    AskedFor,
    /// It is part of that: one of the service's instances.
    Instance,
    /// An instance that is over is started again with its service.
    IsOver,
    /// This service needs it.
    NeededBy(Arc<str>),
    /// This service uses it, and can do without it.
    UsedBy(Arc<str>),
    /// It is a member of this group.
    MemberOf(Arc<str>),
    /// It needs this service, which stops.
    Needs(Arc<str>),
}

impl PlanStep {
    /// Why it is part of the plan, in words.
    #[must_use]
    pub fn why(&self) -> String {
        match (&self.reason, self.instance) {
            (PlanReason::AskedFor, _) => "asked for".to_string(),
            (PlanReason::IsOver, Some(index)) => format!("instance {index} does not run any more"),
            (PlanReason::Instance | PlanReason::IsOver, index) => {
                format!("instance {}", index.unwrap_or(0))
            }
            (PlanReason::NeededBy(other), _) => format!("{other} needs it"),
            (PlanReason::UsedBy(other), _) => format!("{other} uses it, and can do without it"),
            (PlanReason::MemberOf(group), _) => format!("it is a member of {group}"),
            (PlanReason::Needs(other), _) => format!("it needs {other}"),
        }
    }
}

/// For each service of a plan, why it is in it.
type Reasons = BTreeMap<Arc<str>, PlanReason>;

impl Manager {
    /// What a request would do, in order. Nothing changes.
    ///
    /// # Errors
    /// Why it would be refused.
    pub fn plan(&self, request: &Request) -> Result<Vec<PlanStep>, ServiceError> {
        let mut plan = Plan::default();
        match request {
            Request::Register(document) => {
                if self.by_name(&document.name).is_some() {
                    return Err(ServiceError::AlreadyExists(document.name.as_str().into()));
                }
                self.check(document)?;
                self.graph.clone().put(document).map_err(ServiceError::CircularDependency)?;
                let name: Arc<str> = document.name.as_str().into();
                plan.one(&name, PlanAction::Register);
                if document.enabled {
                    self.plan_first_start(document, &mut plan);
                    plan.one(&name, PlanAction::Start);
                }
            }
            Request::Update(document) => self.plan_update(document, &mut plan)?,
            Request::RollBack(name, number) => {
                self.plan_update(&self.revision(name, *number)?.document, &mut plan)?;
            }
            Request::Unregister(name) => {
                self.check_unregister(name)?;
                plan.one(name, PlanAction::Unregister);
            }
            Request::Start(name) => self.plan_start(name, &mut plan)?,
            Request::Stop(name) | Request::Terminate(name) => {
                self.id(name)?;
                self.plan_stop(name, &mut plan);
            }
            Request::Restart(name) => self.plan_restart(name, &mut plan)?,
            Request::Reload(name) => self.plan_one(name, PlanAction::Reload, &mut plan)?,
            Request::Pause(name) => self.plan_one(name, PlanAction::Pause, &mut plan)?,
            Request::Resume(name) => self.plan_one(name, PlanAction::Resume, &mut plan)?,
            Request::Enable(name) | Request::Disable(name) => {
                self.plan_one(name, PlanAction::Update, &mut plan)?;
            }
            Request::Scale(name, count) => {
                let service = self.known(name)?;
                let mut document = (**service.document()).clone();
                document.instances = *count;
                self.plan_update(&document, &mut plan)?;
            }
        }
        Ok(plan.steps)
    }

    fn known(&self, name: &str) -> Result<&Service, ServiceError> {
        self.by_name(name).ok_or_else(|| ServiceError::NotFound(name.into()))
    }

    fn plan_one(
        &self,
        name: &Arc<str>,
        action: PlanAction,
        plan: &mut Plan,
    ) -> Result<(), ServiceError> {
        self.known(name)?;
        plan.one(name, action);
        Ok(())
    }

    fn plan_start(&self, name: &Arc<str>, plan: &mut Plan) -> Result<(), ServiceError> {
        let set = self.check_start(name)?;
        let reasons = set
            .iter()
            .map(|one| {
                let reason = if one == name {
                    PlanReason::AskedFor
                } else {
                    self.reason_to_start(one, &set)
                };
                (Arc::clone(one), reason)
            })
            .collect();
        self.plan_starts(&reasons, plan);
        Ok(())
    }

    /// What a service that is not registered yet needs started before it.
    fn plan_first_start(&self, document: &Document, plan: &mut Plan) {
        let name: Arc<str> = document.name.as_str().into();
        let dependencies = document.dependencies.iter().filter_map(|dependency| {
            let other = self.by_name(&dependency.service)?;
            let is_started = dependency.required || other.document().enabled;
            let reason =
                if dependency.required { PlanReason::NeededBy } else { PlanReason::UsedBy };
            is_started.then(|| (Arc::clone(&other.name), reason(Arc::clone(&name))))
        });
        let members = document.members.iter().filter_map(|member| {
            let member = self.by_name(member)?;
            Some((Arc::clone(&member.name), PlanReason::MemberOf(Arc::clone(&name))))
        });
        let mut reasons: Reasons = dependencies.chain(members).collect();
        let set: BTreeSet<_> = reasons.keys().flat_map(|one| self.start_set(one)).collect();
        for one in &set {
            if !reasons.contains_key(one) {
                reasons.insert(Arc::clone(one), self.reason_to_start(one, &set));
            }
        }
        self.plan_starts(&reasons, plan);
    }

    /// What starts for these reasons, in its order: those that do not run, and instances that are over.
    fn plan_starts(&self, reasons: &Reasons, plan: &mut Plan) {
        for level in self.graph.levels(&reasons.keys().cloned().collect()) {
            let services = level.iter().filter_map(|name| self.by_name(name));
            let order = plan.order();
            for service in services {
                let Some(reason) = reasons.get(&service.name) else { continue };
                match service.phase {
                    Phase::Paused => {}
                    Phase::Completed if *reason != PlanReason::AskedFor => {}
                    Phase::Up => {
                        let is_over = |index: &u32| {
                            service.instance(*index).is_some_and(|instance| {
                                let state = &instance.state;
                                matches!(state, InstanceState::Failed(_) | InstanceState::Completed)
                            })
                        };
                        for index in service.indices().filter(is_over) {
                            let step = PlanReason::IsOver;
                            plan.at(order, &service.name, PlanAction::Start, (Some(index), step));
                        }
                    }
                    _ => plan.at(order, &service.name, PlanAction::Start, (None, reason.clone())),
                }
            }
        }
    }

    /// Why a service of `set` starts with the others: the one that needs it, or else has it as a member,
    /// or else uses it.
    fn reason_to_start(&self, name: &Arc<str>, set: &BTreeSet<Arc<str>>) -> PlanReason {
        let among = |kind| {
            let mut before = self.graph.before(name).filter(move |(_, known)| *known == kind);
            before.find(|(other, _)| set.contains(other)).map(|(other, _)| Arc::clone(other))
        };
        None.or_else(|| among(EdgeKind::Required).map(PlanReason::NeededBy))
            .or_else(|| among(EdgeKind::Member).map(PlanReason::MemberOf))
            .or_else(|| among(EdgeKind::Optional).map(PlanReason::UsedBy))
            .unwrap_or(PlanReason::AskedFor)
    }

    fn plan_stop(&self, name: &Arc<str>, plan: &mut Plan) {
        let set = self.stop_set(name);
        let is_up = |one: &&Arc<str>| {
            let is_down =
                |service: &Service| matches!(service.phase, Phase::Down | Phase::Completed);
            !self.by_name(one).is_none_or(is_down)
        };
        for level in self.graph.levels(&set.iter().filter(is_up).cloned().collect()).iter().rev() {
            let order = plan.order();
            for one in level {
                let reason =
                    if one == name { PlanReason::AskedFor } else { self.reason_to_stop(one, &set) };
                plan.at(order, one, PlanAction::Stop, (None, reason));
            }
        }
    }

    /// Why a service of `set` stops with the others: it needs one of them, or is a member.
    fn reason_to_stop(&self, name: &Arc<str>, set: &BTreeSet<Arc<str>>) -> PlanReason {
        let mut needed = self.graph.after(name).filter(|(_, kind)| kind.is_needed());
        let mut groups = self.graph.before(name).filter(|(_, kind)| *kind == EdgeKind::Member);
        if let Some((other, _)) = needed.find(|(other, _)| set.contains(other)) {
            PlanReason::Needs(Arc::clone(other))
        } else if let Some((group, _)) = groups.find(|(group, _)| set.contains(group)) {
            PlanReason::MemberOf(Arc::clone(group))
        } else {
            PlanReason::AskedFor
        }
    }

    fn plan_restart(&self, name: &Arc<str>, plan: &mut Plan) -> Result<(), ServiceError> {
        for one in self.restart_list(name)? {
            let service = self.known(&one)?;
            if !service.is_going() {
                self.plan_start(&one, plan)?;
                continue;
            }
            for index in service.indices() {
                plan.instance(&one, index, PlanAction::RestartInstance);
            }
        }
        Ok(())
    }

    fn plan_update(&self, document: &Document, plan: &mut Plan) -> Result<(), ServiceError> {
        let service = self.known(&document.name)?;
        self.check_update(service.id, document)?;
        plan.one(&service.name, PlanAction::Update);
        if service.phase != Phase::Up {
            return Ok(());
        }
        let (present, wanted) = (service.indices().end, document.instance_count());
        for index in present..wanted {
            plan.instance(&service.name, index, PlanAction::AddInstance);
        }
        for index in wanted..present {
            plan.instance(&service.name, index, PlanAction::RemoveInstance);
        }
        Ok(())
    }
}

#[derive(Default)]
struct Plan {
    steps: Vec<PlanStep>,
    known: BTreeSet<(Arc<str>, PlanAction, Option<u32>)>,
}

impl Plan {
    fn order(&self) -> u32 {
        self.steps.last().map_or(1, |last| last.order + 1)
    }

    /// A step that happens with the others of this order, if it is not part of the plan already.
    fn at(
        &mut self,
        order: u32,
        service: &Arc<str>,
        action: PlanAction,
        (instance, reason): (Option<u32>, PlanReason),
    ) {
        let service = Arc::clone(service);
        if !self.known.insert((Arc::clone(&service), action, instance)) {
            return;
        }
        self.steps.push(PlanStep { order, service, action, instance, reason });
    }

    /// A step by itself: what was asked for.
    fn one(&mut self, service: &Arc<str>, action: PlanAction) {
        self.at(self.order(), service, action, (None, PlanReason::AskedFor));
    }

    /// A step by itself, with one instance.
    fn instance(&mut self, service: &Arc<str>, index: u32, action: PlanAction) {
        self.at(self.order(), service, action, (Some(index), PlanReason::Instance));
    }
}
