//! The threads of a process.

use admin_api::types::Thread;
use yew::prelude::*;

use super::part::use_part;
use crate::components::label;
use crate::format;

/// Properties of the parts of a process.
#[derive(PartialEq, Properties)]
pub(super) struct PartProps {
    pub(super) pid: u32,
}

const COLUMNS: [(&str, &str); 9] = [
    ("TID", "mo-col-pid"),
    ("Name", "mo-col-word"),
    ("State", "mo-col-state"),
    ("CPU", "mo-col-number"),
    ("Priority", "mo-col-word"),
    ("In program", "mo-col-number"),
    ("In kernel", "mo-col-number"),
    ("Switches", "mo-col-number"),
    ("Moves", "mo-col-number"),
];

#[component]
pub(super) fn Threads(props: &PartProps) -> Html {
    let part = use_part::<Thread>(props.pid, "threads");
    part.table(&COLUMNS, "thread-table", "A process that has ended has no threads.", row)
}

fn row(thread: &Thread) -> Html {
    let usage = &thread.usage;
    let switches = &usage.context_switches;
    let title = format!(
        "{} because it waited, {} because another was to run",
        format::count(switches.voluntary),
        format::count(switches.involuntary)
    );
    let all_switches = switches.voluntary.saturating_add(switches.involuntary);
    let cpu = thread.cpu.map_or_else(|| "–".to_owned(), |cpu| cpu.to_string());
    html! {
        <tr key={thread.tid} class="pf-v6-c-table__tr mo-row" data-testid="thread-row" data-tid={thread.tid.to_string()}>
            <td class="pf-v6-c-table__td mo-col-pid mo-figure" data-label="TID">{ thread.tid }</td>
            <td class="pf-v6-c-table__td mo-col-word" data-label="Name">{ thread.name.as_str() }</td>
            <td class="pf-v6-c-table__td mo-col-state" data-label="State">
                { label::state_with(thread.state, thread.state_detail.as_deref()) }
            </td>
            <td class="pf-v6-c-table__td mo-col-number mo-figure" data-label="CPU">{ cpu }</td>
            <td class="pf-v6-c-table__td mo-col-word" data-label="Priority">{ label::priority(thread.priority) }</td>
            <td class="pf-v6-c-table__td mo-col-number mo-figure" data-label="In program">{ format::cpu_time_ns(usage.cpu.user_ns) }</td>
            <td class="pf-v6-c-table__td mo-col-number mo-figure" data-label="In kernel">{ format::cpu_time_ns(usage.cpu.system_ns) }</td>
            <td class="pf-v6-c-table__td mo-col-number mo-figure" data-label="Switches" {title}>{ format::count(all_switches) }</td>
            <td class="pf-v6-c-table__td mo-col-number mo-figure" data-label="Moves">{ format::count(usage.migrations) }</td>
        </tr>
    }
}
