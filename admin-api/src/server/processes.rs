//! Handlers of processes.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::future::poll_fn;

use picoserve::Timer;
use picoserve::time::Duration;

use crate::backend::{ApiError, Backend, ProcessSettings, TerminateMode};
use crate::types::{PowerAction, PowerAnswer, Process, Role};

use super::answer::Request;
use super::assets::names_tag;
use super::authentication::Identity;
use super::idempotency::{Known, Made, key_of};
use super::listing::ProcessPages;
use super::output::read_output;
use super::process_json::append_process;
use super::query::Query;
use super::refusal::Refusal;
use super::reply::{Body, JSON, Reply};
use super::stream::{Stream, Subject};
use super::{App, Assets, documents};

/// Time that a process has between SIGTERM and SIGKILL unless the request says otherwise.
const DEFAULT_GRACE_MS: u64 = 5000;
/// Longest such time.
const MAX_GRACE_MS: u64 = 600_000;
/// `wait=true` waits this much longer than the grace period.
const WAIT_MARGIN_MS: u64 = 5000;
/// Most bytes of output in one answer.
const MAX_OUTPUT_BYTES: usize = 64 * 1024;

/// The tag of what `PATCH` can change of this very process. Figures that change by themselves are left
/// out, or `If-Match` would never hold.
pub(crate) fn etag(process: &Process) -> String {
    // FNV-1a: it only has to tell settings apart that one operator made after the other.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    add(&process.pid.to_le_bytes());
    add(&process.started_at.unix_ms().to_le_bytes());
    add(process.priority.name().as_bytes());
    add(process.class.name().as_bytes());
    add(&process.nice.to_le_bytes());
    for cpu in &process.affinity {
        add(&cpu.to_le_bytes());
    }
    let limits = process.limits;
    for limit in [
        limits.memory_bytes,
        limits.stack_bytes,
        limits.open_files,
        limits.processes,
        limits.cpu_time_ns,
        limits.cpu_percent.map(u64::from),
        limits.read_bytes_per_second,
        limits.write_bytes_per_second,
        limits.processes_per_second.map(u64::from),
    ] {
        // No limit has the value 0.
        add(&limit.unwrap_or(0).to_le_bytes());
    }
    format!("\"{hash:016x}\"")
}

fn described(status: u16, process: &Process) -> Reply {
    let mut bytes = Vec::new();
    append_process(&mut bytes, process);
    Reply::new(status, Body::Owned { content_type: JSON, bytes }).with_header("ETag", etag(process))
}

pub(crate) fn pid_of(request: &Request<'_>) -> Result<u32, Refusal> {
    let text = request.parameter;
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number).ok_or_else(|| Refusal::invalid_pid(text))
}

impl<B: Backend, A: Assets> App<B, A> {
    /// `GET /processes`.
    pub(crate) async fn processes(&self, query: &Query<'_>) -> Result<Reply, Refusal> {
        let pages = ProcessPages::plan(&self.backend, &self.snapshots, query).await?;
        pages.into_reply(&self.backend)
    }

    /// `POST /processes`.
    pub(crate) fn create_process(
        &self,
        request: &Request<'_>,
        identity: &Identity,
    ) -> Result<Reply, Refusal> {
        let key = key_of(request.head)?;
        let user = &identity.caller.user;
        let now_ns = self.backend.uptime_ns();
        if let Some(key) = key {
            let keys = self.idempotency.borrow();
            match keys.find(user, key, request.body, now_ns) {
                Known::Nothing => {}
                Known::Made(Made::Process(pid)) => return self.created(pid),
                Known::Made(Made::Service(_)) | Known::OtherRequest => {
                    return Err(Refusal::key_reused());
                }
            }
        }
        let document = documents::create_process(request.body, self.backend.cpu_count())?;
        let pid = self.backend.create_process(&identity.caller, document)?;
        if let Some(key) = key {
            let mut keys = self.idempotency.borrow_mut();
            keys.remember(user.clone(), key, request.body, Made::Process(pid), now_ns);
        }
        self.created(pid)
    }

    fn created(&self, pid: u32) -> Result<Reply, Refusal> {
        let process = self.backend.process(pid)?;
        Ok(described(201, &process).with_header("Location", format!("/api/v1/processes/{pid}")))
    }

    /// `GET /processes/{pid}`.
    pub(crate) fn process(
        &self,
        request: &Request<'_>,
        identity: &Identity,
    ) -> Result<Reply, Refusal> {
        let pid = pid_of(request)?;
        let mut process = self.backend.process(pid)?;
        if identity.caller.role >= Role::Operator {
            process.environment = Some(self.backend.process_environment(pid)?);
        }
        Ok(described(200, &process))
    }

    /// The process that a change is for, after its `If-Match` was checked; the settings are what
    /// was found if there was one.
    fn guarded(&self, request: &Request<'_>) -> Result<(u32, Option<ProcessSettings>), Refusal> {
        let pid = pid_of(request)?;
        let Some(if_match) = request.head.header("if-match") else { return Ok((pid, None)) };
        let process = self.backend.process(pid)?;
        if !names_tag(if_match, &etag(&process)) {
            return Err(ApiError::Stale.into());
        }
        Ok((pid, Some(ProcessSettings::of(&process))))
    }

