//! Metrics of services.

use alloc::vec::Vec;
use core::fmt;

use crate::backend::Backend;
use crate::types::{CpuUsage, HealthState, Service, ServiceUsage, Text};

use super::metrics::{Label, Metrics, Seconds};

/// Services read at once.
const STEP: usize = 64;

/// What is told of a service.
struct Row {
    name: Text,
    state: &'static str,
    health: HealthState,
    wanted: u32,
    ready: u32,
    restarts: u64,
    usage: ServiceUsage,
}

fn row(service: Service) -> Option<Row> {
    let status = service.status?;
    Some(Row {
        name: service.name,
        state: status.state.name(),
        health: status.health,
        wanted: service.instances,
        ready: status.ready_instances,
        restarts: status.restarts,
        usage: status.usage,
    })
}

/// A figure of each service: name, kind, help, and where it comes from.
type Figure = (&'static str, &'static str, &'static str, fn(&Row) -> u64);

const FIGURES: &[Figure] = &[
    ("service_instances_wanted", "gauge", "Instances that are wanted.", |row| row.wanted.into()),
    ("service_instances_ready", "gauge", "Instances that are ready.", |row| row.ready.into()),
    ("service_unhealthy", "gauge", "Whether its checks say that it does not work.", |row| {
        u64::from(row.health == HealthState::Unhealthy)
    }),
    ("service_restarts", "counter", "Restarts that nobody asked for.", |row| row.restarts),
    ("service_processes", "gauge", "Processes.", |row| row.usage.processes.into()),
    ("service_memory_bytes", "gauge", "Memory of all processes.", |row| row.usage.memory_bytes),
    ("service_open_files", "gauge", "Open descriptors.", |row| row.usage.open_files.into()),
    ("service_read_bytes", "counter", "Bytes read.", |row| row.usage.io.read_bytes),
    ("service_written_bytes", "counter", "Bytes written.", |row| row.usage.io.written_bytes),
];

/// Writes the metrics of all services.
pub(crate) fn write(metrics: &mut Metrics, backend: &impl Backend) -> fmt::Result {
    let mut rows: Vec<Row> = Vec::new();
    loop {
        let after = rows.last().map(|row| row.name.clone());
        let before = rows.len();
        backend.services_after(after.as_deref(), STEP, &mut |service| rows.extend(row(service)));
        if rows.len() - before < STEP {
            break;
        }
    }
    metrics.family("services", "gauge", "Services by state.")?;
    let counts = backend.system().services;
    for (state, count) in [
        ("stopped", counts.stopped),
        ("starting", counts.starting),
        ("running", counts.running),
        ("stopping", counts.stopping),
        ("failed", counts.failed),
        ("disabled", counts.disabled),
        ("paused", counts.paused),
    ] {
        metrics.sample("services", format_args!("{{state=\"{state}\"}}"), count)?;
    }
    metrics.family("service_state", "gauge", "1 for the state that the service is in.")?;
    for Row { name, state, .. } in &rows {
        let labels = format_args!("{{service=\"{}\",state=\"{state}\"}}", Label(name));
        metrics.sample("service_state", labels, 1)?;
    }
    for (name, kind, help, value) in FIGURES {
        metrics.family(name, kind, help)?;
        let suffix = if *kind == "counter" { "_total" } else { "" };
        for row in &rows {
            let labels = format_args!("{suffix}{{service=\"{}\"}}", Label(&row.name));
            metrics.sample(name, labels, value(row))?;
        }
    }
    metrics.family("service_cpu_seconds", "counter", "CPU time of all processes.")?;
    for Row { name, usage: ServiceUsage { cpu: CpuUsage { total_ns, .. }, .. }, .. } in &rows {
        let labels = format_args!("{{service=\"{}\"}}", Label(name));
        metrics.sample("service_cpu_seconds_total", labels, Seconds(*total_ns))?;
    }
    Ok(())
}
