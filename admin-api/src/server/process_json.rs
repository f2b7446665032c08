//! Writes a [`Process`] as JSON: the document that is asked for thousands of times a second.
//!
//! What serde's way costs is the names: four appends and two calls of `memcpy` for each of 75 members.
//! Here a name with its marks is one constant, and a figure one copy of constant length. A test compares
//! the result with serde_json's; a new field does not compile until it is written.

use alloc::vec::Vec;

use crate::types::{
    ContextSwitches, CpuUsage, Exit, Hundredths, IoUsage, Limits, LimitsMet, MemoryUsage,
    PageFaults, Process, Sandbox, SignalCounts, Text, Timestamp, Usage, User,
};

use super::json::{append_json, append_string, append_unsigned};

/// More than most processes need, so that the buffer grows once for each at the most.
pub(crate) const USUAL_BYTES: usize = 1280;

/// Appends a name with its marks, then a value by a function of this module.
macro_rules! member {
    ($bytes:ident, $before:literal, $name:ident, $write:ident) => {
        $bytes.extend_from_slice(concat!($before, "\"", stringify!($name), "\":").as_bytes());
        $write($bytes, $name);
    };
}

/// Appends members, the first of them after `begin`.
macro_rules! members {
    ($bytes:ident, $first:ident: $write_first:ident $(, $name:ident: $write:ident)* $(,)?) => {
        member!($bytes, "{", $first, $write_first);
        $(member!($bytes, ",", $name, $write);)*
    };
}

/// Appends a process.
pub(crate) fn append_process(bytes: &mut Vec<u8>, process: &Process) {
    let Process {
        pid,
        parent_pid,
        process_group,
        session,
        name,
        command,
        environment,
        cwd,
        root,
        state,
        state_detail,
        priority,
        class,
        nice,
        cpu,
        affinity,
        threads,
        isolation,
        sandbox,
        user,
        capabilities,
        service,
        started_at,
        ended_at,
        exit,
        usage,
        limits,
        limits_met,
    } = process;
    let (state, priority, class) = (&state.name(), &priority.name(), &class.name());
    let isolation = &isolation.name();
    bytes.reserve(USUAL_BYTES);
    members!(
        bytes,
        pid: number,
        parent_pid: number,
        process_group: number,
        session: number,
        name: text,
        command: texts,
        environment: optional_texts,
        cwd: text,
        root: text,
        state: word,
        state_detail: optional_text,
        priority: word,
        class: word,
        nice: signed,
        cpu: optional_number,
        affinity: numbers,
        threads: number,
        isolation: word,
        sandbox: optional_sandbox,
        user: user_,
        capabilities: texts,
        service: optional_text,
        started_at: time,
        ended_at: optional_time,
        exit: optional_exit,
        usage: usage_,
        limits: limits_,
        limits_met: limits_met_,
    );
    bytes.push(b'}');
}

fn usage_(bytes: &mut Vec<u8>, usage: &Usage) {
    let Usage { cpu, memory, io, context_switches, migrations, page_faults, signals, open_files } =
        usage;
    members!(
        bytes,
        cpu: cpu_usage,
        memory: memory_usage,
        io: io_usage,
        context_switches: switches,
        migrations: large,
        page_faults: faults,
        signals: signal_counts,
        open_files: number,
    );
    bytes.push(b'}');
}

fn cpu_usage(bytes: &mut Vec<u8>, usage: &CpuUsage) {
    let CpuUsage { user_ns, system_ns, total_ns, percent } = usage;
    members!(bytes, user_ns: large, system_ns: large, total_ns: large, percent: hundredths);
    bytes.push(b'}');
}

fn memory_usage(bytes: &mut Vec<u8>, usage: &MemoryUsage) {
    let MemoryUsage { current_bytes, peak_bytes, stack_bytes, heap_bytes } = usage;
    members!(bytes, current_bytes: large, peak_bytes: large, stack_bytes: large, heap_bytes: large);
    bytes.push(b'}');
}

fn io_usage(bytes: &mut Vec<u8>, usage: &IoUsage) {
    let IoUsage { read_bytes, written_bytes, read_operations, write_operations } = usage;
    members!(
        bytes,
        read_bytes: large,
        written_bytes: large,
        read_operations: large,
        write_operations: large,
    );
    bytes.push(b'}');
}

fn switches(bytes: &mut Vec<u8>, switches: &ContextSwitches) {
    let ContextSwitches { voluntary, involuntary } = switches;
    members!(bytes, voluntary: large, involuntary: large);
    bytes.push(b'}');
}

fn faults(bytes: &mut Vec<u8>, faults: &PageFaults) {
    let PageFaults { minor, major } = faults;
    members!(bytes, minor: large, major: large);
    bytes.push(b'}');
}

fn signal_counts(bytes: &mut Vec<u8>, counts: &SignalCounts) {
    let SignalCounts { received, handled, ignored } = counts;
    members!(bytes, received: large, handled: large, ignored: large);
    bytes.push(b'}');
}

