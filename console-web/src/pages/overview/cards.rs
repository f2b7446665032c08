//! Memory, network, processes by state, the system.

use admin_api::types::{AddressSource, Interface, NumaNode, ProcessCounts, ProcessState};
use yew::prelude::*;

use crate::browser;
use crate::components::card::Card;
use crate::components::chart::{Chart, Line, Unit};
use crate::components::facts::facts;
use crate::components::label;
use crate::components::meter::{Part, stacked};
use crate::format;
use crate::model::disk;
use crate::model::list::{Query, QueryAction};
use crate::model::overview::{Overview, Reading};
use crate::route::Route;
use crate::stores::{OverviewStore, use_app};

/// Properties of the cards.
#[derive(PartialEq, Properties)]
pub(super) struct CardProps {
    pub(super) overview: UseReducerHandle<OverviewStore>,
}

/// Memory by what it is used for.
pub(super) fn memory_card(overview: &Overview, reading: &Reading) -> Html {
    let memory = &reading.memory;
    let uses = &memory.by_use;
    let parts: Vec<Part> = [
        ("Programs", uses.user_bytes),
        ("Kernel heap", uses.kernel_heap_bytes),
        ("Kernel image", uses.kernel_image_bytes),
        ("Kernel stacks", uses.kernel_stacks_bytes),
        ("Page tables", uses.page_tables_bytes),
        ("Files", uses.files_bytes),
        ("Other", uses.other_bytes),
    ]
    .into_iter()
    .enumerate()
    .map(|(colour, (name, bytes))| Part {
        name,
        value: bytes as f64,
        text: format::bytes(bytes),
        colour,
    })
    .collect();
    let lines = vec![Line { name: "In use", series: overview.memory.clone(), colour: 0 }];
    let aside = html! {
        <span class="mo-dim">
            { format!("{} free of {}", format::bytes(memory.free_bytes), format::bytes(memory.total_bytes)) }
        </span>
    };
    html! {
        <Card title="Memory" class="mo-w-2" {aside} testid="memory-card">
            <Chart name="Memory" {lines} unit={Unit::Bytes} testid="memory-chart" />
            { stacked(&parts, memory.used_bytes as f64, "Memory by use", "memory-by-use") }
            if let Some(victim) = &memory.next_victim {
                <p class="mo-dim" data-testid="next-victim">
                    { "Ends first when memory runs out: " }
                    <a href={Route::Process { pid: victim.pid }.href()}>
                        { format!("{} ({})", victim.name, victim.pid) }
                    </a>
                    { format!(", {}", format::bytes(victim.memory_bytes)) }
                </p>
            }
            if reading.numa.nodes.len() > 1 {
                { facts(reading.numa.nodes.iter().map(node).collect()) }
            }
        </Card>
    }
}

/// A node of memory, where there are several.
fn node(node: &NumaNode) -> (&'static str, Html) {
    let (memory, taken) = (&node.memory, &node.allocations);
    let text = format!(
        "{} with {} CPUs: {} free of {}; {} pages taken by others' CPUs",
        node.id,
        node.cpus.len(),
        format::bytes(memory.free_bytes),
        format::bytes(memory.total_bytes),
        format::count(taken.foreign_pages)
    );
    ("Node", html! { <span data-testid="numa-node">{ text }</span> })
}

/// Traffic and connections.
pub(super) fn network_card(overview: &Overview, reading: &Reading) -> Html {
    let network = &reading.network;
    let lines = vec![
        Line { name: "Received", series: overview.received.clone(), colour: 0 },
        Line { name: "Sent", series: overview.sent.clone(), colour: 1 },
    ];
    let aside = html! {
        <span class="mo-dim">{ format!("{} connections", format::count(network.tcp.established.into())) }</span>
    };
    html! {
        <Card title="Network" class="mo-w-3 mo-card--tall" {aside} testid="network-card">
            <Chart name="Network" {lines} unit={Unit::BytesPerSecond} testid="network-chart" />
            { for network.interfaces.iter().map(interface) }
        </Card>
    }
}

