//! The API's words as people read them, and the tone in which they are shown.

use admin_api::types::{
    Class, EventKind, Exit, Isolation, LogLevel, NetworkRights, OnViolation, Priority,
    ProcessState, Role,
};

/// How a word is coloured. Colour never says it alone: the word stands beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Nothing special.
    Neutral,
    /// At work.
    Active,
    /// As it should be.
    Good,
    /// Worth a look.
    Warning,
    /// Wrong.
    Bad,
}

/// A process's state.
#[must_use]
pub fn state(state: ProcessState) -> (&'static str, Tone) {
    match state {
        ProcessState::New => ("New", Tone::Neutral),
        ProcessState::Ready => ("Ready", Tone::Active),
        ProcessState::Running => ("Running", Tone::Good),
        ProcessState::Blocked => ("Blocked", Tone::Neutral),
        ProcessState::Suspended => ("Suspended", Tone::Warning),
        ProcessState::Terminated => ("Terminated", Tone::Bad),
        ProcessState::Zombie => ("Zombie", Tone::Bad),
        ProcessState::Defunct => ("Defunct", Tone::Neutral),
    }
}

/// What a state means, for a hint.
#[must_use]
pub fn state_hint(state: ProcessState) -> &'static str {
    match state {
        ProcessState::New => "Being made",
        ProcessState::Ready => "Wants a CPU",
        ProcessState::Running => "On a CPU now",
        ProcessState::Blocked => "Waits for something",
        ProcessState::Suspended => "Stopped until it is resumed",
        ProcessState::Terminated => "Exiting; its resources are being released",
        ProcessState::Zombie => "Exited; its parent has not asked for its exit status",
        ProcessState::Defunct => "Gone; kept in the history",
    }
}

/// A priority.
#[must_use]
pub fn priority(priority: Priority) -> &'static str {
    match priority {
        Priority::Idle => "Idle",
        Priority::Low => "Low",
        Priority::Normal => "Normal",
        Priority::High => "High",
        Priority::RealTime => "Real time",
        Priority::Critical => "Critical",
    }
}

/// What a priority means, for a hint.
#[must_use]
pub fn priority_hint(priority: Priority) -> &'static str {
    match priority {
        Priority::Idle => "runs when nothing else can",
        Priority::Low => "a small share",
        Priority::Normal => "the usual share",
        Priority::High => "a large share",
        Priority::RealTime => "before everything that shares",
        Priority::Critical => "before everything",
    }
}

/// A class.
#[must_use]
pub fn class(class: Class) -> &'static str {
    match class {
        Class::System => "System",
        Class::User => "User",
        Class::Service => "Service",
        Class::Background => "Background",
        Class::Interactive => "Interactive",
    }
}

/// How far a process is kept apart.
#[must_use]
pub fn isolation(isolation: Isolation) -> &'static str {
    match isolation {
        Isolation::Kernel => "Kernel thread",
        Isolation::Process => "Own address space",
        Isolation::Sandbox => "Sandbox",
    }
}

/// What a sandbox may do with the network.
#[must_use]
pub fn network_rights(rights: NetworkRights) -> &'static str {
    match rights {
        NetworkRights::None => "No network",
        NetworkRights::Connect => "May connect",
        NetworkRights::Listen => "May listen",
        NetworkRights::Both => "May connect and listen",
    }
}

/// What becomes of a call that a sandbox does not allow.
#[must_use]
pub fn on_violation(what: OnViolation) -> &'static str {
    match what {
        OnViolation::Refuse => "Refused",
        OnViolation::Kill => "Ends the process",
    }
}

/// A role.
#[must_use]
pub fn role(role: Role) -> &'static str {
    match role {
        Role::Viewer => "Viewer",
        Role::Operator => "Operator",
        Role::Administrator => "Administrator",
    }
}

/// A log level.
#[must_use]
pub fn level(level: LogLevel) -> (&'static str, Tone) {
    match level {
        LogLevel::Error => ("Error", Tone::Bad),
        LogLevel::Warning => ("Warning", Tone::Warning),
        LogLevel::Info => ("Info", Tone::Active),
        LogLevel::Debug => ("Debug", Tone::Neutral),
    }
}

/// A kind of event.
#[must_use]
pub fn event(kind: EventKind) -> (&'static str, Tone) {
    match kind {
        EventKind::ProcessCreated => ("Started", Tone::Good),
        EventKind::ProcessSuspended => ("Suspended", Tone::Warning),
        EventKind::ProcessResumed => ("Resumed", Tone::Good),
        EventKind::ProcessChanged => ("Changed", Tone::Active),
        EventKind::ProcessSignaled => ("Signal", Tone::Active),
        EventKind::ProcessExited => ("Ended", Tone::Neutral),
        EventKind::LimitExceeded => ("Limit", Tone::Bad),
        EventKind::SandboxViolation => ("Sandbox", Tone::Bad),
        EventKind::CpuChanged => ("CPU", Tone::Active),
        EventKind::NetworkChanged => ("Network", Tone::Active),
        EventKind::SessionChanged => ("Session", Tone::Neutral),
        EventKind::SystemChanged => ("System", Tone::Active),
        EventKind::Emergency => ("Emergency", Tone::Bad),
        EventKind::ServiceRegistered => ("Registered", Tone::Active),
        EventKind::ServiceUpdated => ("Document", Tone::Active),
        EventKind::ServiceUnregistered => ("Unregistered", Tone::Neutral),
        EventKind::ServiceStateChanged => ("Service", Tone::Active),
        EventKind::ServiceInstanceStarted => ("Instance", Tone::Neutral),
        EventKind::ServiceInstanceReady => ("Ready", Tone::Good),
        EventKind::ServiceInstanceEnded => ("Instance", Tone::Warning),
        EventKind::ServiceHealthChanged => ("Health", Tone::Active),
        EventKind::OperationEnded => ("Operation", Tone::Neutral),
    }
}

/// How a process ended, as a sentence.
#[must_use]
pub fn exit(exit: Exit) -> (String, Tone) {
    match exit {
        Exit::Code(0) => ("Exited with code 0, which means success".to_owned(), Tone::Good),
        Exit::Code(code) => (format!("Exited with code {code}"), Tone::Warning),
        Exit::Signal { signal, core } => {
            let core = if core { ", core dumped" } else { "" };
            (format!("Ended by {signal}{core}"), Tone::Bad)
        }
    }
}

/// Whether a process still lives, so that something can be done to it.
#[must_use]
pub fn is_alive(state: ProcessState) -> bool {
    !matches!(state, ProcessState::Terminated | ProcessState::Zombie | ProcessState::Defunct)
}
