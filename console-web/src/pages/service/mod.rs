//! One service: instances, figures, health, output, dependencies, document, and what can be done.

mod document;
mod health;
mod output;
mod overview;
mod section;
mod versions;

use admin_api::types::{Role, Service, ServiceExplanation, ServiceState};
use yew::prelude::*;

use crate::browser;
use crate::components::icon::{self, icon};
use crate::components::label::label;
use crate::components::stale::Stale;
use crate::hooks::{Round, use_live_poll, use_title};
use crate::model::failure::Failure;
use crate::model::service::detail::{Reading, ServiceDetail};
use crate::model::service::list::state_of;
use crate::model::service::words;
use crate::model::words::Tone;
use crate::pages::services::actions::ServiceActions;
use crate::pages::services::graph::{neighbours, use_graph};
use crate::pages::services::parts;
use crate::route::Route;
use crate::stores::{App, store, use_app};
use section::Section;

/// How often the figures are read.
const INTERVAL_MS: u32 = 1000;

store! {
    /// What is known of the service.
    DetailStore(ServiceDetail), Reading, with
}

/// Properties of [`ServicePage`].
#[derive(PartialEq, Properties)]
pub struct ServicePageProps {
    /// The service.
    pub name: AttrValue,
    /// The section's name; the first one's is empty.
    #[prop_or_default]
    pub section: AttrValue,
}

/// The page of one service.
#[component]
pub fn ServicePage(props: &ServicePageProps) -> Html {
    let app = use_app();
    let detail = use_reducer_eq(DetailStore::default);
    let changes = use_state_eq(|| 0_u32);
    use_title(props.name.to_string());
    {
        let (detail, name) = (detail.dispatcher(), props.name.clone());
        use_live_poll(INTERVAL_MS, *changes, move |app: App, wish| {
            let (detail, name) = (detail.clone(), name.clone());
            async move {
                let answer = read(&app, &name).await;
                if !wish.holds() {
                    return Round::Finished;
                }
                let round = parts::round(&answer);
                if round == Round::Done {
                    detail.dispatch((browser::now_ms(), answer));
                }
                round
            }
        });
    }
    let Some(app) = app else { return Html::default() };
    let crumbs = html! {
        <nav class="mo-crumbs" aria-label="Where this is">
            <a href={Route::Services.href()}>{ icon(icon::LEFT) }{ "Services" }</a>
        </nav>
    };
    let is_gone = detail.0.failure.as_ref().is_some_and(Failure::is_not_found);
    let Some(service) = detail.0.service.clone().filter(|_| !is_gone) else {
        let text = match &detail.0.failure {
            Some(failure) if failure.is_not_found() => {
                format!("There is no service {}.", props.name)
            }
            Some(failure) => failure.message(),
            None => "Reading the service …".to_owned(),
        };
        return html! {
            <div class="mo-page">
                { crumbs }
                <div class="mo-empty"><p class="mo-empty__title" role="status" data-testid="service-gone">{ text }</p></div>
            </div>
        };
    };
    let changed = {
        let changes = changes.clone();
        Callback::from(move |()| changes.set(changes.wrapping_add(1)))
    };
    let may_change = app.session.0.may(Role::Operator);
    let section = Section::from_name(&props.section);
    let name = props.name.clone();
    let content = match section {
        Section::Overview => overview::overview(&service, &detail.0),
        Section::Health => html! { <health::Health {name} service={service.clone()} /> },
        Section::Output => {
            let instances = service.status.as_ref().map_or(0, |status| status.instances.len());
            html! { <output::Output {name} {instances} /> }
        }
        Section::Dependencies => html! { <Dependencies service={service.clone()} /> },
        Section::Document => {
            html! { <document::Document {name} {may_change} revision={service.revision.unwrap_or(0)} on_changed={changed.clone()} /> }
        }
        Section::Versions => {
            html! { <versions::Versions {name} {may_change} revision={service.revision.unwrap_or(0)} on_changed={changed.clone()} /> }
        }
    };
    html! {
        <div class="mo-page" data-testid="service-detail" data-name={props.name.clone()} data-state={state_of(&service).name()}>
            { crumbs }
            { head(&service, may_change, &changed) }
            { explain(&service, detail.0.explanation.as_ref()) }
            { section::links(&props.name, section) }
            <Stale at_ms={Some(detail.0.at_ms)}>{ content }</Stale>
        </div>
    }
}

