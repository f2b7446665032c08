//! [`Shell`]: what stands around every page: head, navigation, connection, the system's menu.

use admin_api::types::{Event, EventKind, PowerAction, Role};
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use crate::browser;
use crate::components::banner::ConnectionBanner;
use crate::components::button::{Button, Look};
use crate::components::dialog::Dialog;
use crate::components::icon::{self, Icon, icon, mark};
use crate::components::menu::{Command, Menu};
use crate::hooks::{Round, use_live_poll, use_poll, use_route};
use crate::model::failure::Failure;
use crate::model::session::SessionAction;
use crate::model::words;
use crate::pages::emergency::EmergencyPage;
use crate::pages::log::LogPage;
use crate::pages::overview::OverviewPage;
use crate::pages::process::ProcessPage;
use crate::pages::processes::ProcessesPage;
use crate::pages::service::ServicePage;
use crate::pages::services::ServicesPage;
use crate::pages::services::graph::ServiceGraphPage;
use crate::route::Route;
use crate::stores::{App, use_app};
use crate::theme::{Theme, use_theme};

/// How often it is asked which services have failed, if nothing happens.
const FAILED_INTERVAL_MS: u32 = 5000;

/// The console of someone who is signed in.
#[component]
pub fn Shell() -> Html {
    use_mending();
    let failed = use_failed_services();
    let route = use_route();
    let skip = Callback::from(|_: MouseEvent| browser::focus_id("main"));
    html! {
        <div class="mo-shell">
            <button type="button" class="mo-skip" onclick={skip}>{ "Skip to the content" }</button>
            <Masthead />
            <nav class="mo-nav" aria-label="Pages">
                <ul class="mo-nav__list">
                    { nav_item(&route, &Route::Overview, "Overview", icon::OVERVIEW, &[]) }
                    { nav_item(&route, &Route::Processes, "Processes", icon::LIST, &[]) }
                    { nav_item(&route, &Route::Services, "Services", icon::SERVICES, &failed) }
                    { nav_item(&route, &Route::Log, "Log", icon::LOG, &[]) }
                    { nav_item(&route, &Route::Emergency, "Emergency", icon::WARNING, &[]) }
                </ul>
            </nav>
            <main id="main" class="mo-main" tabindex="-1">
                <ConnectionBanner />
                { page(&route) }
            </main>
        </div>
    }
}

fn page(route: &Route) -> Html {
    match route {
        Route::Overview => html! { <OverviewPage /> },
        Route::Processes => html! { <ProcessesPage /> },
        Route::Process { pid } => html! { <ProcessPage key={*pid} pid={*pid} /> },
        Route::ProcessSection { pid, section } => {
            html! { <ProcessPage key={*pid} pid={*pid} section={section.clone()} /> }
        }
        Route::Services => html! { <ServicesPage /> },
        Route::ServiceGraph => html! { <ServiceGraphPage /> },
        Route::Service { name } => {
            html! { <ServicePage key={name.as_str()} name={name.clone()} /> }
        }
        Route::ServiceSection { name, section } => {
            html! { <ServicePage key={name.as_str()} name={name.clone()} section={section.clone()} /> }
        }
        Route::Emergency => html! { <EmergencyPage /> },
        Route::Log => html! { <LogPage /> },
    }
}

/// While the system does not answer, asks it again after growing pauses, for all pages.
#[hook]
fn use_mending() {
    let app = use_app();
    let is_up = app.as_ref().is_none_or(|app| app.connection.0.is_up());
    let retries = app.as_ref().map_or(0, |app| *app.retries);
    use_poll(500, (is_up, retries), move |_| {
        let client = app.as_ref().filter(|_| !is_up).map(|app| app.client.clone());
        async move {
            match client {
                None => Round::Finished,
                Some(client) => match client.session().await {
                    Err(Failure::Unreachable(_)) => Round::Failed,
                    _ => Round::Finished,
                },
            }
        }
    });
}

/// The names of the services that have failed, on whatever page one is: read again when something
/// happened to a service, and now and then.
#[hook]
fn use_failed_services() -> Vec<AttrValue> {
    let failed = use_state_eq(Vec::<AttrValue>::new);
    let app = use_app();
    let last = app.as_ref().and_then(|app| {
        let is_state = |event: &&Event| event.kind == EventKind::ServiceStateChanged;
        app.events.0.iter().find(is_state).map(|event| event.sequence)
    });
    {
        let failed = failed.clone();
        use_live_poll(FAILED_INTERVAL_MS, last, move |app: App, wish| {
            let failed = failed.clone();
            async move {
                match app.client.failed_services().await {
                    _ if !wish.holds() => Round::Finished,
                    Ok(page) => {
                        let names = page.items.iter().map(|one| one.name.to_string().into());
                        failed.set(names.collect());
                        Round::Done
                    }
                    Err(Failure::SignedOut) => Round::Finished,
                    Err(Failure::Unreachable(_)) => Round::Failed,
                    Err(_) => Round::Done,
                }
            }
        });
    }
    (*failed).clone()
}

