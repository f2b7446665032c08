//! What a request makes of a service's document, before it is made.

use super::Manager;
use super::action::Request;
use crate::document::Document;
use crate::error::ServiceError;

/// What becomes of a service's document.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It stays as it is.
    Same,
    /// This takes its place, or is the first one.
    Changed(alloc::boxed::Box<Document>),
    /// The service is forgotten.
    Removed,
}

impl Manager {
    /// What a request would make of the document of its service. Nothing changes.
    ///
    /// # Errors
    /// Why it would be refused.
    pub fn foresee(&self, request: &Request) -> Result<Outcome, ServiceError> {
        self.refuse_during_shutdown()?;
        self.plan(request)?;
        if matches!(request, Request::Unregister(_)) {
            return Ok(Outcome::Removed);
        }
        let Some(wanted) = self.wanted_document(request)? else { return Ok(Outcome::Same) };
        let present = self.by_name(&wanted.name).map(|service| service.document());
        if present.is_some_and(|present| **present == wanted) {
            return Ok(Outcome::Same);
        }
        Ok(Outcome::Changed(wanted.into()))
    }

    /// The document that a request asks for; none when it asks for something else.
    pub(super) fn wanted_document(
        &self,
        request: &Request,
    ) -> Result<Option<Document>, ServiceError> {
        let present = |name: &str| {
            let service = self.by_name(name).ok_or_else(|| ServiceError::NotFound(name.into()))?;
            Ok((**service.document()).clone())
        };
        Ok(Some(match request {
            Request::Register(document) | Request::Update(document) => document.clone(),
            Request::RollBack(name, number) => (*self.revision(name, *number)?.document).clone(),
            Request::Scale(name, count) => Document { instances: *count, ..present(name)? },
            Request::Enable(name) => Document { enabled: true, ..present(name)? },
            Request::Disable(name) => Document { enabled: false, ..present(name)? },
            _ => return Ok(None),
        }))
    }
}
