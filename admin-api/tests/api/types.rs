//! What is written by one serialiser is what the others write and what the console reads.

use std::collections::BTreeMap;
use std::fmt::Debug;

use admin_api::types::{
    AddressSource, AuthenticatedBy, Class, Counters, Cpu, CpuState, CpuTimes, CreateProcess, Disk,
    DiskState, Event, EventGap, EventKind, Exit, FieldError, Health, HealthStatus, Hundredths,
    Interface, InterfaceAddress, InterruptKind, InterruptLine, IpiCounts, Isolation, LimitsChange,
    LogLevel, LogLine, Memory, MemoryNode, Network, NetworkRights, Numa, OnViolation, Page,
    PowerAction, PowerAnswer, Priority, Problem, Process, ProcessOutput, ProcessPatch,
    ProcessState, Role, SandboxRequest, Session, SessionRequest, Signal, SignalRequest, System,
    Text, Timestamp,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::harness::{app, create, get};

/// serde_json and serde-json-core write the same value, and it is read back.
#[track_caller]
fn round_trip<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let written = serde_json::to_string(value).unwrap();
    let mut buffer = vec![0; 64 * 1024];
    let length = serde_json_core::to_slice(value, &mut buffer).unwrap();
    let core: serde_json::Value = serde_json::from_slice(&buffer[..length]).unwrap();
    let own: serde_json::Value = serde_json::from_str(&written).unwrap();
    assert_eq!(own, core);
    assert_eq!(serde_json::from_str::<T>(&written).unwrap(), *value, "{written}");
}

fn text(text: &str) -> Text {
    text.to_owned().into()
}

#[test]
fn every_type_is_written_alike_and_read_back() {
    let app = app();
    let pid = create(&app, "/bin/sleep", &["10", "quote \" backslash \\ tab \t ä \u{1}"]);
    let process: Process =
        serde_json::from_slice(&get(&format!("/api/v1/processes/{pid}")).send(&app).body).unwrap();
    round_trip(&process);
    for exit in [
        Exit::Code(-1),
        Exit::Code(0),
        Exit::Signal { signal: Signal::KILL, core: false },
        Exit::Signal { signal: Signal::SEGV, core: true },
    ] {
        let ended_at = Some(Timestamp::from_unix_ms(1));
        round_trip(&Process { exit: Some(exit), ended_at, ..process.clone() });
    }
    round_trip(&Page { items: vec![process], next_cursor: Some("p7".into()), total: u64::MAX });
    let system: System = serde_json::from_slice(&get("/api/v1/system").send(&app).body).unwrap();
    round_trip(&system);
    for state in DiskState::ALL {
        let disk = Some(Disk {
            state: *state,
            reason: (*state == DiskState::Failed).then(|| text("why")),
            size_bytes: u64::MAX,
            capacity_bytes: 1,
            used_bytes: 2,
            records: 3,
            damaged: 4,
            reads: 5,
            read_bytes: 6,
            writes: 7,
            written_bytes: 8,
            flushes: 9,
            errors: 10,
        });
        round_trip(&System { disk, ..system.clone() });
    }
    round_trip(&Health { status: HealthStatus::Ok });
    for action in [PowerAction::Shutdown, PowerAction::Reboot] {
        round_trip(&PowerAnswer { action });
    }
    for state in [CpuState::Online, CpuState::Failed] {
        round_trip(&Cpu {
            id: u32::MAX,
            state,
            apic_id: 1,
            node: 0,
            model: text("CPU \"x\""),
            times: CpuTimes { user_ns: u64::MAX, ..CpuTimes::default() },
            busy_percent: Hundredths(1234),
            run_queue_length: 1,
            current_pid: None,
            context_switches: 0,
            migrations_in: 0,
            interrupts: 0,
            timer_interrupts: 0,
            ipis: IpiCounts::default(),
            tlb_shootdowns: 0,
        });
    }
    round_trip(&Memory { nodes: vec![MemoryNode::default()], ..Memory::default() });
    for kind in [
        InterruptKind::Exception,
        InterruptKind::Device,
        InterruptKind::Timer,
        InterruptKind::Ipi,
        InterruptKind::Controller,
    ] {
        let per_cpu = vec![1, 2];
        round_trip(&InterruptLine { vector: 255, name: text("x"), kind, total: 3, per_cpu });
    }
    for source in [AddressSource::Dhcp, AddressSource::Static, AddressSource::LinkLocal] {
        let address = InterfaceAddress { address: text("::1"), prefix_length: 128, source };
        round_trip(&Network {
            interfaces: vec![Interface {
                name: text("eth0"),
                driver: text("virtio-net"),
                mac_address: text("52:54:00:12:34:56"),
                mtu_bytes: 1500,
                link_up: false,
                addresses: vec![address],
                gateway: None,
                dns_servers: vec![text("10.0.2.3")],
                lease_expires_at: Some(Timestamp::from_unix_ms(0)),
                received: Counters::default(),
                sent: Counters::default(),
            }],
            tcp: Default::default(),
            http: Default::default(),
            names: Default::default(),
        });
    }
    for kind in EventKind::ALL {
        let at = Timestamp::from_unix_ms(1_767_225_600_123);
        let (pid, actor) = (Some(1), Some(text("alice")));
        let service = Some(text("web"));
        round_trip(&Event {
            sequence: 1,
            at,
            kind: *kind,
            pid,
            service,
            actor,
            message: text("\n"),
        });
    }
    round_trip(&EventGap { first_lost: 1, last_lost: 2 });
    for level in LogLevel::ALL {
        round_trip(&LogLine {
            sequence: 1,
            at: Timestamp::from_unix_ms(5),
            uptime_ns: 6,
            level: *level,
            source: text("net"),
            cpu: None,
            message: text("\u{1F600}"),
        });
    }
}

