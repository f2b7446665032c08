//! All CPUs as a chart, and each of them small.

use admin_api::types::{Cpu, CpuState};
use yew::prelude::*;

use crate::components::card::Card;
use crate::components::chart::{Chart, Line, Unit, sparkline};
use crate::format;
use crate::model::overview::{Overview, Reading, Shares};
use crate::series::Series;

/// With more CPUs than this, each gets less room.
const MANY: usize = 16;

/// All of them together, then each.
pub(super) fn cpu_card(overview: &Overview, reading: &Reading) -> Html {
    let lines = vec![Line { name: "All CPUs", series: overview.cpu.clone(), colour: 0 }];
    let cpus = &reading.system.cpus;
    let online = if cpus.online == cpus.present {
        format!("{} online", cpus.online)
    } else {
        format!("{} of {} online", cpus.online, cpus.present)
    };
    let cores = reading.cpus.iter().zip(&overview.cores).map(|(cpu, series)| core(cpu, series));
    html! {
        <Card title="CPU" class="mo-w-4 mo-card--tall" testid="cpu-card"
            aside={html! { <span class="mo-dim">{ online }</span> }}>
            <Chart name="CPU" {lines} unit={Unit::Percent} top={100.0} testid="cpu-chart-total" />
            { shares(overview.shares) }
            <ul class={classes!("mo-cores", (reading.cpus.len() > MANY).then_some("mo-cores--many"))} role="list">{ for cores }</ul>
        </Card>
    }
}

/// Needs two readings; until then the places are kept free.
fn shares(shares: Option<Shares>) -> Html {
    let parts = [
        ("Programs", shares.map(|shares| shares.user)),
        ("Kernel", shares.map(|shares| shares.system)),
        ("Interrupts", shares.map(|shares| shares.interrupt)),
        ("Idle", shares.map(|shares| shares.idle)),
    ];
    let items = parts.map(|(name, value)| {
        html! {
            <div class="mo-pair">
                <dt>{ name }</dt>
                <dd>{ value.map_or_else(|| "–".to_owned(), format::percent) }</dd>
            </div>
        }
    });
    html! { <dl class="mo-pairs">{ for items }</dl> }
}

fn core(cpu: &Cpu, series: &Series) -> Html {
    let name = format!("CPU {}", cpu.id);
    let value = match cpu.state {
        CpuState::Online => format::percent(cpu.busy_percent.as_f64()),
        CpuState::Failed => "failed".to_owned(),
    };
    let hint = format!(
        "{name}: {} switches, {} interrupts since boot, {} waiting",
        format::count(cpu.context_switches),
        format::count(cpu.interrupts),
        cpu.run_queue_length
    );
    html! {
        <li class="mo-core" key={cpu.id} title={hint} data-cpu={cpu.id.to_string()}>
            <div class="mo-core__head">
                <span>{ name.clone() }</span>
                <span class="mo-figure">{ value }</span>
            </div>
            { sparkline(&name, series, format!("cpu-chart-{}", cpu.id)) }
        </li>
    }
}
