//! The admin API, as the console uses it. The only file that does HTTP.
//!
//! [`Client`] sends requests and reports to the application whether the system was reached and
//! whether the session still holds; [`Stream`] holds a stream of server-sent events.

mod services;

use std::io;
use std::rc::Rc;

use admin_api::types::{
    Cpu, CreateProcess, EmergencyRequest, EmergencyResult, Memory, Network, Numa, Page,
    PowerAction, Problem, Process, ProcessPatch, ProcessSignals, Session, SessionRequest, Signal,
    SignalRequest, System,
};
use gloo_events::EventListener;
use gloo_net::http::{Method, RequestBuilder};
use gloo_timers::callback::Timeout;
use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;
use wasm_bindgen::JsCast as _;
use web_sys::{AbortController, EventSource, MessageEvent};
use yew::Callback;

use crate::model::failure::Failure;
use crate::model::list::encode;
use crate::read::{Read, from_text};

pub use services::Change;

const BASE: &str = "/api/v1";
/// No answer for so long counts as unreachable.
const TIMEOUT_MS: u32 = 10_000;
/// An emergency termination takes up to 10 seconds by itself.
const EMERGENCY_TIMEOUT_MS: u32 = 20_000;

/// What every request says about the connection and the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The system answered.
    Reached,
    /// The system could not be reached.
    Unreachable(String),
    /// The system does not know the session.
    SignedOut,
}

/// Sends requests.
#[derive(Clone, PartialEq)]
pub struct Client {
    csrf_token: Option<Rc<str>>,
    report: Callback<Outcome>,
}

/// How to terminate a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Termination {
    /// SIGTERM, and SIGKILL after the grace period.
    Graceful {
        /// The grace period.
        grace_ms: u32,
    },
    /// SIGKILL at once.
    Force,
}

type Answer<T> = Result<T, Failure>;

impl Client {
    /// A client without a session, that reports to `report`.
    #[must_use]
    pub fn new(report: Callback<Outcome>) -> Self {
        Self { csrf_token: None, report }
    }

    /// The same client within a session.
    #[must_use]
    pub fn within(&self, session: &Session) -> Self {
        let csrf_token = session.csrf_token.as_deref().map(Rc::from);
        Self { csrf_token, report: self.report.clone() }
    }

    /// The session that the browser's cookie belongs to.
    ///
    /// # Errors
    /// [`Failure::SignedOut`] if there is none.
    pub async fn session(&self) -> Answer<Session> {
        self.get("/sessions").await
    }

    /// Signs in.
    ///
    /// # Errors
    /// [`Failure::SignedOut`] for a wrong token or secret; 429 after too many attempts.
    pub async fn sign_in(&self, request: &SessionRequest) -> Answer<Session> {
        self.send(Method::POST, "/sessions", Some(request)).await
    }

    /// Signs out.
    ///
    /// # Errors
    /// When the system cannot be reached.
    pub async fn sign_out(&self) -> Answer<()> {
        self.change(Method::DELETE, "/sessions").await
    }

    /// The system as a whole.
    ///
    /// # Errors
    /// Any [`Failure`]; so for the following.
    pub async fn system(&self) -> Answer<System> {
        self.get("/system").await
    }

    /// All CPUs.
    ///
    /// # Errors
    /// Any [`Failure`].
    pub async fn cpus(&self) -> Answer<Vec<Cpu>> {
        let page: Page<Cpu> = self.get("/cpus?limit=1000").await?;
        Ok(page.items)
    }

    /// Physical memory.
    ///
    /// # Errors
    /// Any [`Failure`].
    pub async fn memory(&self) -> Answer<Memory> {
        self.get("/memory").await
    }

    /// The nodes of memory and CPUs.
    ///
    /// # Errors
    /// Any [`Failure`].
    pub async fn numa(&self) -> Answer<Numa> {
        self.get("/numa").await
    }

    /// The network.
    ///
    /// # Errors
    /// Any [`Failure`].
    pub async fn network(&self) -> Answer<Network> {
        self.get("/network").await
    }

    /// A page of the process list; `query` as [`crate::model::list::Query::to_url`] makes it.
    ///
    /// # Errors
    /// Any [`Failure`].
    pub async fn processes(&self, query: &str) -> Answer<Page<Process>> {
        self.get(&format!("/processes?{query}")).await
    }

    /// One process.
    ///
    /// # Errors
    /// Any [`Failure`].
    pub async fn process(&self, pid: u32) -> Answer<Process> {
        self.get(&format!("/processes/{pid}")).await
    }

    /// A page of what a process consists of: `threads`, `memory-map`, `children`.
    ///
    /// # Errors
    /// Any [`Failure`].
    pub async fn process_part<T: Read>(
        &self,
        pid: u32,
        part: &str,
        limit: usize,
        cursor: Option<&str>,
    ) -> Answer<Page<T>> {
        let cursor = cursor.map(|cursor| format!("&cursor={}", encode(cursor))).unwrap_or_default();
        self.get(&format!("/processes/{pid}/{part}?limit={limit}{cursor}")).await
    }

