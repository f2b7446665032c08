//! Short messages about how something went: [`Notices`] takes them, [`NoticeList`] shows them.

use std::rc::Rc;

use gloo_timers::callback::Timeout;
use yew::prelude::*;

use super::button::{Button, Look};
use super::icon::{self, icon};
use crate::model::failure::Failure;

/// How long good news stay. Bad news stay until they are closed.
const SHOWN_MS: u32 = 5000;
/// More at once are not read.
const AT_ONCE: usize = 4;

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    number: u32,
    is_good: bool,
    text: String,
}

/// What happens to the messages.
#[derive(Debug)]
pub enum NoticeAction {
    /// A message.
    Add {
        /// Whether it is good news.
        is_good: bool,
        /// What it says.
        text: String,
    },
    /// It was read, or its time is over.
    Close(u32),
}

/// The messages that are shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NoticeStore {
    shown: Vec<Notice>,
    next: u32,
}

impl Reducible for NoticeStore {
    type Action = NoticeAction;

    fn reduce(self: Rc<Self>, action: NoticeAction) -> Rc<Self> {
        let mut store = (*self).clone();
        match action {
            NoticeAction::Add { is_good, text } => {
                // The same trouble again replaces itself, so that it does not fill the screen.
                store.shown.retain(|notice| notice.text != text);
                store.shown.push(Notice { number: store.next, is_good, text });
                store.next = store.next.wrapping_add(1);
                if store.shown.len() > AT_ONCE {
                    store.shown.remove(0);
                }
            }
            NoticeAction::Close(number) => store.shown.retain(|notice| notice.number != number),
        }
        Rc::new(store)
    }
}

/// Tells the user how something went.
#[derive(Clone, PartialEq)]
pub struct Notices(pub UseReducerDispatcher<NoticeStore>);

impl Notices {
    /// It worked.
    pub fn good(&self, text: String) {
        self.0.dispatch(NoticeAction::Add { is_good: true, text });
    }

    /// It did not. A lost connection or session is shown elsewhere.
    pub fn failed(&self, what: &str, failure: &Failure) {
        if matches!(failure, Failure::SignedOut) {
            return;
        }
        let text = format!("{what}: {}", failure.message());
        self.0.dispatch(NoticeAction::Add { is_good: false, text });
    }
}

/// Properties of [`NoticeList`].
#[derive(PartialEq, Properties)]
pub struct NoticeListProps {
    /// The messages.
    pub store: UseReducerHandle<NoticeStore>,
}

/// The messages, above everything else.
#[component]
pub fn NoticeList(props: &NoticeListProps) -> Html {
    let items = props.store.shown.iter().map(|notice| {
        html! {
            <NoticeItem key={notice.number} notice={notice.clone()} dispatcher={Notices(props.store.dispatcher())} />
        }
    });
    html! {
        <ul class="pf-v6-c-alert-group pf-m-toast mo-notices" role="list" aria-live="polite" data-testid="notices">
            { for items }
        </ul>
    }
}

#[derive(PartialEq, Properties)]
struct NoticeItemProps {
    notice: Notice,
    dispatcher: Notices,
}

#[component]
fn NoticeItem(props: &NoticeItemProps) -> Html {
    let Notice { number, is_good, text } = props.notice.clone();
    let close = {
        let dispatcher = props.dispatcher.clone();
        Callback::from(move |()| dispatcher.0.dispatch(NoticeAction::Close(number)))
    };
    {
        let close = close.clone();
        use_effect_with(number, move |_| {
            let timeout = is_good.then(|| Timeout::new(SHOWN_MS, move || close.emit(())));
            || drop(timeout)
        });
    }
    let (class, shown, word) = if is_good {
        ("pf-m-success", icon::GOOD, "Done")
    } else {
        ("pf-m-danger", icon::BAD, "Failed")
    };
    html! {
        <li class="pf-v6-c-alert-group__item">
            <div class={classes!("pf-v6-c-alert", class)}>
                <div class="pf-v6-c-alert__icon">{ icon(shown) }</div>
                <p class="pf-v6-c-alert__title">
                    <span class="pf-v6-screen-reader">{ format!("{word}: ") }</span>
                    { text }
                </p>
                <div class="pf-v6-c-alert__action">
                    <Button look={Look::Plain} icon={icon::CLOSE} name="Close this message"
                        onclick={close.reform(|_| ())} />
                </div>
            </div>
        </li>
    }
}
