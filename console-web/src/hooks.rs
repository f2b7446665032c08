//! Hooks: polling, the page's visibility, a clock, keys.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use gloo_events::EventListener;
use gloo_timers::callback::{Interval, Timeout};
use gloo_timers::future::TimeoutFuture;
use gloo_utils::{document, window};
use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::spawn_local;
use web_sys::KeyboardEvent;
use yew::prelude::*;

use crate::api::{Client, Stream, StreamNews};
use crate::browser;
use crate::model::connection::backoff_ms;
use crate::route::Route;
use crate::stores::{App, use_app};

/// How a round of polling went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Round {
    /// The system answered: again after the interval.
    Done,
    /// The system could not be reached: again after a growing pause.
    Failed,
    /// There is nothing more to ask.
    Finished,
}

/// Tells a round of polling whether its answer is still wanted: not when something else was asked in
/// the meantime, whose answer may have come first.
#[derive(Clone)]
pub struct Wish(Rc<Cell<bool>>);

impl Wish {
    /// Whether the answer is still wanted.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.0.get()
    }
}

/// The page that the address bar names.
#[hook]
pub fn use_route() -> Route {
    let route = use_state_eq(browser::route);
    {
        let route = route.clone();
        use_effect_with((), move |()| {
            let listener = EventListener::new(&window(), "hashchange", move |_| {
                route.set(browser::route());
            });
            || drop(listener)
        });
    }
    (*route).clone()
}

/// Whether someone can see the page.
#[hook]
pub fn use_visible() -> bool {
    let is_visible = use_state_eq(|| !browser::is_hidden());
    {
        let is_visible = is_visible.clone();
        use_effect_with((), move |()| {
            let listener = EventListener::new(&document(), "visibilitychange", move |_| {
                is_visible.set(!browser::is_hidden());
            });
            || drop(listener)
        });
    }
    *is_visible
}

/// What is done in a round.
type Rounds = dyn Fn(Wish) -> Pin<Box<dyn Future<Output = Round>>>;

/// Runs `round` at once and then again and again, `interval_ms` after it has finished, while the
/// component is there and the page can be seen. Starts anew when `deps` change.
#[hook]
pub fn use_poll<D, F, R>(interval_ms: u32, deps: D, round: F)
where
    D: PartialEq + 'static,
    F: Fn(Wish) -> R + 'static,
    R: Future<Output = Round> + 'static,
{
    let generation = use_generation(deps);
    use_rounds(interval_ms, generation, Rc::new(move |wish| Box::pin(round(wish))));
}

/// Counts how often `deps` have changed.
#[hook]
fn use_generation<D: PartialEq + 'static>(deps: D) -> u32 {
    let count = use_mut_ref(|| 0_u32);
    *use_memo(deps, |_| {
        let next = count.borrow().wrapping_add(1);
        *count.borrow_mut() = next;
        next
    })
}

/// [`use_poll`] once for all kinds of rounds, so that the module has its code once.
#[hook]
fn use_rounds(interval_ms: u32, generation: u32, round: Rc<Rounds>) {
    let is_visible = use_visible();
    use_effect_with((generation, is_visible), move |(_, is_visible)| {
        let is_alive = Rc::new(Cell::new(*is_visible));
        if *is_visible {
            let is_alive = is_alive.clone();
            spawn_local(async move {
                let mut failures = 0_u32;
                while is_alive.get() {
                    let pause_ms = match round(Wish(is_alive.clone())).await {
                        Round::Finished => break,
                        Round::Done => {
                            failures = 0;
                            interval_ms
                        }
                        Round::Failed => {
                            failures = failures.saturating_add(1);
                            wait_ms(failures)
                        }
                    };
                    if is_alive.get() {
                        TimeoutFuture::new(pause_ms).await;
                    }
                }
            });
        }
        move || is_alive.set(false)
    });
}

/// As [`use_poll`] for a page: nothing is asked while the system does not answer (the shell tries
/// that), and everything at once when it is back.
#[hook]
pub fn use_live_poll<D, F, R>(interval_ms: u32, deps: D, round: F)
where
    D: PartialEq + 'static,
    F: Fn(App, Wish) -> R + 'static,
    R: Future<Output = Round> + 'static,
{
    let app = use_app();
    let is_up = app.as_ref().is_some_and(|app| app.connection.0.is_up());
    use_poll(interval_ms, (deps, is_up), move |wish| {
        let next: Pin<Box<dyn Future<Output = Round>>> = match &app {
            Some(app) if is_up => Box::pin(round(app.clone(), wish)),
            _ => Box::pin(std::future::ready(Round::Finished)),
        };
        next
    });
}

