//! What is read here is what serde reads.

use std::fmt::Debug;

use admin_api::types::{CpuUsage, HealthCheck, ServiceCounts, ServiceUsage, Usage};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::*;

#[track_caller]
fn same<T: Read + DeserializeOwned + Serialize + PartialEq + Debug>(json: &str) {
    let by_serde: T = serde_json::from_str(json).unwrap();
    assert_eq!(from_text::<T>(json).unwrap(), by_serde);
    let again = serde_json::to_string(&by_serde).unwrap();
    assert_eq!(from_text::<T>(&again).unwrap(), by_serde);
    // What one refuses, the other does: each member taken away or made something else.
    let whole: Value = serde_json::from_str(json).unwrap();
    for name in whole.as_object().unwrap().keys() {
        let mut other = whole.clone();
        other[name] = Value::Array(vec![Value::Bool(true)]);
        let text = other.to_string();
        let is_refused = serde_json::from_str::<T>(&text).is_err();
        assert_eq!(from_text::<T>(&text).is_err(), is_refused, "{name}");
        let mut less = whole.clone();
        less.as_object_mut().unwrap().remove(name);
        let text = less.to_string();
        if let Ok(by_serde) = serde_json::from_str::<T>(&text) {
            let ours = from_text::<T>(&text);
            assert!(ours.is_err() || ours == Ok(by_serde), "{name}");
        }
    }
}

const USAGE: &str = r#"{"processes":1,"cpu":{"user_ns":1,"system_ns":18446744073709551615,"total_ns":2,"percent":12.34},
    "memory_bytes":3,"peak_memory_bytes":4,"io":{"read_bytes":5,"written_bytes":6,"read_operations":7,
    "write_operations":8},"open_files":9}"#;

#[test]
fn services_are_read_alike() {
    same::<ServiceUsage>(USAGE);
    let service = format!(
        r#"{{"name":"web","description":"ä","kind":"load_balancer","version":"1.0.0","tags":["a","b"],
        "program":"/bin/x","args":["-a"],"env":{{"A":"b"}},"cwd":"/","user":"root","priority":"real_time",
        "class":"service","isolation":"process","enabled":true,"instances":2,
        "port":{{"listen":8080,"strategy":"weighted","weights":[1,2]}},
        "dependencies":[{{"service":"data","required":true,"version":">=1","timeout_ms":5}}],
        "after":["c"],"conflicts":[],"conditions":[{{"kind":"path_exists","path":"/x"}}],
        "limits":{{"memory_bytes":5}},"start":{{"ready_when":"notified","timeout_ms":1}},
        "restart":{{"policy":"never","delay_ms":1,"max_delay_ms":2,"max_restarts":3,"window_ms":4,
        "reset_after_ms":5,"success_codes":[0,-1]}},
        "health":{{"kind":"command","command":["/bin/c"],"interval_ms":1,"timeout_ms":2,"healthy_after":3,"unhealthy_after":4}},
        "reload":{{"signal":"SIGHUP"}},"stop":{{"signal":"SIGTERM","grace_ms":1,"drain_ms":2}},"revision":7,
        "status":{{"state":"running","detail":"x","since":"2026-01-01T00:00:00.123Z","health":"unhealthy",
        "ready_instances":1,"instances":[{{"number":0,"state":"waiting","since":"2026-01-01T00:00:00Z","pid":5,
        "ready":false,"health":"healthy","restarts":1,"last_exit":{{"signal":"SIGKILL","core":true}},
        "last_exit_at":"2026-01-01T00:00:00Z","last_exit_reason":"x","next_start_at":null,"connections":{{"open":1,"total":2}}}}],
        "restarts":3,"last_exit":{{"code":-2}},"last_exit_at":null,"last_exit_reason":null,"applied_revision":6,"operation":8,"usage":{USAGE}}}}}"#
    );
    same::<Service>(&service);
    same::<Page<ServiceUsage>>(&format!(r#"{{"items":[{USAGE}],"next_cursor":"x","total":1}}"#));
    let group = r#"{"strategy":"one_for_all","members":["a"]}"#;
    same::<ServiceGroup>(group);
    same::<HealthCheck>(
        r#"{"kind":"tcp","port":80,"interval_ms":1,"timeout_ms":2,"healthy_after":3,"unhealthy_after":4}"#,
    );
}

#[test]
fn figures_and_errors_are_read_alike() {
    same::<CpuUsage>(r#"{"user_ns":1,"system_ns":2,"total_ns":3,"percent":0.07}"#);
    same::<ServiceCounts>(
        r#"{"total":1,"stopped":2,"starting":3,"running":4,"stopping":5,"failed":6,"disabled":7,"paused":8}"#,
    );
    let usage = serde_json::to_string(&Usage::default()).unwrap();
    same::<Usage>(&usage);
    same::<Problem>(
        r#"{"type":"urn:x","title":"X","status":422,"detail":"d","instance":"/x","code":"c",
        "errors":[{"field":"a.0","message":"m"}]}"#,
    );
    same::<Cpu>(
        r#"{"id":1,"state":"failed","apic_id":2,"node":0,"model":"M","times":{"user_ns":1,"system_ns":2,
        "interrupt_ns":3,"idle_ns":4},"busy_percent":99.99,"run_queue_length":1,"current_pid":null,
        "context_switches":1,"migrations_in":2,"interrupts":3,"timer_interrupts":4,
        "ipis":{"sent":1,"received":2},"tlb_shootdowns":5}"#,
    );
    assert!(from_text::<Cpu>("{").is_err());
    assert!(
        from_text::<CpuUsage>(r#"{"user_ns":-1,"system_ns":2,"total_ns":3,"percent":0}"#).is_err()
    );
}
