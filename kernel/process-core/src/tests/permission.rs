//! Who may signal whom: kill(2).

use std::sync::Arc;

use crate::{
    Capability, CapabilitySet, Credentials, Gid, Instant, Isolation, Limits, NewProcess, Pid,
    ProcessError, ProcessName, ProcessTable, Profile, ProgramImage, Scheduling, Signal,
    SignalSender, TableConfig, Uid,
};

fn user(real: u32, effective: u32, saved: u32) -> Credentials {
    Credentials {
        effective_uid: Uid(effective),
        saved_uid: Uid(saved),
        capabilities: CapabilitySet::EMPTY,
        ..Credentials::for_user(Uid(real), Gid(real), Arc::new([]))
    }
}

fn make(
    table: &mut ProcessTable<()>,
    parent: Pid,
    credentials: Credentials,
    isolation: Isolation,
) -> Pid {
    let profile = Profile {
        name: ProcessName::default(),
        image: Arc::new(ProgramImage::default()),
        working_directory: "/".into(),
        root_directory: "/".into(),
        isolation,
        sandbox: None,
        scheduling: Scheduling::default(),
        limits: Limits::default(),
        service: None,
    };
    let reservation = table.reserve(credentials.real_uid, None).unwrap();
    let now = Instant::default();
    let new = NewProcess::new(&reservation, parent, Arc::new(credentials), profile, (), now);
    let new = new.unwrap();
    let new = if parent.is_system() { new } else { new.forked_by(parent) };
    table.insert(reservation, new).unwrap()
}

// proves: P6, X2
#[test]
fn user_numbers_capability_and_session_decide() {
    let mut table = ProcessTable::new(TableConfig::default()).unwrap();
    let program = Isolation::Process;
    let target = make(&mut table, Pid::SYSTEM, user(10, 11, 12), program);
    let mut may = |credentials, signal| {
        let sender = make(&mut table, Pid::SYSTEM, credentials, program);
        let result = table.check_signal(SignalSender::Process(sender), target, signal);
        assert!(result.is_ok() || result == Err(ProcessError::PermissionDenied { pid: target }));
        result.is_ok()
    };
    let term = Some(Signal::SIGTERM);
    // The sender's real or effective number against the target's real or saved one.
    assert!(may(user(10, 5, 5), term) && may(user(5, 10, 5), term));
    assert!(may(user(12, 5, 5), term) && may(user(5, 12, 5), None));
    assert!(!may(user(11, 11, 11), term), "the target's effective number is of no account");
    assert!(!may(user(5, 5, 10), term), "nor is the sender's saved one");
    assert!(!may(user(0, 0, 0), term), "root's number without the capability is a number");
    let mut able = user(5, 5, 5);
    able.capabilities = CapabilitySet::EMPTY.with(Capability::Kill);
    assert!(may(able, term));
    assert!(!may(user(5, 5, 5), Some(Signal::SIGCONT)), "another session");
    let child = make(&mut table, target, user(5, 5, 5), program);
    let from_child = |signal| table.check_signal(SignalSender::Process(child), target, signal);
    assert!(from_child(Some(Signal::SIGCONT)).is_ok(), "the same session");
    assert!(from_child(term).is_err());
    let itself = table.check_signal(SignalSender::Process(child), child, term);
    assert!(itself.is_ok());
}

// proves: P6, P11
#[test]
fn kernel_threads_take_no_signal_from_anyone() {
    let mut table = ProcessTable::new(TableConfig::default()).unwrap();
    let thread = make(&mut table, Pid::SYSTEM, Credentials::root(), Isolation::Kernel);
    let check = |signal| table.check_signal(SignalSender::System, thread, signal);
    let refused = ProcessError::SignalNotSupported { signal: 9, pid: Some(thread) };
    assert_eq!(check(Some(Signal::SIGKILL)), Err(refused));
    assert_eq!(check(None), Err(ProcessError::PermissionDenied { pid: thread }));
    let missing = Pid::new(77).unwrap();
    let absent = table.check_signal(SignalSender::System, missing, None);
    assert_eq!(absent, Err(ProcessError::ProcessNotFound { pid: missing }));
}
