//! The processes that use most CPU time now.

use admin_api::types::Process;
use yew::prelude::*;

use crate::format;
use crate::hooks::{Round, use_live_poll};
use crate::model::failure::Failure;
use crate::route::Route;
use crate::stores::App;

/// How often they are read.
const INTERVAL_MS: u32 = 2000;

#[component]
pub(super) fn Busiest() -> Html {
    let processes = use_state_eq(Vec::<Process>::new);
    {
        let processes = processes.clone();
        use_live_poll(INTERVAL_MS, (), move |app: App, _| {
            let processes = processes.clone();
            async move {
                match app.client.processes("limit=5&sort=-cpu_percent").await {
                    Ok(page) => processes.set(page.items),
                    Err(Failure::Unreachable(_)) => return Round::Failed,
                    Err(Failure::SignedOut) => return Round::Finished,
                    // The figures' own request says what is wrong.
                    Err(_) => {}
                }
                Round::Done
            }
        });
    }
    if processes.is_empty() {
        return Html::default();
    }
    html! {
        <div class="mo-top" data-testid="busiest">
            <h3 class="mo-top__title">{ "Busiest now" }</h3>
            { for processes.iter().map(row) }
        </div>
    }
}

fn row(process: &Process) -> Html {
    html! {
        <div class="mo-top__row" key={process.pid}>
            <span>
                <a href={Route::Process { pid: process.pid }.href()} class="mo-row__name">{ process.name.as_str() }</a>
                <span class="mo-dim">{ format!(" {}", process.pid) }</span>
            </span>
            <span class="mo-figure">{ format::percent(process.usage.cpu.percent.as_f64()) }</span>
            <span class="mo-figure">{ format::bytes(process.usage.memory.current_bytes) }</span>
        </div>
    }
}