    /// `PATCH /processes/{pid}`.
    pub(crate) fn patch_process(
        &self,
        request: &Request<'_>,
        identity: &Identity,
    ) -> Result<Reply, Refusal> {
        let (pid, expected) = self.guarded(request)?;
        let patch = documents::process_patch(request.body, self.backend.cpu_count())?;
        self.backend.patch_process(&identity.caller, pid, &patch, expected.as_ref())?;
        Ok(described(200, &self.backend.process(pid)?))
    }

    /// `DELETE /processes/{pid}`.
    pub(crate) async fn terminate_process<Runtime>(
        &self,
        request: &Request<'_>,
        identity: &Identity,
        query: &Query<'_>,
        timer: &impl Timer<Runtime>,
    ) -> Result<Reply, Refusal> {
        let grace_ms = query.number("grace_ms", 0, MAX_GRACE_MS)?.unwrap_or(DEFAULT_GRACE_MS);
        let mode = match query.get("mode") {
            None | Some("graceful") => {
                let grace_ms = u32::try_from(grace_ms).unwrap_or(u32::MAX);
                TerminateMode::Graceful { grace_ms }
            }
            Some("force") => TerminateMode::Force,
            Some(_) => return Err(Refusal::bad_parameter("mode", "must be graceful or force")),
        };
        let is_awaited = query.flag("wait")?;
        let (pid, _) = self.guarded(request)?;
        self.backend.terminate_process(&identity.caller, pid, mode)?;
        if is_awaited {
            let ended = poll_fn(|context| self.backend.poll_process_ended(context, pid));
            let time = Duration::from_millis(grace_ms + WAIT_MARGIN_MS);
            if timer.run_with_timeout(time, ended).await.is_ok() {
                return Ok(self.now(200, pid));
            }
        }
        Ok(self.now(202, pid))
    }

    /// `POST /processes/{pid}/signals`.
    pub(crate) fn signal_process(
        &self,
        request: &Request<'_>,
        identity: &Identity,
    ) -> Result<Reply, Refusal> {
        let (pid, _) = self.guarded(request)?;
        let signal = documents::signal(request.body)?;
        self.backend.signal_process(&identity.caller, pid, signal)?;
        Ok(self.now(200, pid))
    }

    /// `POST /processes/{pid}/suspend`.
    pub(crate) fn suspend_process(
        &self,
        request: &Request<'_>,
        identity: &Identity,
    ) -> Result<Reply, Refusal> {
        let (pid, _) = self.guarded(request)?;
        self.backend.suspend_process(&identity.caller, pid)?;
        Ok(self.now(200, pid))
    }

    /// `POST /processes/{pid}/resume`.
    pub(crate) fn resume_process(
        &self,
        request: &Request<'_>,
        identity: &Identity,
    ) -> Result<Reply, Refusal> {
        let (pid, _) = self.guarded(request)?;
        self.backend.resume_process(&identity.caller, pid)?;
        Ok(self.now(200, pid))
    }

    /// The process as it is after a change that worked; it may be gone by that.
    fn now(&self, status: u16, pid: u32) -> Reply {
        match self.backend.process(pid) {
            Ok(process) => described(status, &process),
            Err(_) => Reply::empty(204),
        }
    }

    /// `GET /processes/{pid}/output`.
    pub(crate) fn process_output(
        &self,
        request: &Request<'_>,
        identity: &Identity,
        query: &Query<'_>,
    ) -> Result<Reply, Refusal> {
        let pid = pid_of(request)?;
        let offset = query.number("offset", 0, u64::MAX)?;
        let most = u64::try_from(MAX_OUTPUT_BYTES).unwrap_or(u64::MAX);
        // Four bytes are one character at least, so that reading on always gets on.
        let max_bytes = query.number("max_bytes", 4, most)?;
        let max_bytes =
            max_bytes.and_then(|max| usize::try_from(max).ok()).unwrap_or(MAX_OUTPUT_BYTES);
        if query.flag("follow")? {
            self.backend.process(pid)?;
            let offset = request.last_event_id()?.or(offset).unwrap_or(0);
            return self.stream(Subject::Output { pid, offset }, identity);
        }
        let read = read_output(&self.backend, pid, offset.unwrap_or(0), max_bytes)?;
        Ok(Reply::json(200, &read.output))
    }

    /// Opens a stream.
    pub(crate) fn stream(&self, subject: Subject, identity: &Identity) -> Result<Reply, Refusal> {
        if !self.streams.has_room() {
            return Err(Refusal::too_many_streams());
        }
        let stream = Stream { subject, session: identity.session };
        Ok(Reply::new(200, Body::Stream(stream)))
    }

    /// `POST /system/shutdown` and `/system/reboot`.
    pub(crate) fn power(&self, identity: &Identity, action: PowerAction) -> Result<Reply, Refusal> {
        self.backend.power(&identity.caller, action)?;
        Ok(Reply::json(202, &PowerAnswer { action }))
    }
}
