//! How the fake services are watched: readiness, checks, output, and what their programs do wrong.

use std::format;

use crate::fake::state::FakeBackend;
use crate::types::{
    EventKind, Exit, HealthPurpose, HealthRecord, HealthState, InstanceState, OutputStream, Signal,
    Text,
};

use super::state::FakeService;

const MAX_CHECKS: usize = 64;
/// A program that hangs does so after this time.
const HANGS_AFTER_NS: u64 = 8_000_000_000;
/// A program that crashes does so after this time.
const CRASHES_AFTER_NS: u64 = 1_500_000_000;
/// A program that leaks takes this much in each tick.
const LEAK_BYTES: u64 = 512 << 10;

/// How long a program takes until it works.
fn start_time_ns(program: &str) -> u64 {
    if program.ends_with("slow") { 4_000_000_000 } else { 300_000_000 }
}

impl FakeBackend {
    /// Readiness, checks, output, and what the program does wrong.
    pub(super) fn watch(&self, service: &mut FakeService, index: usize, now_ns: u64) {
        let program = service.document.program.clone().unwrap_or_default();
        let instance = &service.instances[index];
        let (Some(pid), number) = (instance.pid, instance.number) else { return };
        let age_ns = now_ns.saturating_sub(instance.started_ns);
        if program.ends_with("crash") && age_ns > CRASHES_AFTER_NS {
            let text = "fatal: index 7 is out of bounds";
            self.write_line(service, Some(number), Some(pid), OutputStream::Stderr, text);
            return self.end(pid, Exit::Code(1));
        }
        if program.ends_with("leak") && self.leak(pid) {
            let text = "the memory of the service is used up; its process was ended";
            self.write_line(service, Some(number), Some(pid), OutputStream::Manager, text);
            return self.end(pid, Exit::Signal { signal: Signal::KILL, core: false });
        }
        if now_ns >= service.instances[index].next_line_ns
            && matches!(service.instances[index].state, InstanceState::Running)
        {
            let seconds = age_ns / 1_000_000_000;
            service.instances[index].next_line_ns = now_ns + 2_000_000_000;
            let is_error = seconds % 14 == 13;
            let stream = if is_error { OutputStream::Stderr } else { OutputStream::Stdout };
            let text = if is_error {
                format!("warning: slow request, {} ms", 200 + seconds * 7 % 600)
            } else {
                format!("GET /{} 200 {} bytes", ["", "index.html", "status"][pid as usize % 3], 512)
            };
            self.write_line(service, Some(number), Some(pid), stream, &text);
            let connections = &mut service.instances[index].connections;
            connections.total += 3;
            connections.open = 1 + seconds % 4;
        }
        if now_ns >= service.instances[index].next_check_ns {
            self.check_instance(service, index, pid, age_ns, now_ns);
        }
    }

    fn leak(&self, pid: u32) -> bool {
        let mut state = self.state.borrow_mut();
        let Some(fake) = state.processes.get_mut(&pid) else { return false };
        let memory = &mut fake.process.usage.memory;
        memory.current_bytes += LEAK_BYTES;
        memory.heap_bytes += LEAK_BYTES;
        memory.peak_bytes = memory.peak_bytes.max(memory.current_bytes);
        memory.current_bytes >= fake.process.limits.memory_bytes.unwrap_or(64 << 20)
    }

    fn check_instance(
        &self,
        s: &mut FakeService,
        index: usize,
        pid: u32,
        age_ns: u64,
        now_ns: u64,
    ) {
        let program = s.document.program.clone().unwrap_or_default();
        let is_up = age_ns >= start_time_ns(&program);
        let is_hanging = program.ends_with("hang") && age_ns > HANGS_AFTER_NS;
        let checked = s.document.health.as_ref().or(s.document.readiness.as_ref()).cloned();
        let instance = &mut s.instances[index];
        let number = instance.number;
        let is_starting = instance.state == InstanceState::Starting;
        let Some(check) = checked else {
            if is_up && is_starting {
                self.ready(s, index, pid);
            }
            return;
        };
        let is_good = is_up && !is_hanging;
        let interval_ms = if is_starting { 100 } else { check.interval_ms };
        instance.next_check_ns = now_ns + u64::from(interval_ms) * 1_000_000;
        let purpose = if is_starting { HealthPurpose::StartUp } else { HealthPurpose::Liveness };
        let detail = match (is_good, is_hanging) {
            (true, _) => "200 OK".into(),
            (false, true) => Text::from(format!("no answer within {} ms", check.timeout_ms)),
            (false, false) => "connection refused".into(),
        };
        let duration_ns = if is_hanging {
            u64::from(check.timeout_ms) * 1_000_000
        } else {
            700_000 + now_ns % 900_000
        };
        s.checks.push_front(HealthRecord {
            at: self.clock.now(),
            instance: number,
            purpose,
            kind: check.kind,
            good: is_good,
            duration_ns,
            detail: detail.clone(),
        });
        s.checks.truncate(MAX_CHECKS);
        let instance = &mut s.instances[index];
        if is_good {
            (instance.good_in_a_row, instance.bad_in_a_row) = (instance.good_in_a_row + 1, 0);
            instance.good_total += 1;
        } else {
            (instance.good_in_a_row, instance.bad_in_a_row) = (0, instance.bad_in_a_row + 1);
            instance.bad_total += 1;
        }
        if instance.good_in_a_row >= check.healthy_after && instance.health != HealthState::Healthy
        {
            instance.health = HealthState::Healthy;
            self.health_event(s, number, "is healthy");
        }
        if is_starting && s.instances[index].health == HealthState::Healthy {
            self.ready(s, index, pid);
        } else if !is_starting && s.instances[index].bad_in_a_row >= check.unhealthy_after {
            s.instances[index].health = HealthState::Unhealthy;
            self.health_event(s, number, &format!("is unhealthy: {detail}"));
            let text = format!("{} checks in a row failed: {detail}", check.unhealthy_after);
            self.write_line(s, Some(number), Some(pid), OutputStream::Manager, &text);
            self.end(pid, Exit::Signal { signal: Signal::KILL, core: false });
        }
    }

    fn ready(&self, service: &mut FakeService, index: usize, pid: u32) {
        let instance = &mut service.instances[index];
        (instance.state, instance.since) = (InstanceState::Running, self.clock.now());
        let number = instance.number;
        self.write_line(service, Some(number), Some(pid), OutputStream::Manager, "ready");
        let message = format!("{} #{number} is ready", service.document.name);
        self.service_event(EventKind::ServiceInstanceReady, service, Some(pid), None, &message);
    }
}