/// A link of the navigation; `badge`: names of what is wrong there.
fn nav_item(shown: &Route, to: &Route, label: &str, picture: Icon, badge: &[AttrValue]) -> Html {
    let is_current = match shown {
        Route::Process { .. } | Route::ProcessSection { .. } => *to == Route::Processes,
        Route::ServiceGraph | Route::Service { .. } | Route::ServiceSection { .. } => {
            *to == Route::Services
        }
        shown => shown == to,
    };
    let class = if is_current { "mo-nav__link mo-nav__link--current" } else { "mo-nav__link" };
    html! {
        <li aria-current={is_current.then_some("page")}>
            <a href={to.href()} {class}>
                { icon(picture) }
                <span>{ label }</span>
                if !badge.is_empty() {
                    <span class="mo-nav__badge" data-testid="nav-failed"
                        title={format!("Failed: {}", badge.join(", "))}>
                        <span class="pf-v6-screen-reader">{ ", failed: " }</span>
                        { badge.len() }
                    </span>
                }
            </a>
        </li>
    }
}

#[component]
fn Masthead() -> Html {
    let (theme, set_theme) = use_theme();
    let (name, shown) = match theme {
        Theme::Light => ("Switch to the dark theme", icon::MOON),
        Theme::Dark => ("Switch to the light theme", icon::SUN),
    };
    let onclick = set_theme.reform(move |_: MouseEvent| theme.other());
    let app = use_app();
    let is_up = app.as_ref().is_some_and(|app| app.connection.0.is_up());
    let (state, state_class) =
        if is_up { ("Live", "mo-live--up") } else { ("Disconnected", "mo-live--down") };
    html! {
        <header class="mo-head">
            <a href={Route::Overview.href()} class="mo-head__brand">
                { mark() }
                <span class="mo-head__name">{ "MultiOS" }</span>
            </a>
            <span class={classes!("mo-live", state_class)} role="status" data-testid="connection-state">
                <span class="mo-live__dot" aria-hidden="true"></span>
                { state }
            </span>
            <span class="mo-head__space"></span>
            <Button look={Look::Plain} icon={shown} {name} testid="theme-toggle" {onclick} />
            <SystemMenu />
        </header>
    }
}

/// What the menu's question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Question(PowerAction);

#[component]
fn SystemMenu() -> Html {
    let app = use_app();
    let question = use_state_eq(|| None::<Question>);
    let Some(app) = app else { return Html::default() };
    let Some(session) = app.session.0.session().cloned() else { return Html::default() };
    let ask = |action: PowerAction| {
        let question = question.clone();
        Callback::from(move |()| question.set(Some(Question(action))))
    };
    let sign_out = {
        let app = app.clone();
        Callback::from(move |()| {
            let app = app.clone();
            spawn_local(async move {
                match app.client.sign_out().await {
                    Ok(()) | Err(Failure::SignedOut) => {
                        app.session.dispatch(SessionAction::Left);
                    }
                    Err(failure) => app.notices.failed("Signing out", &failure),
                }
            });
        })
    };
    let missing = (!app.session.0.may(Role::Administrator)).then_some("Needs an administrator");
    let commands = vec![
        Command::new("Reboot …", "system-reboot", ask(PowerAction::Reboot)).blocked_by(missing),
        Command::new("Shut down …", "system-shutdown", ask(PowerAction::Shutdown))
            .danger()
            .blocked_by(missing),
        Command::new("Sign out", "sign-out", sign_out),
    ];
    let head = html! {
        <p class="mo-menu__head">
            <strong>{ session.user.as_str() }</strong>
            <span class="mo-dim">{ words::role(session.role) }</span>
        </p>
    };
    let close = {
        let question = question.clone();
        Callback::from(move |()| question.set(None))
    };
    html! {
        <>
            <Menu label="System and session" icon={icon::USER} {head} {commands} testid="system-menu" />
            if let Some(Question(action)) = *question {
                <PowerDialog {action} onclose={close} />
            }
        </>
    }
}

#[derive(PartialEq, Properties)]
struct PowerDialogProps {
    action: PowerAction,
    onclose: Callback<()>,
}

#[component]
fn PowerDialog(props: &PowerDialogProps) -> Html {
    let app = use_app();
    let is_busy = use_state_eq(|| false);
    let (title, text, verb, done) = match props.action {
        PowerAction::Shutdown => (
            "Shut the system down?",
            "All processes end and the machine switches off. It has to be started again from outside.",
            "Shut down",
            "The system shuts down",
        ),
        PowerAction::Reboot => (
            "Reboot the system?",
            "All processes end. The console connects again by itself when the system is back; you will have to sign in anew.",
            "Reboot",
            "The system reboots",
        ),
    };
    let confirm = {
        let (action, onclose, is_busy) = (props.action, props.onclose.clone(), is_busy.clone());
        Callback::from(move |()| {
            let Some(app) = app.clone() else { return };
            let (onclose, is_busy) = (onclose.clone(), is_busy.clone());
            is_busy.set(true);
            spawn_local(async move {
                match app.client.power(action).await {
                    Ok(()) => app.notices.good(done.to_owned()),
                    Err(failure) => app.notices.failed(verb, &failure),
                }
                onclose.emit(());
            });
        })
    };
    let footer = html! {
        <>
            <Button look={Look::Danger} label={verb} is_busy={*is_busy} testid="power-confirm"
                onclick={confirm.reform(|_: MouseEvent| ())} />
            <Button look={Look::Link} label="Cancel" testid="dialog-cancel" has_focus=true onclick={props.onclose.reform(|_: MouseEvent| ())} />
        </>
    };
    html! {
        <Dialog {title} onclose={props.onclose.clone()} {footer} testid="power-dialog">
            <p>{ text }</p>
        </Dialog>
    }
}
