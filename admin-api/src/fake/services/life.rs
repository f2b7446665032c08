//! How the fake services live.

use std::format;
use std::vec::Vec;

use crate::fake::program::Program;
use crate::fake::state::FakeBackend;
use crate::types::{
    EventKind, Exit, HealthState, InstanceState, OutputStream, RestartPolicy, ServiceErrorCode,
    ServiceKind, ServiceState, Signal, Text,
};

use super::state::{FakeInstance, FakeService, FakeServices, how};

impl FakeBackend {
    /// Moves the services on; called after the processes were.
    pub(in crate::fake) fn tick_services(&self, now_ns: u64) {
        let mut all = self.services.take();
        let names: Vec<Text> = all.services.keys().cloned().collect();
        for name in &names {
            let blocked = blocked_by(&all, name);
            if let Some(service) = all.services.get_mut(name) {
                self.move_on(service, blocked, now_ns);
            }
        }
        self.follow_groups(&mut all);
        self.follow_operations(&mut all);
        self.services.replace(all);
    }

    fn move_on(&self, service: &mut FakeService, blocked: Option<Blocked>, now_ns: u64) {
        self.notice_ends(service, now_ns);
        if service.is_held || service.document.kind == ServiceKind::Group {
            return;
        }
        if let (ServiceState::Running, Some(Blocked { why, is_final: true })) =
            (service.state, &blocked)
        {
            return self.fail(service, ServiceErrorCode::DependencyError, why.clone());
        }
        if service.state == ServiceState::Starting {
            match blocked {
                Some(Blocked { why, is_final }) => {
                    let waited_ms = (now_ns.saturating_sub(service.started_ns)) / 1_000_000;
                    let limits = service.document.dependencies.iter();
                    let limit_ms = limits.map(|one| one.timeout_ms).max().unwrap_or(30_000);
                    if is_final || waited_ms > u64::from(limit_ms) {
                        self.fail(service, ServiceErrorCode::DependencyError, why);
                    } else {
                        service.detail = Some(why);
                    }
                    return;
                }
                None => service.detail = None,
            }
        }
        if matches!(service.state, ServiceState::Starting | ServiceState::Running) {
            self.keep_instances(service, now_ns);
        }
        let is_over = service.instances.iter().all(|instance| instance.pid.is_none());
        if service.state == ServiceState::Stopping && is_over {
            let next = if service.document.enabled {
                ServiceState::Stopped
            } else {
                ServiceState::Disabled
            };
            service.instances.clear();
            self.enter(service, next, None);
        } else if service.state == ServiceState::Starting {
            let wanted = service.document.instances;
            let is_late = (now_ns.saturating_sub(service.started_ns)) / 1_000_000
                > u64::from(service.document.start.timeout_ms);
            if service.ready_instances() >= wanted {
                self.enter(service, ServiceState::Running, None);
            } else if is_late {
                let why = format!("not ready within {} ms", service.document.start.timeout_ms);
                self.fail(service, ServiceErrorCode::Timeout, why.into());
            }
        }
    }

    /// Starts instances that are wanted, ends those that are not, checks the others.
    fn keep_instances(&self, service: &mut FakeService, now_ns: u64) {
        let wanted = service.document.instances;
        for number in 0..wanted {
            if service.instances.iter().all(|instance| instance.number != number) {
                service.instances.push(FakeInstance::new(number, self.clock.now()));
            }
        }
        service.instances.sort_by_key(|instance| instance.number);
        for index in 0..service.instances.len() {
            let instance = &mut service.instances[index];
            let is_surplus = instance.number >= wanted;
            if is_surplus && !instance.is_surplus {
                instance.is_surplus = true;
                self.end_instance(service, index, now_ns);
                continue;
            }
            let is_due = match instance.state {
                InstanceState::Stopped => !is_surplus,
                InstanceState::Waiting => instance.next_start_ns.is_none_or(|at| at <= now_ns),
                _ => false,
            };
            if is_due {
                self.start_instance(service, index, now_ns);
            } else if instance.pid.is_some() {
                self.watch(service, index, now_ns);
            }
        }
        service.instances.retain(|instance| !instance.is_surplus || instance.pid.is_some());
        if let Some(before_ns) = service.replace_before_ns {
            let is_old = |one: &FakeInstance| one.pid.is_some() && one.started_ns < before_ns;
            let others_work = service.instances.iter().all(|one| one.is_ready() || one.is_surplus);
            match service.instances.iter().position(is_old) {
                None => service.replace_before_ns = None,
                Some(index) if others_work => self.end_instance(service, index, now_ns),
                Some(_) => {}
            }
        }
    }