#[test]
fn requests_and_problems_are_written_alike_and_read_back() {
    round_trip(&CreateProcess {
        program: "/bin/x".into(),
        args: vec!["a".into()],
        name: None,
        env: BTreeMap::from([("A".into(), "b\"".into())]),
        cwd: Some("/".into()),
        priority: Some(Priority::RealTime),
        class: Some(Class::Interactive),
        nice: Some(-20),
        affinity: Some(vec![0, 1]),
        limits: Some(LimitsChange { memory_bytes: Some(1 << 20), ..LimitsChange::default() }),
        user: Some("nobody".into()),
        isolation: Some(Isolation::Sandbox),
        sandbox: Some(SandboxRequest {
            root: "/srv".into(),
            network: Some(NetworkRights::Listen),
            system_calls: Some(vec!["read".into()]),
            on_violation: Some(OnViolation::Kill),
        }),
    });
    round_trip(&CreateProcess::default());
    round_trip(&ProcessPatch { nice: Some(19), ..ProcessPatch::default() });
    for signal in Signal::all() {
        round_trip(&SignalRequest { signal });
    }
    round_trip(&ProcessOutput {
        pid: 1,
        first_offset: 0,
        offset: 1,
        next_offset: 2,
        ended: true,
        text: "ä\u{0}\u{FFFD}".into(),
    });
    round_trip(&SessionRequest { token: Some("t".into()), secret: None });
    for by in AuthenticatedBy::ALL {
        round_trip(&Session {
            user: text("alice"),
            role: Role::Administrator,
            authenticated_by: *by,
            csrf_token: None,
            created_at: Some(Timestamp::from_unix_ms(1)),
            expires_at: None,
        });
    }
    round_trip(&Problem {
        kind: text("urn:x"),
        title: text("X"),
        status: 422,
        detail: text("d"),
        instance: text("/x"),
        code: text("x"),
        errors: vec![FieldError { field: "a.0".into(), message: "m".into() }],
    });
    round_trip(&ProcessState::ALL.to_vec());
}

/// The server writes JSON by itself; what it writes is what serde_json would.
#[test]
fn the_server_writes_what_serde_json_writes() {
    let app = app();
    create(&app, "/bin/echo", &["quote \" backslash \\ tab \t newline \n ä \u{1}\u{1F}\u{7F}"]);
    let busy = create(&app, "/bin/yes", &[]);
    let changed = crate::harness::request(
        "PATCH",
        &format!("/api/v1/processes/{busy}"),
        crate::harness::OPERATOR,
    );
    let changed = changed.json(r#"{"nice":-17,"affinity":[1,3],"priority":"real_time"}"#);
    assert_eq!(changed.send(&app).status, 200);
    app.backend().advance_ms(3333);
    fn check<T: Serialize + DeserializeOwned>(app: &crate::harness::TestApp, path: &str) {
        let body = get(path).send(app).text();
        let value: T = serde_json::from_str(&body).unwrap();
        assert_eq!(serde_json::to_string(&value).unwrap(), body, "{path}");
    }
    check::<System>(&app, "/api/v1/system");
    check::<Page<Cpu>>(&app, "/api/v1/cpus");
    check::<Memory>(&app, "/api/v1/memory");
    check::<Numa>(&app, "/api/v1/numa");
    check::<Page<InterruptLine>>(&app, "/api/v1/interrupts");
    check::<Network>(&app, "/api/v1/network");
    check::<Page<Process>>(&app, "/api/v1/processes");
    check::<Process>(&app, "/api/v1/processes/6");
    check::<Process>(&app, "/api/v1/processes/7");
    check::<Page<Process>>(&app, "/api/v1/processes?state=defunct");
    check::<Page<Process>>(&app, "/api/v1/processes?sort=-cpu_percent");
    check::<Page<LogLine>>(&app, "/api/v1/logs");
    check::<ProcessOutput>(&app, "/api/v1/processes/6/output");
    check::<Session>(&app, "/api/v1/sessions");
}

#[test]
fn values_out_of_range_are_not_read() {
    for bad in ["-1", "1e300", "\"1\"", "42949672.97"] {
        assert!(serde_json::from_str::<Hundredths>(bad).is_err(), "{bad}");
    }
    for good in 0..20_000 {
        let written = serde_json::to_string(&Hundredths(good)).unwrap();
        assert_eq!(serde_json::from_str::<Hundredths>(&written).unwrap(), Hundredths(good));
    }
    for bad in [r#"{"code":1,"signal":"SIGHUP"}"#, "{}", r#"{"signal":"x"}"#] {
        assert!(serde_json::from_str::<Exit>(bad).is_err(), "{bad}");
    }
}