fn user_(bytes: &mut Vec<u8>, user: &User) {
    let User { uid, gid, name } = user;
    members!(bytes, uid: number, gid: number, name: text);
    bytes.push(b'}');
}

fn limits_(bytes: &mut Vec<u8>, limits: &Limits) {
    let Limits {
        memory_bytes,
        stack_bytes,
        open_files,
        processes,
        cpu_time_ns,
        cpu_percent,
        read_bytes_per_second,
        write_bytes_per_second,
        processes_per_second,
    } = limits;
    members!(
        bytes,
        memory_bytes: optional_large,
        stack_bytes: optional_large,
        open_files: optional_large,
        processes: optional_large,
        cpu_time_ns: optional_large,
        cpu_percent: optional_number,
        read_bytes_per_second: optional_large,
        write_bytes_per_second: optional_large,
        processes_per_second: optional_number,
    );
    bytes.push(b'}');
}

fn limits_met_(bytes: &mut Vec<u8>, met: &LimitsMet) {
    let LimitsMet {
        memory_bytes,
        stack_bytes,
        open_files,
        processes,
        cpu_time_ns,
        cpu_percent,
        read_bytes_per_second,
        write_bytes_per_second,
        processes_per_second,
    } = met;
    members!(
        bytes,
        memory_bytes: number,
        stack_bytes: number,
        open_files: number,
        processes: number,
        cpu_time_ns: number,
        cpu_percent: number,
        read_bytes_per_second: number,
        write_bytes_per_second: number,
        processes_per_second: number,
    );
    bytes.push(b'}');
}

fn number(bytes: &mut Vec<u8>, value: &u32) {
    append_unsigned(bytes, u64::from(*value));
}

fn large(bytes: &mut Vec<u8>, value: &u64) {
    append_unsigned(bytes, *value);
}

fn signed(bytes: &mut Vec<u8>, value: &i8) {
    if *value < 0 {
        bytes.push(b'-');
    }
    append_unsigned(bytes, u64::from(value.unsigned_abs()));
}

/// A number with two places, by integers alone: the kernel has no floating-point registers.
fn hundredths(bytes: &mut Vec<u8>, value: &Hundredths) {
    let digit = |value: u32| b'0' + u8::try_from(value % 10).unwrap_or(0);
    append_unsigned(bytes, u64::from(value.0 / 100));
    bytes.extend_from_slice(&[b'.', digit(value.0 / 10)]);
    if !value.0.is_multiple_of(10) {
        bytes.push(digit(value.0));
    }
}

fn text(bytes: &mut Vec<u8>, text: &Text) {
    append_string(bytes, text);
}

/// A word of the API, in which nothing needs an escape.
fn word(bytes: &mut Vec<u8>, word: &&'static str) {
    bytes.push(b'"');
    bytes.extend_from_slice(word.as_bytes());
    bytes.push(b'"');
}

fn time(bytes: &mut Vec<u8>, time: &Timestamp) {
    bytes.push(b'"');
    bytes.extend_from_slice(&time.to_bytes());
    bytes.push(b'"');
}

fn optional_sandbox(bytes: &mut Vec<u8>, sandbox: &Option<Sandbox>) {
    append_json(bytes, sandbox);
}

fn optional_exit(bytes: &mut Vec<u8>, exit: &Option<Exit>) {
    append_json(bytes, exit);
}

/// Appends a value that may be missing.
fn optional<T>(bytes: &mut Vec<u8>, value: Option<&T>, write: impl FnOnce(&mut Vec<u8>, &T)) {
    match value {
        Some(value) => write(bytes, value),
        None => bytes.extend_from_slice(b"null"),
    }
}

fn optional_number(bytes: &mut Vec<u8>, value: &Option<u32>) {
    optional(bytes, value.as_ref(), number);
}

fn optional_large(bytes: &mut Vec<u8>, value: &Option<u64>) {
    optional(bytes, value.as_ref(), large);
}

fn optional_text(bytes: &mut Vec<u8>, value: &Option<Text>) {
    optional(bytes, value.as_ref(), text);
}

fn optional_texts(bytes: &mut Vec<u8>, values: &Option<Vec<Text>>) {
    match values {
        Some(values) => texts(bytes, values),
        None => bytes.extend_from_slice(b"null"),
    }
}

fn optional_time(bytes: &mut Vec<u8>, value: &Option<Timestamp>) {
    optional(bytes, value.as_ref(), time);
}

fn list<T>(bytes: &mut Vec<u8>, values: &[T], write: impl Fn(&mut Vec<u8>, &T)) {
    bytes.push(b'[');
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            bytes.push(b',');
        }
        write(bytes, value);
    }
    bytes.push(b']');
}

fn numbers(bytes: &mut Vec<u8>, values: &[u32]) {
    list(bytes, values, number);
}

fn texts(bytes: &mut Vec<u8>, values: &[Text]) {
    list(bytes, values, text);
}
