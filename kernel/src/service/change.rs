//! Changes of services: asked for, kept on the disk, made.
//!
//! Where there is a disk, what changes a document goes through the disk's thread: what would become of
//! the service is written first, then the manager is asked. So whoever is answered that it is done finds
//! it after the next boot, and what cannot be kept is not made. One change is on its way at a time;
//! should the manager refuse what it would have taken a moment before, the disk is given back what it had.

use alloc::boxed::Box;
use alloc::sync::Arc;

use service_core::{Instant, Outcome, Request, ServiceError, StateName};

use super::{State, ask, kept, now, with};
use crate::disk::{self, Store};
use crate::sync::promise::Promise;

/// What somebody wants of a service.
#[derive(Clone, Debug)]
pub struct Wish {
    /// What.
    pub request: Request,
    /// Who.
    pub actor: Option<Arc<str>>,
    /// The revision that the document has to have for it.
    pub expected: Option<u64>,
}

/// Why a change was not made.
#[derive(Debug)]
pub enum ChangeError {
    /// The manager refuses it.
    Refused(ServiceError),
    /// The document has another revision.
    Stale,
    /// An emergency goes on for the service, which is in this state.
    Held(StateName),
    /// It cannot be kept: the disk is full, or fails.
    NotKept(disk::StoreError<disk::DiskError>),
    /// There is no service manager.
    NotStarted,
}

impl From<ServiceError> for ChangeError {
    fn from(error: ServiceError) -> Self {
        Self::Refused(error)
    }
}

/// A change that is made, or about to be.
#[must_use = "its outcome comes here"]
pub enum Changing {
    /// Its outcome: the number of the operation.
    Now(Result<u64, ChangeError>),
    /// It is being kept.
    Later {
        /// What is wanted.
        wish: Box<Wish>,
        /// Its outcome.
        promise: Promise<Result<u64, ChangeError>>,
    },
}

/// Begins a change for a program, whose thread has no stack for documents: `wish` is read, and all of it
/// done, by threads that have. None if there is no service manager.
pub fn change_for_program<E: Send + 'static>(
    wish: impl FnOnce() -> Result<Wish, E> + Send + 'static,
) -> Option<Result<Changing, E>> {
    ask(move || wish().map(change))
}

/// Begins a change.
pub fn change(wish: Wish) -> Changing {
    if !(wish.request.changes_document() && disk::may_keep()) {
        return Changing::Now(make(&wish, None));
    }
    let own = wish.clone();
    let promise = disk::submit(move |store| {
        super::await_registered();
        keep_and_make(store, &own)
    });
    Changing::Later { wish: Box::new(wish), promise }
}

impl Changing {
    /// Waits as a task.
    ///
    /// # Errors
    /// Why it was not made.
    pub async fn outcome(self) -> Result<u64, ChangeError> {
        match self {
            Self::Now(outcome) => outcome,
            Self::Later { wish, promise } => promise.await.unwrap_or_else(|| make(&wish, None)),
        }
    }

    /// Waits as a program's thread.
    ///
    /// # Errors
    /// Why it was not made.
    pub fn wait(self) -> Result<u64, ChangeError> {
        match self {
            Self::Now(outcome) => outcome,
            // It has turned out that there is no disk.
            Self::Later { wish, promise } => promise.wait().unwrap_or_else(|| {
                ask(move || make(&wish, None)).unwrap_or(Err(ChangeError::NotStarted))
            }),
        }
    }
}

fn name_of(request: &Request) -> Arc<str> {
    request.target().1
}

/// Refuses what is out of date, and what an emergency forbids.
fn check(state: &State, wish: &Wish) -> Result<(), ChangeError> {
    let name = name_of(&wish.request);
    let view = state.manager.view(&name).ok();
    if wish.expected.is_some() && view.as_ref().map(|view| view.revision) != wish.expected {
        return Err(ChangeError::Stale);
    }
    if state.is_held(&name) && !matches!(wish.request, Request::Stop(_)) {
        return Err(ChangeError::Held(view.map_or(StateName::Stopped, |view| view.state)));
    }
    Ok(())
}

/// Makes a change, which was written at that moment if it was.
fn make(wish: &Wish, written_at: Option<Instant>) -> Result<u64, ChangeError> {
    let made = with(|state| {
        check(state, wish)?;
        let (id, actions) = state.manager.request(now(), &wish.request, wish.actor.as_deref())?;
        state.take_in(actions);
        if let Some(at) = written_at {
            state.manager.date(&name_of(&wish.request), at);
        }
        Ok(id)
    });
    made.unwrap_or(Err(ChangeError::NotStarted))
}

/// Writes what a change makes of its service, and makes it.
fn keep_and_make(store: &mut Store, wish: &Wish) -> Result<u64, ChangeError> {
    let name = name_of(&wish.request);
    let at = now();
    let planned = with(|state| {
        check(state, wish)?;
        let outcome = state.manager.foresee(&wish.request)?;
        Ok(match outcome {
            Outcome::Same => None,
            Outcome::Changed(document) => {
                Some(kept::changed(state, (at, wish.actor.clone()), *document))
            }
            Outcome::Removed => Some(kept::removed(state, &name)),
        })
    });
    let Some(value) = planned.unwrap_or(Err(ChangeError::NotStarted))? else {
        return make(wish, None);
    };
    let key = name.as_bytes();
    let before = store.get(key).map(<[u8]>::to_vec);
    put(store, key, value.as_deref()).map_err(|error| {
        crate::error!("service: a change of {name} is refused, because it cannot be kept: {error}");
        ChangeError::NotKept(error)
    })?;
    let made = make(wish, Some(at));
    if made.is_err()
        && let Err(error) = put(store, key, before.as_deref())
    {
        crate::error!("service: a refused change of {name} stays on the disk: {error}");
    }
    made
}

fn put(
    store: &mut Store,
    key: &[u8],
    value: Option<&[u8]>,
) -> Result<(), disk::StoreError<disk::DiskError>> {
    match value {
        Some(value) => store.put(key, value),
        None => store.remove(key),
    }
}
