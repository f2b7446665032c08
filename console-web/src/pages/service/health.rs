//! The health of a service: what its checks say, and the last of them.

use admin_api::types::{HealthPurpose, HealthRecord, InstanceHealth, Service, ServiceHealth};
use yew::prelude::*;

use crate::browser;
use crate::components::card::Card;
use crate::components::label::label;
use crate::format;
use crate::hooks::use_live_poll;
use crate::model::failure::Failure;
use crate::model::service::words;
use crate::model::words::Tone;
use crate::pages::services::parts;
use crate::stores::App;

/// How often it is read.
const INTERVAL_MS: u32 = 1500;
/// So many checks of an instance are drawn.
const DRAWN: usize = 40;

/// Properties of [`Health`].
#[derive(PartialEq, Properties)]
pub(super) struct HealthProps {
    pub(super) name: AttrValue,
    pub(super) service: Service,
}

#[component]
pub(super) fn Health(props: &HealthProps) -> Html {
    let known = use_state_eq(|| None::<Result<ServiceHealth, Failure>>);
    {
        let known = known.clone();
        use_live_poll(INTERVAL_MS, props.name.clone(), {
            let name = props.name.clone();
            move |app: App, wish| {
                let (known, name) = (known.clone(), name.clone());
                async move {
                    let answer = app.client.service_health(&name).await;
                    let round = parts::round(&answer);
                    if wish.holds() && round == crate::hooks::Round::Done {
                        known.set(Some(answer));
                    }
                    round
                }
            }
        });
    }
    let health = match &*known {
        None => return html! { <p class="mo-dim" role="status">{ "Reading …" }</p> },
        Some(Err(failure)) => return parts::problem(Some(failure)),
        Some(Ok(health)) => health,
    };
    let has_check = props.service.health.is_some() || props.service.readiness.is_some();
    if !has_check && health.history.is_empty() {
        return html! {
            <div class="mo-empty" data-testid="health-none">
                <p class="mo-empty__title">{ "Nothing checks this service." }</p>
                <p class="mo-dim">{ "A check is the field “health” of its document, such as {\"kind\": \"alive\"}." }</p>
            </div>
        };
    }
    html! {
        <div class="mo-grid">
            <Card title="Instances" class="mo-w-6">
                <ul class="mo-checks" role="list" data-testid="health-instances">
                    { for health.instances.iter().map(|one| instance(one, &health.history)) }
                </ul>
                if health.instances.is_empty() {
                    <p class="mo-dim">{ "None runs." }</p>
                }
            </Card>
            <Card title="Last checks" class="mo-w-6" aside={html! { <span class="mo-dim">{ "newest first" }</span> }}>
                <ol class="mo-history" data-testid="health-history">{ for health.history.iter().map(record) }</ol>
            </Card>
        </div>
    }
}

fn instance(one: &InstanceHealth, history: &[HealthRecord]) -> Html {
    let (text, tone) = words::health(one.health);
    let ready = if one.ready { ("Ready", Tone::Good) } else { ("Not ready", Tone::Warning) };
    let own: Vec<&HealthRecord> =
        history.iter().filter(|record| record.instance == one.instance).take(DRAWN).collect();
    let bars = own.iter().rev().enumerate().map(|(at, record)| {
        let class = if record.good { "mo-tick--good" } else { "mo-tick--bad" };
        let at_time = browser::local_time(record.at.unix_ms());
        html! {
            <rect {class} x={(at * 7).to_string()} y="0" width="5" height="18" rx="1.5">
                <title>{ format!("{at_time}: {}", record.detail) }</title>
            </rect>
        }
    });
    let streak = if one.bad_in_a_row > 0 {
        format!("{} bad in a row", one.bad_in_a_row)
    } else {
        format!("{} good in a row", one.good_in_a_row)
    };
    html! {
        <li class="mo-checks__row" key={one.instance} data-testid="health-row" data-health={one.health.name()}>
            <span class="mo-figure mo-checks__number">{ format!("#{}", one.instance) }</span>
            { label(text, tone, None) }
            { label(ready.0, ready.1, None) }
            <svg class="mo-checks__strip" width={(DRAWN * 7).to_string()} height="18" role="img"
                aria-label={format!("The last {} checks, {streak}", own.len())}>{ for bars }</svg>
            <span class="mo-dim mo-figure">
                { format!("{streak}; {} good, {} bad in all", format::count(one.good_total), format::count(one.bad_total)) }
            </span>
        </li>
    }
}

fn record(record: &HealthRecord) -> Html {
    let (text, tone) = if record.good { ("Good", Tone::Good) } else { ("Bad", Tone::Bad) };
    let purpose = match record.purpose {
        HealthPurpose::StartUp => "start-up",
        HealthPurpose::Liveness => "liveness",
        HealthPurpose::Readiness => "readiness",
    };
    html! {
        <li class="mo-history__row">
            <time class="mo-dim mo-figure">{ browser::local_time(record.at.unix_ms()) }</time>
            <span class="mo-figure">{ format!("#{}", record.instance) }</span>
            { label(text, tone, None) }
            <span class="mo-dim">{ format!("{}, {purpose}", words::check(record.kind)) }</span>
            <span class="mo-wrap">{ record.detail.as_str() }</span>
            <span class="mo-dim mo-figure mo-history__time">{ format::short_time_ns(record.duration_ns) }</span>
        </li>
    }
}
