//! One process: figures, charts, output, limits, and what can be done to it.

mod children;
mod facts;
mod files;
mod memory;
mod output;
mod part;
mod section;
mod signals;
mod threads;

use std::rc::Rc;

use admin_api::types::{Process, ProcessState, Role};
use yew::prelude::*;

use crate::browser;
use crate::components::button::{Button, Look};
use crate::components::card::Card;
use crate::components::chart::{Chart, Line, Unit};
use crate::components::icon::{self, icon};
use crate::components::label;
use crate::components::stale::Stale;
use crate::format;
use crate::hooks::{Round, use_live_poll, use_title};
use crate::model::failure::Failure;
use crate::model::process::Detail;
use crate::model::words::{self, Tone};
use crate::pages::processes::actions::{ProcessActions, resume, suspend, why_not};
use crate::route::Route;
use crate::stores::{App, use_app};
use section::Section;

/// How often the figures are read.
const INTERVAL_MS: u32 = 1000;

#[derive(Debug, Clone, PartialEq, Default)]
struct DetailStore(Detail);

struct DetailNews(f64, Result<Process, Failure>);

impl Reducible for DetailStore {
    type Action = DetailNews;

    fn reduce(self: Rc<Self>, DetailNews(at_ms, answer): DetailNews) -> Rc<Self> {
        Rc::new(Self(self.0.with(at_ms, answer)))
    }
}

/// Properties of [`ProcessPage`].
#[derive(PartialEq, Properties)]
pub struct ProcessPageProps {
    /// The process.
    pub pid: u32,
    /// The section's name; the first one's is empty.
    #[prop_or_default]
    pub section: AttrValue,
}

/// The page of one process.
#[component]
pub fn ProcessPage(props: &ProcessPageProps) -> Html {
    let pid = props.pid;
    let app = use_app();
    let detail = use_reducer_eq(DetailStore::default);
    let changes = use_state_eq(|| 0_u32);
    let known = detail.0.process.clone();
    use_title(match &known {
        Some(process) => format!("{} ({pid})", process.name),
        None => format!("Process {pid}"),
    });
    {
        let detail = detail.dispatcher();
        use_live_poll(INTERVAL_MS, *changes, move |app: App, wish| {
            let detail = detail.clone();
            async move {
                let answer = app.client.process(pid).await;
                if !wish.holds() {
                    return Round::Finished;
                }
                let round = match &answer {
                    Err(Failure::Unreachable(_)) => return Round::Failed,
                    Err(Failure::SignedOut) => return Round::Finished,
                    // One that is gone, or is history, does not change any more.
                    Err(failure) if failure.is_not_found() => Round::Finished,
                    Ok(process) if process.state == ProcessState::Defunct => Round::Finished,
                    _ => Round::Done,
                };
                detail.dispatch(DetailNews(browser::now_ms(), answer));
                round
            }
        });
    }
    let changed = {
        let changes = changes.clone();
        Callback::from(move |()| changes.set(changes.wrapping_add(1)))
    };
    let Some(app) = app else { return Html::default() };
    let crumbs = html! {
        <nav class="mo-crumbs" aria-label="Where this is">
            <a href={Route::Processes.href()}>{ icon(icon::LEFT) }{ "Processes" }</a>
        </nav>
    };
    let Some(process) = known else {
        let text = match &detail.0.failure {
            Some(failure) if failure.is_not_found() => {
                format!("There is no process {pid}, and none is remembered.")
            }
            Some(failure) => failure.message(),
            None => "Reading the process …".to_owned(),
        };
        return html! {
            <div class="mo-page">
                { crumbs }
                <div class="mo-empty"><p class="mo-empty__title" role="status">{ text }</p></div>
            </div>
        };
    };
    let section = Section::from_name(&props.section);
    let content = match section {
        Section::Overview => overview(&process, &detail.0),
        Section::Output => html! { <output::OutputCard {pid} /> },
        Section::Threads => html! { <threads::Threads {pid} /> },
        Section::Files => html! { <files::Files {pid} /> },
        Section::Memory => html! { <memory::MemoryMap {pid} /> },
        Section::Signals => html! { <signals::Signals {pid} /> },
        Section::Children => html! { <children::Children {pid} /> },
    };
    html! {
        <div class="mo-page" data-testid="process-detail" data-pid={pid.to_string()} data-state={process.state.name()}>
            { crumbs }
            { head(&app, &process, &changed) }
            { ending(&process, detail.0.failure.as_ref()) }
            { section::links(pid, section) }
            <Stale at_ms={Some(detail.0.at_ms)}>{ content }</Stale>
        </div>
    }
}

