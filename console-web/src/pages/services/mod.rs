//! The services: list, graph, registration.

pub mod actions;
pub mod change;
pub mod editor;
pub mod graph;
pub mod parts;
mod register;
mod table;

use admin_api::types::{Page, Role, Service, ServiceState};
use web_sys::KeyboardEvent;
use yew::prelude::*;

use crate::browser;
use crate::components::button::{Button, Look};
use crate::components::field::{Choice, Select};
use crate::components::icon::{self, icon};
use crate::components::stale::Stale;
use crate::format;
use crate::hooks::{Round, use_keys, use_live_poll, use_title};
use crate::model::failure::Failure;
use crate::model::service::list::{ServiceList, SortKey, View};
use crate::model::service::words;
use crate::pages::processes::search_field;
use crate::route::Route;
use crate::stores::{App, store, use_app};

/// How often the list is read.
const INTERVAL_MS: u32 = 1500;

type ListNews = (f64, Result<Page<Service>, Failure>);

store! {
    /// The list.
    ListStore(ServiceList), ListNews, with
}

/// The list of services.
#[component]
pub fn ServicesPage() -> Html {
    use_title("Services".to_owned());
    let app = use_app();
    let list = use_reducer_eq(ListStore::default);
    let view = use_state_eq(View::default);
    let is_registering = use_state_eq(|| false);
    let changes = use_state_eq(|| 0_u32);
    // While a menu is open, rows must not change their places under the pointer.
    let is_menu_open = use_state_eq(|| false);
    {
        let list = list.dispatcher();
        let is_held = *is_menu_open;
        use_live_poll(INTERVAL_MS, (is_held, *changes), move |app: App, wish| {
            let list = list.clone();
            async move {
                if is_held {
                    return Round::Finished;
                }
                let answer = app.client.services().await;
                if !wish.holds() {
                    return Round::Finished;
                }
                let round = parts::round(&answer);
                if round == Round::Done {
                    list.dispatch((browser::now_ms(), answer));
                }
                round
            }
        });
    }
    use_keys(Callback::from(|event: KeyboardEvent| {
        if event.key() == "/" && !browser::is_typing() {
            event.prevent_default();
            browser::focus_id("service-search");
        }
    }));
    let Some(app) = app else { return Html::default() };
    let may_change = app.session.0.may(Role::Operator);
    let changed = {
        let changes = changes.clone();
        Callback::from(move |()| changes.set(changes.wrapping_add(1)))
    };
    let open_register = {
        let is_registering = is_registering.clone();
        Callback::from(move |_: MouseEvent| is_registering.set(true))
    };
    let close_register = {
        let (is_registering, changed) = (is_registering.clone(), changed.clone());
        Callback::from(move |()| {
            is_registering.set(false);
            changed.emit(());
        })
    };
    let on_menu = {
        let is_menu_open = is_menu_open.clone();
        Callback::from(move |is_open: bool| is_menu_open.set(is_open))
    };
    let shown = list.0.shown(&view);
    let total = list.0.page.as_ref().map(|page| page.total);
    html! {
        <div class="mo-page" data-testid="services">
            <header class="mo-page__head">
                <h1 class="mo-page__title">{ "Services" }</h1>
                <p class="mo-page__about" role="status" data-testid="service-total">
                    { total.map(|total| about(shown.len() as u64, total)).unwrap_or_default() }
                </p>
                <span class="mo-toolbar__space"></span>
                { view_switch(false) }
                <Button look={Look::Primary} icon={icon::PLUS} label="Register a service" testid="register-open"
                    is_disabled={!may_change} onclick={open_register} />
            </header>
            { toolbar(&list.0, &view) }
            { parts::problem(list.0.failure.as_ref()) }
            <Stale at_ms={list.0.page.as_ref().map(|_| list.0.at_ms)}>
                { table::table(&list.0, &shown, may_change, &changed, &on_menu) }
            </Stale>
            if *is_registering {
                <register::RegisterDialog onclose={close_register} />
            }
        </div>
    }
}

fn about(shown: u64, total: u64) -> String {
    if shown == total {
        let word = if total == 1 { "service" } else { "services" };
        format!("{} {word}", format::count(total))
    } else {
        format!("{} of {} services", format::count(shown), format::count(total))
    }
}

/// Links between the list and the graph.
fn view_switch(is_graph: bool) -> Html {
    let link = |to: Route, text: &'static str, shown, testid: &'static str, is_current: bool| {
        let class = classes!("mo-switch__link", is_current.then_some("mo-switch__link--current"));
        html! {
            <li aria-current={is_current.then_some("page")} data-testid={testid}>
                <a href={to.href()} {class}>{ icon(shown) }<span>{ text }</span></a>
            </li>
        }
    };
    html! {
        <nav aria-label="Ways to see the services">
            <ul class="mo-switch">
                { link(Route::Services, "List", icon::LIST, "view-list", !is_graph) }
                { link(Route::ServiceGraph, "Graph", icon::SERVICES, "view-graph", is_graph) }
            </ul>
        </nav>
    }
}

fn toolbar(list: &ServiceList, view: &UseStateHandle<View>) -> Html {
    let change = |change: fn(&mut View, String)| {
        let view = view.clone();
        Callback::from(move |text: String| {
            let mut next = (*view).clone();
            change(&mut next, text);
            view.set(next);
        })
    };
    let search = change(|view, text| view.text = text);
    let sort = change(|view, text| view.sort = sort_of(&text));
    let pick = |state: Option<ServiceState>| {
        let view = view.clone();
        Callback::from(move |_: MouseEvent| view.set(View { state, ..(*view).clone() }))
    };
    let chip = |state: Option<ServiceState>, text: &str, count: usize| {
        let is_on = view.state == state;
        let tone = state.map_or("neutral", |state| parts::tone_name(words::state(state).1));
        html! {
            <button type="button" class={classes!("mo-chip", format!("mo-chip--{tone}"))}
                aria-pressed={if is_on { "true" } else { "false" }}
                data-testid={format!("filter-{}", state.map_or("all", ServiceState::name))} onclick={pick(state)}>
                <span>{ text.to_owned() }</span><span class="mo-chip__count">{ count }</span>
            </button>
        }
    };
    let counts = list.counts();
    let all = counts.iter().map(|(_, count)| count).sum();
    let choices = [
        ("attention", "Attention first"),
        ("name", "By name"),
        ("memory", "By memory"),
        ("cpu", "By CPU"),
        ("restarts", "By restarts"),
    ];
    let choices: Vec<Choice> =
        choices.map(|(value, text)| Choice { value, text: text.into() }).into();
    let order = match view.sort {
        SortKey::Attention => "attention",
        SortKey::Name => "name",
        SortKey::Memory => "memory",
        SortKey::Cpu => "cpu",
        SortKey::Restarts => "restarts",
    };
    html! {
        <div class="mo-toolbar" role="search">
            { search_field("service-search", "Search by name, text or tag", &view.text, &search) }
            <div class="mo-chips" role="group" aria-label="State">
                { chip(None, "All", all) }
                { for counts.iter().map(|(state, count)| chip(Some(*state), words::state(*state).0, *count)) }
            </div>
            <span class="mo-toolbar__space"></span>
            <Select id="service-sort" label="Order" is_label_hidden=true value={order} {choices} onchange={sort} />
        </div>
    }
}

fn sort_of(text: &str) -> SortKey {
    match text {
        "name" => SortKey::Name,
        "memory" => SortKey::Memory,
        "cpu" => SortKey::Cpu,
        "restarts" => SortKey::Restarts,
        _ => SortKey::Attention,
    }
}
