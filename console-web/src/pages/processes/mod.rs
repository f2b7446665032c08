//! The process list: filters, table, pages; starting a program.

pub mod actions;
mod dialogs;
mod isolation;
mod limits;
mod start;
mod table;
mod toolbar;

use web_sys::{HtmlInputElement, KeyboardEvent};
use yew::prelude::*;

use admin_api::types::{Page, Process, Role};

use crate::browser;
use crate::components::button::{Button, Look};
use crate::components::icon::{self, icon};
use crate::components::stale::Stale;
use crate::format;
use crate::hooks::{Round, use_keys, use_live_poll, use_title};
use crate::model::failure::Failure;
use crate::model::list::{ProcessList, Query, QueryAction};
use crate::stores::{App, use_app};

/// How often the list is read.
const INTERVAL_MS: u32 = 1500;

/// The list as a reducer of Yew.
#[derive(Debug, Clone, PartialEq, Default)]
struct ListStore(ProcessList);

struct ListNews {
    at_ms: f64,
    query: Query,
    answer: Result<Page<Process>, Failure>,
}

impl Reducible for ListStore {
    type Action = ListNews;

    fn reduce(self: std::rc::Rc<Self>, news: ListNews) -> std::rc::Rc<Self> {
        std::rc::Rc::new(Self(self.0.with(news.at_ms, &news.query, news.answer)))
    }
}

/// The process list.
#[component]
pub fn ProcessesPage() -> Html {
    match use_app() {
        Some(app) => html! { <Processes {app} /> },
        None => Html::default(),
    }
}

#[derive(PartialEq, Properties)]
struct ProcessesProps {
    app: App,
}

#[component]
fn Processes(props: &ProcessesProps) -> Html {
    use_title("Processes".to_owned());
    let app = props.app.clone();
    let query = app.query.0.clone();
    let list = use_reducer_eq(ListStore::default);
    let is_starting = use_state_eq(|| false);
    // While a menu is open, rows must not change their places under the pointer.
    let is_menu_open = use_state_eq(|| false);
    let changes = use_state_eq(|| 0_u32);
    {
        let (list, asked) = (list.dispatcher(), query.clone());
        let is_held = *is_menu_open;
        use_live_poll(INTERVAL_MS, (query.clone(), is_held, *changes), move |app: App, wish| {
            let (list, query) = (list.clone(), asked.clone());
            async move {
                if is_held {
                    return Round::Finished;
                }
                let answer = app.client.processes(&query.to_url()).await;
                if !wish.holds() {
                    return Round::Finished;
                }
                match &answer {
                    Err(Failure::SignedOut) => return Round::Finished,
                    Err(Failure::Unreachable(_)) => return Round::Failed,
                    // A page that is gone: its cursor belongs to a list that was forgotten.
                    Err(Failure::Refused(problem))
                        if problem.status == 400 && query.page_index() > 0 =>
                    {
                        app.query.dispatch(QueryAction::Text(query.text.clone()));
                        return Round::Finished;
                    }
                    _ => {}
                }
                list.dispatch(ListNews { at_ms: browser::now_ms(), query, answer });
                Round::Done
            }
        });
    }
    use_keys(Callback::from(|event: KeyboardEvent| {
        if event.key() == "/" && !browser::is_typing() {
            event.prevent_default();
            browser::focus_id("process-search");
        }
    }));
    let changed = {
        let changes = changes.clone();
        Callback::from(move |()| changes.set(changes.wrapping_add(1)))
    };
    let open_start = {
        let is_starting = is_starting.clone();
        Callback::from(move |_: MouseEvent| is_starting.set(true))
    };
    let close_start = {
        let (is_starting, changed) = (is_starting.clone(), changed.clone());
        Callback::from(move |()| {
            is_starting.set(false);
            changed.emit(());
        })
    };
    let on_menu = {
        let is_menu_open = is_menu_open.clone();
        Callback::from(move |is_open: bool| is_menu_open.set(is_open))
    };
    let as_tree = {
        let (store, is_tree) = (app.query.dispatcher(), query.is_tree);
        Callback::from(move |_: MouseEvent| store.dispatch(QueryAction::Tree(!is_tree)))
    };
    let may_change = app.session.0.may(Role::Operator);
    let total = list.0.page.as_ref().map(|(_, page)| page.total);
    html! {
        <div class="mo-page" data-testid="processes">
            <header class="mo-page__head">
                <h1 class="mo-page__title">{ "Processes" }</h1>
                <p class="mo-page__about" role="status" data-testid="process-total">
                    { total.map(|total| about(total, query.is_filtered())).unwrap_or_default() }
                </p>
                <span class="mo-toolbar__space"></span>
                <Button look={Look::Secondary} icon={icon::TREE} label="Tree" testid="view-tree"
                    is_pressed={Some(query.is_tree)} onclick={as_tree} />
                <Button look={Look::Primary} icon={icon::PLUS} label="Start a program" testid="start-open"
                    is_disabled={!may_change} onclick={open_start} />
            </header>
            <toolbar::Toolbar {query} />
            { problem(&list.0) }
            <Stale at_ms={list.0.page.as_ref().map(|_| list.0.at_ms)}>
                <table::ProcessTable list={list.0.clone()} {may_change} on_changed={changed} {on_menu} />
            </Stale>
            if *is_starting {
                <start::StartDialog onclose={close_start} />
            }
        </div>
    }
}

fn about(total: u64, is_filtered: bool) -> String {
    let text = match (total, is_filtered) {
        (1, false) => "process",
        (1, true) => "process matches",
        (_, false) => "processes",
        (_, true) => "processes match",
    };
    format!("{} {text}", format::count(total))
}

/// What the last request ran into, if it was refused; a lost connection is shown by the shell.
fn problem(list: &ProcessList) -> Html {
    match &list.failure {
        Some(failure @ (Failure::Refused(_) | Failure::Malformed(_))) => html! {
            <p class="mo-health mo-health--bad" role="alert">
                { icon(icon::BAD) }
                <span>{ failure.message() }</span>
            </p>
        },
        _ => Html::default(),
    }
}

/// A field that searches as one types.
pub fn search_field(
    id: &'static str,
    name: &'static str,
    value: &str,
    oninput: &Callback<String>,
) -> Html {
    let clear = {
        let oninput = oninput.clone();
        Callback::from(move |event: KeyboardEvent| {
            if event.key() == "Escape" {
                oninput.emit(String::new());
            }
        })
    };
    let oninput = oninput
        .reform(|event: InputEvent| event.target_unchecked_into::<HtmlInputElement>().value());
    html! {
        <div class="mo-search">
            <span class="mo-search__icon">{ icon(icon::SEARCH) }</span>
            <span class="pf-v6-c-form-control">
                <input {id} data-testid={id} type="search" value={value.to_owned()} aria-label={name}
                    placeholder={name} autocomplete="off" spellcheck="false" {oninput} onkeydown={clear} />
            </span>
            <kbd class="mo-search__key" aria-hidden="true">{ "/" }</kbd>
        </div>
    }
}