    fn start_instance(&self, service: &mut FakeService, index: usize, now_ns: u64) {
        let document = &service.document;
        let program = document.program.clone().unwrap_or_default();
        let pid = self.next_pid();
        let base = program.rsplit('/').next().unwrap_or_default();
        let mut command = Vec::from([program.clone()]);
        command.extend(document.args.iter().cloned());
        let mut process = self.blank_process(pid, base, command);
        process.service = Some(document.name.clone());
        (process.priority, process.class) = (document.priority, document.class);
        if let Some(sandbox) = &service.document.sandbox {
            // The fake knows a few calls only; a document that names others has the rest all the same.
            let _ = crate::fake::confined::enter(&mut process, pid, sandbox);
        }
        process.usage.memory.current_bytes = 1_800_000 + u64::from(pid) * 4096 % 600_000;
        process.usage.memory.peak_bytes = process.usage.memory.current_bytes;
        process.usage.open_files = 5;
        process.limits.memory_bytes = document.limits.memory_bytes.or(process.limits.memory_bytes);
        let busy = if base == "yes" { Program::Busy } else { Program::Wait };
        self.add(process, busy, Vec::new());
        service.applied_revision = service.document.revision;
        let now = self.clock.now();
        let instance = &mut service.instances[index];
        (instance.state, instance.since) = (InstanceState::Starting, now);
        (instance.pid, instance.started_ns, instance.next_start_ns) = (Some(pid), now_ns, None);
        (instance.health, instance.good_in_a_row, instance.bad_in_a_row) =
            (HealthState::Unknown, 0, 0);
        instance.next_check_ns = now_ns;
        instance.next_line_ns = now_ns + 500_000_000;
        let number = instance.number;
        self.write_line(service, Some(number), Some(pid), OutputStream::Manager, "started");
        let message = format!("{} #{number} started as process {pid}", service.document.name);
        self.service_event(EventKind::ServiceInstanceStarted, service, Some(pid), None, &message);
    }

    /// Asks an instance to end.
    fn end_instance(&self, service: &mut FakeService, index: usize, now_ns: u64) {
        let stop = service.document.stop;
        let instance = &mut service.instances[index];
        instance.next_start_ns = None;
        let Some(pid) = instance.pid else {
            instance.state = InstanceState::Stopped;
            return;
        };
        (instance.state, instance.since) = (InstanceState::Stopping, self.clock.now());
        if let Some(fake) = self.state.borrow_mut().processes.get_mut(&pid) {
            fake.kill_at_ns = Some(now_ns + u64::from(stop.grace_ms) * 1_000_000);
        }
        self.deliver(pid, Signal::CONT);
        self.deliver(pid, stop.signal);
    }

    /// Begins to stop a service.
    pub(super) fn stop(&self, service: &mut FakeService, now_ns: u64) {
        service.replace_before_ns = None;
        (0..service.instances.len()).for_each(|index| self.end_instance(service, index, now_ns));
        self.enter(service, ServiceState::Stopping, None);
    }

    /// Begins to start a service.
    pub(super) fn start(&self, service: &mut FakeService, now_ns: u64) {
        service.started_ns = now_ns;
        service.failure = None;
        service.restarted_ns.clear();
        service.instances.clear();
        self.enter(service, ServiceState::Starting, None);
    }

    /// Sees which processes are gone, and decides what follows.
    fn notice_ends(&self, service: &mut FakeService, now_ns: u64) {
        for index in 0..service.instances.len() {
            let Some(pid) = service.instances[index].pid else { continue };
            let ended = {
                let state = self.state.borrow();
                if state.processes.contains_key(&pid) {
                    continue;
                }
                state.find(pid).and_then(|fake| fake.process.exit).unwrap_or(Exit::Code(0))
            };
            let at = self.clock.now();
            service.last_exit = Some((ended, at));
            let instance = &mut service.instances[index];
            let was_asked = instance.state == InstanceState::Stopping || service.is_held;
            let number = instance.number;
            instance.last_exit = Some((ended, at));
            (instance.pid, instance.since) = (None, at);
            instance.connections.open = 0;
            instance.state = InstanceState::Stopped;
            let how = how(ended);
            self.write_line(service, Some(number), Some(pid), OutputStream::Manager, &how);
            let message = format!("{} #{number} {how}", service.document.name);
            self.service_event(EventKind::ServiceInstanceEnded, service, Some(pid), None, &message);
            if !was_asked {
                self.recover(service, index, ended, &how, now_ns);
            }
        }
    }

