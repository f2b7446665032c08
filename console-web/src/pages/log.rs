//! The kernel's log.

use admin_api::types::{LogLevel, LogLine};
use web_sys::{Element, KeyboardEvent};
use yew::prelude::*;

use crate::api::Stream;
use crate::browser;
use crate::components::button::{Button, Look};
use crate::components::field::{Choice, Select};
use crate::components::icon;
use crate::components::label::label;
use crate::components::stale::Stale;
use crate::format;
use crate::hooks::{use_batch, use_keys, use_stream, use_title};
use crate::model::log::LogAction;
use crate::model::words;
use crate::pages::processes::search_field;
use crate::read::from_text;
use crate::stores::use_app;

/// The log's page.
#[component]
pub fn LogPage() -> Html {
    let app = use_app();
    match app {
        Some(app) => html! { <Log {app} /> },
        None => Html::default(),
    }
}

#[derive(PartialEq, Properties)]
struct LogProps {
    app: crate::stores::App,
}

#[component]
fn Log(props: &LogProps) -> Html {
    use_title("Log".to_owned());
    let app = props.app.clone();
    let view = &app.log.0;
    {
        let log = app.log.dispatcher();
        let flush =
            Callback::from(move |lines: Vec<LogLine>| log.dispatch(LogAction::Lines(lines)));
        let take = use_batch(flush);
        use_stream(app.client.clone(), true, Stream::log, move |_, data| {
            if let Ok(line) = from_text::<LogLine>(data) {
                take.emit(line);
            }
        });
    }
    use_keys(Callback::from(|event: KeyboardEvent| {
        if event.key() == "/" && !browser::is_typing() {
            event.prevent_default();
            browser::focus_id("log-search");
        }
    }));
    let list = use_node_ref();
    {
        // While one follows, the newest line is in view.
        let list = list.clone();
        let is_following = view.is_following;
        use_effect_with((view.newest(), is_following, view.level), move |_| {
            if let Some(list) = list.cast::<Element>().filter(|_| is_following) {
                list.set_scroll_top(list.scroll_height());
            }
        });
    }
    let choices = LogLevel::ALL
        .iter()
        .map(|level| Choice {
            value: level.name(),
            text: match level {
                LogLevel::Error => "Errors only".into(),
                LogLevel::Warning => "Warnings and worse".into(),
                LogLevel::Info => "Info and worse".into(),
                LogLevel::Debug => "Everything".into(),
            },
        })
        .collect::<Vec<_>>();
    let on_level = {
        let log = app.log.clone();
        Callback::from(move |name: String| {
            if let Some(level) = LogLevel::from_name(&name) {
                log.dispatch(LogAction::Level(level));
            }
        })
    };
    let on_search = {
        let log = app.log.clone();
        Callback::from(move |text: String| log.dispatch(LogAction::Search(text)))
    };
    let toggle = {
        let log = app.log.clone();
        Callback::from(move |_: MouseEvent| log.dispatch(LogAction::ToggleFollowing))
    };
    let shown = view.shown();
    let (shown_icon, text) = if view.is_following {
        (icon::PAUSE, "Pause".to_owned())
    } else {
        match view.waiting() {
            0 => (icon::PLAY, "Follow".to_owned()),
            waiting => (icon::PLAY, format!("Follow ({waiting} new)")),
        }
    };
    let body = if shown.is_empty() {
        let why = if view.kept() == 0 { "The log is empty so far." } else { "No line matches." };
        html! { <p class="mo-dim mo-empty">{ why }</p> }
    } else {
        html! { { for shown.iter().map(|line| row(line)) } }
    };
    html! {
        <div class="mo-page mo-page--fill">
            <header class="mo-page__head">
                <h1 class="mo-page__title">{ "Log" }</h1>
                <p class="mo-page__about" role="status">
                    { format!("{} of {} lines", format::count(shown.len() as u64), format::count(view.kept() as u64)) }
                </p>
            </header>
            <div class="mo-toolbar" role="search">
                { search_field("log-search", "Search the log", &view.search, &on_search) }
                <Select id="log-level" label="Level" is_label_hidden=true value={view.level.name()} {choices} onchange={on_level} />
                <span class="mo-toolbar__space"></span>
                <Button look={Look::Secondary} icon={shown_icon} label={text}
                    testid="log-follow" onclick={toggle} />
            </div>
            <Stale at_ms={app.connection.0.reached_ms}>
                <div ref={list} class="mo-log" role="log" aria-live="off" aria-label="Log lines" tabindex="0" data-testid="log-lines">
                    { body }
                </div>
            </Stale>
        </div>
    }
}

fn row(line: &LogLine) -> Html {
    let (text, tone) = words::level(line.level);
    html! {
        <div class={classes!("mo-log__line", format!("mo-log__line--{}", line.level.name()))} key={line.sequence}
            data-testid="log-line">
            <time class="mo-log__time" title={format!("{} s after boot", format::count(line.uptime_ns / 1_000_000_000))}>
                { browser::local_time(line.at.unix_ms()) }
            </time>
            <span class="mo-log__level">
                if matches!(line.level, LogLevel::Error | LogLevel::Warning) {
                    { label(text, tone, None) }
                } else {
                    <span class="mo-dim">{ text }</span>
                }
            </span>
            <span class="mo-log__source">{ line.source.as_str() }</span>
            <span class="mo-log__text">{ line.message.as_str() }</span>
        </div>
    }
}