    /// What a process does about signals, and what they did.
    ///
    /// # Errors
    /// Any [`Failure`].
    pub async fn process_signals(&self, pid: u32) -> Answer<ProcessSignals> {
        self.get(&format!("/processes/{pid}/signals")).await
    }

    /// How many processes are not the system's own.
    ///
    /// # Errors
    /// Any [`Failure`].
    pub async fn program_count(&self) -> Answer<u64> {
        let path = "/processes?limit=1&class=user,service,background,interactive";
        let page: Page<Process> = self.get(path).await?;
        Ok(page.total)
    }

    /// Ends processes whatever state they are in; answers when they are gone, or after 10 seconds.
    ///
    /// # Errors
    /// Any [`Failure`].
    pub async fn emergency(&self, request: &EmergencyRequest) -> Answer<EmergencyResult> {
        let body = Some(to_json(request)?);
        let path = "/emergency/terminate";
        let text = self.exchange(Method::POST, path, body, EMERGENCY_TIMEOUT_MS).await?;
        from_text(&text).map_err(Failure::Malformed)
    }

    /// Starts a program.
    ///
    /// # Errors
    /// Any [`Failure`]; wrong fields are named in the problem.
    pub async fn create_process(&self, request: &CreateProcess) -> Answer<Process> {
        self.send(Method::POST, "/processes", Some(request)).await
    }

    /// Changes a process's settings.
    ///
    /// # Errors
    /// Any [`Failure`].
    pub async fn patch_process(&self, pid: u32, patch: &ProcessPatch) -> Answer<()> {
        self.change_with(Method::PATCH, &format!("/processes/{pid}"), Some(patch)).await
    }

    /// Begins to terminate a process.
    ///
    /// # Errors
    /// Any [`Failure`].
    pub async fn terminate(&self, pid: u32, how: Termination) -> Answer<()> {
        let query = match how {
            Termination::Graceful { grace_ms } => format!("mode=graceful&grace_ms={grace_ms}"),
            Termination::Force => "mode=force".to_owned(),
        };
        self.change(Method::DELETE, &format!("/processes/{pid}?{query}")).await
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// Any [`Failure`].
    pub async fn signal(&self, pid: u32, signal: Signal) -> Answer<()> {
        let request = SignalRequest { signal };
        self.change_with(Method::POST, &format!("/processes/{pid}/signals"), Some(&request)).await
    }

    /// Suspends a process.
    ///
    /// # Errors
    /// Any [`Failure`].
    pub async fn suspend(&self, pid: u32) -> Answer<()> {
        self.change(Method::POST, &format!("/processes/{pid}/suspend")).await
    }

    /// Resumes a process.
    ///
    /// # Errors
    /// Any [`Failure`].
    pub async fn resume(&self, pid: u32) -> Answer<()> {
        self.change(Method::POST, &format!("/processes/{pid}/resume")).await
    }

    /// Shuts the system down or reboots it.
    ///
    /// # Errors
    /// Any [`Failure`].
    pub async fn power(&self, action: PowerAction) -> Answer<()> {
        let path = match action {
            PowerAction::Shutdown => "/system/shutdown",
            PowerAction::Reboot => "/system/reboot",
        };
        self.change(Method::POST, path).await
    }

    async fn get<T: Read>(&self, path: &str) -> Answer<T> {
        self.send(Method::GET, path, None::<&()>).await
    }

    async fn change(&self, method: Method, path: &str) -> Answer<()> {
        self.change_with(method, path, None::<&()>).await
    }

    async fn change_with<B: Serialize>(
        &self,
        method: Method,
        path: &str,
        body: Option<&B>,
    ) -> Answer<()> {
        self.exchange(method, path, body.map(to_json).transpose()?, TIMEOUT_MS).await.map(|_| ())
    }

    async fn send<B: Serialize, T: Read>(
        &self,
        method: Method,
        path: &str,
        body: Option<&B>,
    ) -> Answer<T> {
        let text = self.exchange(method, path, body.map(to_json).transpose()?, TIMEOUT_MS).await?;
        from_text(&text).map_err(Failure::Malformed)
    }

    /// One request and its answer's text; tells the application how it went.
    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
        timeout_ms: u32,
    ) -> Answer<String> {
        let sent = Sent { method, path, body, if_match: None, timeout_ms };
        self.deliver(sent).await.map(|(text, _)| text)
    }

    /// The same with tags: `If-Match` of the request, `ETag` of the answer.
    async fn exchange_tagged(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
        if_match: Option<&str>,
    ) -> Answer<(String, Option<String>)> {
        self.deliver(Sent { method, path, body, if_match, timeout_ms: TIMEOUT_MS }).await
    }

    async fn deliver(&self, sent: Sent<'_>) -> Answer<(String, Option<String>)> {
        let answer = fetch(sent, self.csrf_token.as_deref()).await;
        self.report.emit(match &answer {
            Err(Failure::Unreachable(reason)) => Outcome::Unreachable(reason.clone()),
            Err(Failure::SignedOut) => Outcome::SignedOut,
            _ => Outcome::Reached,
        });
        answer
    }
}

