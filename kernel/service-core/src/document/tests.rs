use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use super::{Condition, ConditionKind, Dependency, Document, Kind, Port, Probe, ProbeKind};
use crate::balance::Strategy;
use proptest::prelude::*;

fn document() -> Document {
    Document::new("web", "/bin/httpd", "1.2.0".parse().unwrap())
}

fn wrong_fields(change: impl FnOnce(&mut Document)) -> Vec<alloc::string::String> {
    let mut document = document();
    change(&mut document);
    document.check().err().unwrap_or_default().into_iter().map(|error| error.field).collect()
}

#[test]
fn a_plain_document_is_fine() {
    assert_eq!(document().check(), Ok(()));
}

/// proves: S1, S8
#[test]
fn what_is_wrong_is_named_by_its_field() {
    type Change = fn(&mut Document);
    let cases: [(&str, Change); 22] = [
        ("name", |d| d.name = "Web".into()),
        ("name", |d| d.name = "-web".into()),
        ("program", |d| d.program = "httpd".into()),
        ("program", |d| d.program = "/bin/h\0".into()),
        ("args[1]", |d| d.args = vec!["a".into(), "b\0".into()]),
        ("env.A=B", |d| drop(d.env.insert("A=B".into(), "1".into()))),
        ("cwd", |d| d.cwd = "srv".into()),
        ("instances", |d| d.instances = 0),
        ("instances", |d| d.instances = 5000),
        ("port.listen", |d| {
            d.port = Some(Port { listen: 0, strategy: Strategy::RoundRobin, weights: vec![] });
        }),
        ("dependencies[0].service", |d| d.dependencies = vec![Dependency::on("web")]),
        ("dependencies[1].service", |d| {
            d.dependencies = vec![Dependency::on("data"), Dependency::on("data")];
        }),
        ("conflicts[0]", |d| {
            d.dependencies = vec![Dependency::on("data")];
            d.conflicts = vec!["data".into()];
        }),
        ("conditions[0].path", |d| {
            d.conditions = vec![Condition { kind: ConditionKind::PathExists, path: "x".into() }];
        }),
        ("group.members", |d| d.members = vec!["data".into()]),
        ("limits.memory_bytes", |d| d.limits.memory_bytes = Some(1)),
        ("restart.max_delay_ms", |d| d.restart.max_delay_ms = 1),
        ("stop.signal", |d| d.stop.signal = "SIGKILL".into()),
        ("health.port", |d| d.health = Some(Probe::new(ProbeKind::Http))),
        ("health.command", |d| d.health = Some(Probe::new(ProbeKind::Command))),
        ("readiness.kind", |d| d.readiness = Some(Probe::new(ProbeKind::Heartbeat))),
        ("health.interval_ms", |d| {
            d.health = Some(Probe { interval_ms: 0, ..Probe::new(ProbeKind::Alive) });
        }),
    ];
    for (field, change) in cases {
        assert_eq!(wrong_fields(change), [field.to_string()]);
    }
    let group = wrong_fields(|d| d.kind = Kind::Group);
    assert_eq!(group, ["program", "group.members"]);
}

#[test]
fn documents_are_compared_by_field() {
    let mut later = document();
    later.args = vec!["-f".into()];
    later.restart.delay_ms = 7;
    let changes = document().changes_to(&later);
    let fields: Vec<_> = changes.iter().map(|change| change.field.as_str()).collect();
    assert_eq!(fields, ["args[0]", "restart.delay_ms"]);
    assert_eq!(changes[0].before, None);
    assert_eq!(changes[1].before.as_deref(), Some("100"));
    assert_eq!(changes[1].after.as_deref(), Some("7"));
    assert!(later.changes_to(&later).is_empty());
    assert_eq!(later.changes_to(&document())[0].after, None);
}

proptest! {
    #[test]
    fn any_name_is_judged(name in ".{0,80}") {
        let mut document = document();
        document.name = name.clone();
        let label = !name.is_empty() && name.len() <= 63
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            && !name.starts_with('-') && !name.ends_with('-');
        prop_assert_eq!(document.check().is_ok(), label);
    }
}
