//! The table. At narrow widths each row becomes a card, by the style sheet alone.

use admin_api::types::Process;
use yew::prelude::*;

use super::actions::ProcessActions;
use crate::browser;
use crate::components::button::{Button, Look};
use crate::components::icon::{self, icon};
use crate::components::label;
use crate::components::meter::bar;
use crate::format;
use crate::model::list::{ProcessList, Query, QueryAction, SortKey};
use crate::model::tree;
use crate::model::words;
use crate::route::Route;
use crate::stores::use_app;

/// Properties of [`ProcessTable`].
#[derive(PartialEq, Properties)]
pub(super) struct TableProps {
    pub(super) list: ProcessList,
    pub(super) may_change: bool,
    pub(super) on_changed: Callback<()>,
    pub(super) on_menu: Callback<bool>,
}

/// A column's head: what it sorts by, its title, and its class.
const COLUMNS: [(Option<SortKey>, &str, &str); 10] = [
    (Some(SortKey::Pid), "PID", "mo-col-pid"),
    (Some(SortKey::Name), "Name", "mo-col-name"),
    (Some(SortKey::State), "State", "mo-col-state"),
    (Some(SortKey::Cpu), "CPU", "mo-col-number"),
    (Some(SortKey::Memory), "Memory", "mo-col-number"),
    (Some(SortKey::CpuTime), "CPU time", "mo-col-number"),
    (Some(SortKey::Priority), "Priority", "mo-col-word"),
    (None, "Class", "mo-col-word"),
    (None, "User", "mo-col-word"),
    (Some(SortKey::Started), "Started", "mo-col-number"),
];

#[component]
pub(super) fn ProcessTable(props: &TableProps) -> Html {
    let Some(app) = use_app() else { return Html::default() };
    let act = {
        let store = app.query.dispatcher();
        Callback::from(move |action: QueryAction| store.dispatch(action))
    };
    let Some((query, page)) = &props.list.page else {
        return html! { <p class="mo-dim" role="status">{ "Reading the list …" }</p> };
    };
    if page.items.is_empty() {
        return nothing(query, &act);
    }
    let places = if query.is_tree { tree::depths(&page.items) } else { Vec::new() };
    let rows = page.items.iter().enumerate().map(|(index, process)| {
        let place = places.get(index).map(|(depth, has_children)| Place {
            depth: *depth,
            is_open: !query.collapsed.contains(&process.pid),
            has_children: *has_children,
        });
        let on_fold = act.reform(QueryAction::Fold);
        html! {
            <Row key={process.pid} process={process.clone()} may_change={props.may_change} {place} {on_fold}
                on_changed={props.on_changed.clone()} on_menu={props.on_menu.clone()} />
        }
    });
    html! {
        <>
            <div class="mo-table-box">
                <table class="pf-v6-c-table pf-m-compact mo-table" data-testid="process-table"
                    role={query.is_tree.then_some("treegrid")} aria-label={query.is_tree.then_some("Processes as a tree")}
                    onkeydown={query.is_tree.then(|| Callback::from(|event: KeyboardEvent| move_in_tree(&event)))}>
                    <thead class="pf-v6-c-table__thead">
                        <tr class="pf-v6-c-table__tr">
                            { for COLUMNS.iter().map(|column| head(column, &app.query.0, &act)) }
                            <th class="pf-v6-c-table__th mo-col-actions" scope="col">
                                <span class="pf-v6-screen-reader">{ "Actions" }</span>
                            </th>
                        </tr>
                    </thead>
                    <tbody class="pf-v6-c-table__tbody">{ for rows }</tbody>
                </table>
            </div>
            { pager(query, page.items.len() as u64, page.total, page.next_cursor.as_deref(), &act) }
        </>
    }
}

