//! The first section: instances, figures, usage against quota, and what it is.

use admin_api::types::{Exit, Service, ServiceGraph, ServiceInstance};
use yew::prelude::*;

use crate::browser;
use crate::components::card::Card;
use crate::components::chart::{Chart, Line, Unit};
use crate::components::facts::facts;
use crate::components::label::label;
use crate::components::meter::bar;
use crate::format;
use crate::model::service::detail::{Quota, ServiceDetail, quotas};
use crate::model::service::words;
use crate::model::words::Tone;
use crate::route::Route;

pub(super) fn overview(service: &Service, detail: &ServiceDetail) -> Html {
    let Some(status) = &service.status else { return Html::default() };
    let is_live = status.usage.processes > 0;
    let peak = format!("at most {}", format::bytes(status.usage.peak_memory_bytes));
    let time = format!("{} in all", format::cpu_time_ns(status.usage.cpu.total_ns));
    html! {
        <div class="mo-grid">
            if service.group.is_none() {
                <Card title="Instances" class="mo-w-6" aside={restarts(service)}>{ instances(service) }</Card>
            }
            <Card title="CPU" class="mo-w-3" aside={html! { <span class="mo-dim">{ time }</span> }}>
                <Chart name="CPU" unit={Unit::Percent} {is_live} testid="service-cpu-chart"
                    lines={vec![Line { name: "Of one CPU", series: detail.cpu.clone(), colour: 0 }]} />
            </Card>
            <Card title="Memory" class="mo-w-3" aside={html! { <span class="mo-dim">{ peak }</span> }}>
                <Chart name="Memory" unit={Unit::Bytes} {is_live} testid="service-memory-chart"
                    lines={vec![Line { name: "In use", series: detail.memory.clone(), colour: 2 }]} />
            </Card>
            <Card title="Usage against quota" class="mo-w-3" testid="service-quotas">{ quota_list(service) }</Card>
            <Card title="What it is" class="mo-w-3" testid="service-facts">{ about(service) }</Card>
        </div>
    }
}

fn restarts(service: &Service) -> Html {
    let restarts = service.status.as_ref().map_or(0, |status| status.restarts);
    let word = if restarts == 1 { "restart" } else { "restarts" };
    html! { <span class="mo-dim" data-testid="service-restarts">{ format!("{} {word}", format::count(restarts)) }</span> }
}

const COLUMNS: [(&str, &str); 8] = [
    ("Number", "mo-col-pid"),
    ("State", "mo-col-state"),
    ("Health", "mo-col-word"),
    ("Process", "mo-col-number"),
    ("Connections", "mo-col-number"),
    ("Restarts", "mo-col-number"),
    ("Last end", "mo-col-word"),
    ("Since", "mo-col-number"),
];

fn instances(service: &Service) -> Html {
    let all = service.status.as_ref().map(|status| status.instances.as_slice()).unwrap_or_default();
    if all.is_empty() {
        return html! { <p class="mo-dim mo-none" data-testid="instance-none">{ "None runs." }</p> };
    }
    html! {
        <div class="mo-table-plain">
            <table class="pf-v6-c-table pf-m-compact mo-table" data-testid="instance-table">
                <thead class="pf-v6-c-table__thead">
                    <tr class="pf-v6-c-table__tr">
                        { for COLUMNS.iter().map(|(title, class)| html! {
                            <th class={classes!("pf-v6-c-table__th", *class)} scope="col">{ *title }</th>
                        }) }
                    </tr>
                </thead>
                <tbody class="pf-v6-c-table__tbody">{ for all.iter().map(instance) }</tbody>
            </table>
        </div>
    }
}

fn instance(one: &ServiceInstance) -> Html {
    let (text, tone) = words::instance(one.state);
    let (health, health_tone) = words::health(one.health);
    let pid = match one.pid {
        Some(pid) => html! { <a href={Route::Process { pid }.href()}>{ pid }</a> },
        None => html! { "–" },
    };
    let connections = match one.connections {
        Some(counts) => {
            format!("{} of {}", format::count(counts.open), format::count(counts.total))
        }
        None => "–".to_owned(),
    };
    let last = one.last_exit.map_or_else(|| "–".to_owned(), short_exit);
    let next =
        one.next_start_at.map(|at| format!("again at {}", browser::local_time(at.unix_ms())));
    let hint = one.last_exit_reason.as_ref().map(ToString::to_string);
    html! {
        <tr key={one.number} class="pf-v6-c-table__tr mo-row" data-testid="instance-row" data-instance={one.number.to_string()}
            data-state={one.state.name()} data-ready={one.ready.to_string()}>
            <td class="pf-v6-c-table__td mo-col-pid mo-figure" data-label="Number">{ one.number }</td>
            <td class="pf-v6-c-table__td mo-col-state" data-label="State">
                <span class="mo-state">{ label(text, tone, None) }
                    if let Some(next) = next { <span class="mo-dim mo-state__detail">{ next }</span> }
                </span>
            </td>
            <td class="pf-v6-c-table__td mo-col-word" data-label="Health">
                if health_tone == Tone::Neutral {
                    <span class="mo-dim">{ health }</span>
                } else {
                    { label(health, health_tone, None) }
                }
            </td>
            <td class="pf-v6-c-table__td mo-col-number mo-figure" data-label="Process">{ pid }</td>
            <td class="pf-v6-c-table__td mo-col-number mo-figure" data-label="Connections" title="Open, of all so far">{ connections }</td>
            <td class="pf-v6-c-table__td mo-col-number mo-figure" data-label="Restarts">{ format::count(one.restarts) }</td>
            <td class="pf-v6-c-table__td mo-col-word mo-dim" data-label="Last end" title={hint}>{ last }</td>
            <td class="pf-v6-c-table__td mo-col-number mo-figure" data-label="Since"
                title={browser::local_date_time(one.since.unix_ms())}>{ browser::local_time(one.since.unix_ms()) }</td>
        </tr>
    }
}

