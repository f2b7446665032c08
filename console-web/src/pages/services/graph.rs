//! The services as a graph: who uses whom, in the order of starting, live.

use admin_api::types::{EdgeKind, Service, ServiceGraph};
use yew::prelude::*;

use super::parts;
use crate::browser;
use crate::components::stale::Stale;
use crate::format;
use crate::hooks::{Round, use_live_poll, use_title};
use crate::model::failure::Failure;
use crate::model::service::graph::{self, BOX_HEIGHT, BOX_WIDTH};
use crate::model::service::words;
use crate::route::Route;
use crate::stores::{App, store};

/// How often the graph is read.
const INTERVAL_MS: u32 = 1500;
/// So long a name has room in a box.
const NAME_LENGTH: usize = 18;

/// The graph as far as it is known.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Known {
    /// The graph.
    pub graph: Option<ServiceGraph>,
    /// When it was read.
    pub at_ms: f64,
    failure: Option<Failure>,
}

type GraphNews = (f64, Result<ServiceGraph, Failure>);

impl Known {
    fn with(&self, (at_ms, answer): GraphNews) -> Self {
        match answer {
            Ok(graph) => Self { graph: Some(graph), at_ms, failure: None },
            Err(failure) => Self { failure: Some(failure), ..self.clone() },
        }
    }
}

store! {
    /// The graph.
    GraphStore(Known), GraphNews, with
}

/// Reads the graph again and again.
#[hook]
pub fn use_graph() -> Known {
    let store = use_reducer_eq(GraphStore::default);
    {
        let store = store.dispatcher();
        use_live_poll(INTERVAL_MS, (), move |app: App, wish| {
            let store = store.clone();
            async move {
                let answer = app.client.service_graph().await;
                if !wish.holds() {
                    return Round::Finished;
                }
                let round = parts::round(&answer);
                if round == Round::Done {
                    store.dispatch((browser::now_ms(), answer));
                }
                round
            }
        });
    }
    store.0.clone()
}

/// The page with the graph of all services.
#[component]
pub fn ServiceGraphPage() -> Html {
    use_title("Services".to_owned());
    let known = use_graph();
    let body = match &known.graph {
        None => html! { <p class="mo-dim" role="status">{ "Reading the graph …" }</p> },
        Some(found) if found.nodes.is_empty() => html! {
            <div class="mo-empty"><p class="mo-empty__title">{ "There is no service yet." }</p></div>
        },
        Some(found) => html! {
            <>
                <Picture graph={found.clone()} />
                { legend() }
                { order(found) }
            </>
        },
    };
    let about = known.graph.as_ref().map(|graph| {
        let (services, edges) = (graph.nodes.len() as u64, graph.edges.len() as u64);
        format!("{} services, {} edges", format::count(services), format::count(edges))
    });
    html! {
        <div class="mo-page" data-testid="service-graph">
            <header class="mo-page__head">
                <h1 class="mo-page__title">{ "Services" }</h1>
                <p class="mo-page__about" role="status">{ about.unwrap_or_default() }</p>
                <span class="mo-toolbar__space"></span>
                { super::view_switch(true) }
            </header>
            { parts::problem(known.failure.as_ref()) }
            <Stale at_ms={known.graph.as_ref().map(|_| known.at_ms)}>{ body }</Stale>
        </div>
    }
}

/// Properties of [`Picture`].
#[derive(PartialEq, Properties)]
pub struct PictureProps {
    /// What is drawn.
    pub graph: ServiceGraph,
    /// The service that it is about, if it is about one.
    #[prop_or_default]
    pub current: AttrValue,
}