fn nothing(query: &Query, act: &Callback<QueryAction>) -> Html {
    let clear = act.reform(|_: MouseEvent| QueryAction::Clear);
    html! {
        <div class="mo-empty" data-testid="process-none">
            <p class="mo-empty__title">{ "No process matches" }</p>
            if query.is_filtered() {
                <p class="mo-dim">{ "Nothing that runs now passes these filters." }</p>
                <Button look={Look::Secondary} label="Clear filters" onclick={clear} />
            }
        </div>
    }
}

fn head(
    (key, title, class): &(Option<SortKey>, &'static str, &'static str),
    query: &Query,
    act: &Callback<QueryAction>,
) -> Html {
    let Some(key) = key.filter(|_| !query.is_tree) else {
        return html! { <th class={classes!("pf-v6-c-table__th", *class)} scope="col">{ *title }</th> };
    };
    let is_current = query.sort == key;
    let (order, shown) = match (is_current, query.is_descending) {
        (false, _) => ("none", None),
        (true, false) => ("ascending", Some(icon::ARROW_UP)),
        (true, true) => ("descending", Some(icon::ARROW_DOWN)),
    };
    let onclick = act.reform(move |_: MouseEvent| QueryAction::Sort(key));
    html! {
        <th class={classes!("pf-v6-c-table__th", *class)} scope="col" aria-sort={order}>
            <button type="button" class={classes!("mo-sort", is_current.then_some("mo-sort--current"))}
                data-testid={format!("sort-{}", key.field())} {onclick}>
                <span>{ *title }</span>
                if let Some(shown) = shown {
                    { icon(shown) }
                }
            </button>
        </th>
    }
}

/// Where a process stands in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    depth: usize,
    is_open: bool,
    has_children: bool,
}

impl Place {
    fn can_fold(self) -> bool {
        self.has_children || !self.is_open
    }
}

/// Arrow keys in the tree: up and down between the names, left and right fold and unfold.
fn move_in_tree(event: &KeyboardEvent) {
    let key = event.key();
    let names = browser::elements("[data-testid='process-table'] .mo-row__name");
    let Some(at) = names.iter().position(browser::has_focus_within_row) else { return };
    match key.as_str() {
        "ArrowDown" | "ArrowUp" => {
            let next = if key == "ArrowDown" { at + 1 } else { at.wrapping_sub(1) };
            if let Some(name) = names.get(next) {
                browser::focus(name);
            }
        }
        "ArrowLeft" | "ArrowRight" => {
            let wanted = if key == "ArrowLeft" { "true" } else { "false" };
            let fold = browser::elements(&format!(
                "[data-testid='process-table'] tr[aria-level]:nth-child({}) .mo-fold[aria-expanded='{wanted}']",
                at + 1
            ));
            match fold.first() {
                Some(fold) => fold.click(),
                None => return,
            }
        }
        _ => return,
    }
    event.prevent_default();
}

#[derive(PartialEq, Properties)]
struct RowProps {
    place: Option<Place>,
    on_fold: Callback<u32>,
    process: Process,
    may_change: bool,
    on_changed: Callback<()>,
    on_menu: Callback<bool>,
}

