//! What the process writes, as it comes.

use std::rc::Rc;

use admin_api::types::ProcessOutput;
use web_sys::Element;
use yew::prelude::*;

use crate::api::Stream;
use crate::components::button::{Button, Look};
use crate::components::card::Card;
use crate::components::icon;
use crate::hooks::{use_batch, use_stream};
use crate::model::output::Output;
use crate::read::from_text;
use crate::stores::use_app;

#[derive(Debug, Clone, PartialEq, Default)]
struct OutputStore(Output);

enum OutputNews {
    Parts(Vec<ProcessOutput>),
    Ended,
}

impl Reducible for OutputStore {
    type Action = OutputNews;

    fn reduce(self: Rc<Self>, news: OutputNews) -> Rc<Self> {
        match news {
            OutputNews::Parts(parts) => {
                let output = parts.iter().fold(self.0.clone(), |output, part| output.with(part));
                Rc::new(Self(output))
            }
            OutputNews::Ended => Rc::new(Self(Output { has_ended: true, ..self.0.clone() })),
        }
    }
}

/// Properties of [`OutputCard`].
#[derive(PartialEq, Properties)]
pub(super) struct OutputProps {
    pub(super) pid: u32,
}

#[component]
pub(super) fn OutputCard(props: &OutputProps) -> Html {
    match use_app() {
        Some(app) => html! { <OutputOf pid={props.pid} {app} /> },
        None => Html::default(),
    }
}

#[derive(PartialEq, Properties)]
struct InnerProps {
    pid: u32,
    app: crate::stores::App,
}

#[component]
fn OutputOf(props: &InnerProps) -> Html {
    let pid = props.pid;
    let store = use_reducer_eq(OutputStore::default);
    let is_following = use_state_eq(|| true);
    let output = &store.0;
    {
        let flush = {
            let store = store.dispatcher();
            Callback::from(move |parts: Vec<ProcessOutput>| {
                store.dispatch(OutputNews::Parts(parts));
            })
        };
        let take = use_batch(flush);
        let ended = store.dispatcher();
        let offset = output.next_offset;
        let wanted = (!output.has_ended).then_some(pid);
        use_stream(
            props.app.client.clone(),
            wanted,
            move |news| Stream::output(pid, offset, news),
            move |name, data| {
                if name == "end" {
                    ended.dispatch(OutputNews::Ended);
                } else if let Ok(part) = from_text::<ProcessOutput>(data) {
                    take.emit(part);
                }
            },
        );
    }
    let node = use_node_ref();
    {
        let node = node.clone();
        use_effect_with((output.next_offset, *is_following), move |(_, is_following)| {
            if let Some(element) = node.cast::<Element>().filter(|_| *is_following) {
                element.set_scroll_top(element.scroll_height());
            }
        });
    }
    let toggle = {
        let is_following = is_following.clone();
        Callback::from(move |_: MouseEvent| is_following.set(!*is_following))
    };
    let (shown, name) =
        if *is_following { (icon::PAUSE, "Stop following") } else { (icon::PLAY, "Follow") };
    let state = if output.has_ended { "ended" } else { "live" };
    let aside = html! {
        <>
            <span class="mo-dim">{ state }</span>
            <Button look={Look::Plain} is_small=true icon={shown} {name} is_pressed={Some(*is_following)}
                testid="output-follow" onclick={toggle} />
        </>
    };
    let body = if output.text.is_empty() {
        let why =
            if output.has_ended { "It wrote nothing." } else { "It has written nothing so far." };
        html! { <p class="mo-dim mo-output__none">{ why }</p> }
    } else {
        html! { <code>{ &output.text }</code> }
    };
    html! {
        <Card title="Output" {aside}>
            if output.is_cut {
                <p class="mo-dim">{ "Earlier output is not kept." }</p>
            }
            <pre ref={node} class="mo-output" tabindex="0" aria-label="Output" data-testid="process-output">{ body }</pre>
        </Card>
    }
}
