//! What is wrong with the system and what to do, or that all is well.

use yew::prelude::*;

use crate::components::icon::{self, icon};
use crate::model::findings::{Finding, Link, findings};
use crate::model::list::{Query, QueryAction, SortKey};
use crate::model::words::Tone;
use crate::route::Route;
use crate::stores::{OverviewStore, use_app};

use admin_api::types::ProcessState;

/// Properties of [`Health`].
#[derive(PartialEq, Properties)]
pub(super) struct HealthProps {
    pub(super) overview: UseReducerHandle<OverviewStore>,
}

#[component]
pub(super) fn Health(props: &HealthProps) -> Html {
    let is_up = use_app().is_none_or(|app| app.connection.0.is_up());
    if !is_up {
        // How the system is now, nobody knows; the banner says so.
        return Html::default();
    }
    let found = findings(&props.overview.0);
    if found.is_empty() {
        return html! {
            <p class="mo-health mo-health--good" role="status" data-testid="health">
                { icon(icon::GOOD) }
                <span>{ "Everything works as it should." }</span>
            </p>
        };
    }
    html! {
        <ul class="mo-findings" role="list" data-testid="health">
            { for found.iter().map(|finding| html! { <FindingItem key={finding.id} finding={finding.clone()} /> }) }
        </ul>
    }
}

#[derive(PartialEq, Properties)]
struct FindingProps {
    finding: Finding,
}

#[component]
fn FindingItem(props: &FindingProps) -> Html {
    let app = use_app();
    let finding = &props.finding;
    let (class, shown) = match finding.tone {
        Tone::Bad => ("mo-health--bad", icon::BAD),
        _ => ("mo-health--warning", icon::WARNING),
    };
    let link = finding.link.map(|link| {
        let (text, route, query) = target(link);
        let onclick = Callback::from(move |_: MouseEvent| {
            if let (Some(app), Some(query)) = (&app, &query) {
                app.query.dispatch(QueryAction::Open(Box::new(query.clone())));
            }
        });
        // The link leads there; the click before it says what to show there.
        html! { <span {onclick}><a href={route.href()}>{ text }</a></span> }
    });
    html! {
        <li class={classes!("mo-health", class)} data-finding={finding.id}>
            { icon(shown) }
            <div>
                <strong>{ &finding.title }{ ". " }</strong>
                <span>{ &finding.advice }{ " " }</span>
                { link }
            </div>
        </li>
    }
}

fn target(link: Link) -> (&'static str, Route, Option<Query>) {
    match link {
        Link::ByCpu => {
            ("See what is busy", Route::Processes, Some(Query::largest_by(SortKey::Cpu)))
        }
        Link::ByMemory => {
            ("See what uses most", Route::Processes, Some(Query::largest_by(SortKey::Memory)))
        }
        Link::Zombies => {
            let query = Query::in_state(ProcessState::Zombie);
            ("See the zombies", Route::Processes, Some(query))
        }
        Link::Services => ("See the services", Route::Services, None),
        Link::Log => ("Open the log", Route::Log, None),
    }
}
