//! What can be done to a service, as a menu; used by the list and, with buttons for what is done most,
//! by the service's own page. What reaches further than the one service is asked about before.

use admin_api::types::{OperationKind, Service};
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::change::{ChangeDialog, ScaleDialog};
use crate::api::Change;
use crate::components::button::Button;
use crate::components::icon::{self, Icon};
use crate::components::menu::{Command, Menu};
use crate::model::service::list::state_of;
use crate::model::service::words;
use crate::stores::{App, use_app};

/// Properties of [`ServiceActions`].
#[derive(PartialEq, Properties)]
pub struct ServiceActionsProps {
    /// The service.
    pub service: Service,
    /// Whether the user may change services.
    pub may_change: bool,
    /// Whether the menu's button has words, and buttons beside it.
    #[prop_or_default]
    pub shows_label: bool,
    /// Called when something was done.
    pub on_changed: Callback<()>,
    /// Told when the menu or a dialog opens and closes.
    #[prop_or_default]
    pub on_menu: Callback<bool>,
}

/// The commands: what they do, their name for tests, whether one is asked before, whether they destroy.
const COMMANDS: [(OperationKind, &str, &str, bool); 10] = [
    (OperationKind::Start, "Start", "action-start", false),
    (OperationKind::Stop, "Stop …", "action-stop", true),
    (OperationKind::Restart, "Restart …", "action-restart", true),
    (OperationKind::Reload, "Reload", "action-reload", false),
    (OperationKind::Pause, "Pause", "action-pause", false),
    (OperationKind::Resume, "Resume", "action-resume", false),
    (OperationKind::Scale, "Instances …", "action-scale", true),
    (OperationKind::Enable, "Enable", "action-enable", false),
    (OperationKind::Disable, "Disable …", "action-disable", true),
    (OperationKind::Unregister, "Unregister …", "action-unregister", true),
];

/// The buttons beside the menu, each shown while it can be used.
const BUTTONS: [(OperationKind, Icon, &str); 3] = [
    (OperationKind::Start, icon::PLAY, "detail-start"),
    (OperationKind::Resume, icon::PLAY, "detail-resume"),
    (OperationKind::Restart, icon::AGAIN, "detail-restart"),
];

/// The menu and its dialogs.
#[component]
pub fn ServiceActions(props: &ServiceActionsProps) -> Html {
    let app = use_app();
    let asked = use_state_eq(|| None::<OperationKind>);
    let Some(app) = app else { return Html::default() };
    let service = &props.service;
    let state = state_of(service);
    let is_shown = |kind: OperationKind| match kind {
        // Of two opposites the one that can be done.
        OperationKind::Pause => state != admin_api::types::ServiceState::Paused,
        OperationKind::Resume => state == admin_api::types::ServiceState::Paused,
        OperationKind::Enable => !service.enabled,
        OperationKind::Disable => service.enabled,
        _ => true,
    };
    let ask = {
        let (asked, on_menu) = (asked.clone(), props.on_menu.clone());
        Callback::from(move |kind: OperationKind| {
            on_menu.emit(true);
            asked.set(Some(kind));
        })
    };
    let change = change(&app, &service.name, ask.clone(), &props.on_changed);
    let shown = COMMANDS.iter().filter(|(kind, ..)| is_shown(*kind));
    let commands = shown.map(|&(kind, text, testid, is_asked)| {
        let action = if is_asked { &ask } else { &change };
        let command = Command::new(text, testid, action.reform(move |()| kind));
        let is_danger = matches!(
            kind,
            OperationKind::Stop | OperationKind::Disable | OperationKind::Unregister
        );
        let command = if is_danger { command.danger() } else { command };
        command.blocked_by(words::why_not(service, kind, props.may_change))
    });
    let commands: Vec<Command> = commands.collect();
    let can_be_used = |kind: OperationKind| {
        props.shows_label && words::why_not(service, kind, props.may_change).is_none()
    };
    let buttons = BUTTONS.iter().filter(|(kind, ..)| can_be_used(*kind));
    let buttons = buttons.map(|&(kind, icon, testid)| {
        let onclick = change.reform(move |_: MouseEvent| kind);
        html! { <Button {icon} label={words::change(kind).0} {testid} {onclick} /> }
    });
    let close = {
        let (asked, on_menu, on_changed) =
            (asked.clone(), props.on_menu.clone(), props.on_changed.clone());
        Callback::from(move |()| {
            asked.set(None);
            on_menu.emit(false);
            on_changed.emit(());
        })
    };
    let name = service.name.to_string();
    let dialog = match *asked {
        None => Html::default(),
        Some(OperationKind::Scale) => {
            html! { <ScaleDialog {name} count={service.instances} onclose={close} /> }
        }
        Some(OperationKind::Unregister) => {
            html! { <ChangeDialog {name} kind={OperationKind::Unregister} change={Change::Unregister} onclose={close} /> }
        }
        Some(kind) => {
            html! { <ChangeDialog {name} {kind} change={Change::Plain(kind)} onclose={close} /> }
        }
    };
    let (label, shown) = if props.shows_label {
        ("Actions".to_owned(), icon::DOWN)
    } else {
        (format!("Actions for {}", service.name), icon::MORE)
    };
    html! {
        <>
            { for buttons }
            <Menu {label} icon={shown} shows_label={props.shows_label} {commands}
                testid={format!("actions-{}", service.name)} on_toggle={props.on_menu.clone()} />
            { dialog }
        </>
    }
}

/// Begins a change and says how it went; asks before if it reaches further than this service.
fn change(
    app: &App,
    name: &str,
    ask: Callback<OperationKind>,
    on_changed: &Callback<()>,
) -> Callback<OperationKind> {
    let (app, name, on_changed) = (app.clone(), name.to_owned(), on_changed.clone());
    Callback::from(move |kind| {
        let (app, name, on_changed) = (app.clone(), name.clone(), on_changed.clone());
        let ask = ask.clone();
        spawn_local(async move {
            let change = Change::Plain(kind);
            // Why there is no plan is why the change will not be made: it says so itself.
            let plan = app.client.plan_service_change(&name, &change).await;
            if plan.is_ok_and(|plan| words::reaches_others(&plan)) {
                return ask.emit(kind);
            }
            let (verb, done) = words::change(kind);
            match app.client.change_service(&name, &change).await {
                Ok(()) => app.notices.good(format!("{name} {done}")),
                Err(failure) => app.notices.failed(verb, &failure),
            }
            on_changed.emit(());
        });
    })
}