fn to_json<B: Serialize>(body: &B) -> Answer<String> {
    let mut text = Vec::new();
    body.serialize(&mut Serializer::with_formatter(&mut text, PlainNumbers))
        .map_err(|error| error.to_string())
        .and_then(|()| String::from_utf8(text).map_err(|error| error.to_string()))
        .map_err(Failure::Malformed)
}

/// Writes numbers as `Display` does: serde_json's own writer brings tables of 8 KB, which nothing
/// compresses, for a speed that a request's one or two numbers do not need.
struct PlainNumbers;

impl Formatter for PlainNumbers {
    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        write!(writer, "{value}")
    }
}

/// A request.
struct Sent<'s> {
    method: Method,
    path: &'s str,
    body: Option<String>,
    if_match: Option<&'s str>,
    timeout_ms: u32,
}

async fn fetch(
    Sent { method, path, body, if_match, timeout_ms }: Sent<'_>,
    csrf_token: Option<&str>,
) -> Answer<(String, Option<String>)> {
    let unreachable = |reason: &str| Failure::Unreachable(reason.to_owned());
    let abort = AbortController::new().ok();
    let mut builder = RequestBuilder::new(&format!("{BASE}{path}"))
        .header("Accept", "application/json, application/problem+json")
        .abort_signal(abort.as_ref().map(AbortController::signal).as_ref());
    if method != Method::GET
        && let Some(token) = csrf_token
    {
        builder = builder.header("X-CSRF-Token", token);
    }
    if let Some(tag) = if_match {
        builder = builder.header("If-Match", tag);
    }
    builder = builder.method(method);
    let request = match body {
        Some(body) => builder.header("Content-Type", "application/json").body(body),
        None => builder.build(),
    }
    .map_err(|error| Failure::Malformed(error.to_string()))?;
    let timer = Timeout::new(timeout_ms, move || {
        if let Some(abort) = abort {
            abort.abort();
        }
    });
    let response = request.send().await.map_err(|_| unreachable("no connection"))?;
    let etag = response.headers().get("ETag");
    let text = response.text().await.map_err(|_| unreachable("the connection broke"))?;
    timer.cancel();
    match response.status() {
        200..=299 => Ok((text, etag)),
        401 => Err(Failure::SignedOut),
        status => match from_text::<Problem>(&text) {
            Ok(problem) => Err(Failure::Refused(Box::new(problem))),
            Err(_) => Err(Failure::Malformed(format!("status {status} without a reason"))),
        },
    }
}

/// News from a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamNews {
    /// The stream is open.
    Opened,
    /// An event with its name and data.
    Event {
        /// The event's name.
        name: &'static str,
        /// Its data.
        data: String,
    },
    /// The stream broke. The browser tries again by itself unless `is_closed`.
    Broken {
        /// Whether the browser gave up: the answer was no stream.
        is_closed: bool,
    },
}

/// A stream of server-sent events; dropping it closes it.
pub struct Stream {
    source: EventSource,
    _listeners: Vec<EventListener>,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.source.close();
    }
}

impl Stream {
    /// The stream of the system's events after number `after`.
    #[must_use]
    pub fn events(after: u64, names: &[&'static str], news: Callback<StreamNews>) -> Option<Self> {
        Self::open(&format!("/events?after={after}"), names, news)
    }

    /// The log: its last lines, and those that come.
    #[must_use]
    pub fn log(news: Callback<StreamNews>) -> Option<Self> {
        Self::open("/logs?follow=true&limit=1000", &["log"], news)
    }

    /// The output of a process from `offset` on: `output`, and `end` after the last.
    #[must_use]
    pub fn output(pid: u32, offset: u64, news: Callback<StreamNews>) -> Option<Self> {
        let path = format!("/processes/{pid}/output?follow=true&offset={offset}");
        Self::open(&path, &["output", "end"], news)
    }

    /// The lines of a service: the last ones, and those that come, as `line`.
    #[must_use]
    pub fn service_output(name: &str, after: u64, news: Callback<StreamNews>) -> Option<Self> {
        let from = if after == 0 { "limit=1000".to_owned() } else { format!("after={after}") };
        Self::open(&format!("/services/{name}/output?follow=true&{from}"), &["line"], news)
    }

    fn open(path: &str, names: &[&'static str], news: Callback<StreamNews>) -> Option<Self> {
        let source = EventSource::new(&format!("{BASE}{path}")).ok()?;
        let mut listeners = Vec::with_capacity(names.len() + 2);
        for name in names.iter().copied() {
            let news = news.clone();
            listeners.push(EventListener::new(&source, name, move |event| {
                let data =
                    event.dyn_ref::<MessageEvent>().and_then(|event| event.data().as_string());
                if let Some(data) = data {
                    news.emit(StreamNews::Event { name, data });
                }
            }));
        }
        let opened = news.clone();
        listeners.push(EventListener::new(&source, "open", move |_| {
            opened.emit(StreamNews::Opened);
        }));
        let broken = source.clone();
        listeners.push(EventListener::new(&source, "error", move |_| {
            let is_closed = broken.ready_state() == EventSource::CLOSED;
            news.emit(StreamNews::Broken { is_closed });
        }));
        Some(Self { source, _listeners: listeners })
    }
}
