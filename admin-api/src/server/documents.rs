//! Reading the documents that requests bring, with every wrong field named.

pub(super) mod sandbox;

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::de::DeserializeOwned;

use crate::types::{
    Class, CreateProcess, EmergencyRequest, EmergencyScope, LimitsChange, Priority, ProcessPatch,
    SessionRequest, Signal,
};

use super::fields::Fields;
use super::refusal::Refusal;
use super::service_document::MAX_INSTANCES;

/// Longest path that is taken, as PATH_MAX.
const MAX_PATH_BYTES: usize = 4096;
/// Most arguments, and most variables of the environment.
const MAX_STRINGS: usize = 1024;
/// Longest name in lists.
const MAX_NAME_BYTES: usize = 64;
/// Longest token.
const MAX_SECRET_BYTES: usize = 512;

/// Reads `POST /processes`. `cpu_count` is the number of CPUs there are.
///
/// # Errors
/// 400 or 422.
pub(crate) fn create_process(body: &[u8], cpu_count: u32) -> Result<CreateProcess, Refusal> {
    let mut fields = Fields::parse(body)?;
    let program: String = fields.required("program").unwrap_or_default();
    let args: Vec<String> = fields.optional("args").unwrap_or_default();
    let name: Option<String> = fields.optional("name");
    let env: BTreeMap<String, String> = fields.optional("env").unwrap_or_default();
    let cwd: Option<String> = fields.optional("cwd");
    let Settings { priority, class, nice, affinity } = settings(&mut fields, cpu_count);
    let limits = limits(&mut fields);
    let user: Option<String> = fields.optional("user");
    let is_user = |user: &String| {
        (1..=MAX_NAME_BYTES).contains(&user.len())
            && user.bytes().all(|byte| byte.is_ascii_graphic())
    };
    fields.check(
        user.as_ref().is_none_or(is_user),
        "user",
        "must be a user's name or number, or UID:GID",
    );
    let (isolation, sandbox) = sandbox::read(&mut fields);
    // An empty program was reported as missing or of a wrong type, unless it was given as such.
    if !program.is_empty() {
        check_path(&mut fields, "program", &program);
    } else if !fields.has_error("program") {
        fields.error("program", "must be an absolute path");
    }
    if let Some(cwd) = &cwd {
        check_path(&mut fields, "cwd", cwd);
    }
    if let Some(name) = &name {
        let is_valid =
            (1..=MAX_NAME_BYTES).contains(&name.len()) && !name.chars().any(char::is_control);
        fields.check(is_valid, "name", "must have 1 to 64 bytes and no control characters");
    }
    fields.check(args.len() <= MAX_STRINGS, "args", "has too many items, at most 1024");
    fields.check(env.len() <= MAX_STRINGS, "env", "has too many items, at most 1024");
    if let Some(index) = args.iter().position(|text| text.contains('\0')) {
        fields.error(&format!("args.{index}"), "must not contain NUL");
    }
    let is_variable = |(name, value): &(&String, &String)| {
        !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0')
    };
    fields.check(
        env.iter().all(|variable| is_variable(&variable)),
        "env",
        "names must not be empty or contain =, and nothing may contain NUL",
    );
    fields.finish()?;
    Ok(CreateProcess {
        program,
        args,
        name,
        env,
        cwd,
        priority,
        class,
        nice,
        affinity,
        limits,
        user,
        isolation,
        sandbox,
    })
}

pub(super) fn check_path(fields: &mut Fields, field: &str, path: &str) {
    fields.check(path.starts_with('/'), field, "must be an absolute path");
    fields.check(path.len() <= MAX_PATH_BYTES, field, "is too long, at most 4096 bytes");
    fields.check(!path.contains('\0'), field, "must not contain NUL");
}

/// What creation and change have in common.
struct Settings {
    priority: Option<Priority>,
    class: Option<Class>,
    nice: Option<i8>,
    affinity: Option<Vec<u32>>,
}

