//! Reading answers: from JSON to the types of the API.
//!
//! The types can be read by serde, too, which the host does. In the browser that costs some kilobytes of
//! code for each of them; here a field costs one call. A struct is written with all of its fields, so that the
//! compiler finds one that is missing, and a test compares with serde.

use std::collections::BTreeMap;

use admin_api::types::{
    AddressSource, AuthenticatedBy, BalanceStrategy, Class, ConditionKind, ContextSwitches,
    Counters, Cpu, CpuState, CpuSummary, CpuTimes, CpuUsage, Dependency, Disk, DiskState, EdgeKind,
    EmergencyResult, EmergencyScope, Event, EventKind, Exit, FieldChange, FieldError, HealthCheck,
    HealthKind, HealthPurpose, HealthRecord, HealthState, HeapUsage, HttpCounters, Hundredths,
    InstanceConnections, InstanceHealth, InstanceState, Interface, InterfaceAddress, IoUsage,
    IpiCounts, Isolation, Limits, LimitsMet, Load, LogLevel, LogLine, Memory, MemoryArea,
    MemoryAreaKind, MemoryByUse, MemoryNode, MemorySummary, MemoryUsage, NameCounters, Network,
    NetworkRights, Numa, NumaAllocations, NumaDistance, NumaMemory, NumaNode, OnViolation,
    OpenFile, OpenFileKind, OperationKind, OutputStream, Page, PageFaults, PlannedStep, Priority,
    Problem, Process, ProcessCounts, ProcessOutput, ProcessSignals, ProcessState, ReadyWhen,
    ReloadRule, RestartPolicy, RestartRule, Role, Sandbox, SandboxRequest, Service,
    ServiceCondition, ServiceCounts, ServiceDifference, ServiceEdge, ServiceErrorCode,
    ServiceExplanation, ServiceGraph, ServiceGroup, ServiceHealth, ServiceInstance, ServiceKind,
    ServiceLimits, ServiceLine, ServiceNode, ServicePlan, ServicePort, ServiceReason,
    ServiceRevision, ServiceState, ServiceStatus, ServiceUsage, Session, Signal, SignalCounts,
    SignalEffect, SignalRecord, Socket, SocketProtocol, StartRule, StepAction, StopRule,
    SupervisionStrategy, System, TcpCounters, Text, Thread, ThreadCpuUsage, ThreadSignals,
    ThreadUsage, Timestamp, Usage, User, Victim,
};
use serde_json::Value;

/// What was not as it should be: a field, or a kind of value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wrong(pub &'static str);

/// What can be read from JSON.
pub trait Read: Sized {
    /// Reads; a value that is missing is `null`.
    ///
    /// # Errors
    /// What is wrong.
    fn read(value: &Value) -> Result<Self, Wrong>;
}

/// Reads a text.
///
/// # Errors
/// What is wrong, in words.
pub fn from_text<T: Read>(text: &str) -> Result<T, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    T::read(&value).map_err(|Wrong(what)| format!("wrong or missing: {what}"))
}

fn field<T: Read>(value: &Value, name: &'static str) -> Result<T, Wrong> {
    T::read(value.get(name).unwrap_or(&Value::Null)).map_err(|_| Wrong(name))
}

/// A struct with nothing but optional fields would be read from anything.
fn check_object(value: &Value) -> Result<(), Wrong> {
    if value.is_object() { Ok(()) } else { Err(Wrong("object")) }
}

macro_rules! read {
    ($($name:ident { $($field:ident),* })*) => {
        $(impl Read for $name {
            fn read(value: &Value) -> Result<Self, Wrong> {
                check_object(value)?;
                Ok(Self { $($field: field(value, stringify!($field))?,)* })
            }
        })*
    };
}

macro_rules! read_words {
    ($($name:ident,)*) => {
        $(impl Read for $name {
            fn read(value: &Value) -> Result<Self, Wrong> {
                value.as_str().and_then(Self::from_name).ok_or(Wrong("word"))
            }
        })*
    };
}

