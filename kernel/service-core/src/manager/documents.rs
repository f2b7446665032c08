//! Documents come, change and go.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::action::{ReportKind, ServiceId};
use super::service::{Goal, Phase, Revision, Service};
use super::{Actor, MOST_SERVICES, Manager};
use crate::document::{Document, FieldChange};
use crate::error::{DependencyProblem, FieldError, ServiceError};
use crate::time::Instant;

impl Manager {
    /// Registers many documents, in whatever order they need each other; says which were refused and why.
    pub fn register_all(
        &mut self,
        now: Instant,
        documents: Vec<Document>,
    ) -> Vec<(Arc<str>, ServiceError)> {
        let mut open = documents;
        loop {
            let before = open.len();
            let mut refused = Vec::new();
            let mut left = Vec::new();
            for document in open {
                match self.register(now, document.clone(), None) {
                    Ok(()) => {}
                    Err(error) => {
                        refused.push((Arc::from(document.name.as_str()), error));
                        left.push(document);
                    }
                }
            }
            if left.is_empty() || left.len() == before {
                return refused
                    .into_iter()
                    .map(|(name, error)| (name, self.seen(error, &left)))
                    .collect();
            }
            open = left;
        }
    }

    /// A service that is missing only because its own document was refused, too: if those need each
    /// other, the cycle is what is to be told.
    fn seen(&self, error: ServiceError, refused: &[Document]) -> ServiceError {
        let ServiceError::Dependency(DependencyProblem::Unknown { service, .. }) = &error else {
            return error;
        };
        let by_name: BTreeMap<&str, &Document> =
            refused.iter().map(|document| (document.name.as_str(), document)).collect();
        let mut path: Vec<Arc<str>> = Vec::new();
        let mut at: &str = service;
        loop {
            if let Some(start) = path.iter().position(|seen| **seen == *at) {
                let mut cycle = path.split_off(start);
                cycle.extend(cycle.first().cloned());
                return ServiceError::CircularDependency(cycle);
            }
            let Some(document) = by_name.get(at) else { return error };
            path.push(Arc::from(at));
            let needed = document.dependencies.iter().filter(|dependency| dependency.required);
            let needed = needed.map(|dependency| &dependency.service);
            let missing = needed.chain(&document.members).find(|name| self.by_name(name).is_none());
            let Some(missing) = missing else { return error };
            at = missing;
        }
    }

    pub(super) fn register(
        &mut self,
        now: Instant,
        document: Document,
        actor: Actor<'_>,
    ) -> Result<(), ServiceError> {
        if self.ids.contains_key(document.name.as_str()) {
            return Err(ServiceError::AlreadyExists(document.name.as_str().into()));
        }
        if self.services.len() >= MOST_SERVICES {
            return Err(ServiceError::ResourceExhausted("services"));
        }
        self.check(&document)?;
        self.graph.put(&document).map_err(ServiceError::CircularDependency)?;
        self.mark_concerned(&document.name);
        let id = ServiceId(self.next_service);
        self.next_service += 1;
        let service = Service::new(id, document, now, actor);
        let name = Arc::clone(&service.name);
        self.ids.insert(Arc::clone(&name), id);
        self.services.insert(id, service);
        self.report(&name, ReportKind::Registered);
        Ok(())
    }

