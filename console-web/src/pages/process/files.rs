//! What a process has open: its descriptors, and the sockets that lead into the network.

use admin_api::types::{OpenFile, OpenFileKind, Socket};
use yew::prelude::*;

use super::part::use_part;
use super::threads::PartProps;
use crate::components::card::Card;
use crate::format;

const FILE_COLUMNS: [(&str, &str); 5] = [
    ("Number", "mo-col-pid"),
    ("What", "mo-col-word"),
    ("Path", "mo-col-name"),
    ("Access", "mo-col-word"),
    ("Position", "mo-col-number"),
];

const SOCKET_COLUMNS: [(&str, &str); 6] = [
    ("Protocol", "mo-col-word"),
    ("This end", "mo-col-name"),
    ("Other end", "mo-col-name"),
    ("State", "mo-col-word"),
    ("Received", "mo-col-number"),
    ("Sent", "mo-col-number"),
];

#[component]
pub(super) fn Files(props: &PartProps) -> Html {
    let files = use_part::<OpenFile>(props.pid, "files");
    let sockets = use_part::<Socket>(props.pid, "sockets");
    let nothing = "It has nothing open: a thread of the kernel, or a process that has ended.";
    html! {
        <>
            { files.table(&FILE_COLUMNS, "file-table", nothing, file) }
            if sockets.has_rows() {
                <Card title="In the network">
                    { sockets.table(&SOCKET_COLUMNS, "socket-table", "", socket) }
                </Card>
            }
        </>
    }
}

fn file(file: &OpenFile) -> Html {
    let position = file.offset_bytes.map_or_else(|| "–".to_owned(), format::count);
    html! {
        <tr key={file.fd} class="pf-v6-c-table__tr mo-row" data-testid="file-row" data-fd={file.fd.to_string()}>
            <td class="pf-v6-c-table__td mo-col-pid mo-figure" data-label="Number">{ file.fd }</td>
            <td class="pf-v6-c-table__td mo-col-word" data-label="What">{ kind(file.kind) }</td>
            <td class="pf-v6-c-table__td mo-col-name mo-code mo-wrap" data-label="Path">{ file.path.as_str() }</td>
            <td class="pf-v6-c-table__td mo-col-word" data-label="Access">{ access(file) }</td>
            <td class="pf-v6-c-table__td mo-col-number mo-figure" data-label="Position">{ position }</td>
        </tr>
    }
}

fn kind(kind: OpenFileKind) -> &'static str {
    match kind {
        OpenFileKind::Regular => "File",
        OpenFileKind::Directory => "Directory",
        OpenFileKind::Device => "Device",
        OpenFileKind::Pipe => "Pipe",
        OpenFileKind::Socket => "Socket",
        OpenFileKind::Other => "Other",
    }
}

/// What can be done with a descriptor, in words.
fn access(file: &OpenFile) -> Html {
    let main = match (file.readable, file.writable) {
        (true, true) => "read, write",
        (true, false) => "read",
        (false, true) => "write",
        (false, false) => "path only",
    };
    let more = [
        (file.append, "appends"),
        (file.nonblocking, "does not wait"),
        (file.close_on_exec, "closed by exec"),
    ];
    let more: Vec<&str> = more.iter().filter(|(holds, _)| *holds).map(|(_, word)| *word).collect();
    html! {
        <>
            { main }
            if !more.is_empty() {
                <span class="mo-dim mo-part__path">{ more.join(", ") }</span>
            }
        </>
    }
}

fn socket(socket: &Socket) -> Html {
    let remote = socket.remote.as_ref().map_or("–", |remote| remote.as_str());
    let state =
        socket.state.as_ref().map_or_else(|| "–".to_owned(), |state| state.replace('_', " "));
    let key = socket.inode;
    html! {
        <tr {key} class="pf-v6-c-table__tr mo-row" data-testid="socket-row">
            <td class="pf-v6-c-table__td mo-col-word" data-label="Protocol">{ socket.protocol.name().to_ascii_uppercase() }</td>
            <td class="pf-v6-c-table__td mo-col-name mo-code" data-label="This end">{ socket.local.as_str() }</td>
            <td class="pf-v6-c-table__td mo-col-name mo-code" data-label="Other end">{ remote.to_owned() }</td>
            <td class="pf-v6-c-table__td mo-col-word" data-label="State">{ state }</td>
            <td class="pf-v6-c-table__td mo-col-number mo-figure" data-label="Received">{ format::bytes(socket.received_bytes) }</td>
            <td class="pf-v6-c-table__td mo-col-number mo-figure" data-label="Sent">{ format::bytes(socket.sent_bytes) }</td>
        </tr>
    }
}
