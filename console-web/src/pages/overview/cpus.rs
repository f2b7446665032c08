//! All CPUs as a chart, and each of them small.

use admin_api::types::{Cpu, CpuState};
use yew::prelude::*;

use crate::components::card::Card;
use crate::components::chart::{Chart, Line, Sparkline, Unit};
use crate::format;
use crate::model::overview::Shares;
use crate::series::Series;
use crate::stores::OverviewStore;

/// With more CPUs than this, each gets less room.
const MANY: usize = 16;

/// Properties of [`CpuCard`].
#[derive(PartialEq, Properties)]
pub(super) struct CpuProps {
    pub(super) overview: UseReducerHandle<OverviewStore>,
}

#[component]
pub(super) fn CpuCard(props: &CpuProps) -> Html {
    let overview = &props.overview.0;
    let Some(reading) = &overview.reading else { return Html::default() };
    let lines = vec![Line { name: "All CPUs", series: overview.cpu.clone(), colour: 0 }];
    let cpus = &reading.system.cpus;
    let online = if cpus.online == cpus.present {
        format!("{} online", cpus.online)
    } else {
        format!("{} of {} online", cpus.online, cpus.present)
    };
    let cores = reading.cpus.iter().zip(&overview.cores).map(|(cpu, series)| {
        html! { <Core key={cpu.id} cpu={cpu.clone()} series={series.clone()} /> }
    });
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

#[derive(PartialEq, Properties)]
struct CoreProps {
    cpu: Cpu,
    series: Series,
}

#[component]
fn Core(props: &CoreProps) -> Html {
    let cpu = &props.cpu;
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
        <li class="mo-core" title={hint} data-cpu={cpu.id.to_string()}>
            <div class="mo-core__head">
                <span>{ name.clone() }</span>
                <span class="mo-figure">{ value }</span>
            </div>
            <Sparkline {name} series={props.series.clone()} testid={format!("cpu-chart-{}", cpu.id)} />
        </li>
    }
}