/// The picture of a graph. Boxes lead to their services, by pointer and by keyboard.
#[component]
pub fn Picture(props: &PictureProps) -> Html {
    let pointed = use_state_eq(|| None::<String>);
    let graph = &props.graph;
    let layout = graph::layout(graph);
    let is_near = |name: &str| {
        pointed.as_deref().is_none_or(|pointed| {
            name == pointed
                || graph.edges.iter().any(|edge| {
                    let (from, to) = (edge.from.as_str(), edge.to.as_str());
                    (from == pointed && to == name) || (to == pointed && from == name)
                })
        })
    };
    let edges = layout.edges.iter().map(|drawn| {
        let edge = &graph.edges[drawn.edge];
        let is_faint = pointed
            .as_deref()
            .is_some_and(|pointed| edge.from.as_str() != pointed && edge.to.as_str() != pointed);
        let class = classes!(
            "mo-edge",
            format!("mo-edge--{}", edge.kind.name()),
            (!edge.satisfied).then_some("mo-edge--open"),
            is_faint.then_some("mo-is-faint"),
        );
        let holds = if edge.satisfied { "holds" } else { "does not hold" };
        let text = format!("{} → {}: {}, {holds}", edge.from, edge.to, words::edge(edge.kind));
        html! { <path {class} d={drawn.path.clone()}><title>{ text }</title></path> }
    });
    let nodes = layout.nodes.iter().map(|placed| {
        let node = &graph.nodes[placed.node];
        let name = node.name.to_string();
        let go = {
            let to = Route::Service { name: name.clone() };
            Callback::from(move |()| browser::go_to(&to))
        };
        let onclick = go.reform(|_: MouseEvent| ());
        let onkeydown = {
            let go = go.clone();
            Callback::from(move |event: KeyboardEvent| {
                if event.key() == "Enter" || event.key() == " " {
                    event.prevent_default();
                    go.emit(());
                }
            })
        };
        let point = |name: Option<String>| {
            let pointed = pointed.clone();
            Callback::from(move |()| pointed.set(name.clone()))
        };
        let (enter, leave) = (point(Some(name.clone())), point(None));
        let (state, _) = words::state(node.state);
        let below = if node.kind == admin_api::types::ServiceKind::Group {
            format!("{state} · group")
        } else {
            format!("{state} · {}/{}", node.ready_instances, node.instances)
        };
        let class = classes!(
            "mo-node",
            format!("mo-node--{}", graph::look(node)),
            (props.current == name).then_some("mo-node--current"),
            (!is_near(&name)).then_some("mo-is-faint"),
        );
        let short: String = if name.chars().count() > NAME_LENGTH {
            name.chars().take(NAME_LENGTH - 1).chain(std::iter::once('…')).collect()
        } else {
            name.clone()
        };
        html! {
            <g key={name.clone()} {class} role="link" tabindex="0" aria-label={format!("{name}: {below}")}
                data-testid="graph-node" data-name={name.clone()} data-state={node.state.name()}
                transform={format!("translate({:.0} {:.0})", placed.x, placed.y)} {onclick} {onkeydown}
                onpointerenter={enter.reform(|_: PointerEvent| ())} onpointerleave={leave.reform(|_: PointerEvent| ())}
                onfocus={enter.reform(|_: FocusEvent| ())} onblur={leave.reform(|_: FocusEvent| ())}>
                <title>{ name.clone() }</title>
                <rect class="mo-node__box" width={BOX_WIDTH.to_string()} height={BOX_HEIGHT.to_string()} rx="10" />
                <circle class="mo-node__dot" cx="18" cy="21" r="5" />
                <text class="mo-node__name" x="32" y="26">{ short }</text>
                <text class="mo-node__state" x="32" y="43">{ below }</text>
            </g>
        }
    });
    html! {
        <div class="mo-graph" data-testid="graph">
            <svg class="mo-graph__picture" width={format!("{:.0}", layout.width)} height={format!("{:.0}", layout.height)}
                viewBox={format!("0 0 {:.0} {:.0}", layout.width, layout.height)} role="group"
                aria-label="Services and what they use, in the order of starting">
                <g>{ for edges }</g>
                <g>{ for nodes }</g>
            </svg>
        </div>
    }
}

fn legend() -> Html {
    let items = EdgeKind::ALL.iter().map(|kind| {
        html! {
            <li class="mo-legend__item">
                <svg width="30" height="8" aria-hidden="true"><path class={format!("mo-edge mo-edge--{}", kind.name())} d="M0 4H30" /></svg>
                <span class="mo-legend__name">{ words::edge(*kind) }</span>
            </li>
        }
    });
    html! {
        <ul class="mo-legend mo-legend--inline mo-graph__legend">
            { for items }
            <li class="mo-legend__item">
                <svg width="30" height="8" aria-hidden="true"><path class="mo-edge mo-edge--required mo-edge--open" d="M0 4H30" /></svg>
                <span class="mo-legend__name">{ "Does not hold" }</span>
            </li>
        </ul>
    }
}

/// The order in words, for those who do not see the picture.
fn order(graph: &ServiceGraph) -> Html {
    let levels = graph.start_order.iter().map(|names| {
        let links = names.iter().map(|name| {
            let to = Route::Service { name: name.to_string() };
            html! { <li><a href={to.href()}>{ name.as_str() }</a></li> }
        });
        html! { <li><ul class="mo-order__level">{ for links }</ul></li> }
    });
    html! {
        <section class="mo-order" aria-label="Start order">
            <h2 class="mo-card__title">{ "Start order" }</h2>
            <ol class="mo-order__list" data-testid="start-order">{ for levels }</ol>
        </section>
    }
}

/// Whom a service uses and who uses it, with a picture; nothing when it is alone.
pub fn neighbours(known: &Known, service: &Service) -> Html {
    let Some(graph) = &known.graph else {
        return html! { <p class="mo-dim" role="status">{ "Reading …" }</p> };
    };
    let near = graph::around(graph, &service.name);
    html! { <Picture graph={near} current={service.name.to_string()} /> }
}
