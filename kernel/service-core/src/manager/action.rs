//! What the manager is told, and what it wants done.

use alloc::string::String;
use alloc::sync::Arc;

use super::service::StateName;
use crate::document::{Document, Purpose};
use crate::failure::{End, Failure};

/// A service for as long as it is registered; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceId(pub(super) u32);

impl ServiceId {
    /// Its number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

/// One run of one instance, from its launch to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId {
    /// Of which service.
    pub service: ServiceId,
    /// The instance's place among the service's.
    pub index: u32,
    /// Counts all runs of all instances.
    pub run: u64,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// The time that [`super::Manager::next_tick`] gave has come.
    Tick,
    /// All documents of the image have been registered: what is enabled starts.
    Boot,
    /// The system goes down: everything stops.
    Shutdown,
    /// A run's program has been started.
    Launched(RunId),
    /// All of a run's processes are gone, or its program could not be started.
    Ended {
        /// Which.
        run: RunId,
        /// How its main process ended.
        end: End,
    },
    /// A process of a run, but not its main one, was ended because the service had all the memory that it
    /// may have.
    LostProcess {
        /// Which.
        run: RunId,
        /// The process.
        pid: u32,
        /// How much memory that is.
        quota_bytes: u64,
    },
    /// A run that drains has no connections left.
    Drained(RunId),
    /// The answer to [`Action::CheckConditions`].
    Conditions {
        /// Whose.
        service: ServiceId,
        /// The first one that does not hold.
        unmet: Option<String>,
    },
    /// [`Action::OpenPort`] did not work.
    PortFailed {
        /// Whose.
        service: ServiceId,
        /// Why.
        why: String,
    },
    /// The answer to [`Action::Check`].
    Checked {
        /// Whose.
        run: RunId,
        /// The ticket of the question.
        ticket: u64,
        /// What was checked.
        purpose: Purpose,
        /// Whether it succeeded.
        is_success: bool,
        /// What was seen.
        detail: String,
    },
    /// A run said `READY=1`.
    SaidReady(RunId),
    /// A run said `WATCHDOG=1`.
    Beat(RunId),
    /// A run said what it does.
    SaidStatus {
        /// Which.
        run: RunId,
        /// Its words.
        status: String,
    },
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Start the program; [`Event::Launched`] or [`Event::Ended`] follows.
    Launch {
        /// As this run.
        run: RunId,
        /// Of this document.
        document: Arc<Document>,
    },
    /// Ask a run's main process to end.
    Signal {
        /// Which.
        run: RunId,
        /// By this signal.
        signal: Arc<str>,
    },
    /// End all of a run's processes by force; [`Event::Ended`] follows.
    Kill(RunId),
    /// Suspend all of a run's processes.
    Suspend(RunId),
    /// Let them go on.
    Resume(RunId),
    /// Give a run new connections, with this weight.
    Serve {
        /// Which.
        run: RunId,
        /// Its weight.
        weight: u32,
    },
    /// Give a run no new connections.
    Withhold(RunId),
    /// The same, and say when it has none left: [`Event::Drained`].
    Drain(RunId),
    /// Open the service's port in front of its instances.
    OpenPort {
        /// Whose.
        service: ServiceId,
        /// With the port.
        document: Arc<Document>,
    },
    /// Close it.
    ClosePort(ServiceId),
    /// Look whether its conditions hold; [`Event::Conditions`] follows.
    CheckConditions {
        /// Whose.
        service: ServiceId,
        /// With the conditions.
        document: Arc<Document>,
    },
    /// Make a check; [`Event::Checked`] follows.
    Check {
        /// Of which run.
        run: RunId,
        /// Which of the document's checks.
        purpose: Purpose,
        /// To be given back with the answer.
        ticket: u64,
        /// The document that the run was started with.
        document: Arc<Document>,
    },
    /// Tell operators.
    Report(Report),
    /// After [`Event::Shutdown`]: everything has stopped.
    AllStopped,
}

/// What operators are told of.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The service.
    pub service: Arc<str>,
    /// What happened to it.
    pub kind: ReportKind,
}

