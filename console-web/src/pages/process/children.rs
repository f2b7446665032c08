//! The children of a process.

use admin_api::types::Process;
use yew::prelude::*;

use super::part::use_part;
use super::threads::PartProps;
use crate::components::label;
use crate::format;
use crate::route::Route;

const COLUMNS: [(&str, &str); 6] = [
    ("PID", "mo-col-pid"),
    ("Name", "mo-col-name"),
    ("State", "mo-col-state"),
    ("CPU", "mo-col-number"),
    ("Memory", "mo-col-number"),
    ("CPU time", "mo-col-number"),
];

#[component]
pub(super) fn Children(props: &PartProps) -> Html {
    let part = use_part::<Process>(props.pid, "children");
    part.table(&COLUMNS, "children-table", "It has no children now.", row)
}

fn row(process: &Process) -> Html {
    let usage = &process.usage;
    let command = format::command_line(&process.command);
    html! {
        <tr key={process.pid} class="pf-v6-c-table__tr mo-row" data-testid="child-row" data-pid={process.pid.to_string()}>
            <td class="pf-v6-c-table__td mo-col-pid mo-figure" data-label="PID">{ process.pid }</td>
            <td class="pf-v6-c-table__td mo-col-name" data-label="Name">
                <a href={Route::Process { pid: process.pid }.href()} class="mo-row__name">{ process.name.as_str() }</a>
                <span class="mo-row__command mo-code" title={command.clone()}>{ command.clone() }</span>
            </td>
            <td class="pf-v6-c-table__td mo-col-state" data-label="State">{ label::state_and_detail(process) }</td>
            <td class="pf-v6-c-table__td mo-col-number mo-figure" data-label="CPU">{ format::percent(usage.cpu.percent.as_f64()) }</td>
            <td class="pf-v6-c-table__td mo-col-number mo-figure" data-label="Memory">{ format::bytes(usage.memory.current_bytes) }</td>
            <td class="pf-v6-c-table__td mo-col-number mo-figure" data-label="CPU time">{ format::cpu_time_ns(usage.cpu.total_ns) }</td>
        </tr>
    }
}
