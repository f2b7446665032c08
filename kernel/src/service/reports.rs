//! What operators are told: each report of the manager as an event, and as a line of the service.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;

use service_core::{End, Report, ReportKind, StateName};

use super::{State, actions, front};
use crate::events::{Kind, publish_about};

/// Tells of one report.
pub(super) fn tell(state: &mut State, report: &Report) {
    let (kind, instance, text) = words(report);
    publish_about((kind, Some(Arc::clone(&report.service))), None, None, format_args!("{text}"));
    if let ReportKind::State { to, .. } = &report.kind {
        if *to == StateName::Failed {
            crate::warning!("service: {text}");
        }
        match to {
            StateName::Running => {
                if let Ok(view) = state.manager.view(&report.service) {
                    front::publish(&view.document);
                }
            }
            // It is found for as long as its port takes connections: while it is restarted or paused
            // those wait.
            StateName::Starting | StateName::Paused => {}
            StateName::Stopping | StateName::Stopped | StateName::Disabled | StateName::Failed => {
                front::withdraw(&report.service);
            }
        }
    }
    let id = state.manager.id_of(&report.service);
    if let Some(belongings) = id.and_then(|id| state.belongings.get(&id)) {
        belongings.lines.say(instance, text);
    }
    if matches!(report.kind, ReportKind::Unregistered) {
        let manager = &state.manager;
        let gone: alloc::vec::Vec<_> =
            state.belongings.keys().copied().filter(|id| !manager.is_known(*id)).collect();
        for id in gone {
            actions::forget(state, id);
        }
    }
}

fn words(report: &Report) -> (Kind, Option<u32>, String) {
    let name = &report.service;
    match &report.kind {
        ReportKind::Registered => (Kind::ServiceRegistered, None, format!("{name} was registered")),
        ReportKind::Updated(number) => {
            let text = format!("{name} has a new document, revision {number}");
            (Kind::ServiceUpdated, None, text)
        }
        ReportKind::Unregistered => {
            (Kind::ServiceUnregistered, None, format!("{name} was unregistered"))
        }
        ReportKind::State { from, to, failure } => {
            let text = match failure {
                Some(failure) => format!("{name}: {from} -> {to}: {failure}"),
                None => format!("{name}: {from} -> {to}"),
            };
            (Kind::ServiceStateChanged, None, text)
        }
        ReportKind::InstanceStarted { index } => {
            (Kind::ServiceInstanceStarted, Some(*index), format!("{name}/{index} was started"))
        }
        ReportKind::InstanceReady { index } => {
            (Kind::ServiceInstanceReady, Some(*index), format!("{name}/{index} is ready"))
        }
        ReportKind::InstanceUnready { index, detail } => {
            let text = format!("{name}/{index} is not ready any more: {detail}");
            (Kind::ServiceHealthChanged, Some(*index), text)
        }
        ReportKind::InstanceEnded { index, end } => {
            (Kind::ServiceInstanceEnded, Some(*index), format!("{name}/{index} {end}"))
        }
        ReportKind::ProcessLost { index, pid, quota_bytes } => {
            let quota = End::MemoryQuota { bytes: *quota_bytes };
            let text = format!("{name}/{index}: its process {pid} {quota}");
            (Kind::ServiceHealthChanged, Some(*index), text)
        }
        ReportKind::InstanceForced { index, failure } => {
            let text = format!("{name}/{index} is ended: {failure}");
            (Kind::ServiceHealthChanged, Some(*index), text)
        }
        ReportKind::RestartPlanned { index, delay_ms } => {
            let text = format!("{name}/{index} is started again in {delay_ms} ms");
            (Kind::ServiceInstanceEnded, Some(*index), text)
        }
        ReportKind::InstanceFailed { index, failure } => {
            let text = format!("{name}/{index} is not started again: {failure}");
            (Kind::ServiceInstanceEnded, Some(*index), text)
        }
        ReportKind::OperationEnded { id, is_success } => {
            let how = if *is_success { "is done" } else { "was given up" };
            (Kind::OperationEnded, None, format!("operation {id} on {name} {how}"))
        }
    }
}