fn interface(interface: &Interface) -> Html {
    // The address that one connects to comes before the one made from the hardware's.
    let mut addresses = interface.addresses.clone();
    addresses.sort_by_key(|address| address.source == AddressSource::LinkLocal);
    let addresses: Vec<String> = addresses
        .iter()
        .map(|address| format!("{}/{}", address.address, address.prefix_length))
        .collect();
    let addresses =
        if addresses.is_empty() { "no address".to_owned() } else { addresses.join("  ") };
    let dropped = interface.received.dropped + interface.sent.dropped;
    let pairs = [
        ("Received".to_owned(), format::bytes(interface.received.bytes)),
        ("Sent".to_owned(), format::bytes(interface.sent.bytes)),
        ("Dropped".to_owned(), format!("{} packets", format::count(dropped))),
    ];
    html! {
        <dl class="mo-pairs">
            <div class="mo-pair mo-pair--wide">
                <dt>{ interface.name.as_str() }</dt>
                <dd>{ addresses }</dd>
            </div>
            { for pairs.into_iter().map(|(name, value)| html! {
                <div class="mo-pair"><dt>{ name }</dt><dd>{ value }</dd></div>
            }) }
        </dl>
    }
}

#[component]
pub(super) fn ProcessCard(props: &CardProps) -> Html {
    let app = use_app();
    let Some(reading) = &props.overview.0.reading else { return Html::default() };
    let counts = &reading.system.processes;
    let rows = ProcessState::ALL.iter().map(|state| {
        let count = of_state(counts, *state);
        let open = app.clone();
        let state = *state;
        let onclick = Callback::from(move |_: MouseEvent| {
            if let Some(app) = &open {
                let query = Query::in_state(state);
                app.query.dispatch(QueryAction::Open(Box::new(query)));
            }
        });
        html! {
            <li class={classes!("mo-counts__row", (count == 0).then_some("mo-counts__row--none"))} {onclick}>
                <a href={Route::Processes.href()} class="mo-counts__link">
                    { label::state(state) }
                    <span class="mo-figure" data-testid={format!("count-{}", state.name())}>{ format::count(count.into()) }</span>
                </a>
            </li>
        }
    });
    let aside = html! {
        <span class="mo-dim">{ format!("{} threads", format::count(reading.system.threads.into())) }</span>
    };
    html! {
        <Card title="Processes" class="mo-w-3" {aside} testid="process-card">
            <p class="mo-big mo-figure" data-testid="count-total">{ format::count(counts.total.into()) }</p>
            <ul class="mo-counts" role="list">{ for rows }</ul>
            <super::busiest::Busiest />
        </Card>
    }
}

fn of_state(counts: &ProcessCounts, state: ProcessState) -> u32 {
    match state {
        ProcessState::New => counts.new,
        ProcessState::Ready => counts.ready,
        ProcessState::Running => counts.running,
        ProcessState::Blocked => counts.blocked,
        ProcessState::Suspended => counts.suspended,
        ProcessState::Terminated => counts.terminated,
        ProcessState::Zombie => counts.zombie,
        ProcessState::Defunct => counts.defunct,
    }
}

/// What machine it is.
pub(super) fn system_card(overview: &Overview, reading: &Reading) -> Html {
    let system = &reading.system;
    let load = &system.load;
    let load = format!("{} · {} · {}", load.one_minute, load.five_minutes, load.fifteen_minutes);
    let machine = match &system.hypervisor {
        Some(hypervisor) => format!("{} under {hypervisor}", system.architecture),
        None => system.architecture.to_string(),
    };
    let switches = overview.switches.map_or_else(
        || "–".to_owned(),
        |rate| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate")]
            let rate = rate.max(0.0) as u64;
            format!("{} a second", format::count(rate))
        },
    );
    let rows = [
        ("Started", browser::local_date_time(system.booted_at.unix_ms())),
        ("Machine", machine),
        ("Processor", system.cpus.model.to_string()),
        ("Load in 1, 5, 15 min", load),
        ("Thread switches", switches),
        ("API requests", format::count(reading.network.http.requests)),
        ("Changed services", disk::in_words(system.disk.as_ref())),
    ];
    html! {
        <Card title="System" class="mo-w-2" testid="system-card">
            { facts(rows.into_iter().map(|(term, text)| (term, html! { <span class="mo-figure">{ text }</span> })).collect()) }
        </Card>
    }
}
