//! Every value of a document by its name, so that two can be compared.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt::Display;

use super::{Document, Probe, Purpose};

/// A field that differs between two documents; a side is None where the field is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// Its place, such as `restart.delay_ms` or `args[1]`.
    pub field: String,
    /// Its value in the first one.
    pub before: Option<String>,
    /// Its value in the second one.
    pub after: Option<String>,
}

/// Values by their places, sorted.
#[derive(Default)]
struct Fields(BTreeMap<String, String>);

impl Fields {
    fn put(&mut self, field: &str, value: impl Display) {
        self.0.insert(field.into(), value.to_string());
    }

    fn put_some(&mut self, field: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.put(field, value);
        }
    }

    fn list(&mut self, field: &str, values: impl IntoIterator<Item: Display>) {
        for (index, value) in values.into_iter().enumerate() {
            self.put(&format!("{field}[{index}]"), value);
        }
    }
}

impl Document {
    /// What differs from `self` to `later`, by field.
    #[must_use]
    pub fn changes_to(&self, later: &Self) -> alloc::vec::Vec<FieldChange> {
        let (Fields(mut before), Fields(after)) = (self.fields(), later.fields());
        let mut changes = BTreeMap::new();
        for (field, new) in after {
            let old = before.remove(&field);
            if old.as_ref() != Some(&new) {
                changes.insert(field, (old, Some(new)));
            }
        }
        changes.extend(before.into_iter().map(|(field, old)| (field, (Some(old), None))));
        let change = |(field, (before, after))| FieldChange { field, before, after };
        changes.into_iter().map(change).collect()
    }

    fn fields(&self) -> Fields {
        let mut fields = Fields::default();
        let out = &mut fields;
        out.put("name", &self.name);
        out.put("description", &self.description);
        out.put("kind", self.kind);
        out.put("version", &self.version);
        out.list("tags", &self.tags);
        out.put("program", &self.program);
        out.list("args", &self.args);
        for (name, value) in &self.env {
            out.put(&format!("env.{name}"), value);
        }
        out.put("cwd", &self.cwd);
        out.put_some("user", self.user.as_ref());
        out.put("priority", self.priority);
        out.put("class", self.class);
        out.put("isolation", self.isolation);
        if let Some(sandbox) = &self.sandbox {
            out.put("sandbox.root", &sandbox.root);
            out.put("sandbox.network", sandbox.network);
            out.list("sandbox.system_calls", sandbox.system_calls.iter().flatten());
            out.put("sandbox.on_violation", sandbox.on_violation);
        }
        out.put("enabled", self.enabled);
        out.put("instances", self.instances);
        if let Some(port) = &self.port {
            out.put("port.listen", port.listen);
            out.put("port.strategy", port.strategy);
            out.list("port.weights", &port.weights);
        }
        self.relation_fields(out);
        self.policy_fields(out);
        fields
    }

    fn relation_fields(&self, out: &mut Fields) {
        for (index, dependency) in self.dependencies.iter().enumerate() {
            let place = |part: &str| format!("dependencies[{index}].{part}");
            out.put(&place("service"), &dependency.service);
            out.put(&place("required"), dependency.required);
            out.put(&place("version"), &dependency.version);
            out.put(&place("timeout_ms"), dependency.timeout_ms);
        }
        out.list("conflicts", &self.conflicts);
        out.list("after", &self.after);
        for (index, condition) in self.conditions.iter().enumerate() {
            out.put(&format!("conditions[{index}].kind"), condition.kind);
            out.put(&format!("conditions[{index}].path"), &condition.path);
        }
        out.list("group.members", &self.members);
        if !self.members.is_empty() {
            out.put("group.strategy", self.supervision);
        }
    }

    fn policy_fields(&self, out: &mut Fields) {
        let limits = &self.limits;
        out.put_some("limits.memory_bytes", limits.memory_bytes);
        out.put_some("limits.processes", limits.processes);
        out.put_some("limits.open_files", limits.open_files);
        out.put_some("limits.cpu_percent", limits.cpu_percent);
        out.put_some("limits.read_bytes_per_second", limits.read_bytes_per_second);
        out.put_some("limits.write_bytes_per_second", limits.write_bytes_per_second);
        let restart = &self.restart;
        out.put("restart.policy", restart.policy);
        out.put("restart.delay_ms", restart.delay_ms);
        out.put("restart.max_delay_ms", restart.max_delay_ms);
        out.put("restart.max_restarts", restart.max_restarts);
        out.put("restart.window_ms", restart.window_ms);
        out.put("restart.reset_after_ms", restart.reset_after_ms);
        out.list("restart.success_codes", &restart.success_codes);
        out.put("start.ready_when", self.start.ready_when);
        out.put("start.timeout_ms", self.start.timeout_ms);
        out.put_some("reload.signal", self.reload.as_ref());
        for purpose in Purpose::ALL {
            if let Some(probe) = self.probe(*purpose) {
                probe_fields(purpose_field(*purpose), probe, out);
            }
        }
        out.put("stop.signal", &self.stop.signal);
        out.put("stop.grace_ms", self.stop.grace_ms);
        out.put("stop.drain_ms", self.stop.drain_ms);
    }
}

/// The field of a document that holds the check of this purpose.
pub(super) const fn purpose_field(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Liveness | Purpose::StartUp => "health",
        Purpose::Readiness => "readiness",
    }
}

fn probe_fields(field: &str, probe: &Probe, out: &mut Fields) {
    let place = |part: &str| format!("{field}.{part}");
    out.put(&place("kind"), probe.kind);
    out.put_some(&place("port"), probe.port);
    out.put(&place("path"), &probe.path);
    out.list(&place("command"), &probe.command);
    out.put(&place("interval_ms"), probe.interval_ms);
    out.put(&place("timeout_ms"), probe.timeout_ms);
    out.put(&place("healthy_after"), probe.healthy_after);
    out.put(&place("unhealthy_after"), probe.unhealthy_after);
}