fn settings(fields: &mut Fields, cpu_count: u32) -> Settings {
    let priority = fields.optional("priority");
    let class = fields.optional("class");
    let is_program = class != Some(Class::System);
    fields.check(is_program, "class", "system is for the kernel's own threads");
    let nice = fields.optional::<i64>("nice");
    let is_nice = nice.is_none_or(|nice| (-20..=19).contains(&nice));
    fields.check(is_nice, "nice", "must be a whole number from -20 to 19");
    let mut affinity = fields.optional::<Vec<u32>>("affinity");
    if let Some(cpus) = &mut affinity {
        fields.check(!cpus.is_empty(), "affinity", "must name at least one CPU");
        if let Some(index) = cpus.iter().position(|cpu| *cpu >= cpu_count) {
            let message = format!("must be below {cpu_count}, the number of CPUs");
            fields.error(&format!("affinity.{index}"), message);
        }
        cpus.sort_unstable();
        cpus.dedup();
    }
    let nice = nice.and_then(|nice| i8::try_from(nice).ok());
    Settings { priority, class, nice, affinity }
}

/// Takes a limit that every process has: it can be another one, and not be lifted.
fn always_there<T: DeserializeOwned>(limits: &mut Fields, field: &str) -> Option<T> {
    let limit = limits.settable(field)?;
    if limit.is_none() && !limits.has_error(field) {
        limits.error(field, "must be a number: every process has this limit");
    }
    limit
}

/// Reads the limits of a document.
fn limits(fields: &mut Fields) -> Option<LimitsChange> {
    const PAGE_BYTES: u64 = 4096;
    const MOST_BYTES: u64 = 1 << 47;
    /// 4096 CPUs.
    const MOST_PERCENT: u64 = 409_600;
    let mut inner = fields.object("limits")?;
    let mut bytes = |field: &str, least: u64, step: u64| {
        let value: Option<u64> = always_there(&mut inner, field);
        let is_valid = value.is_none_or(|value| {
            (least..=MOST_BYTES).contains(&value) && value.is_multiple_of(step)
        });
        let whole = if step > 1 { ", in whole pages of 4096 bytes" } else { "" };
        inner.check(is_valid, field, &format!("must be at least {least} bytes{whole}"));
        value
    };
    let memory_bytes = bytes("memory_bytes", 64 * 1024, 1);
    let stack_bytes = bytes("stack_bytes", 4 * PAGE_BYTES, PAGE_BYTES);
    let mut count = |field: &str, most: u32| {
        let value: Option<u32> = always_there(&mut inner, field);
        let is_valid = value.is_none_or(|value| (1..=most).contains(&value));
        inner.check(is_valid, field, &format!("must be from 1 to {most}"));
        value
    };
    let open_files = count("open_files", 1 << 20);
    let processes = count("processes", 1 << 22);
    let cpu_time_ns = rate(&mut inner, "cpu_time_ns", u64::MAX);
    let cpu_percent = small(rate(&mut inner, "cpu_percent", MOST_PERCENT));
    let read_bytes_per_second = rate(&mut inner, "read_bytes_per_second", u64::MAX);
    let write_bytes_per_second = rate(&mut inner, "write_bytes_per_second", u64::MAX);
    let processes_per_second = small(rate(&mut inner, "processes_per_second", u32::MAX.into()));
    fields.take_errors("limits", inner);
    Some(LimitsChange {
        memory_bytes,
        stack_bytes,
        open_files,
        processes,
        cpu_time_ns,
        cpu_percent,
        read_bytes_per_second,
        write_bytes_per_second,
        processes_per_second,
    })
}

/// Reads a limit that can be lifted.
#[expect(clippy::option_option, reason = "left, lifted, set")]
fn rate(fields: &mut Fields, field: &str, most: u64) -> Option<Option<u64>> {
    let value = fields.settable::<u64>(field);
    let is_valid = value.flatten().is_none_or(|value| (1..=most).contains(&value));
    let range = if most == u64::MAX { "at least 1".into() } else { format!("from 1 to {most}") };
    fields.check(is_valid, field, &format!("must be {range}, or null for no limit"));
    value
}

/// A value that was checked to be small.
#[expect(clippy::option_option, reason = "left, lifted, set")]
fn small(value: Option<Option<u64>>) -> Option<Option<u32>> {
    value.map(|value| value.map(|value| u32::try_from(value).unwrap_or(u32::MAX)))
}

