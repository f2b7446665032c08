//! The part of the client that is about services.

use admin_api::types::{
    OperationKind, Page, Service, ServiceDifference, ServiceExplanation, ServiceGraph,
    ServiceHealth, ServicePlan, ServiceRevision,
};
use gloo_net::http::Method;

use super::{Answer, Client};
use crate::model::failure::Failure;
use crate::read::from_text;

/// A change of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Start, stop and the like.
    Plain(OperationKind),
    /// So many instances.
    Scale(u32),
    /// Back to this document.
    Rollback(u64),
    /// Forget it.
    Unregister,
    /// This document, if the one that holds has still this revision.
    Update {
        /// As JSON.
        document: String,
        /// The tag that it was read with.
        etag: String,
    },
    /// A new service of this document.
    Register {
        /// As JSON.
        document: String,
    },
}

impl Client {
    /// All services, up to a thousand.
    ///
    /// # Errors
    /// Any [`Failure`]; so for the following.
    pub async fn services(&self) -> Answer<Page<Service>> {
        self.get("/services?limit=1000").await
    }

    /// Those that have failed.
    ///
    /// # Errors
    /// Any [`Failure`].
    pub async fn failed_services(&self) -> Answer<Page<Service>> {
        self.get("/services?limit=20&state=failed").await
    }

    /// One service.
    ///
    /// # Errors
    /// Any [`Failure`].
    pub async fn service(&self, name: &str) -> Answer<Service> {
        self.get(&format!("/services/{name}")).await
    }

    /// One service's document as it is sent, and its tag.
    ///
    /// # Errors
    /// Any [`Failure`].
    pub async fn service_document(&self, name: &str) -> Answer<(String, String)> {
        let (text, etag) =
            self.exchange_tagged(Method::GET, &format!("/services/{name}"), None, None).await?;
        Ok((text, etag.unwrap_or_default()))
    }

    /// All services and their edges.
    ///
    /// # Errors
    /// Any [`Failure`].
    pub async fn service_graph(&self) -> Answer<ServiceGraph> {
        self.get("/services/graph").await
    }

    /// The health of a service.
    ///
    /// # Errors
    /// Any [`Failure`].
    pub async fn service_health(&self, name: &str) -> Answer<ServiceHealth> {
        self.get(&format!("/services/{name}/health")).await
    }

    /// Why a service is as it is.
    ///
    /// # Errors
    /// Any [`Failure`].
    pub async fn explain_service(&self, name: &str) -> Answer<ServiceExplanation> {
        self.get(&format!("/services/{name}/explain")).await
    }

    /// The documents of a service that are remembered, the newest first.
    ///
    /// # Errors
    /// Any [`Failure`].
    pub async fn service_versions(&self, name: &str) -> Answer<Page<ServiceRevision>> {
        self.get(&format!("/services/{name}/versions?limit=100")).await
    }

    /// What changed between two of them.
    ///
    /// # Errors
    /// Any [`Failure`].
    pub async fn service_difference(
        &self,
        name: &str,
        from: u64,
        to: u64,
    ) -> Answer<ServiceDifference> {
        self.get(&format!("/services/{name}/diff?from={from}&to={to}")).await
    }

    /// What a change would do.
    ///
    /// # Errors
    /// Any [`Failure`]: those that the change itself would run into.
    pub async fn plan_service_change(&self, name: &str, change: &Change) -> Answer<ServicePlan> {
        let text = self.service_request(name, change, "?dry_run=true").await?;
        from_text(&text).map_err(Failure::Malformed)
    }

    /// Begins a change.
    ///
    /// # Errors
    /// Any [`Failure`]; wrong fields are named in the problem.
    pub async fn change_service(&self, name: &str, change: &Change) -> Answer<()> {
        self.service_request(name, change, "").await.map(|_| ())
    }

    async fn service_request(&self, name: &str, change: &Change, query: &str) -> Answer<String> {
        let (method, part, body) = match change {
            Change::Plain(kind) => (Method::POST, format!("/{name}/{kind}"), None),
            Change::Scale(count) => {
                let body = Some(format!("{{\"count\":{count}}}"));
                (Method::PUT, format!("/{name}/instances"), body)
            }
            Change::Rollback(revision) => {
                let body = Some(format!("{{\"revision\":{revision}}}"));
                (Method::POST, format!("/{name}/rollback"), body)
            }
            Change::Unregister => (Method::DELETE, format!("/{name}"), None),
            Change::Update { document, .. } => {
                (Method::PUT, format!("/{name}"), Some(document.clone()))
            }
            Change::Register { document } => (Method::POST, String::new(), Some(document.clone())),
        };
        let if_match = match change {
            Change::Update { etag, .. } if !etag.is_empty() => Some(etag.as_str()),
            _ => None,
        };
        let path = format!("/services{part}{query}");
        self.exchange_tagged(method, &path, body, if_match).await.map(|(text, _)| text)
    }
}
