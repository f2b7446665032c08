//! A manager on a stage: programs start when they are told to, and end when the test says so.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use std::format;

use crate::document::{Dependency, Document, Kind, Probe, ProbeKind, Purpose, Supervision};
use crate::error::ServiceError;
use crate::failure::End;
use crate::manager::{
    Action, Event, InstanceState, Manager, Progress, Report, Request, RunId, StateName,
};
use crate::time::Instant;

pub(super) struct Scene {
    pub(super) manager: Manager,
    pub(super) now: Instant,
    /// Runs that have processes, by service.
    living: Vec<(Arc<str>, RunId)>,
    /// Checks that have been asked for and not answered.
    asked: Vec<(RunId, Purpose, u64)>,
    /// What was done, as `launch NAME`, `SIGTERM NAME`, `kill NAME`, `drain NAME`.
    pub(super) done: Vec<String>,
    names: BTreeMap<RunId, Arc<str>>,
    /// What operators were told.
    pub(super) reports: Vec<Report>,
}

/// A service that is not enabled.
pub(super) fn service(name: &str) -> Document {
    let mut document = Document::new(name, "/bin/program", "1.0.0".parse().unwrap());
    document.enabled = false;
    // Exact delays are the restart policy's own tests' business.
    document.restart.delay_ms = 100;
    document
}

pub(super) fn needing(name: &str, needed: &[&str]) -> Document {
    let mut document = service(name);
    document.dependencies = needed.iter().map(|needed| Dependency::on(needed)).collect();
    document
}

pub(super) fn group(name: &str, supervision: Supervision, members: &[&str]) -> Document {
    let mut document = service(name);
    document.kind = Kind::Group;
    document.program = String::new();
    document.members = members.iter().map(ToString::to_string).collect();
    document.supervision = supervision;
    document
}

pub(super) fn probe(kind: ProbeKind) -> Probe {
    let port = matches!(kind, ProbeKind::Tcp | ProbeKind::Http).then_some(80);
    Probe { port, interval_ms: 1_000, unhealthy_after: 3, ..Probe::new(kind) }
}

impl Scene {
    pub(super) fn new(documents: impl IntoIterator<Item = Document>) -> Self {
        let mut scene = Self {
            manager: Manager::new(1),
            now: Instant(1_000_000),
            living: Vec::new(),
            asked: Vec::new(),
            done: Vec::new(),
            names: BTreeMap::new(),
            reports: Vec::new(),
        };
        for document in documents {
            scene.request(&Request::Register(document)).unwrap();
        }
        scene
    }

    pub(super) fn request(&mut self, request: &Request) -> Result<u64, ServiceError> {
        let (id, actions) = self.manager.request(self.now, request, Some("tester"))?;
        self.carry_out(actions);
        Ok(id)
    }

    pub(super) fn start(&mut self, name: &str) -> u64 {
        self.request(&Request::Start(name.into())).unwrap()
    }

    pub(super) fn stop(&mut self, name: &str) -> u64 {
        self.request(&Request::Stop(name.into())).unwrap()
    }

    pub(super) fn step(&mut self, event: Event) {
        let actions = self.manager.step(self.now, event);
        self.carry_out(actions);
    }

    fn carry_out(&mut self, actions: Vec<Action>) {
        for action in actions {
            let mut note = |names: &BTreeMap<RunId, Arc<str>>, what: &str, run: RunId| {
                self.done.push(format!("{what} {}", names[&run]));
            };
            match action {
                Action::Launch { run, document } => {
                    let name: Arc<str> = document.name.as_str().into();
                    self.names.insert(run, Arc::clone(&name));
                    note(&self.names, "launch", run);
                    self.living.push((name, run));
                    self.step(Event::Launched(run));
                }
                Action::Signal { run, signal } => note(&self.names, &signal, run),
                Action::Kill(run) => note(&self.names, "kill", run),
                Action::Drain(run) => note(&self.names, "drain", run),
                Action::Check { run, purpose, ticket, .. } => {
                    self.asked.push((run, purpose, ticket));
                }
                Action::Report(report) => self.reports.push(report),
                _ => {}
            }
        }
    }

