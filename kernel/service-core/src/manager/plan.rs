//! What a request would do, without doing it.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::Manager;
use super::action::Request;
use super::service::{Phase, Service};
use crate::document::Document;
use crate::error::ServiceError;

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
}

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
                plan.together([Arc::clone(&name)], PlanAction::Register);
                if document.enabled {
                    self.plan_first_start(document, &mut plan);
                    plan.together([name], PlanAction::Start);
                }
            }
            Request::Update(document) => self.plan_update(document, &mut plan)?,
            Request::RollBack(name, number) => {
                self.plan_update(&self.revision(name, *number)?.document, &mut plan)?;
            }
            Request::Unregister(name) => {
                self.check_unregister(name)?;
                plan.together([Arc::clone(name)], PlanAction::Unregister);
            }
            Request::Start(name) => self.plan_start(name, &mut plan)?,
            Request::Stop(name) | Request::Terminate(name) => {
                self.id(name)?;
                self.plan_stop(&self.stop_set(name), &mut plan);
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
        plan.together([Arc::clone(name)], action);
        Ok(())
    }

    fn plan_start(&self, name: &Arc<str>, plan: &mut Plan) -> Result<(), ServiceError> {
        let mut set = self.check_start(name)?;
        set.retain(|name| {
            let is_up = |service: &Service| matches!(service.phase, Phase::Up | Phase::Paused);
            !self.by_name(name).is_some_and(is_up)
        });
        for level in self.graph.levels(&set) {
            plan.together(level, PlanAction::Start);
        }
        Ok(())
    }

    /// What a service that is not registered yet needs started before it.
    fn plan_first_start(&self, document: &Document, plan: &mut Plan) {
        let needed = document.dependencies.iter().map(|dependency| dependency.service.as_str());
        let needed = needed.chain(document.members.iter().map(String::as_str));
        let mut set = BTreeSet::new();
        for name in needed.filter(|name| self.by_name(name).is_some()) {
            set.extend(self.start_set(&name.into()));
        }
        set.retain(|name| !self.by_name(name).is_some_and(|service| service.phase == Phase::Up));
        for level in self.graph.levels(&set) {
            plan.together(level, PlanAction::Start);
        }
    }

    fn plan_stop(&self, set: &BTreeSet<Arc<str>>, plan: &mut Plan) {
        let mut set = set.clone();
        set.retain(|name| {
            let is_down =
                |service: &Service| matches!(service.phase, Phase::Down | Phase::Completed);
            !self.by_name(name).is_none_or(is_down)
        });
        for level in self.graph.levels(&set).into_iter().rev() {
            plan.together(level, PlanAction::Stop);
        }
    }

    fn plan_restart(&self, name: &Arc<str>, plan: &mut Plan) -> Result<(), ServiceError> {
        let service = self.known(name)?;
        if service.phase != Phase::Up {
            return self.plan_start(name, plan);
        }
        for member in &service.document().members {
            self.plan_restart(&member.as_str().into(), plan)?;
        }
        for index in service.indices() {
            plan.instance(name, index, PlanAction::RestartInstance);
        }
        Ok(())
    }

    fn plan_update(&self, document: &Document, plan: &mut Plan) -> Result<(), ServiceError> {
        let service = self.known(&document.name)?;
        self.check_update(service.id, document)?;
        plan.together([Arc::clone(&service.name)], PlanAction::Update);
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
}

impl Plan {
    fn order(&self) -> u32 {
        self.steps.last().map_or(1, |last| last.order + 1)
    }

    fn together(&mut self, services: impl IntoIterator<Item = Arc<str>>, action: PlanAction) {
        let order = self.order();
        let step = |service| PlanStep { order, service, action, instance: None };
        self.steps.extend(services.into_iter().map(step));
    }

    fn instance(&mut self, service: &Arc<str>, index: u32, action: PlanAction) {
        let (order, service) = (self.order(), Arc::clone(service));
        self.steps.push(PlanStep { order, service, action, instance: Some(index) });
    }
}