/// Reads `PATCH /processes/{pid}`.
///
/// # Errors
/// 400 or 422.
pub(crate) fn process_patch(body: &[u8], cpu_count: u32) -> Result<ProcessPatch, Refusal> {
    let mut fields = Fields::parse(body)?;
    let Settings { priority, class, nice, affinity } = settings(&mut fields, cpu_count);
    let limits = limits(&mut fields);
    fields.finish()?;
    Ok(ProcessPatch { priority, class, nice, affinity, limits })
}

/// Reads `POST /processes/{pid}/signals`.
///
/// # Errors
/// 400 or 422.
pub(crate) fn signal(body: &[u8]) -> Result<Signal, Refusal> {
    let mut fields = Fields::parse(body)?;
    let signal = fields.required("signal");
    fields.finish()?;
    // `finish` has reported a missing signal.
    signal.ok_or_else(|| Refusal::bad_fields(Vec::new()))
}

/// Reads `POST /emergency/terminate`.
///
/// # Errors
/// 400 or 422.
pub(crate) fn emergency(body: &[u8]) -> Result<EmergencyRequest, Refusal> {
    let mut fields = Fields::parse(body)?;
    let word: Option<String> = fields.required("scope");
    let pid: Option<u32> = fields.optional("pid");
    let service: Option<String> = fields.optional("service");
    let scope = word.as_deref().and_then(EmergencyScope::from_name);
    match (word.as_deref(), scope, pid) {
        (None, ..) => {}
        (Some(_), None, _) => fields.error("scope", "must be process, service or all"),
        (_, Some(EmergencyScope::Process), None) => {
            fields.check(fields.has_error("pid"), "pid", "is missing");
        }
        (_, Some(EmergencyScope::Service | EmergencyScope::All), Some(_)) => {
            fields.error("pid", "is for the scope process only");
        }
        _ => {}
    }
    match (scope, &service) {
        (Some(EmergencyScope::Service), None) => {
            fields.check(fields.has_error("service"), "service", "is missing");
        }
        (Some(EmergencyScope::Process | EmergencyScope::All), Some(_)) => {
            fields.error("service", "is for the scope service only");
        }
        _ => {}
    }
    fields.finish()?;
    // `finish` has reported a missing scope.
    let scope = scope.ok_or_else(|| Refusal::bad_fields(Vec::new()))?;
    Ok(EmergencyRequest { scope, pid, service })
}

/// Reads `PUT /services/{name}/instances`.
///
/// # Errors
/// 400 or 422.
pub(crate) fn scale(body: &[u8]) -> Result<u32, Refusal> {
    let mut fields = Fields::parse(body)?;
    let count = needed(&mut fields, "count", MAX_INSTANCES.into());
    fields.finish()?;
    // `finish` has reported a missing count.
    count.and_then(|count| u32::try_from(count).ok()).ok_or_else(|| Refusal::bad_fields(Vec::new()))
}

/// Reads `POST /services/{name}/rollback`.
///
/// # Errors
/// 400 or 422.
pub(crate) fn rollback(body: &[u8]) -> Result<u64, Refusal> {
    let mut fields = Fields::parse(body)?;
    let revision = needed(&mut fields, "revision", u64::MAX);
    fields.finish()?;
    // `finish` has reported a missing revision.
    revision.ok_or_else(|| Refusal::bad_fields(Vec::new()))
}

/// Takes a number from 1 on that must be there.
fn needed(fields: &mut Fields, field: &str, most: u64) -> Option<u64> {
    if !fields.has(field) {
        fields.error(field, "is missing");
    }
    let number = fields.number(field, 1, most);
    if number.is_none() && !fields.has_error(field) {
        fields.error(field, "must be a number");
    }
    number
}

/// Reads `POST /sessions`.
///
/// # Errors
/// 400 or 422.
pub(crate) fn session(body: &[u8]) -> Result<SessionRequest, Refusal> {
    let mut fields = Fields::parse(body)?;
    let token: Option<String> = fields.optional("token");
    let secret: Option<String> = fields.optional("secret");
    for (field, value) in [("token", &token), ("secret", &secret)] {
        let is_short = value.as_ref().is_none_or(|value| value.len() <= MAX_SECRET_BYTES);
        fields.check(is_short, field, "is too long");
    }
    if fields.is_clean() {
        let is_one = token.is_some() != secret.is_some();
        fields.check(is_one, "token", "exactly one of token and secret must be given");
    }
    fields.finish()?;
    Ok(SessionRequest { token, secret })
}