    /// The run of a service's first instance that has one.
    pub(super) fn run(&self, name: &str) -> RunId {
        self.living.iter().find(|(known, _)| **known == *name).expect("it runs").1
    }

    pub(super) fn runs(&self, name: &str) -> bool {
        self.living.iter().any(|(known, _)| **known == *name)
    }

    pub(super) fn end(&mut self, name: &str, end: End) {
        let run = self.run(name);
        self.end_run(run, end);
    }

    /// Ends the run of one of a service's instances.
    pub(super) fn end_instance(&mut self, name: &str, index: u32, end: End) {
        let of = |(known, run): &&(Arc<str>, RunId)| **known == *name && run.index == index;
        let run = self.living.iter().find(of).expect("it runs").1;
        self.end_run(run, end);
    }

    fn end_run(&mut self, run: RunId, end: End) {
        self.living.retain(|(_, other)| *other != run);
        self.asked.retain(|(other, ..)| *other != run);
        self.step(Event::Ended { run, end });
    }

    /// Lets time pass, in the manager's own steps.
    pub(super) fn pass(&mut self, ms: u64) {
        let until = self.now.after_ms(ms);
        while let Some(at) = self.manager.next_tick().filter(|at| *at <= until) {
            self.now = at.max(self.now);
            self.step(Event::Tick);
        }
        self.now = until;
    }

    /// Answers the check that was asked for. Waits for it first, if need be.
    pub(super) fn answer(&mut self, name: &str, is_success: bool) {
        let run = self.run(name);
        let mine = |(other, ..): &(RunId, Purpose, u64)| *other == run;
        while !self.asked.iter().any(mine) {
            self.now = self.manager.next_tick().expect("a check is due").max(self.now);
            self.step(Event::Tick);
        }
        let at = self.asked.iter().position(mine).unwrap();
        let (run, purpose, ticket) = self.asked.remove(at);
        let detail = if is_success { "it answers" } else { "no answer" }.to_string();
        self.step(Event::Checked { run, ticket, purpose, is_success, detail });
    }

    pub(super) fn state(&self, name: &str) -> StateName {
        self.manager.view(name).unwrap().state
    }

    pub(super) fn instance(&self, name: &str) -> InstanceState {
        self.manager.view(name).unwrap().instances[0].state.clone()
    }

    pub(super) fn explain(&self, name: &str) -> Vec<super::super::Because> {
        self.manager.explain(self.now, name).unwrap()
    }

    pub(super) fn summary(&self, name: &str) -> String {
        super::super::summary(&self.explain(name))
    }

    pub(super) fn detail(&self, name: &str) -> Option<String> {
        self.manager.detail(self.now, name).unwrap()
    }

    /// The steps of a plan: `ORDER ACTION NAME: WHY`.
    pub(super) fn plan(&self, request: &Request) -> Vec<String> {
        let steps = self.manager.plan(request).unwrap();
        let tell = |step: &crate::PlanStep| {
            format!("{} {} {}: {}", step.order, step.action, step.service, step.why())
        };
        steps.iter().map(tell).collect()
    }

    /// How far the steps of an operation are.
    pub(super) fn progress(&self, operation: u64) -> Vec<Progress> {
        let operation = self.manager.operation(operation).unwrap();
        operation.plan.iter().map(|step| self.manager.progress(operation, step)).collect()
    }

    /// How an operation has ended, if it has.
    pub(super) fn outcome(&self, operation: u64) -> Option<Result<(), ServiceError>> {
        self.manager.operation(operation).unwrap().ended.clone().map(|(_, result)| result)
    }

    /// What was done since the last time.
    pub(super) fn news(&mut self) -> Vec<String> {
        core::mem::take(&mut self.done)
    }
}
