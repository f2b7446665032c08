//! The server: one [`App`] for all connections, and a [`router`] for each, which the
//! network's gate serves ([`serve_connection`] does on the host, where there is none).
//!
//! A request goes through `answer`: route ([`ROUTES`]), credentials, role, body, handler; what a handler
//! returns is written by `send`. Handlers are synchronous; only reading a body, waiting for a process to end,
//! scanning many processes and writing wait. Everything runs on one executor, so that the tables are
//! in `RefCell`s that are never borrowed across a wait.

mod answer;
mod assets;
mod authentication;
mod credentials;
mod disk_metrics;
mod documents;
mod emergency;
mod fields;
mod files;
mod idempotency;
mod json;
mod lines;
mod listing;
mod logs;
mod metrics;
mod output;
mod process_filter;
mod process_json;
mod process_parts;
mod processes;
mod query;
mod refusal;
mod reply;
mod resources;
mod route;
mod send;
mod serve;
mod service_document;
mod service_metrics;
mod service_output;
mod service_refusal;
mod services;
mod sessions;
mod stream;
mod throttle;
mod tree;
mod yielding;

use core::cell::RefCell;

use crate::backend::Backend;

pub use assets::{Asset, Assets};
pub use credentials::{Config, Credential, SecretHash};
pub use route::{Access, BodyRule, Endpoint, Method, ROUTES, Route, max_body_bytes};
pub use serve::{HTTP_BUFFER_BYTES, router, serve_connection};
pub use service_document::{is_service_name, read_service, write_service};

/// The server's state, shared by all connections of one executor.
pub struct App<B, A> {
    backend: B,
    assets: A,
    /// The OpenAPI document.
    openapi: &'static [u8],
    credentials: credentials::Credentials,
    sessions: RefCell<sessions::Sessions>,
    throttle: RefCell<throttle::Throttle>,
    idempotency: RefCell<idempotency::IdempotencyKeys>,
    snapshots: RefCell<listing::Snapshots>,
    streams: stream::StreamCount,
}

impl<B: Backend, A: Assets> App<B, A> {
    /// A server for `backend` and the console's files `assets` (`()` for none). `openapi` is the
    /// document that the feature `openapi` writes.
    #[must_use]
    pub fn new(backend: B, assets: A, openapi: &'static [u8], config: Config) -> Self {
        Self {
            backend,
            assets,
            openapi,
            credentials: credentials::Credentials::new(config),
            sessions: RefCell::default(),
            throttle: RefCell::default(),
            idempotency: RefCell::default(),
            snapshots: RefCell::default(),
            streams: stream::StreamCount::default(),
        }
    }

    /// The backend.
    pub fn backend(&self) -> &B {
        &self.backend
    }
}
