//! What a process does about signals, and what the last of them did.

use admin_api::types::{ProcessSignals, Signal, SignalEffect, SignalRecord, ThreadSignals};
use yew::prelude::*;

use super::threads::PartProps;
use crate::browser;
use crate::components::card::Card;
use crate::components::facts::facts;
use crate::format;
use crate::hooks::{Round, use_live_poll};
use crate::model::failure::Failure;
use crate::pages::services::parts;
use crate::route::Route;
use crate::stores::App;

/// How often it is read.
const INTERVAL_MS: u32 = 2000;

#[component]
pub(super) fn Signals(props: &PartProps) -> Html {
    let known = use_state_eq(|| None::<Result<ProcessSignals, Failure>>);
    {
        let (known, pid) = (known.clone(), props.pid);
        use_live_poll(INTERVAL_MS, pid, move |app: App, wish| {
            let known = known.clone();
            async move {
                let answer = app.client.process_signals(pid).await;
                let round = parts::round(&answer);
                if wish.holds() && round == Round::Done {
                    known.set(Some(answer));
                }
                round
            }
        });
    }
    let signals = match &*known {
        None => return html! { <p class="mo-dim" role="status">{ "Reading …" }</p> },
        Some(Err(failure)) => return parts::problem(Some(failure)),
        Some(Ok(signals)) => signals,
    };
    let counts = &signals.counts;
    let rows = vec![
        ("Received", figure(counts.received)),
        ("Handled", figure(counts.handled)),
        ("Ignored", figure(counts.ignored)),
        ("Caught by handlers", names(&signals.caught)),
        ("Ignored by choice", names(&signals.ignored)),
        ("Waiting", names(&signals.pending)),
    ];
    let threads =
        signals.threads.iter().filter(|one| !one.blocked.is_empty() || !one.pending.is_empty());
    html! {
        <div class="mo-grid">
            <Card title="Signals" class="mo-w-3" testid="process-signals">
                { facts(rows) }
                { for threads.map(thread) }
            </Card>
            <Card title="Last signals" class="mo-w-3" aside={html! { <span class="mo-dim">{ "newest first" }</span> }}>
                if signals.recent.is_empty() {
                    <p class="mo-dim" data-testid="signals-none">{ "It has received none." }</p>
                } else {
                    <ol class="mo-events" data-testid="signal-history">{ for signals.recent.iter().map(record) }</ol>
                }
            </Card>
        </div>
    }
}

fn figure(count: u64) -> Html {
    html! { <span class="mo-figure">{ format::count(count) }</span> }
}

fn names(signals: &[Signal]) -> Html {
    if signals.is_empty() {
        return html! { <span class="mo-dim">{ "none" }</span> };
    }
    let names: Vec<String> = signals.iter().map(ToString::to_string).collect();
    html! { <span class="mo-wrap">{ names.join(", ") }</span> }
}

/// A thread that blocks signals, or that some wait for.
fn thread(thread: &ThreadSignals) -> Html {
    html! {
        <section key={thread.tid} aria-label={format!("Thread {}", thread.tid)}>
            <h3 class="mo-dim">{ format!("Thread {}", thread.tid) }</h3>
            { facts(vec![("Blocks", names(&thread.blocked)), ("Waiting", names(&thread.pending))]) }
        </section>
    }
}

fn record(record: &SignalRecord) -> Html {
    let effect = match record.effect {
        SignalEffect::Handler => "its handler was called",
        SignalEffect::Terminated => "ended the process",
        SignalEffect::Stopped => "suspended the process",
        SignalEffect::Continued => "let it go on",
        SignalEffect::Taken => "taken by a call that waited for it",
        SignalEffect::Ignored => "ignored",
    };
    let sender = match record.sender_pid {
        Some(pid) => html! { <>{ "from " }<a href={Route::Process { pid }.href()}>{ pid }</a></> },
        None => html! { "from the system" },
    };
    html! {
        <li class="mo-events__row">
            <time class="mo-dim mo-figure">{ browser::local_time(record.at.unix_ms()) }</time>
            <strong>{ record.signal.to_string() }</strong>
            <span class="mo-events__text">{ effect }{ ", " }{ sender }</span>
        </li>
    }
}
