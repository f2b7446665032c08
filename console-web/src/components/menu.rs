//! [`Menu`]: a button that opens a list of commands, as the ARIA practices describe it: arrow keys,
//! Home, End, Escape; the keyboard returns to the button.

use gloo_events::EventListener;
use gloo_utils::{document, window};
use wasm_bindgen::JsCast as _;
use web_sys::{HtmlElement, KeyboardEvent};
use yew::prelude::*;

use super::icon::{Icon, icon};

/// One command of a menu.
#[derive(Clone, PartialEq)]
pub struct Command {
    /// What it says.
    pub label: AttrValue,
    /// Why it cannot be used now; nothing if it can.
    pub reason: Option<AttrValue>,
    /// Whether it destroys something.
    pub is_danger: bool,
    /// `data-testid`.
    pub testid: AttrValue,
    /// What it does.
    pub action: Callback<()>,
}

impl Command {
    /// A command that can be used.
    #[must_use]
    pub fn new(label: &'static str, testid: &'static str, action: Callback<()>) -> Self {
        Self { label: label.into(), reason: None, is_danger: false, testid: testid.into(), action }
    }

    /// The same as something that destroys.
    #[must_use]
    pub fn danger(mut self) -> Self {
        self.is_danger = true;
        self
    }

    /// The same, unusable for this reason unless there is none.
    #[must_use]
    pub fn blocked_by(mut self, reason: Option<&'static str>) -> Self {
        self.reason = reason.map(AttrValue::from);
        self
    }
}

/// Properties of [`Menu`].
#[derive(PartialEq, Properties)]
pub struct MenuProps {
    /// The button's accessible name, and its text if there is no icon.
    pub label: AttrValue,
    /// The button's icon, shown instead of the label.
    #[prop_or_default]
    pub icon: Option<Icon>,
    /// Whether the label is shown beside the icon.
    #[prop_or_default]
    pub shows_label: bool,
    /// Above the commands.
    #[prop_or_default]
    pub head: Html,
    /// The commands.
    pub commands: Vec<Command>,
    /// `data-testid` of the button.
    pub testid: AttrValue,
    /// Told when it opens and closes.
    #[prop_or_default]
    pub on_toggle: Callback<bool>,
}

/// A menu and its button.
#[component]
pub fn Menu(props: &MenuProps) -> Html {
    let is_open = use_state_eq(|| false);
    let button = use_node_ref();
    let panel = use_node_ref();
    let set_open = {
        let (is_open, on_toggle) = (is_open.clone(), props.on_toggle.clone());
        Callback::from(move |open: bool| {
            is_open.set(open);
            on_toggle.emit(open);
        })
    };
    {
        let (button, panel, set_open) = (button.clone(), panel.clone(), set_open.clone());
        use_effect_with(*is_open, move |is_open| {
            let listeners = is_open.then(|| {
                place(&button, &panel);
                focus(&items(&panel), 0);
                close_listeners(&button, &panel, &set_open)
            });
            || drop(listeners)
        });
    }
    let onkeydown = {
        let (button, panel, set_open) = (button.clone(), panel.clone(), set_open.clone());
        Callback::from(move |event: KeyboardEvent| on_key(&event, &button, &panel, &set_open))
    };
    let onclick = {
        let (set_open, is_open) = (set_open.clone(), is_open.clone());
        Callback::from(move |_| set_open.emit(!*is_open))
    };
    let class =
        if props.icon.is_some() && !props.shows_label { "pf-m-plain" } else { "pf-m-secondary" };
    html! {
        <div class="mo-menu" {onkeydown}>
            <button ref={button.clone()} type="button" class={classes!("pf-v6-c-button", class)}
                aria-haspopup="menu" aria-expanded={if *is_open { "true" } else { "false" }}
                aria-label={props.label.clone()} title={(!props.shows_label).then(|| props.label.clone())}
                data-testid={props.testid.clone()} {onclick}>
                if let Some(shown) = props.icon {
                    <span class={classes!("pf-v6-c-button__icon", props.shows_label.then_some("pf-m-start"))}>{ icon(shown) }</span>
                }
                if props.shows_label {
                    <span class="pf-v6-c-button__text">{ &props.label }</span>
                }
            </button>
            if *is_open {
                <div ref={panel} class="pf-v6-c-menu mo-menu__panel">
                    { props.head.clone() }
                    <ul class="pf-v6-c-menu__list mo-menu__list" role="menu" aria-label={props.label.clone()}>
                        { for props.commands.iter().map(|command| item(command, &button, &set_open)) }
                    </ul>
                </div>
            }
        </div>
    }
}

