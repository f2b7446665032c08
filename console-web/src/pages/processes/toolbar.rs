//! The filters above the list.

use admin_api::types::{Class, Priority, ProcessState};
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::search_field;
use crate::components::button::{Button, Look};
use crate::components::field::{Choice, Select};
use crate::model::list::{Query, QueryAction, SortKey};
use crate::model::words;
use crate::stores::use_app;

/// Properties of [`Toolbar`].
#[derive(PartialEq, Properties)]
pub(super) struct ToolbarProps {
    pub(super) query: Query,
}

/// No filter; the API has no such word.
const ALL: &str = "";

#[component]
pub(super) fn Toolbar(props: &ToolbarProps) -> Html {
    let Some(app) = use_app() else { return Html::default() };
    let query = &props.query;
    let act = {
        let store = app.query.dispatcher();
        Callback::from(move |action: QueryAction| store.dispatch(action))
    };
    let on_text = act.reform(QueryAction::Text);
    let on_state = act.reform(|name: String| QueryAction::State(ProcessState::from_name(&name)));
    let on_class = act.reform(|name: String| QueryAction::Class(Class::from_name(&name)));
    let on_priority = act.reform(|name: String| QueryAction::Priority(Priority::from_name(&name)));
    let clear = act.reform(|_: MouseEvent| QueryAction::Clear);
    html! {
        <div class="mo-toolbar" role="search">
            { search_field("process-search", "Filter by name", &query.text, &on_text) }
            <Select id="filter-state" label="State" is_label_hidden=true onchange={on_state}
                value={query.state.map_or(ALL, ProcessState::name)}
                choices={choices("All states", ProcessState::ALL, |s| (s.name(), words::state(s).0))} />
            <Select id="filter-class" label="Class" is_label_hidden=true onchange={on_class}
                value={query.class.map_or(ALL, Class::name)}
                choices={choices("All classes", Class::ALL, |c| (c.name(), words::class(c)))} />
            <Select id="filter-priority" label="Priority" is_label_hidden=true onchange={on_priority}
                value={query.priority.map_or(ALL, Priority::name)}
                choices={choices("All priorities", Priority::ALL, |p| (p.name(), words::priority(p)))} />
            { user_field(&query.user, &act.reform(QueryAction::User)) }
            if !query.is_tree {
                <div class="mo-only-narrow">{ order(query, &act) }</div>
            }
            if query.is_filtered() {
                <Button look={Look::Link} label="Clear filters" testid="filter-clear" onclick={clear} />
            }
        </div>
    }
}

fn choices<T: Copy>(
    all: &'static str,
    values: &[T],
    text: impl Fn(T) -> (&'static str, &'static str),
) -> Vec<Choice> {
    let first = Choice { value: ALL, text: all.into() };
    let others = values.iter().map(|value| {
        let (value, text) = text(*value);
        Choice { value, text: text.into() }
    });
    std::iter::once(first).chain(others).collect()
}

/// Whose processes are shown.
fn user_field(value: &str, oninput: &Callback<String>) -> Html {
    let oninput = oninput
        .reform(|event: InputEvent| event.target_unchecked_into::<HtmlInputElement>().value());
    html! {
        <div class="mo-field mo-field--user">
            <span class="pf-v6-c-form-control">
                <input id="filter-user" data-testid="filter-user" type="search" value={value.to_owned()}
                    aria-label="User, by name or number" placeholder="Any user" autocomplete="off"
                    autocapitalize="off" spellcheck="false" {oninput} />
            </span>
        </div>
    }
}

/// The order, where there are no column heads to choose it by.
fn order(query: &Query, act: &Callback<QueryAction>) -> Html {
    const KEYS: [(SortKey, &str); 6] = [
        (SortKey::Cpu, "Sorted by CPU"),
        (SortKey::Memory, "Sorted by memory"),
        (SortKey::CpuTime, "Sorted by CPU time"),
        (SortKey::Name, "Sorted by name"),
        (SortKey::Pid, "Sorted by PID"),
        (SortKey::Started, "Sorted by start"),
    ];
    let choices: Vec<Choice> = KEYS
        .iter()
        .map(|(key, text)| Choice { value: key.field(), text: (*text).into() })
        .collect();
    let current = query.sort;
    let act = act.clone();
    let onchange = Callback::from(move |field: String| {
        if let Some((key, _)) = KEYS.iter().find(|(key, _)| key.field() == field)
            && *key != current
        {
            act.emit(QueryAction::Sort(*key));
        }
    });
    html! {
        <Select id="process-order" label="Order" is_label_hidden=true value={query.sort.field()} {choices} {onchange} />
    }
}