/// The service, and why it does not run, or not with all of its instances.
async fn read(app: &App, name: &str) -> Result<(Service, Option<ServiceExplanation>), Failure> {
    let service = app.client.service(name).await?;
    let explanation = if words::is_whole(&service) {
        None
    } else {
        Some(app.client.explain_service(name).await?)
    };
    Ok((service, explanation))
}

fn head(service: &Service, may_change: bool, changed: &Callback<()>) -> Html {
    let health = service.status.as_ref().map(|status| words::health(status.health));
    let is_busy = service.status.as_ref().is_some_and(|status| status.operation.is_some());
    html! {
        <header class="mo-page__head">
            <h1 class="mo-page__title">{ service.name.as_str() }</h1>
            { parts::state(service) }
            if let Some((text, tone)) = health.filter(|(_, tone)| *tone == Tone::Good) {
                { label(text, tone, None) }
            }
            if is_busy {
                <span class="mo-busy" role="status" data-testid="service-busy">
                    <span class="mo-spinner" aria-hidden="true"></span>{ "Changing" }
                </span>
            }
            <span class="mo-toolbar__space"></span>
            <div class="mo-actions">
                <ServiceActions service={service.clone()} {may_change} shows_label=true on_changed={changed.clone()} />
            </div>
        </header>
    }
}

/// Why it does not run: the chain down to the first cause, and what to do.
fn explain(service: &Service, explanation: Option<&ServiceExplanation>) -> Html {
    let Some(explanation) = explanation.filter(|one| !one.chain.is_empty()) else {
        return Html::default();
    };
    let (class, shown) = match state_of(service) {
        ServiceState::Failed => ("mo-health--bad", icon::BAD),
        ServiceState::Paused | ServiceState::Running => ("mo-health--warning", icon::WARNING),
        _ => ("mo-health--info", icon::INFO),
    };
    let last = explanation.chain.len() - 1;
    let chain = explanation.chain.iter().enumerate().map(|(at, reason)| {
        let to = Route::Service { name: reason.service.to_string() };
        let is_own = reason.service == service.name;
        html! {
            <li class={classes!("mo-chain__link", (at == last).then_some("mo-chain__link--first"))}>
                { reason.message.as_str() }
                if !is_own && reason.state.is_some() {
                    { " " }<a href={to.href()}>{ format!("Open {}", reason.service) }</a>
                }
                if at == last && last > 0 {
                    <span class="mo-chain__mark">{ "first cause" }</span>
                }
            </li>
        }
    });
    let advice = explanation.advice.iter().map(|one| html! { <li>{ one.as_str() }</li> });
    html! {
        <section class={classes!("mo-health", class)} aria-label="Why it does not run" data-testid="service-explain">
            { icon(shown) }
            <div class="mo-explain">
                if last > 0 {
                    <ol class="mo-chain">{ for chain }</ol>
                } else {
                    <p><strong>{ explanation.summary.as_str() }</strong></p>
                }
                if !explanation.advice.is_empty() {
                    <ul class="mo-advice">{ for advice }</ul>
                }
            </div>
        </section>
    }
}

#[derive(PartialEq, Properties)]
struct DependenciesProps {
    service: Service,
}

#[component]
fn Dependencies(props: &DependenciesProps) -> Html {
    let known = use_graph();
    html! {
        <>
            { neighbours(&known, &props.service) }
            { overview::dependency_table(known.graph.as_ref(), &props.service) }
        </>
    }
}