    /// What is wrong with a document, by itself and among the others.
    ///
    /// # Errors
    /// That.
    pub fn check(&self, document: &Document) -> Result<(), ServiceError> {
        document.check().map_err(ServiceError::InvalidConfiguration)?;
        for (index, dependency) in document.dependencies.iter().enumerate() {
            match self.by_name(&dependency.service) {
                None if dependency.required => {
                    let field = format!("dependencies[{index}].service");
                    let service = dependency.service.as_str().into();
                    return Err(ServiceError::Dependency(DependencyProblem::Unknown {
                        field,
                        service,
                    }));
                }
                None => {}
                Some(service) if dependency.version.accepts(&service.document().version) => {}
                Some(service) => {
                    return Err(ServiceError::Dependency(DependencyProblem::Version {
                        dependant: document.name.as_str().into(),
                        service: Arc::clone(&service.name),
                        required: dependency.version.to_string(),
                        found: service.document().version.to_string(),
                    }));
                }
            }
        }
        for (index, member) in document.members.iter().enumerate() {
            if self.by_name(member).is_none() {
                let field = format!("group.members[{index}]");
                let service = member.as_str().into();
                return Err(ServiceError::Dependency(DependencyProblem::Unknown {
                    field,
                    service,
                }));
            }
        }
        self.check_port(document)
    }

    /// A port belongs to one service.
    fn check_port(&self, document: &Document) -> Result<(), ServiceError> {
        let Some(port) = &document.port else { return Ok(()) };
        let others = self.services.values().filter(|other| *other.name != *document.name);
        let mut taken = others.filter(|other| {
            other.document().port.as_ref().is_some_and(|other| other.listen == port.listen)
        });
        match taken.next() {
            Some(other) => Err(ServiceError::Configuration(FieldError {
                field: "port.listen".into(),
                message: format!("is the port of {}", other.name),
            })),
            None => Ok(()),
        }
    }

    pub(super) fn update(
        &mut self,
        now: Instant,
        document: Document,
        actor: Actor<'_>,
    ) -> Result<(), ServiceError> {
        let id = self.id(&document.name)?;
        self.check_update(id, &document)?;
        let Some(service) = self.services.get_mut(&id) else { return Ok(()) };
        if **service.document() == document {
            return Ok(());
        }
        self.mark_concerned(&document.name);
        self.graph.put(&document).map_err(ServiceError::CircularDependency)?;
        self.mark_concerned(&document.name);
        let Some(service) = self.services.get_mut(&id) else { return Ok(()) };
        service.revise(document, now, actor);
        let (name, number) = (Arc::clone(&service.name), service.revision.number);
        self.marked.insert(id);
        self.report(&name, ReportKind::Updated(number));
        Ok(())
    }

    /// Those that a document says something about may be able to move when that changes.
    fn mark_concerned(&mut self, name: &str) {
        for other in self.graph.concerned(name) {
            self.mark_by_name(&other);
        }
    }

    /// Whether a document can take the place of the one that a service has.
    pub(super) fn check_update(
        &self,
        id: ServiceId,
        document: &Document,
    ) -> Result<(), ServiceError> {
        self.check(document)?;
        let Some(service) = self.services.get(&id) else { return Ok(()) };
        let before = service.document();
        // Instances that run listen on the old port, and a group has none.
        let is_resting = service.is_down() && service.is_leaving();
        if !is_resting && (before.port != document.port || before.kind != document.kind) {
            let state = service.state();
            return Err(ServiceError::NotStopped { service: Arc::clone(&service.name), state });
        }
        self.check_dependants_versions(document)?;
        let edges_differ = before.dependencies != document.dependencies
            || before.after != document.after
            || before.members != document.members
            || before.supervision != document.supervision;
        if edges_differ {
            self.graph.clone().put(document).map_err(ServiceError::CircularDependency)?;
        }
        Ok(())
    }

    /// A new version has to do for those that depend on it.
    fn check_dependants_versions(&self, document: &Document) -> Result<(), ServiceError> {
        for (other, _) in self.graph.before(&document.name) {
            let Some(other) = self.by_name(other) else { continue };
            let asks = other.document().dependencies.iter().find(|d| d.service == document.name);
            if let Some(asks) = asks
                && !asks.version.accepts(&document.version)
            {
                return Err(ServiceError::Dependency(DependencyProblem::Version {
                    dependant: Arc::clone(&other.name),
                    service: document.name.as_str().into(),
                    required: asks.version.to_string(),
                    found: document.version.to_string(),
                }));
            }
        }
        Ok(())
    }