macro_rules! read_numbers {
    ($($name:ident)*) => {
        $(impl Read for $name {
            fn read(value: &Value) -> Result<Self, Wrong> {
                let number = value.as_i64().and_then(|number| number.try_into().ok());
                number.ok_or(Wrong("number"))
            }
        })*
    };
}

read_numbers! { u8 u16 u32 i8 i32 }

impl Read for Value {
    fn read(value: &Value) -> Result<Self, Wrong> {
        Ok(value.clone())
    }
}

impl Read for u64 {
    fn read(value: &Value) -> Result<Self, Wrong> {
        value.as_u64().ok_or(Wrong("number"))
    }
}

impl Read for bool {
    fn read(value: &Value) -> Result<Self, Wrong> {
        value.as_bool().ok_or(Wrong("true or false"))
    }
}

impl Read for String {
    fn read(value: &Value) -> Result<Self, Wrong> {
        value.as_str().map(str::to_owned).ok_or(Wrong("text"))
    }
}

impl Read for Text {
    fn read(value: &Value) -> Result<Self, Wrong> {
        String::read(value).map(Self::from)
    }
}

impl Read for Timestamp {
    fn read(value: &Value) -> Result<Self, Wrong> {
        value.as_str().and_then(|text| text.parse().ok()).ok_or(Wrong("time"))
    }
}

impl Read for Signal {
    fn read(value: &Value) -> Result<Self, Wrong> {
        value.as_str().and_then(|text| text.parse().ok()).ok_or(Wrong("signal"))
    }
}

impl Read for Hundredths {
    fn read(value: &Value) -> Result<Self, Wrong> {
        let scaled = value.as_f64().unwrap_or(-1.0) * 100.0 + 0.5;
        if !(0.0..=f64::from(u32::MAX)).contains(&scaled) {
            return Err(Wrong("number"));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the range was checked, and cutting the fraction off is what rounds"
        )]
        let hundredths = scaled as u32;
        Ok(Self(hundredths))
    }
}

impl Read for Exit {
    fn read(value: &Value) -> Result<Self, Wrong> {
        if value.get("signal").is_some_and(|signal| !signal.is_null()) {
            let core = value.get("core").and_then(Value::as_bool).unwrap_or(false);
            return Ok(Self::Signal { signal: field(value, "signal")?, core });
        }
        Ok(Self::Code(field(value, "code")?))
    }
}

