//! Checks of instances: by TCP and HTTP on the network thread, by commands as processes of the service.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};

use process_core::{ExitStatus, Pid};
use service_core::{Document, Instant, ProbeKind, Purpose, RunId};

use super::{Note, State, front, now, post, runs, with};
use crate::network::{self, PortCheck};
use crate::process;

/// Marks the numbers that the processes of commands have as instances, beside those of runs.
const COMMAND: u64 = 1 << 63;

/// A check by a command that is under way.
#[derive(Debug)]
pub(super) struct Command {
    run: RunId,
    purpose: Purpose,
    ticket: u64,
    pid: Pid,
    began_at: Instant,
    timeout_ms: u64,
    is_late: bool,
}

/// Whether this is the number of a command, rather than of a run.
pub(super) const fn is_command(instance: u64) -> bool {
    instance & COMMAND != 0
}

/// Begins a check; its answer comes as a note.
pub(super) fn begin(run: RunId, purpose: Purpose, ticket: u64, document: &Document) {
    let answer = move |result: Result<String, String>| {
        let is_success = result.is_ok();
        let detail = result.unwrap_or_else(|why| why);
        post(Note::Checked { run, ticket, purpose, is_success, detail });
    };
    let Some(probe) = document.probe(purpose) else { return };
    let port = probe.port.or(document.port.as_ref().map(|port| port.listen)).unwrap_or(0);
    match probe.kind {
        ProbeKind::Tcp | ProbeKind::Http => {
            let path = (probe.kind == ProbeKind::Http).then(|| probe.path.clone());
            let timeout_ms = probe.timeout_ms;
            // Of those that share the service's port, this very one is meant.
            let is_shared = document.port.as_ref().is_some_and(|shared| shared.listen == port);
            let member = with(|state| front::member_of(state, run)).flatten();
            let member = member.filter(|_| is_shared);
            let answer = Box::new(answer);
            network::check_port(PortCheck { port, member, path, timeout_ms, answer });
        }
        ProbeKind::Command => {
            if let Err(why) = begin_command(run, purpose, ticket, document) {
                answer(Err(why));
            }
        }
        // The manager knows about these itself.
        ProbeKind::Alive | ProbeKind::Heartbeat => {}
    }
}

fn begin_command(
    run: RunId,
    purpose: Purpose,
    ticket: u64,
    document: &Document,
) -> Result<(), String> {
    let Some(probe) = document.probe(purpose) else { return Ok(()) };
    let belongings = with(|state| state.belongings_of(run.service, document));
    let belongings = belongings.ok_or("there is no service manager")?.map_err(|e| e.to_string())?;
    let number = COMMAND | ticket;
    let words = runs::command_line(&probe.command);
    let new = runs::program(&belongings, document, words, (number, run.index))?;
    let began_at = now();
    let pid = process::create(&new).map_err(|error| error.to_string())?;
    let timeout_ms = probe.timeout_ms;
    let command = Command { run, purpose, ticket, pid, began_at, timeout_ms, is_late: false };
    with(|state| state.commands.insert(number, command));
    Ok(())
}

/// A process of a command has ended.
pub(super) fn command_ended(state: &mut State, number: u64, pid: Pid, exit: ExitStatus) {
    if state.commands.get(&number).is_none_or(|command| command.pid != pid) {
        return;
    }
    let Some(command) = state.commands.remove(&number) else { return };
    // What it has left running is of no use.
    runs::with_set(state, command.run, |set| set.end_instance(number));
    let (is_success, detail) = match exit {
        _ if command.is_late => (false, format!("no end within {} ms", command.timeout_ms)),
        ExitStatus::Code(code) => (code == 0, format!("exited with code {code}")),
        ExitStatus::Signaled { signal, .. } => (false, format!("was ended by {}", signal.name())),
    };
    let Command { run, purpose, ticket, .. } = command;
    state.step(service_core::Event::Checked { run, ticket, purpose, is_success, detail });
}

/// Ends the commands whose time is over.
pub(super) fn end_late_commands(state: &mut State) {
    let now = now();
    let mut late = alloc::vec::Vec::new();
    for (number, command) in &mut state.commands {
        if !command.is_late && now >= command.began_at.after_ms(command.timeout_ms) {
            command.is_late = true;
            late.push((*number, command.run));
        }
    }
    for (number, run) in late {
        runs::with_set(state, run, |set| set.end_instance(number));
    }
}

/// When the next command's time is over.
pub(super) fn next_deadline(state: &State) -> Option<Instant> {
    let waiting = state.commands.values().filter(|command| !command.is_late);
    waiting.map(|command| command.began_at.after_ms(command.timeout_ms)).min()
}
