//! What the instances of a service write, as it comes.

use admin_api::types::{OutputStream, ServiceLine};
use web_sys::{Element, KeyboardEvent};
use yew::prelude::*;

use crate::api::Stream;
use crate::browser;
use crate::components::button::{Button, Look};
use crate::components::field::{Choice, Select};
use crate::components::icon;
use crate::format;
use crate::hooks::{use_batch, use_keys, use_stream};
use crate::model::service::lines::{Lines, LinesAction};
use crate::pages::processes::search_field;
use crate::read::from_text;
use crate::stores::{App, store, use_app};

store! {
    /// The lines.
    LinesStore(Lines), LinesAction, reduce
}

/// Properties of [`Output`].
#[derive(PartialEq, Properties)]
pub(super) struct OutputProps {
    pub(super) name: AttrValue,
    /// How many instances there are.
    pub(super) instances: usize,
}

#[component]
pub(super) fn Output(props: &OutputProps) -> Html {
    match use_app() {
        Some(app) => {
            html! { <OutputOf {app} name={props.name.clone()} instances={props.instances} /> }
        }
        None => Html::default(),
    }
}

#[derive(PartialEq, Properties)]
struct InnerProps {
    app: App,
    name: AttrValue,
    instances: usize,
}

#[component]
fn OutputOf(props: &InnerProps) -> Html {
    let store = use_reducer_eq(LinesStore::default);
    let lines = &store.0;
    {
        let flush = {
            let store = store.dispatcher();
            Callback::from(move |lines: Vec<ServiceLine>| store.dispatch(LinesAction::Add(lines)))
        };
        let take = use_batch(flush);
        let (name, newest) = (props.name.clone(), lines.newest());
        use_stream(
            props.app.client.clone(),
            Some(props.name.clone()),
            move |news| Stream::service_output(&name, newest, news),
            move |_, data| {
                if let Ok(line) = from_text::<ServiceLine>(data) {
                    take.emit(line);
                }
            },
        );
    }
    use_keys(Callback::from(|event: KeyboardEvent| {
        if event.key() == "/" && !browser::is_typing() {
            event.prevent_default();
            browser::focus_id("output-search");
        }
    }));
    let node = use_node_ref();
    let shown = lines.shown();
    {
        let node = node.clone();
        let is_following = lines.is_following;
        use_effect_with((lines.newest(), is_following, shown.len()), move |_| {
            if let Some(element) = node.cast::<Element>().filter(|_| is_following) {
                element.set_scroll_top(element.scroll_height());
            }
        });
    }
    let act = |action: fn(String) -> LinesAction| {
        let store = store.dispatcher();
        Callback::from(move |text: String| store.dispatch(action(text)))
    };
    let toggle = {
        let (store, is_following) = (store.dispatcher(), lines.is_following);
        Callback::from(move |_: MouseEvent| store.dispatch(LinesAction::Follow(!is_following)))
    };
    let streams = std::iter::once(Choice { value: "", text: "All streams".into() })
        .chain(
            OutputStream::ALL
                .iter()
                .map(|stream| Choice { value: stream.name(), text: stream_word(*stream).into() }),
        )
        .collect::<Vec<_>>();
    let (follow_icon, follow) =
        if lines.is_following { (icon::PAUSE, "Pause") } else { (icon::PLAY, "Follow") };
    let body = if shown.is_empty() {
        let why =
            if lines.kept() == 0 { "It has written nothing so far." } else { "No line matches." };
        html! { <p class="mo-dim mo-empty">{ why }</p> }
    } else {
        html! { { for shown.iter().map(|line| row(line)) } }
    };
    html! {
        <>
            <div class="mo-toolbar" role="search">
                { search_field("output-search", "Search the output", &lines.search, &act(LinesAction::Search)) }
                <Select id="output-stream" label="Stream" is_label_hidden=true choices={streams}
                    value={lines.stream.map_or("", OutputStream::name)}
                    onchange={act(|name| LinesAction::Stream(OutputStream::from_name(&name)))} />
                { instance_filter(lines, props.instances, &act(|text| LinesAction::Instance(text.parse().ok()))) }
                <span class="mo-toolbar__space"></span>
                <span class="mo-dim mo-figure" role="status">
                    { format!("{} of {} lines", format::count(shown.len() as u64), format::count(lines.kept() as u64)) }
                </span>
                <Button look={Look::Secondary} icon={follow_icon} label={follow} testid="output-follow"
                    is_pressed={Some(lines.is_following)} onclick={toggle} />
            </div>
            <div ref={node} class="mo-log mo-log--page" role="log" aria-live="off" aria-label="Output" tabindex="0" data-testid="service-output">
                { body }
            </div>
        </>
    }
}

/// Buttons for the instances, when there are several and not too many.
fn instance_filter(lines: &Lines, instances: usize, pick: &Callback<String>) -> Html {
    const MOST: usize = 8;
    if !(2..=MOST).contains(&instances) {
        return Html::default();
    }
    let button = |text: String, value: String, is_on: bool| {
        let onclick = pick.reform(move |_: MouseEvent| value.clone());
        html! {
            <button type="button" class="mo-chip mo-chip--neutral" aria-pressed={if is_on { "true" } else { "false" }} {onclick}>{ text }</button>
        }
    };
    let all = (0_u32..).take(instances).map(|number| {
        button(format!("#{number}"), number.to_string(), lines.instance == Some(number))
    });
    html! {
        <div class="mo-chips" role="group" aria-label="Instance">
            { button("All".to_owned(), String::new(), lines.instance.is_none()) }
            { for all }
        </div>
    }
}

fn stream_word(stream: OutputStream) -> &'static str {
    match stream {
        OutputStream::Stdout => "Output",
        OutputStream::Stderr => "Errors",
        OutputStream::Manager => "Manager",
    }
}

fn row(line: &ServiceLine) -> Html {
    let who = match line.instance {
        Some(instance) => format!("#{instance}"),
        None => String::new(),
    };
    let class = format!("mo-line-of--{}", line.stream.name());
    html! {
        <div class={classes!("mo-log__line", "mo-line-of", class)} key={line.sequence} data-testid="output-line" data-stream={line.stream.name()}>
            <time class="mo-log__time">{ browser::local_time(line.at.unix_ms()) }</time>
            <span class="mo-log__source mo-figure">{ who }</span>
            <span class="mo-log__text">
                { line.text.as_str() }
                if line.truncated { <span class="mo-dim">{ " …" }</span> }
            </span>
        </div>
    }
}