    pub(super) fn unregister(&mut self, name: &str) -> Result<(), ServiceError> {
        let id = self.check_unregister(name)?;
        if let Some(service) = self.services.remove(&id) {
            for index in service.indices() {
                if let Some(at) = service.instance(index).and_then(|instance| instance.timer) {
                    self.timers.remove(&(at, id, Some(index)));
                }
            }
            if let Some(at) = service.timer {
                self.timers.remove(&(at, id, None));
            }
            self.ids.remove(&service.name);
            self.mark_concerned(&service.name);
            self.graph.remove(&service.name);
            self.report(&service.name, ReportKind::Unregistered);
        }
        self.marked.remove(&id);
        Ok(())
    }

    pub(super) fn check_unregister(&self, name: &str) -> Result<ServiceId, ServiceError> {
        let id = self.id(name)?;
        let by: Vec<_> = {
            let needing = self.graph.before(name).filter(|(_, kind)| kind.is_needed());
            needing.map(|(other, _)| Arc::clone(other)).collect()
        };
        if !by.is_empty() {
            let service = name.into();
            return Err(ServiceError::Dependency(DependencyProblem::Needed { service, by }));
        }
        match self.services.get(&id) {
            Some(service) => {
                let is_resting = match service.phase {
                    // A group whose members still stop.
                    Phase::Stopping { .. } => false,
                    Phase::Failed(_) => true,
                    _ => service.goal == Goal::Stopped,
                };
                if service.is_down() && is_resting {
                    return Ok(id);
                }
                let state = service.state();
                Err(ServiceError::NotStopped { service: Arc::clone(&service.name), state })
            }
            None => Err(ServiceError::NotFound(name.into())),
        }
    }

    /// The present document of a service was written at this moment, before it was asked for.
    pub fn date(&mut self, name: &str, at: Instant) {
        if let Some(service) = self.ids.get(name).and_then(|id| self.services.get_mut(id)) {
            service.revision.at = at;
        }
    }

    /// Gives a service, which has just been registered with the last of these documents, its past back.
    pub fn restore(&mut self, name: &str, mut past: Vec<Revision>) {
        let Some(service) = self.ids.get(name).and_then(|id| self.services.get_mut(id)) else {
            return;
        };
        let Some(last) = past.pop_if(|last| last.document == *service.document()) else { return };
        service.revision = last;
        service.remember(past);
    }

    /// The documents that a service has had, as far as they are kept, the oldest first; the last one is the
    /// present one.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub fn revisions(&self, name: &str) -> Result<Vec<Revision>, ServiceError> {
        let service = self.by_name(name).ok_or_else(|| ServiceError::NotFound(name.into()))?;
        Ok(service.earlier.iter().chain([&service.revision]).cloned().collect())
    }

    /// One of them.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::InvalidHandle`].
    pub fn revision(&self, name: &str, number: u64) -> Result<Revision, ServiceError> {
        let revisions = self.revisions(name)?;
        let found = revisions.into_iter().find(|revision| revision.number == number);
        found.ok_or(ServiceError::InvalidHandle(number))
    }

    /// What differs between two of them.
    ///
    /// # Errors
    /// As [`Manager::revision`].
    pub fn changes(
        &self,
        name: &str,
        from: u64,
        to: u64,
    ) -> Result<Vec<FieldChange>, ServiceError> {
        let (from, to) = (self.revision(name, from)?, self.revision(name, to)?);
        Ok(from.document.changes_to(&to.document))
    }

    /// The names of all services.
    #[must_use]
    pub fn names(&self) -> Vec<Arc<str>> {
        self.ids.keys().cloned().collect()
    }

    /// The version of a service, as text; for lists of what can be had.
    #[must_use]
    pub fn version_of(&self, name: &str) -> Option<alloc::string::String> {
        self.by_name(name).map(|service| service.document().version.to_string())
    }
}