    /// An instance ended by itself.
    fn recover(&self, s: &mut FakeService, index: usize, exit: Exit, how: &str, now_ns: u64) {
        let rule = s.document.restart.clone();
        let is_success = matches!(exit, Exit::Code(code) if rule.success_codes.contains(&code));
        let is_restarted = match rule.policy {
            RestartPolicy::Always => true,
            RestartPolicy::OnFailure => !is_success,
            RestartPolicy::OnAbnormal => matches!(exit, Exit::Signal { .. }),
            RestartPolicy::Never => false,
        };
        if !is_restarted {
            if is_success {
                s.instances.clear();
                self.enter(s, ServiceState::Stopped, Some("it has done its work".into()));
            } else {
                let why = format!("an instance {how}, and the policy is {}", rule.policy);
                self.fail(s, ServiceErrorCode::ServiceFailed, why.into());
            }
            return;
        }
        let window_ns = u64::from(rule.window_ms) * 1_000_000;
        s.restarted_ns.retain(|at_ns| now_ns.saturating_sub(*at_ns) < window_ns);
        if s.restarted_ns.len() as u64 >= u64::from(rule.max_restarts) {
            let restarts = match rule.max_restarts {
                0 => "no restart is allowed".to_owned(),
                1 => format!("after 1 restart within {} s", rule.window_ms / 1000),
                most => format!("after {most} restarts within {} s", rule.window_ms / 1000),
            };
            let why = format!("an instance {how}, {restarts}");
            return self.fail(s, ServiceErrorCode::FaultToleranceError, why.into());
        }
        s.restarted_ns.push_back(now_ns);
        s.restarts += 1;
        let instance = &mut s.instances[index];
        let ran_ms = (now_ns.saturating_sub(instance.started_ns)) / 1_000_000;
        instance.tries = if ran_ms >= u64::from(rule.reset_after_ms) { 0 } else { instance.tries };
        let delay_ms = u64::from(rule.delay_ms) << instance.tries.min(20);
        let delay_ms = delay_ms.min(rule.max_delay_ms.into());
        instance.tries += 1;
        instance.restarts += 1;
        instance.state = InstanceState::Waiting;
        instance.next_start_ns = Some(now_ns + delay_ms * 1_000_000);
        let number = instance.number;
        let text = format!("restarts in {delay_ms} ms");
        self.write_line(s, Some(number), None, OutputStream::Manager, &text);
    }

    pub(super) fn fail(&self, service: &mut FakeService, code: ServiceErrorCode, why: Text) {
        let now_ns = self.clock.uptime_ns();
        (0..service.instances.len()).for_each(|index| self.end_instance(service, index, now_ns));
        for instance in &mut service.instances {
            if instance.pid.is_none() {
                instance.state = InstanceState::Failed;
            }
        }
        service.failure = Some(code);
        self.enter(service, ServiceState::Failed, Some(why));
    }

    /// Enters a state, and tells.
    pub(super) fn enter(&self, s: &mut FakeService, next: ServiceState, detail: Option<Text>) {
        let before = std::mem::replace(&mut s.state, next);
        s.detail = detail;
        if before == next {
            return;
        }
        s.since = self.clock.now();
        let why = s.detail.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        let text = format!("{before} → {next}{why}");
        self.write_line(s, None, None, OutputStream::Manager, &text);
        let message = format!("{} {text}", s.document.name);
        self.service_event(EventKind::ServiceStateChanged, s, None, None, &message);
    }
}

/// What a service that starts waits for.
struct Blocked {
    why: Text,
    /// Waiting does not help.
    is_final: bool,
}

/// The first dependency that is not there yet.
fn blocked_by(all: &FakeServices, name: &Text) -> Option<Blocked> {
    let service = all.services.get(name)?;
    for dependency in service.document.dependencies.iter().filter(|one| one.required) {
        let Some(other) = all.services.get(&dependency.service) else {
            let why = format!("needs {}, which does not exist", dependency.service).into();
            return Some(Blocked { why, is_final: true });
        };
        if matches!(other.state, ServiceState::Running) {
            continue;
        }
        let is_final = matches!(other.state, ServiceState::Failed | ServiceState::Disabled);
        let why = format!("needs {}, which is {}", dependency.service, other.state).into();
        return Some(Blocked { why, is_final });
    }
    None
}
