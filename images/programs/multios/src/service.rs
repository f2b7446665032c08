//! Services: whoever may administer the system registers, starts and stops them; everybody may look, find
//! an instance, and say how the service is that the caller belongs to.
//!
//! ```
//! use multios::{Error, service};
//!
//! fn port_of(name: &str) -> Result<u16, Error> {
//!     Ok(service::resolve(name)?.port.unwrap_or(80))
//! }
//!
//! // On Linux there are no such calls.
//! assert_eq!(port_of("web"), Err(Error::NotMultiOs));
//! ```

use core::net::Ipv4Addr;

use linux_abi::native::{NativeCall, NativeError, ResolvedService, ServiceInfo};

use crate::error::Error;
use crate::process::Pid;
use crate::system;

words! {
    /// Where a service is in its life.
    State {
        /// Does not run.
        Stopped = 1 "stopped",
        /// Is not ready yet.
        Starting = 2 "starting",
        /// Can be used.
        Running = 3 "running",
        /// Is being stopped.
        Stopping = 4 "stopping",
        /// Should run and does not.
        Failed = 5 "failed",
        /// Does not run, and is not started at boot.
        Disabled = 6 "disabled",
        /// Stands still.
        Paused = 7 "paused",
    }
}

words! {
    /// What the checks of a service say.
    Health {
        /// Nothing yet, or there are none.
        Unknown = 0 "unknown",
        /// It works.
        Healthy = 1 "healthy",
        /// It does not.
        Unhealthy = 2 "unhealthy",
    }
}

/// How a service is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Status {
    /// Where it is in its life.
    pub state: State,
    /// What its checks say.
    pub health: Health,
    /// Instances that are ready.
    pub ready: u32,
    /// Instances that are wanted.
    pub instances: u32,
    /// How often instances were started again that had ended by themselves.
    pub restarts: u64,
    /// The main process of the first instance that has one.
    pub pid: Option<Pid>,
}

/// An instance to use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Resolved {
    /// Its number.
    pub instance: u32,
    /// Its main process.
    pub pid: Pid,
    /// Where the service is reached.
    pub address: Ipv4Addr,
    /// Its port, if it has one.
    pub port: Option<u16>,
}

/// Registers a service by its document, in JSON; one that is enabled is started. The number of the
/// operation that has begun.
///
/// # Errors
/// `PermissionDenied`, `AlreadyExists`, `InvalidArgument`, `DependencyError`, `CircularDependency`.
pub fn create(document: &str) -> Result<u64, Error> {
    // SAFETY: the call takes that.
    unsafe { system::with_text(NativeCall::CREATE_SERVICE, document.as_bytes()) }
}

/// Starts a service, and what it needs. The number of the operation that has begun.
///
/// # Errors
/// `PermissionDenied`, `ServiceNotFound`, `InvalidState`, `DependencyError`.
pub fn start(name: &str) -> Result<u64, Error> {
    // SAFETY: the call takes that.
    unsafe { system::with_text(NativeCall::START_SERVICE, name.as_bytes()) }
}

/// Stops a service, and what needs it. The number of the operation that has begun.
///
/// # Errors
/// `PermissionDenied`, `ServiceNotFound`.
pub fn stop(name: &str) -> Result<u64, Error> {
    // SAFETY: the call takes that.
    unsafe { system::with_text(NativeCall::STOP_SERVICE, name.as_bytes()) }
}

/// How a service is.
///
/// # Errors
/// `ServiceNotFound`.
pub fn status(name: &str) -> Result<Status, Error> {
    let mut bytes = [0; ServiceInfo::BYTES];
    // SAFETY: the call takes that.
    unsafe { system::about_named(NativeCall::SERVICE_STATUS, name.as_bytes(), &mut bytes) }?;
    let told = ServiceInfo::from_bytes(&bytes);
    let unknown = Error::Refused(NativeError::SystemError);
    Ok(Status {
        state: State::from_number(told.state).ok_or(unknown)?,
        health: Health::from_number(told.health).ok_or(unknown)?,
        ready: told.ready,
        instances: told.instances,
        restarts: told.restarts,
        pid: Some(Pid(told.pid)).filter(|pid| pid.0 != 0),
    })
}

/// Chooses an instance of a service, as for a connection.
///
/// # Errors
/// `ServiceNotFound`; `ServiceError` if none is ready.
pub fn resolve(name: &str) -> Result<Resolved, Error> {
    let mut bytes = [0; ResolvedService::BYTES];
    // SAFETY: the call takes that.
    unsafe { system::about_named(NativeCall::RESOLVE_SERVICE, name.as_bytes(), &mut bytes) }?;
    let told = ResolvedService::from_bytes(&bytes);
    Ok(Resolved {
        instance: told.instance,
        pid: Pid(told.pid),
        address: told.address.to_ne_bytes().into(),
        port: u16::try_from(told.port).ok().filter(|port| *port != 0),
    })
}

/// Says how the service is that the caller belongs to, in lines as `sd_notify(3)` has them: `READY=1`,
/// `WATCHDOG=1`, `STATUS=...`.
///
/// # Errors
/// `ServiceNotFound` if it belongs to none.
pub fn notify(text: &str) -> Result<(), Error> {
    // SAFETY: the call takes that.
    unsafe { system::with_text(NativeCall::NOTIFY_SERVICE, text.as_bytes()) }.map(drop)
}