/// What happened to a service.
#[derive(Clone, Debug, PartialEq)]
pub enum ReportKind {
    /// It was registered.
    Registered,
    /// It has another document, of this revision.
    Updated(u64),
    /// It was unregistered.
    Unregistered,
    /// It is in another state.
    State {
        /// Before.
        from: StateName,
        /// Now.
        to: StateName,
        /// Why, if it failed.
        failure: Option<Failure>,
    },
    /// An instance was started.
    InstanceStarted {
        /// Which.
        index: u32,
    },
    /// An instance can be used.
    InstanceReady {
        /// Which.
        index: u32,
    },
    /// An instance cannot be used for now.
    InstanceUnready {
        /// Which.
        index: u32,
        /// What the check said.
        detail: String,
    },
    /// An instance has ended.
    InstanceEnded {
        /// Which.
        index: u32,
        /// How.
        end: End,
    },
    /// A process of an instance, but not its main one, was ended for the memory quota.
    ProcessLost {
        /// Which instance.
        index: u32,
        /// The process.
        pid: u32,
        /// How much memory the service may have.
        quota_bytes: u64,
    },
    /// An instance did not do as it should, and is ended for it.
    InstanceForced {
        /// Which.
        index: u32,
        /// Why.
        failure: Failure,
    },
    /// An instance will be started again.
    RestartPlanned {
        /// Which.
        index: u32,
        /// In this time.
        delay_ms: u64,
    },
    /// An instance will not be started again.
    InstanceFailed {
        /// Which.
        index: u32,
        /// Why.
        failure: Failure,
    },
    /// An operation has ended.
    OperationEnded {
        /// Its number.
        id: u64,
        /// Whether it did what was asked.
        is_success: bool,
    },
}

/// What an operator wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Register a service.
    Register(Document),
    /// Give it another document.
    Update(Document),
    /// Give it the document of that revision.
    RollBack(Arc<str>, u64),
    /// Forget it.
    Unregister(Arc<str>),
    /// Start it, and what it needs.
    Start(Arc<str>),
    /// Stop it, and what needs it.
    Stop(Arc<str>),
    /// Start its instances again, one after the other.
    Restart(Arc<str>),
    /// Have it read its configuration again.
    Reload(Arc<str>),
    /// Suspend it.
    Pause(Arc<str>),
    /// Let it go on.
    Resume(Arc<str>),
    /// Have it started at boot.
    Enable(Arc<str>),
    /// Do not have it started at boot.
    Disable(Arc<str>),
    /// Have so many instances.
    Scale(Arc<str>, u32),
    /// Stop it at once, by force, and what needs it.
    Terminate(Arc<str>),
}

words! {
    /// What kind of request.
    RequestKind {
        /// [`Request::Register`].
        Register = "register",
        /// [`Request::Update`].
        Update = "update",
        /// [`Request::RollBack`].
        RollBack = "roll_back",
        /// [`Request::Unregister`].
        Unregister = "unregister",
        /// [`Request::Start`].
        Start = "start",
        /// [`Request::Stop`].
        Stop = "stop",
        /// [`Request::Restart`].
        Restart = "restart",
        /// [`Request::Reload`].
        Reload = "reload",
        /// [`Request::Pause`].
        Pause = "pause",
        /// [`Request::Resume`].
        Resume = "resume",
        /// [`Request::Enable`].
        Enable = "enable",
        /// [`Request::Disable`].
        Disable = "disable",
        /// [`Request::Scale`].
        Scale = "scale",
        /// [`Request::Terminate`].
        Terminate = "terminate",
    }
}

impl Request {
    /// Whether it is about a service's document, rather than about its processes.
    #[must_use]
    pub const fn changes_document(&self) -> bool {
        matches!(
            self,
            Self::Register(_)
                | Self::Update(_)
                | Self::RollBack(..)
                | Self::Unregister(_)
                | Self::Enable(_)
                | Self::Disable(_)
                | Self::Scale(..)
        )
    }

    /// What kind it is, and about which service.
    #[must_use]
    pub fn target(&self) -> (RequestKind, Arc<str>) {
        let (kind, name) = match self {
            Self::Register(document) => {
                return (RequestKind::Register, document.name.as_str().into());
            }
            Self::Update(document) => return (RequestKind::Update, document.name.as_str().into()),
            Self::RollBack(name, _) => (RequestKind::RollBack, name),
            Self::Unregister(name) => (RequestKind::Unregister, name),
            Self::Start(name) => (RequestKind::Start, name),
            Self::Stop(name) => (RequestKind::Stop, name),
            Self::Restart(name) => (RequestKind::Restart, name),
            Self::Reload(name) => (RequestKind::Reload, name),
            Self::Pause(name) => (RequestKind::Pause, name),
            Self::Resume(name) => (RequestKind::Resume, name),
            Self::Enable(name) => (RequestKind::Enable, name),
            Self::Disable(name) => (RequestKind::Disable, name),
            Self::Scale(name, _) => (RequestKind::Scale, name),
            Self::Terminate(name) => (RequestKind::Terminate, name),
        };
        (kind, Arc::clone(name))
    }
}
