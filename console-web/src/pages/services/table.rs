//! The table. At narrow widths each row becomes a card, by the style sheet alone.

use admin_api::types::Service;
use yew::prelude::*;

use super::actions::ServiceActions;
use super::parts;
use crate::browser;
use crate::components::meter::bar;
use crate::format;
use crate::model::service::list::{ServiceList, state_of};
use crate::model::service::words;
use crate::route::Route;

const COLUMNS: [(&str, &str); 9] = [
    ("Name", "mo-col-name"),
    ("State", "mo-col-state"),
    ("Instances", "mo-col-word"),
    ("Health", "mo-col-word"),
    ("CPU", "mo-col-number"),
    ("Memory", "mo-col-number"),
    ("Restarts", "mo-col-number"),
    ("Since", "mo-col-number"),
    ("", "mo-col-actions"),
];

pub(super) fn table(
    list: &ServiceList,
    shown: &[&Service],
    may_change: bool,
    on_changed: &Callback<()>,
    on_menu: &Callback<bool>,
) -> Html {
    if list.page.is_none() {
        return html! { <p class="mo-dim" role="status">{ "Reading the list …" }</p> };
    }
    if shown.is_empty() {
        let is_any = list.page.as_ref().is_some_and(|page| page.total > 0);
        let text = if is_any { "No service matches." } else { "There is no service yet." };
        return html! {
            <div class="mo-empty" data-testid="service-none"><p class="mo-empty__title">{ text }</p></div>
        };
    }
    let row = |service: &&Service| row(service, may_change, on_changed, on_menu);
    html! {
        <div class="mo-table-box">
            <table class="pf-v6-c-table pf-m-compact mo-table mo-table--services" data-testid="service-table">
                <thead class="pf-v6-c-table__thead">
                    <tr class="pf-v6-c-table__tr">
                        { for COLUMNS.iter().map(|(title, class)| html! {
                            <th class={classes!("pf-v6-c-table__th", *class)} scope="col">{ *title }</th>
                        }) }
                    </tr>
                </thead>
                <tbody class="pf-v6-c-table__tbody">{ for shown.iter().map(row) }</tbody>
            </table>
        </div>
    }
}

fn row(
    service: &Service,
    may_change: bool,
    on_changed: &Callback<()>,
    on_menu: &Callback<bool>,
) -> Html {
    let name = service.name.to_string();
    let Some(status) = &service.status else { return Html::default() };
    let percent = status.usage.cpu.percent.as_f64();
    let since = status.since.unix_ms();
    let below = match &status.detail {
        Some(detail) => detail.as_str(),
        None => service.description.as_str(),
    };
    let (health, _) = words::health(status.health);
    html! {
        <tr key={name.clone()} class="pf-v6-c-table__tr mo-row" data-testid="service-row" data-name={name.clone()}
            data-state={state_of(service).name()}>
            <td class="pf-v6-c-table__td mo-col-name" data-label="Name">
                <a href={Route::Service { name: name.clone() }.href()} class="mo-row__name">{ name }</a>
                <span class="mo-row__command" title={below.to_owned()}>{ below.to_owned() }</span>
            </td>
            <td class="pf-v6-c-table__td mo-col-state" data-label="State">{ parts::state(service) }</td>
            <td class="pf-v6-c-table__td mo-col-word" data-label="Instances">{ parts::instances(service) }</td>
            <td class="pf-v6-c-table__td mo-col-word mo-dim" data-label="Health">{ health }</td>
            <td class="pf-v6-c-table__td mo-col-number mo-figure" data-label="CPU">
                <span class="mo-row__cpu">{ format::percent(percent) }{ bar(percent, "CPU time of one CPU") }</span>
            </td>
            <td class="pf-v6-c-table__td mo-col-number mo-figure" data-label="Memory">{ format::bytes(status.usage.memory_bytes) }</td>
            <td class="pf-v6-c-table__td mo-col-number mo-figure" data-label="Restarts">{ format::count(status.restarts) }</td>
            <td class="pf-v6-c-table__td mo-col-number mo-figure mo-not-narrow" data-label="Since"
                title={browser::local_date_time(since)}>{ browser::local_time(since) }</td>
            <td class="pf-v6-c-table__td mo-col-actions">
                <ServiceActions service={service.clone()} {may_change} on_changed={on_changed.clone()} on_menu={on_menu.clone()} />
            </td>
        </tr>
    }
}