/// Keeps a stream open while `is_wanted` and the page can be seen, and hands its events on. The
/// browser mends a stream that breaks; one that it gave up is opened anew after a growing pause.
/// `open` gets the position only when it is called, so a stream goes on where it was.
#[hook]
pub fn use_stream<D, O, E>(client: Client, is_wanted: D, open: O, on_event: E)
where
    D: Wanted,
    O: Fn(Callback<StreamNews>) -> Option<Stream> + 'static,
    E: Fn(&'static str, &str) + 'static,
{
    let is_visible = use_visible();
    let generation = use_state_eq(|| 0_u32);
    let failures = use_mut_ref(|| 0_u32);
    // The newest closures, for a stream that is older than they are.
    let latest: Rc<RefCell<Option<Handlers>>> = use_mut_ref(|| None);
    *latest.borrow_mut() = Some(Handlers { open: Box::new(open), on_event: Box::new(on_event) });
    use_effect_with((is_wanted, is_visible, *generation), move |(is_wanted, is_visible, _)| {
        let reopen: Rc<RefCell<Option<Timeout>>> = Rc::default();
        let stream = (is_wanted.is_wanted() && *is_visible).then(|| {
            let (reopen, handlers) = (reopen.clone(), latest.clone());
            let news = Callback::from(move |news: StreamNews| match news {
                StreamNews::Event { name, data } => {
                    if let Some(handlers) = &*handlers.borrow() {
                        (handlers.on_event)(name, &data);
                    }
                }
                StreamNews::Opened => *failures.borrow_mut() = 0,
                StreamNews::Broken { is_closed } => {
                    // A request tells the application whether the session has ended or the
                    // system is away.
                    let probe = client.clone();
                    spawn_local(async move {
                        let _ = probe.session().await;
                    });
                    if is_closed {
                        let failed = failures.borrow().saturating_add(1);
                        *failures.borrow_mut() = failed;
                        let generation = generation.clone();
                        *reopen.borrow_mut() = Some(Timeout::new(wait_ms(failed), move || {
                            generation.set(generation.wrapping_add(1));
                        }));
                    }
                }
            });
            latest.borrow().as_ref().and_then(|handlers| (handlers.open)(news))
        });
        move || {
            drop(stream);
            drop(reopen);
        }
    });
}

/// Collects what comes in a burst, such as the first thousand lines of a log, and hands it on
/// together, so that the page is drawn once and not a thousand times.
#[hook]
pub fn use_batch<T: 'static>(flush: Callback<Vec<T>>) -> Callback<T> {
    let waiting = use_mut_ref(Vec::<T>::new);
    let timer = use_mut_ref(|| None::<Timeout>);
    Callback::from(move |item: T| {
        waiting.borrow_mut().push(item);
        if timer.borrow().is_none() {
            let (waiting, flush, done) = (waiting.clone(), flush.clone(), timer.clone());
            *timer.borrow_mut() = Some(Timeout::new(BATCH_MS, move || {
                done.borrow_mut().take();
                flush.emit(std::mem::take(&mut *waiting.borrow_mut()));
            }));
        }
    })
}

/// How long a burst is collected; too short to be seen.
const BATCH_MS: u32 = 60;

/// What decides whether a stream is wanted; a change opens another one.
pub trait Wanted: PartialEq + 'static {
    /// Whether there is to be a stream.
    fn is_wanted(&self) -> bool;
}

impl Wanted for bool {
    fn is_wanted(&self) -> bool {
        *self
    }
}

impl<T: PartialEq + 'static> Wanted for Option<T> {
    fn is_wanted(&self) -> bool {
        self.is_some()
    }
}

type Open = dyn Fn(Callback<StreamNews>) -> Option<Stream>;
type OnEvent = dyn Fn(&'static str, &str);

struct Handlers {
    open: Box<Open>,
    on_event: Box<OnEvent>,
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the pause is between half a second and ten"
)]
fn wait_ms(failures: u32) -> u32 {
    backoff_ms(failures) as u32
}

/// The browser's clock, once a second while `is_wanted`.
#[hook]
pub fn use_clock(is_wanted: bool) -> f64 {
    let now = use_state_eq(browser::now_ms);
    {
        let now = now.clone();
        use_effect_with(is_wanted, move |is_wanted| {
            now.set(browser::now_ms());
            let interval =
                is_wanted.then(|| Interval::new(1000, move || now.set(browser::now_ms())));
            || drop(interval)
        });
    }
    *now
}

/// Calls back for every key pressed anywhere.
#[hook]
pub fn use_keys(on_key: Callback<KeyboardEvent>) {
    use_effect_with(on_key, |on_key| {
        let on_key = on_key.clone();
        let options = gloo_events::EventListenerOptions::enable_prevent_default();
        let listener =
            EventListener::new_with_options(&window(), "keydown", options, move |event| {
                if let Some(event) = event.dyn_ref::<KeyboardEvent>() {
                    on_key.emit(event.clone());
                }
            });
        || drop(listener)
    });
}

/// How many CPUs there are, once the system has said so.
#[hook]
pub fn use_cpu_count() -> Option<u32> {
    let app = use_app();
    let count = use_state_eq(|| None::<u32>);
    let known = app
        .as_ref()
        .and_then(|app| app.overview.0.reading.as_ref())
        .map(|reading| reading.system.cpus.present);
    {
        let count = count.clone();
        use_effect_with(known.is_none(), move |is_unknown| {
            if let Some(app) = app.filter(|_| *is_unknown) {
                spawn_local(async move {
                    // Without an answer the system alone checks.
                    if let Ok(system) = app.client.system().await {
                        count.set(Some(system.cpus.present));
                    }
                });
            }
        });
    }
    known.or(*count)
}

/// Sets the window's title while the component is there.
#[hook]
pub fn use_title(title: String) {
    use_effect_with(title, |title| browser::set_title(title));
}
