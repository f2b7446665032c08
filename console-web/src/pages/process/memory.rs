//! The memory of a process, area by area.

use admin_api::types::{MemoryArea, MemoryAreaKind};
use yew::prelude::*;

use super::part::use_part;
use super::threads::PartProps;
use crate::format;

const COLUMNS: [(&str, &str); 5] = [
    ("Addresses", "mo-col-word"),
    ("What", "mo-col-word"),
    ("Rights", "mo-col-word"),
    ("Size", "mo-col-number"),
    ("In memory", "mo-col-number"),
];

#[component]
pub(super) fn MemoryMap(props: &PartProps) -> Html {
    let part = use_part::<MemoryArea>(props.pid, "memory-map");
    let nothing =
        "It has no memory of its own: a thread of the kernel, or a process that has ended.";
    part.table(&COLUMNS, "memory-table", nothing, row)
}

fn row(area: &MemoryArea) -> Html {
    let range = format!("{:012x} – {:012x}", area.start, area.end);
    html! {
        <tr key={area.start.to_string()} class="pf-v6-c-table__tr mo-row" data-testid="memory-row">
            <td class="pf-v6-c-table__td mo-col-name mo-code" data-label="Addresses">{ range }</td>
            <td class="pf-v6-c-table__td mo-col-state mo-wrap" data-label="What">{ what(area) }</td>
            <td class="pf-v6-c-table__td mo-col-word mo-code" data-label="Rights" title={rights(&area.rights)}>{ area.rights.as_str() }</td>
            <td class="pf-v6-c-table__td mo-col-number mo-figure" data-label="Size">{ format::bytes(area.size_bytes) }</td>
            <td class="pf-v6-c-table__td mo-col-number mo-figure" data-label="In memory">{ format::bytes(area.resident_bytes) }</td>
        </tr>
    }
}

fn what(area: &MemoryArea) -> Html {
    let kind = match area.kind {
        MemoryAreaKind::Anonymous if !area.rights.contains(['r', 'w', 'x']) => "Reserved",
        MemoryAreaKind::Anonymous => "Memory",
        MemoryAreaKind::Heap => "Heap",
        MemoryAreaKind::Stack => "Stack",
        MemoryAreaKind::SharedMemory => "Shared memory",
        MemoryAreaKind::Vdso => "Kernel's clock page",
        MemoryAreaKind::File if area.shared => "File, shared",
        MemoryAreaKind::File => "File",
    };
    let at = area.path.as_ref().map(|path| match area.offset_bytes {
        0 => path.to_string(),
        offset => format!("{path} from {offset:#x}"),
    });
    html! {
        <>
            { kind }
            if area.locked {
                <span class="mo-dim">{ ", locked" }</span>
            }
            if let Some(at) = at {
                <span class="mo-code mo-dim mo-part__path">{ at }</span>
            }
        </>
    }
}

/// Rights in words.
fn rights(letters: &str) -> String {
    let words = [('r', "read"), ('w', "write"), ('x', "execute")];
    let allowed: Vec<&str> = words
        .iter()
        .filter(|(letter, _)| letters.contains(*letter))
        .map(|(_, word)| *word)
        .collect();
    if allowed.is_empty() { "no access".to_owned() } else { allowed.join(", ") }
}