#[component]
fn Row(props: &RowProps) -> Html {
    let process = &props.process;
    let usage = &process.usage;
    let percent = usage.cpu.percent.as_f64();
    let command = format::command_line(&process.command);
    let is_dead = !words::is_alive(process.state);
    html! {
        <tr class={classes!("pf-v6-c-table__tr", "mo-row", is_dead.then_some("mo-row--dead"))}
            data-testid="process-row" data-pid={process.pid.to_string()} data-name={process.name.to_string()}
            data-state={process.state.name()} aria-level={props.place.map(|place| (place.depth + 1).to_string())}
            aria-expanded={props.place.filter(|place| place.can_fold()).map(|place| if place.is_open { "true" } else { "false" })}>
            <td class="pf-v6-c-table__td mo-col-pid mo-figure" data-label="PID">{ process.pid }</td>
            <td class={classes!("pf-v6-c-table__td", "mo-col-name", props.place.map(indent))} data-label="Name">
                { props.place.map(|place| fold(place, process, &props.on_fold)).unwrap_or_default() }
                <a href={Route::Process { pid: process.pid }.href()} class="mo-row__name">{ process.name.as_str() }</a>
                <span class="mo-row__command mo-code" title={command.clone()}>{ command.clone() }</span>
            </td>
            <td class="pf-v6-c-table__td mo-col-state" data-label="State">{ label::state_and_detail(process) }</td>
            <td class="pf-v6-c-table__td mo-col-number mo-figure" data-label="CPU">
                <span class="mo-row__cpu">
                    { format::percent(percent) }
                    { bar(percent, "CPU time of one CPU") }
                </span>
            </td>
            <td class="pf-v6-c-table__td mo-col-number mo-figure" data-label="Memory">{ format::bytes(usage.memory.current_bytes) }</td>
            <td class="pf-v6-c-table__td mo-col-number mo-figure" data-label="CPU time">{ format::cpu_time_ns(usage.cpu.total_ns) }</td>
            <td class="pf-v6-c-table__td mo-col-word" data-label="Priority">{ label::priority(process.priority) }</td>
            <td class="pf-v6-c-table__td mo-col-word" data-label="Class">{ words::class(process.class) }</td>
            <td class="pf-v6-c-table__td mo-col-word mo-not-narrow" data-label="User">{ process.user.name.as_str() }</td>
            <td class="pf-v6-c-table__td mo-col-number mo-figure mo-not-narrow" data-label="Started"
                title={browser::local_date_time(process.started_at.unix_ms())}>
                { browser::local_time(process.started_at.unix_ms()) }
            </td>
            <td class="pf-v6-c-table__td mo-col-actions">
                <ProcessActions process={process.clone()} may_change={props.may_change}
                    on_changed={props.on_changed.clone()} on_menu={props.on_menu.clone()} />
            </td>
        </tr>
    }
}

fn indent(place: Place) -> String {
    format!("mo-depth mo-depth-{}", place.depth.min(tree::DEEPEST))
}

/// The button that folds a process's descendants away.
fn fold(place: Place, process: &Process, on_fold: &Callback<u32>) -> Html {
    if !place.can_fold() {
        return html! { <span class="mo-fold mo-fold--none" aria-hidden="true"></span> };
    }
    let pid = process.pid;
    let onclick = on_fold.reform(move |_: MouseEvent| pid);
    let (shown, expanded, verb) =
        if place.is_open { (icon::DOWN, "true", "Hide") } else { (icon::RIGHT, "false", "Show") };
    html! {
        <button type="button" class="mo-fold" aria-expanded={expanded} data-testid={format!("fold-{pid}")}
            aria-label={format!("{verb} what {}, process {pid}, has started", process.name)} {onclick}>
            { icon(shown) }
        </button>
    }
}

fn pager(
    query: &Query,
    shown: u64,
    total: u64,
    next_cursor: Option<&str>,
    act: &Callback<QueryAction>,
) -> Html {
    let first = query.page_index() as u64 * u64::from(query.limit) + 1;
    let previous = act.reform(|_: MouseEvent| QueryAction::Previous);
    let next = {
        let (act, cursor) = (act.clone(), next_cursor.map(str::to_owned));
        Callback::from(move |_: MouseEvent| {
            if let Some(cursor) = cursor.clone() {
                act.emit(QueryAction::Next(cursor));
            }
        })
    };
    if query.page_index() == 0 && next_cursor.is_none() {
        return Html::default();
    }
    html! {
        <nav class="mo-pager" aria-label="Pages of the list">
            <span class="mo-figure" data-testid="pager-range">
                { format!("{} – {} of {}", format::count(first), format::count(first + shown - 1), format::count(total)) }
            </span>
            <Button look={Look::Plain} icon={icon::LEFT} name="Previous page" testid="pager-previous"
                is_disabled={query.page_index() == 0} onclick={previous} />
            <Button look={Look::Plain} icon={icon::RIGHT} name="Next page" testid="pager-next"
                is_disabled={next_cursor.is_none()} onclick={next} />
        </nav>
    }
}