fn item(command: &Command, button: &NodeRef, set_open: &Callback<bool>) -> Html {
    let onclick = {
        let (action, button, set_open) = (command.action.clone(), button.clone(), set_open.clone());
        let is_blocked = command.reason.is_some();
        Callback::from(move |_: MouseEvent| {
            if !is_blocked {
                set_open.emit(false);
                // The dialog that may follow gives the keyboard back to where it is now.
                focus_node(&button);
                action.emit(());
            }
        })
    };
    html! {
        <li role="none">
            <button type="button" role="menuitem" tabindex="-1"
                class={classes!("mo-menu__item", command.is_danger.then_some("mo-menu__item--danger"))}
                aria-disabled={command.reason.is_some().then_some("true")}
                data-testid={command.testid.clone()} {onclick}>
                <span>{ &command.label }</span>
                if let Some(reason) = &command.reason {
                    <span class="mo-menu__reason">{ reason }</span>
                }
            </button>
        </li>
    }
}

/// Puts the panel below the button, or above it where there is no room; the page may scroll
/// inside a table, so the place is fixed to the window.
fn place(button: &NodeRef, panel: &NodeRef) {
    let (Some(button), Some(panel)) = (button.cast::<HtmlElement>(), panel.cast::<HtmlElement>())
    else {
        return;
    };
    let size = |value: Result<wasm_bindgen::JsValue, _>| {
        value.ok().and_then(|value| value.as_f64()).unwrap_or_default()
    };
    let (width, height) = (size(window().inner_width()), size(window().inner_height()));
    let anchor = button.get_bounding_client_rect();
    let own = panel.get_bounding_client_rect();
    let left = (anchor.right() - own.width()).clamp(8.0, (width - own.width() - 8.0).max(8.0));
    let below = anchor.bottom() + 4.0;
    let top = if below + own.height() > height - 8.0 {
        (anchor.top() - own.height() - 4.0).max(8.0)
    } else {
        below
    };
    for (name, value) in [("left", left), ("top", top)] {
        // Setting a known property to a length does not fail.
        let _ = panel.style().set_property(name, &format!("{value:.0}px"));
    }
}

fn close_listeners(
    button: &NodeRef,
    panel: &NodeRef,
    set_open: &Callback<bool>,
) -> Vec<EventListener> {
    let (button, panel, outside) = (button.clone(), panel.clone(), set_open.clone());
    let on_press = EventListener::new(&document(), "mousedown", move |event| {
        let target = event.target().and_then(|target| target.dyn_into::<web_sys::Node>().ok());
        let is_inside =
            |node: &NodeRef| node.get().is_some_and(|node| node.contains(target.as_ref()));
        if !is_inside(&button) && !is_inside(&panel) {
            outside.emit(false);
        }
    });
    let scrolled = set_open.clone();
    let options = gloo_events::EventListenerOptions::run_in_capture_phase();
    let on_scroll = EventListener::new_with_options(&document(), "scroll", options, move |_| {
        scrolled.emit(false);
    });
    let resized = set_open.clone();
    let on_resize = EventListener::new(&window(), "resize", move |_| resized.emit(false));
    vec![on_press, on_scroll, on_resize]
}

fn on_key(event: &KeyboardEvent, button: &NodeRef, panel: &NodeRef, set_open: &Callback<bool>) {
    let items = items(panel);
    if items.is_empty() {
        if event.key() == "ArrowDown" {
            event.prevent_default();
            set_open.emit(true);
        }
        return;
    }
    let active = document().active_element();
    let at = items.iter().position(|item| Some(item.as_ref()) == active.as_ref()).unwrap_or(0);
    let last = items.len() - 1;
    match event.key().as_str() {
        "ArrowDown" => focus(&items, if at == last { 0 } else { at + 1 }),
        "ArrowUp" => focus(&items, if at == 0 { last } else { at - 1 }),
        "Home" => focus(&items, 0),
        "End" => focus(&items, last),
        "Escape" => {
            set_open.emit(false);
            focus_node(button);
        }
        "Tab" => {
            set_open.emit(false);
            return;
        }
        _ => return,
    }
    event.prevent_default();
    event.stop_propagation();
}

fn items(panel: &NodeRef) -> Vec<HtmlElement> {
    let Some(panel) = panel.cast::<HtmlElement>() else { return Vec::new() };
    let Ok(list) = panel.query_selector_all("[role=menuitem]") else { return Vec::new() };
    (0..list.length()).filter_map(|at| list.get(at)?.dyn_into().ok()).collect()
}

fn focus(items: &[HtmlElement], at: usize) {
    if let Some(item) = items.get(at) {
        // An element that is gone takes no focus.
        let _ = item.focus();
    }
}

fn focus_node(node: &NodeRef) {
    if let Some(element) = node.cast::<HtmlElement>() {
        // As above.
        let _ = element.focus();
    }
}
