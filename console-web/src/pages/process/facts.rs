//! What a process is, used and may use.

use admin_api::types::Process;
use yew::prelude::*;

use crate::browser;
use crate::components::card::Card;
use crate::components::facts::facts;
use crate::components::label;
use crate::format;
use crate::model::words;
use crate::route::Route;

fn text(text: impl Into<String>) -> Html {
    let text: String = text.into();
    html! { <span class="mo-figure">{ text }</span> }
}

fn code(text: &str) -> Html {
    html! { <span class="mo-code mo-wrap">{ text.to_owned() }</span> }
}

/// Who it is, and where it belongs.
pub(super) fn identity_card(process: &Process) -> Html {
    let parent = if process.parent_pid == 0 {
        text("none")
    } else {
        let pid = process.parent_pid;
        html! { <a href={Route::Process { pid }.href()}>{ pid }</a> }
    };
    let affinity: Vec<String> = process.affinity.iter().map(u32::to_string).collect();
    let cpu = match process.cpu {
        Some(cpu) => format!("{cpu} (may use {})", affinity.join(", ")),
        None => format!("none yet (may use {})", affinity.join(", ")),
    };
    let user = format!("{} ({}:{})", process.user.name, process.user.uid, process.user.gid);
    let group = format!("{}, session {}", process.process_group, process.session);
    let mut rows = vec![
        ("PID", text(process.pid.to_string())),
        ("Command line", code(&format::command_line(&process.command))),
        ("Working directory", code(&process.cwd)),
        ("Root directory", code(&process.root)),
        ("Priority", label::priority(process.priority)),
        ("Class", text(words::class(process.class))),
        ("Nice", text(process.nice.to_string())),
        ("CPU", text(cpu)),
        ("Parent", parent),
        ("Process group", text(group)),
        ("User", text(user)),
        ("Capabilities", text(capabilities(process))),
        ("Isolation", text(words::isolation(process.isolation))),
        ("Threads", text(format::count(process.threads.into()))),
        ("Started", text(browser::local_date_time(process.started_at.unix_ms()))),
    ];
    if let Some(sandbox) = &process.sandbox {
        let calls = match &sandbox.system_calls {
            None => "the usual calls".to_owned(),
            Some(names) => names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", "),
        };
        rows.push(("Network", text(words::network_rights(sandbox.network))));
        rows.push(("Allowed calls", text(calls)));
        rows.push(("Other calls", text(words::on_violation(sandbox.on_violation))));
        rows.push(("Violations", text(format::count(sandbox.violations))));
    }
    if let Some(service) = &process.service {
        rows.push(("Service", text(service.as_str())));
    }
    html! { <Card title="Process" class="mo-w-3" testid="process-facts">{ facts(rows) }</Card> }
}

fn capabilities(process: &Process) -> String {
    let names: Vec<&str> = process.capabilities.iter().map(|name| name.as_str()).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// What it was started with; not there for who may not see it.
pub(super) fn environment_card(process: &Process) -> Html {
    let Some(variables) = &process.environment else { return Html::default() };
    let rows = variables.iter().map(|variable| {
        let (name, value) = variable.split_once('=').unwrap_or((variable.as_str(), ""));
        html! {
            <div class="mo-facts__row">
                <dt class="mo-facts__term mo-code mo-wrap">{ name.to_owned() }</dt>
                <dd class="mo-facts__text mo-code">{ value.to_owned() }</dd>
            </div>
        }
    });
    html! {
        <Card title="Environment at its start" class="mo-w-3" testid="process-environment">
            if variables.is_empty() {
                <p class="mo-dim">{ "It was started with none." }</p>
            } else {
                <dl class="mo-facts">{ for rows }</dl>
            }
        </Card>
    }
}

/// What it has used so far.
pub(super) fn usage_card(process: &Process) -> Html {
    let usage = &process.usage;
    let (memory, io) = (&usage.memory, &usage.io);
    let rows = vec![
        (
            "CPU time",
            text(format!(
                "{} program, {} kernel",
                format::cpu_time_ns(usage.cpu.user_ns),
                format::cpu_time_ns(usage.cpu.system_ns)
            )),
        ),
        (
            "Memory",
            text(format!(
                "{} heap, {} stacks",
                format::bytes(memory.heap_bytes),
                format::bytes(memory.stack_bytes)
            )),
        ),
        (
            "Read",
            text(format!(
                "{} in {} calls",
                format::bytes(io.read_bytes),
                format::count(io.read_operations)
            )),
        ),
        (
            "Written",
            text(format!(
                "{} in {} calls",
                format::bytes(io.written_bytes),
                format::count(io.write_operations)
            )),
        ),
        (
            "Context switches",
            text(format!(
                "{} by itself, {} preempted",
                format::count(usage.context_switches.voluntary),
                format::count(usage.context_switches.involuntary)
            )),
        ),
        ("Moves between CPUs", text(format::count(usage.migrations))),
        (
            "Page faults",
            text(format!(
                "{} minor, {} major",
                format::count(usage.page_faults.minor),
                format::count(usage.page_faults.major)
            )),
        ),
        (
            "Signals",
            text(format!(
                "{} received, {} handled, {} ignored",
                format::count(usage.signals.received),
                format::count(usage.signals.handled),
                format::count(usage.signals.ignored)
            )),
        ),
        ("Open files", text(format::count(usage.open_files.into()))),
    ];
    html! { <Card title="Usage" class="mo-w-3" testid="process-usage">{ facts(rows) }</Card> }
}

/// What it may use, and how often it met that.
pub(super) fn limits_card(process: &Process) -> Html {
    let (limits, met) = (&process.limits, &process.limits_met);
    let row = |name: &'static str, value: Option<String>, met: u32| {
        let value = match value {
            Some(value) => html! { { value } },
            None => html! { <span class="mo-dim">{ "no limit" }</span> },
        };
        let met = (met > 0).then(|| html! {
            <span class="mo-dim" data-testid="limit-met">{ format!(" · met {}", times(met)) }</span>
        });
        (name, html! { <>{ value }{ met }</> })
    };
    let rows = vec![
        row("Memory", limits.memory_bytes.map(format::bytes), met.memory_bytes),
        row("Stack of a thread", limits.stack_bytes.map(format::bytes), met.stack_bytes),
        row("Open files", limits.open_files.map(format::count), met.open_files),
        row("Processes and threads", limits.processes.map(format::count), met.processes),
        row("CPU time", limits.cpu_time_ns.map(format::cpu_time_ns), met.cpu_time_ns),
        row("CPU share", limits.cpu_percent.map(|percent| format!("{percent} %")), met.cpu_percent),
        row("Reading", limits.read_bytes_per_second.map(rate), met.read_bytes_per_second),
        row("Writing", limits.write_bytes_per_second.map(rate), met.write_bytes_per_second),
        row(
            "New processes",
            limits.processes_per_second.map(|count| format!("{count} a second")),
            met.processes_per_second,
        ),
    ];
    html! { <Card title="Limits" class="mo-w-3" testid="process-limits">{ facts(rows) }</Card> }
}

fn rate(bytes: u64) -> String {
    format::bytes_per_second(bytes as f64)
}

fn times(count: u32) -> String {
    if count == 1 { "once".to_owned() } else { format!("{} times", format::count(count.into())) }
}
