//! What a change of the fake services would do, or why it can't be done.

use std::format;
use std::string::String;
use std::vec::Vec;

use crate::backend::{ServiceChange, ServiceError};
use crate::types::{
    EdgeKind, FieldError, OperationKind, PlannedStep, Service, ServicePlan, ServiceState,
    StepAction, Text,
};

use super::graph::{self, Documents};
use super::state::{FakeService, FakeServices, count};

/// Most services of the fake system.
const MAX_SERVICES: usize = 4096;

/// A plan, and the document that it brings.
pub(super) struct Planned {
    pub(super) plan: ServicePlan,
    pub(super) document: Option<Service>,
}

struct Steps(Vec<PlannedStep>);

impl Steps {
    fn add(&mut self, level: usize, service: &Text, action: StepAction, reason: impl Into<Text>) {
        let (level, service, reason) = (count(level), service.clone(), reason.into());
        self.0.push(PlannedStep { level, service, action, reason });
    }
}

impl FakeServices {
    pub(super) fn documents(&self) -> Documents<'_> {
        self.services.iter().map(|(name, one)| (name.clone(), &one.document)).collect()
    }

    pub(super) fn find(&self, name: &str) -> Result<&FakeService, ServiceError> {
        let name = Text::from(String::from(name));
        self.services.get(&name).ok_or(ServiceError::NotFound(name))
    }

    /// Services that can't be without this one and are up, directly or not, it first.
    fn dependants(&self, name: &Text) -> Vec<Text> {
        let mut found = Vec::from([name.clone()]);
        let mut at = 0;
        while let Some(used) = found.get(at).cloned() {
            at += 1;
            for (other, service) in &self.services {
                let needs =
                    graph::edges(&service.document).contains(&(EdgeKind::Required, used.clone()));
                if needs && service.is_up() && !found.contains(other) {
                    found.push(other.clone());
                }
            }
        }
        found
    }

    pub(super) fn plan(&self, change: &ServiceChange) -> Result<Planned, ServiceError> {
        let (kind, name) = (change.kind(), change.name().clone());
        let mut steps = Steps(Vec::new());
        let mut warnings = Vec::new();
        let document = match change {
            ServiceChange::Register(document) => {
                if self.services.contains_key(&name) {
                    return Err(ServiceError::AlreadyExists(name));
                }
                if self.services.len() >= MAX_SERVICES {
                    let why = "There are 4,096 services.".into();
                    return Err(ServiceError::ResourceExhausted(why));
                }
                Some(document.clone())
            }
            ServiceChange::Update(document) => {
                self.find(&name)?;
                Some(document.clone())
            }
            ServiceChange::Rollback { revision, .. } => {
                let kept = self.find(&name)?.revisions.iter();
                let wanted = kept.clone().find(|kept| kept.revision == *revision);
                let missing =
                    ServiceError::RevisionNotFound { name: name.clone(), revision: *revision };
                Some(wanted.ok_or(missing)?.document.clone())
            }
            ServiceChange::Scale { count, .. } => {
                let found = &self.find(&name)?.document;
                if found.group.is_some() {
                    return Err(ServiceError::Configuration("A group has no instances.".into()));
                }
                Some(Service { instances: *count, ..found.clone() })
            }
            ServiceChange::Unregister { .. } => {
                self.plan_unregister(&name)?;
                steps.add(0, &name, StepAction::Configure, "is forgotten");
                None
            }
            ServiceChange::Plain { kind, .. } => {
                self.plan_plain(*kind, &name, &mut steps)?;
                None
            }
        };
        if let Some(document) = &document {
            self.validate(document)?;
            let reason = if kind == OperationKind::Register {
                "is registered"
            } else {
                "its document changes"
            };
            steps.add(0, &name, StepAction::Configure, reason);
            match self.services.get(&name) {
                None if document.enabled => self.plan_start(document, &mut steps),
                Some(found) if found.is_up() => {
                    let (before, after) = (found.document.instances, document.instances);
                    if after > before {
                        steps.add(
                            1,
                            &name,
                            StepAction::ScaleUp,
                            format!("{before} → {after} instances"),
                        );
                    } else if after < before {
                        steps.add(
                            1,
                            &name,
                            StepAction::ScaleDown,
                            format!("{before} → {after} instances"),
                        );
                    }
                    if document.program != found.document.program
                        || document.args != found.document.args
                    {
                        warnings.push(
                            "What runs goes on with the old program until it is restarted.".into(),
                        );
                    }
                }
                _ => {}
            }
        }
        Ok(Planned {
            plan: ServicePlan { kind, service: name, steps: steps.0, warnings },
            document,
        })
    }

    fn plan_unregister(&self, name: &Text) -> Result<(), ServiceError> {
        let found = self.find(name)?;
        if found.is_up() {
            return Err(ServiceError::NotStopped { name: name.clone(), state: found.state });
        }
        let needs = |other: &&FakeService| {
            graph::edges(&other.document).iter().any(|(kind, used)| {
                matches!(kind, EdgeKind::Required | EdgeKind::Member) && used == name
            })
        };
        match self.services.values().find(needs) {
            Some(other) => {
                let why = format!("{} needs {name}.", other.document.name);
                Err(ServiceError::Dependency(why.into()))
            }
            None => Ok(()),
        }
    }

    fn plan_start(&self, document: &Service, steps: &mut Steps) {
        let mut documents = self.documents();
        documents.insert(document.name.clone(), document);
        let is_taken =
            |kind| matches!(kind, EdgeKind::Required | EdgeKind::Optional | EdgeKind::Member);
        let levels = graph::levels(&documents, std::slice::from_ref(&document.name), is_taken);
        for (level, name) in levels
            .iter()
            .enumerate()
            .flat_map(|(level, names)| names.iter().map(move |name| (level, name)))
        {
            let can_start = self
                .services
                .get(name)
                .is_none_or(|one| !one.is_up() && one.state != ServiceState::Disabled);
            if *name == document.name {
                steps.add(level, name, StepAction::Start, "was asked for");
            } else if can_start {
                steps.add(level, name, StepAction::Start, format!("{} uses it", document.name));
            }
        }
    }

    fn plan_plain(
        &self,
        kind: OperationKind,
        name: &Text,
        steps: &mut Steps,
    ) -> Result<(), ServiceError> {
        let found = self.find(name)?;
        let state = found.state;
        let refuse =
            |operation| ServiceError::InvalidState { name: name.clone(), state, operation };
        let not_running = || ServiceError::NotRunning { name: name.clone(), state };
        match kind {
            OperationKind::Start => {
                if found.is_up() || state == ServiceState::Disabled {
                    return Err(refuse("be started"));
                }
                for other in &found.document.conflicts {
                    if self.services.get(other).is_some_and(FakeService::is_up) {
                        let why = format!("{name} can't run together with {other}, which runs.");
                        return Err(ServiceError::Dependency(why.into()));
                    }
                }
                self.plan_start(&found.document, steps);
            }
            OperationKind::Stop | OperationKind::Disable => {
                if kind == OperationKind::Stop && !found.is_up() && state != ServiceState::Failed {
                    return Err(not_running());
                }
                if kind == OperationKind::Disable && state == ServiceState::Disabled {
                    return Err(refuse("be disabled"));
                }
                let mut order = self.dependants(name);
                order.reverse();
                let members =
                    found.document.group.iter().flat_map(|group| group.members.iter().rev());
                order.extend(members.cloned());
                for (level, other) in order.iter().enumerate() {
                    let is_up = self.services.get(other).is_some_and(FakeService::is_up);
                    if other == name && (is_up || kind == OperationKind::Stop) {
                        steps.add(level, other, StepAction::Stop, "was asked for");
                    } else if is_up {
                        steps.add(
                            level,
                            other,
                            StepAction::Stop,
                            format!("can't be without {name}"),
                        );
                    }
                }
                if kind == OperationKind::Disable {
                    steps.add(order.len(), name, StepAction::Configure, "is disabled");
                }
            }
            OperationKind::Restart => match state {
                ServiceState::Running => {
                    let reason = match found.document.instances {
                        1 => "its instance is replaced",
                        _ => "its instances are replaced one after the other",
                    };
                    steps.add(0, name, StepAction::Restart, reason);
                }
                _ => return Err(not_running()),
            },
            OperationKind::Reload => match (state, &found.document.reload) {
                (ServiceState::Running, Some(rule)) => {
                    steps.add(0, name, StepAction::Reload, format!("by {}", rule.signal));
                }
                (ServiceState::Running, None) => {
                    let why = format!("{name} can't be reloaded: its document has no `reload`.");
                    return Err(ServiceError::Configuration(why.into()));
                }
                _ => return Err(not_running()),
            },
            OperationKind::Pause if state == ServiceState::Running => {
                steps.add(0, name, StepAction::Pause, "was asked for");
            }
            OperationKind::Pause => return Err(not_running()),
            OperationKind::Resume if state == ServiceState::Paused => {
                steps.add(0, name, StepAction::Resume, "was asked for");
            }
            OperationKind::Resume => return Err(refuse("be resumed")),
            OperationKind::Enable if !found.document.enabled => {
                steps.add(0, name, StepAction::Configure, "is enabled");
            }
            OperationKind::Enable => return Err(refuse("be enabled")),
            _ => return Err(refuse("be changed so")),
        }
        Ok(())
    }

    fn validate(&self, document: &Service) -> Result<(), ServiceError> {
        let mut errors = Vec::new();
        if graph::version(&document.version).is_none() {
            let message = "must be a version such as 1.2.0".into();
            errors.push(FieldError { field: "version".into(), message });
        }
        for (index, dependency) in document.dependencies.iter().enumerate() {
            let version = dependency.version.as_deref();
            if version.is_some_and(|version| graph::will_do(version, "1").is_none()) {
                let message = "must be a constraint such as >=1.0, <2".into();
                errors.push(FieldError { field: format!("dependencies.{index}.version"), message });
            }
        }
        if !errors.is_empty() {
            return Err(ServiceError::InvalidConfiguration(errors));
        }
        for dependency in &document.dependencies {
            let name = &dependency.service;
            match (self.services.get(name), &dependency.version) {
                (None, _) if dependency.required => {
                    let why = format!("There is no service {name}.");
                    return Err(ServiceError::Dependency(why.into()));
                }
                (Some(other), Some(wanted)) => {
                    let found = &other.document.version;
                    if graph::will_do(wanted, found) == Some(false) {
                        let why = format!("{name} has the version {found}; this takes {wanted}.");
                        return Err(ServiceError::Dependency(why.into()));
                    }
                }
                _ => {}
            }
        }
        for member in document.group.iter().flat_map(|group| &group.members) {
            if !self.services.contains_key(member) {
                let why = format!("There is no service {member}.");
                return Err(ServiceError::Dependency(why.into()));
            }
        }
        let mut documents = self.documents();
        documents.insert(document.name.clone(), document);
        match graph::cycle(&documents, &document.name) {
            Some(cycle) => Err(ServiceError::CircularDependency(cycle)),
            None => Ok(()),
        }
    }
}
