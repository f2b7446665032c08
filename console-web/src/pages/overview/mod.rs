//! The system at a glance: what is wrong, CPUs, memory, network, processes, events.

mod busiest;
mod cards;
mod cpus;
mod events;
mod health;

use futures::join;
use yew::prelude::*;

use crate::browser;
use crate::components::stale::Stale;
use crate::format;
use crate::hooks::{Round, use_live_poll, use_title};
use crate::model::failure::Failure;
use crate::model::overview::Reading;
use crate::stores::{App, use_app};

/// How often the figures are read.
const INTERVAL_MS: u32 = 1000;

/// The overview.
#[component]
pub fn OverviewPage() -> Html {
    use_title("Overview".to_owned());
    use_live_poll(INTERVAL_MS, (), |app: App, _| async move {
        match read(&app).await {
            Ok(reading) => app.overview.dispatch(reading),
            Err(Failure::Unreachable(_)) => return Round::Failed,
            Err(Failure::SignedOut) => return Round::Finished,
            Err(failure) => app.notices.failed("Reading the figures", &failure),
        }
        Round::Done
    });
    let Some(app) = use_app() else { return Html::default() };
    let overview = &app.overview.0;
    let Some(reading) = &overview.reading else {
        return html! {
            <div class="mo-page">
                <h1 class="mo-page__title">{ "Overview" }</h1>
                <p class="mo-dim" role="status">{ "Reading the figures …" }</p>
            </div>
        };
    };
    html! {
        <div class="mo-page" data-testid="overview">
            <header class="mo-page__head">
                <h1 class="mo-page__title">{ "Overview" }</h1>
                <p class="mo-page__about">
                    <span data-testid="system-version">{ format!("{} {}", reading.system.name, reading.system.version) }</span>
                    <span>{ "up " }<span data-testid="system-uptime">{ format::duration_ns(reading.system.uptime_ns) }</span></span>
                </p>
            </header>
            <health::Health overview={app.overview.clone()} />
            <Stale at_ms={Some(reading.at_ms)}>
                <div class="mo-grid">
                    { cpus::cpu_card(overview, reading) }
                    { cards::memory_card(overview, reading) }
                    { cards::network_card(overview, reading) }
                    <cards::ProcessCard overview={app.overview.clone()} />
                    <events::EventCard />
                    { cards::system_card(overview, reading) }
                </div>
            </Stale>
        </div>
    }
}

async fn read(app: &App) -> Result<Reading, Failure> {
    let client = &app.client;
    let (system, cpus, memory, numa, network) =
        join!(client.system(), client.cpus(), client.memory(), client.numa(), client.network());
    Ok(Reading {
        system: system?,
        cpus: cpus?,
        memory: memory?,
        numa: numa?,
        network: network?,
        at_ms: browser::now_ms(),
    })
}