impl<T: Read> Read for Option<T> {
    fn read(value: &Value) -> Result<Self, Wrong> {
        if value.is_null() { Ok(None) } else { T::read(value).map(Some) }
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(value: &Value) -> Result<Self, Wrong> {
        match value {
            Value::Null => Ok(Self::new()),
            Value::Array(items) => {
                let mut all = Self::with_capacity(items.len());
                for item in items {
                    all.push(T::read(item)?);
                }
                Ok(all)
            }
            _ => Err(Wrong("list")),
        }
    }
}

impl Read for BTreeMap<String, Text> {
    fn read(value: &Value) -> Result<Self, Wrong> {
        let mut all = Self::new();
        if !value.is_null() {
            for (name, value) in value.as_object().ok_or(Wrong("object"))? {
                all.insert(name.clone(), Text::read(value)?);
            }
        }
        Ok(all)
    }
}

impl<T: Read> Read for Page<T> {
    fn read(value: &Value) -> Result<Self, Wrong> {
        Ok(Self {
            items: field(value, "items")?,
            next_cursor: field(value, "next_cursor")?,
            total: field(value, "total")?,
        })
    }
}

impl Read for Problem {
    fn read(value: &Value) -> Result<Self, Wrong> {
        Ok(Self {
            kind: field(value, "type")?,
            title: field(value, "title")?,
            status: field(value, "status")?,
            detail: field(value, "detail")?,
            instance: field(value, "instance")?,
            code: field(value, "code")?,
            errors: field(value, "errors")?,
        })
    }
}

impl Read for CpuState {
    fn read(value: &Value) -> Result<Self, Wrong> {
        match value.as_str() {
            Some("online") => Ok(Self::Online),
            Some("failed") => Ok(Self::Failed),
            _ => Err(Wrong("word")),
        }
    }
}

impl Read for AddressSource {
    fn read(value: &Value) -> Result<Self, Wrong> {
        match value.as_str() {
            Some("dhcp") => Ok(Self::Dhcp),
            Some("static") => Ok(Self::Static),
            Some("link_local") => Ok(Self::LinkLocal),
            _ => Err(Wrong("word")),
        }
    }
}

read_words! {
    AuthenticatedBy, BalanceStrategy, Class, ConditionKind, DiskState, EdgeKind, EmergencyScope, EventKind, HealthKind, HealthPurpose, HealthState, InstanceState, Isolation, LogLevel, MemoryAreaKind, NetworkRights, OnViolation, OpenFileKind, OperationKind, OutputStream, Priority, ProcessState, ReadyWhen, RestartPolicy, Role, ServiceErrorCode, ServiceKind, ServiceState, SignalEffect, SocketProtocol, StepAction, SupervisionStrategy,
}

read! {
    Session { user, role, authenticated_by, csrf_token, created_at, expires_at }
    System { name, version, architecture, hypervisor, command_line, boot_id, booted_at, now, uptime_ns, cpus, memory, load, processes, threads, services, disk }
    Disk { state, reason, size_bytes, capacity_bytes, used_bytes, records, damaged, reads, read_bytes, writes, written_bytes, flushes, errors }
    CpuSummary { present, online, model, busy_percent }
    MemorySummary { total_bytes, used_bytes, free_bytes }
    Load { one_minute, five_minutes, fifteen_minutes }
    ProcessCounts { total, new, ready, running, blocked, suspended, terminated, zombie, defunct }
    ServiceCounts { total, stopped, starting, running, stopping, failed, disabled, paused }
    Cpu { id, state, apic_id, node, model, times, busy_percent, run_queue_length, current_pid, context_switches, migrations_in, interrupts, timer_interrupts, ipis, tlb_shootdowns }
    CpuTimes { user_ns, system_ns, interrupt_ns, idle_ns }
    IpiCounts { sent, received }
    Memory { total_bytes, used_bytes, free_bytes, page_size_bytes, by_use, heap, nodes, next_victim }
    Victim { pid, name, memory_bytes }
    Numa { nodes }
    NumaNode { id, cpus, distances, memory, allocations }
    NumaDistance { node, distance }
    NumaMemory { total_bytes, used_bytes, free_bytes }
    NumaAllocations { local_pages, foreign_pages }
    MemoryByUse { kernel_image_bytes, kernel_heap_bytes, kernel_stacks_bytes, page_tables_bytes, user_bytes, files_bytes, other_bytes }
    HeapUsage { total_bytes, used_bytes, allocations, failures }
    MemoryNode { id, total_bytes, free_bytes }
    Network { interfaces, tcp, http, names }
    Interface { name, driver, mac_address, mtu_bytes, link_up, addresses, gateway, dns_servers, lease_expires_at, received, sent }
    InterfaceAddress { address, prefix_length, source }
    Counters { bytes, packets, dropped }
    TcpCounters { listening, established, accepted, refused }
    HttpCounters { connections, requests, malformed }
    NameCounters { queries, malformed, local, forwarded, unanswered, refused }
    Process { pid, parent_pid, process_group, session, name, command, environment, cwd, root, state, state_detail, priority, class, nice, cpu, affinity, threads, isolation, sandbox, user, capabilities, service, started_at, ended_at, exit, usage, limits, limits_met }
    LimitsMet { memory_bytes, stack_bytes, open_files, processes, cpu_time_ns, cpu_percent, read_bytes_per_second, write_bytes_per_second, processes_per_second }
    Sandbox { id, network, system_calls, on_violation, violations }
    User { uid, gid, name }
    Usage { cpu, memory, io, context_switches, migrations, page_faults, signals, open_files }
    CpuUsage { user_ns, system_ns, total_ns, percent }
    MemoryUsage { current_bytes, peak_bytes, stack_bytes, heap_bytes }
    IoUsage { read_bytes, written_bytes, read_operations, write_operations }
    ContextSwitches { voluntary, involuntary }
    PageFaults { minor, major }
    SignalCounts { received, handled, ignored }
    Limits { memory_bytes, stack_bytes, open_files, processes, cpu_time_ns, cpu_percent, read_bytes_per_second, write_bytes_per_second, processes_per_second }
    Thread { tid, pid, name, state, state_detail, priority, class, nice, cpu, usage }
    ThreadUsage { cpu, io, context_switches, migrations, page_faults }
    ThreadCpuUsage { user_ns, system_ns, total_ns }
    OpenFile { fd, kind, path, readable, writable, append, nonblocking, close_on_exec, offset_bytes }
    Socket { protocol, inode, pid, local, remote, state, received_bytes, sent_bytes, receive_queue, send_queue, dropped }
    ProcessSignals { pid, counts, caught, ignored, pending, threads, recent }
    ThreadSignals { tid, blocked, pending }
    SignalRecord { signal, sender_pid, effect, at }
    MemoryArea { start, end, size_bytes, resident_bytes, rights, shared, locked, kind, path, offset_bytes }
    EmergencyResult { scope, ended, remaining, remaining_pids, duration_ms }
    FieldError { field, message }
    Event { sequence, at, kind, pid, service, actor, message }
    LogLine { sequence, at, uptime_ns, level, source, cpu, message }
    ProcessOutput { pid, first_offset, offset, next_offset, ended, text }
    SandboxRequest { root, network, system_calls, on_violation }
    Service { name, description, kind, version, tags, program, args, env, cwd, user, priority, class, isolation, sandbox, enabled, instances, port, dependencies, after, conflicts, conditions, limits, start, restart, health, readiness, reload, stop, group, revision, status }
    ServicePort { listen, strategy, weights }
    Dependency { service, required, version, timeout_ms }
    ServiceCondition { kind, path }
    ServiceLimits { memory_bytes, processes, open_files, cpu_percent, read_bytes_per_second, write_bytes_per_second }
    StartRule { ready_when, timeout_ms }
    RestartRule { policy, delay_ms, max_delay_ms, max_restarts, window_ms, reset_after_ms, success_codes }
    HealthCheck { kind, path, port, command, interval_ms, timeout_ms, healthy_after, unhealthy_after }
    ReloadRule { signal }
    StopRule { signal, grace_ms, drain_ms }
    ServiceGroup { strategy, members }
    ServiceStatus { state, detail, since, health, ready_instances, instances, restarts, last_exit, last_exit_at, last_exit_reason, applied_revision, operation, usage }
    ServiceUsage { processes, cpu, memory_bytes, peak_memory_bytes, io, open_files }
    ServiceInstance { number, state, since, pid, ready, status, health, restarts, last_exit, last_exit_at, last_exit_reason, next_start_at, connections }
    InstanceConnections { open, total }
    ServiceHealth { service, health, instances, history }
    InstanceHealth { instance, health, ready, good_in_a_row, bad_in_a_row, good_total, bad_total }
    HealthRecord { at, instance, purpose, kind, good, duration_ns, detail }
    ServiceGraph { nodes, edges, start_order }
    ServiceNode { name, kind, state, health, ready_instances, instances, level }
    ServiceEdge { from, to, kind, satisfied }
    ServiceExplanation { service, state, summary, chain, advice }
    ServiceReason { service, state, code, message, since }
    ServicePlan { kind, service, steps, warnings }
    PlannedStep { level, service, action, reason }
    ServiceRevision { revision, at, actor, current, document }
    ServiceDifference { service, from, to, changes }
    FieldChange { field, before, after }
    ServiceLine { sequence, at, instance, pid, stream, text, truncated }
}

#[cfg(test)]
mod tests;