/// The first section: what it is, used and may use.
fn overview(process: &Process, detail: &Detail) -> Html {
    html! {
                <div class="mo-grid">
                    <Card title="CPU" class="mo-w-3" aside={cpu_aside(process)}>
                        <Chart name="CPU" unit={Unit::Percent} is_live={process.ended_at.is_none()} testid="process-cpu-chart"
                            lines={vec![Line { name: "Of one CPU", series: detail.cpu.clone(), colour: 0 }]} />
                    </Card>
                    <Card title="Memory" class="mo-w-3" aside={memory_aside(process)}>
                        <Chart name="Memory" unit={Unit::Bytes} is_live={process.ended_at.is_none()} testid="process-memory-chart"
                            lines={vec![Line { name: "In use", series: detail.memory.clone(), colour: 2 }]} />
                    </Card>
                    { facts::identity_card(process) }
                    { facts::usage_card(process) }
                    { facts::limits_card(process) }
                    { facts::environment_card(process) }
                </div>
    }
}

fn cpu_aside(process: &Process) -> Html {
    let time = format::cpu_time_ns(process.usage.cpu.total_ns);
    html! { <span class="mo-dim">{ format!("{time} in all") }</span> }
}

fn memory_aside(process: &Process) -> Html {
    let peak = format::bytes(process.usage.memory.peak_bytes);
    html! { <span class="mo-dim">{ format!("at most {peak}") }</span> }
}

/// How it ended, if it has.
fn ending(process: &Process, failure: Option<&Failure>) -> Html {
    let Some(exit) = process.exit else {
        let is_gone = failure.is_some_and(Failure::is_not_found);
        return if is_gone {
            html! {
                <p class="mo-health mo-health--warning" role="status" data-testid="process-exit">
                    { icon(icon::INFO) }<span>{ "This process is gone. These are its last figures." }</span>
                </p>
            }
        } else {
            Html::default()
        };
    };
    let (text, tone) = words::exit(exit);
    let (class, shown) = match tone {
        Tone::Good => ("mo-health--good", icon::GOOD),
        Tone::Bad => ("mo-health--bad", icon::BAD),
        _ => ("mo-health--warning", icon::WARNING),
    };
    let when = process
        .ended_at
        .map(|at| format!(" at {}", browser::local_time(at.unix_ms())))
        .unwrap_or_default();
    html! {
        <p class={classes!("mo-health", class)} role="status" data-testid="process-exit">
            { icon(shown) }<span>{ format!("{text}{when}.") }</span>
        </p>
    }
}

/// Name and state, and what can be done.
fn head(app: &App, process: &Process, on_changed: &Callback<()>) -> Html {
    let may_change = app.session.0.may(Role::Operator);
    let is_blocked = why_not(process, may_change).is_some();
    let quick = if is_blocked {
        Html::default()
    } else if process.state == ProcessState::Suspended {
        let onclick = resume(app, process, on_changed).reform(|_: MouseEvent| ());
        html! { <Button look={Look::Secondary} icon={icon::PLAY} label="Resume" testid="detail-resume" {onclick} /> }
    } else {
        let onclick = suspend(app, process, on_changed).reform(|_: MouseEvent| ());
        html! { <Button look={Look::Secondary} icon={icon::PAUSE} label="Suspend" testid="detail-suspend" {onclick} /> }
    };
    html! {
        <header class="mo-page__head">
            <h1 class="mo-page__title">
                { process.name.as_str() }
                <span class="mo-page__number">{ process.pid }</span>
            </h1>
            { label::state_and_detail(process) }
            <span class="mo-toolbar__space"></span>
            <div class="mo-actions">
                { quick }
                <ProcessActions process={process.clone()} {may_change} shows_label=true on_changed={on_changed.clone()} />
            </div>
        </header>
    }
}