fn short_exit(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("code {code}"),
        Exit::Signal { signal, .. } => signal.to_string(),
    }
}

fn quota_list(service: &Service) -> Html {
    let rows = quotas(service).into_iter().map(|Quota { name, used, limit, percent }| {
        let is_near = percent.is_some_and(|percent| percent >= 90.0);
        let text = match &limit {
            Some(limit) => format!("{used} of {limit}"),
            None => format!("{used}, no limit"),
        };
        html! {
            <li class={classes!("mo-quota", is_near.then_some("mo-quota--near"))}>
                <span class="mo-quota__name">{ name }</span>
                <span class="mo-figure">{ text }</span>
                if let Some(percent) = percent {
                    <span class="mo-quota__bar">{ bar(percent, name) }</span>
                }
            </li>
        }
    });
    html! { <ul class="mo-quotas" role="list">{ for rows }</ul> }
}

fn about(service: &Service) -> Html {
    let text = |text: &str| html! { <span class="mo-wrap">{ text.to_owned() }</span> };
    let mut rows = Vec::new();
    if !service.description.is_empty() {
        rows.push(("Description", text(&service.description)));
    }
    rows.push(("Kind", text(words::kind(service.kind))));
    rows.push(("Version", text(&service.version)));
    if let Some(program) = &service.program {
        let mut command = vec![program.clone()];
        command.extend(service.args.iter().cloned());
        let command = format::command_line(&command);
        rows.push(("Command", html! { <code class="mo-wrap">{ command }</code> }));
        rows.push(("User", text(&service.user)));
    }
    if let Some(sandbox) = &service.sandbox {
        rows.push(("Sandbox", text(&words::sandbox(sandbox))));
    }
    if let Some(group) = &service.group {
        let members: Vec<&str> = group.members.iter().map(|name| name.as_str()).collect();
        rows.push(("Members", text(&members.join(", "))));
    }
    if let Some(port) = &service.port {
        let spread = words::strategy(port.strategy);
        rows.push(("Port", text(&format!("{}, connections {spread}", port.listen))));
    }
    if let Some(health) = &service.health {
        let every = format!("{}, every {}", words::check(health.kind), time_ms(health.interval_ms));
        rows.push(("Check", text(&every)));
    }
    let rule = &service.restart;
    let policy = format!(
        "{}, at most {} in {}",
        words::policy(rule.policy),
        rule.max_restarts,
        time_ms(rule.window_ms)
    );
    rows.push(("Restart", text(&policy)));
    if !service.tags.is_empty() {
        let tags = service.tags.iter().map(|tag| label(tag, Tone::Neutral, None));
        rows.push(("Tags", html! { <span class="mo-tags">{ for tags }</span> }));
    }
    rows.push(("At boot", text(if service.enabled { "Started" } else { "Not started" })));
    facts(rows)
}

fn time_ms(ms: u32) -> String {
    match ms {
        ms if ms % 1000 == 0 => format!("{} s", ms / 1000),
        ms => format!("{ms} ms"),
    }
}

/// Whom it uses and who uses it, as a table.
pub(super) fn dependency_table(graph: Option<&ServiceGraph>, service: &Service) -> Html {
    let Some(graph) = graph else { return Html::default() };
    let side = |title: &'static str, is_used: bool, nothing: &'static str| {
        let near = graph.edges.iter().filter(|edge| {
            if is_used { edge.from == service.name } else { edge.to == service.name }
        });
        let rows: Vec<Html> = near
            .map(|edge| {
                let other = if is_used { &edge.to } else { &edge.from };
                let node = graph.nodes.iter().find(|node| node.name == *other);
                let (state, tone) =
                    node.map_or(("Missing", Tone::Bad), |node| words::state(node.state));
                let uses = service.dependencies.iter().find(|one| is_used && one.service == *other);
                let version = uses.and_then(|one| one.version.as_ref());
                html! {
                    <li class="mo-uses__row" data-testid="dependency-row" data-name={other.to_string()}>
                        <a href={Route::Service { name: other.to_string() }.href()}>{ other.as_str() }</a>
                        { label(state, tone, None) }
                        <span class="mo-dim">{ words::edge(edge.kind) }
                            if let Some(version) = version { { format!(", {version}") } }
                        </span>
                        if !edge.satisfied {
                            { label("does not hold", Tone::Warning, None) }
                        }
                    </li>
                }
            })
            .collect();
        html! {
            <Card {title} class="mo-w-3">
                if rows.is_empty() {
                    <p class="mo-dim">{ nothing }</p>
                } else {
                    <ul class="mo-uses" role="list">{ for rows }</ul>
                }
            </Card>
        }
    };
    html! {
        <div class="mo-grid">
            { side("It uses", true, "Nothing.") }
            { side("Used by", false, "Nobody.") }
        </div>
    }
}
