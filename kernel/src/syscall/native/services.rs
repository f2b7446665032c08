//! Services for programs: what changes them wants `CAP_SYS_ADMIN`; everybody may look, find one, and say
//! something about the service that it belongs to.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use linux_abi::native::{NativeError, ResolvedService, ServiceInfo, service_health, service_state};
use linux_abi::{Arguments, Errno, UserPointer};
use process_core::Capability;
use service_core::{DependencyProblem, Health, Request, ServiceError, StateName};

use super::super::{Answer, Caller};
use super::{actor, refused, structure};
use crate::process;
use crate::service::{self, ChangeError, Notice, State, Wish};

/// The longest document that is taken.
const MOST_DOCUMENT_BYTES: u64 = 64 * 1024;
/// The longest name.
const MOST_NAME_BYTES: u64 = 63;
/// The longest notice.
const MOST_NOTICE_BYTES: u64 = 4096;

/// The error as a program is told it.
fn errno(error: &ServiceError) -> Errno {
    let kind = match error {
        ServiceError::NotFound(_) | ServiceError::InvalidHandle(_) => NativeError::ServiceNotFound,
        ServiceError::AlreadyExists(_) => NativeError::AlreadyExists,
        ServiceError::NotRunning { .. }
        | ServiceError::NotStopped { .. }
        | ServiceError::Superseded { .. } => NativeError::InvalidState,
        ServiceError::InvalidConfiguration(_)
        | ServiceError::Configuration(_)
        | ServiceError::Dependency(DependencyProblem::Unknown { .. }) => {
            NativeError::InvalidArgument
        }
        ServiceError::Dependency(_) => NativeError::DependencyError,
        ServiceError::CircularDependency(_) => NativeError::CircularDependency,
        ServiceError::PermissionDenied => NativeError::PermissionDenied,
        ServiceError::ResourceExhausted(_) | ServiceError::ShuttingDown => {
            NativeError::ResourceExhausted
        }
        ServiceError::Timeout { .. } => NativeError::Timeout,
        ServiceError::Failed { .. }
        | ServiceError::Discovery { .. }
        | ServiceError::LoadBalancer(_)
        | ServiceError::FaultTolerance { .. }
        | ServiceError::HealthCheckFailed { .. } => NativeError::ServiceError,
    };
    refused(kind)
}

fn bytes(at: UserPointer, length: u64, most: u64) -> Result<Vec<u8>, Errno> {
    if length == 0 {
        return Err(Errno::EINVAL);
    }
    if length > most {
        return Err(Errno::E2BIG);
    }
    let length = usize::try_from(length).map_err(|_| Errno::E2BIG)?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length).map_err(|_| Errno::ENOMEM)?;
    bytes.resize(length, 0);
    hal::user::copy_from(at.0, &mut bytes).map_err(|_| Errno::EFAULT)?;
    Ok(bytes)
}

fn name(arguments: &Arguments) -> Result<Arc<str>, Errno> {
    let bytes = bytes(arguments.pointer(0), arguments.word(1), MOST_NAME_BYTES)?;
    let name = String::from_utf8(bytes).map_err(|_| Errno::EINVAL)?;
    Ok(name.into())
}

fn with<R>(f: impl FnOnce(&mut State) -> Result<R, ServiceError>) -> Result<R, Errno> {
    match service::with(f) {
        Some(answer) => answer.map_err(|error| errno(&error)),
        None => Err(refused(NativeError::ResourceExhausted)),
    }
}

/// Asks for a change in the caller's name: the operation's number. The request is made, and carried out,
/// elsewhere: a thread of a program has no stack for documents.
fn change(
    caller: &Caller<'_>,
    request: impl FnOnce() -> Result<Request, Errno> + Send + 'static,
) -> Answer {
    let own =
        process::credentials_of(caller.process.pid()).map_err(|error| super::errno(&error))?;
    if !own.capabilities.contains(Capability::SysAdmin) {
        return Err(refused(NativeError::PermissionDenied));
    }
    let actor = Some(actor(caller).as_str().into());
    let begun = service::change_for_program(move || {
        Ok::<_, Errno>(Wish { request: request()?, actor, expected: None })
    });
    let begun = begun.ok_or_else(|| refused(NativeError::ResourceExhausted))?;
    begun?.wait().map_err(|error| match error {
        ChangeError::Refused(error) => errno(&error),
        ChangeError::Stale | ChangeError::Held(_) => refused(NativeError::InvalidState),
        ChangeError::NotKept(_) | ChangeError::NotStarted => {
            refused(NativeError::ResourceExhausted)
        }
    })
}

/// Registers a service by its document, in JSON.
pub(super) fn create(caller: &Caller<'_>, arguments: &Arguments) -> Answer {
    let bytes = bytes(arguments.pointer(0), arguments.word(1), MOST_DOCUMENT_BYTES)?;
    change(caller, move || {
        let invalid = || refused(NativeError::InvalidArgument);
        let document = admin_api::server::read_service(&bytes).map_err(|_| invalid())?;
        let document = service::document_of(&document).map_err(|_| invalid())?;
        Ok(Request::Register(document))
    })
}

/// Starts a service.
pub(super) fn start(caller: &Caller<'_>, arguments: &Arguments) -> Answer {
    let name = name(arguments)?;
    change(caller, move || Ok(Request::Start(name)))
}

/// Stops a service.
pub(super) fn stop(caller: &Caller<'_>, arguments: &Arguments) -> Answer {
    let name = name(arguments)?;
    change(caller, move || Ok(Request::Stop(name)))
}

/// Tells about a service.
pub(super) fn status(arguments: &Arguments) -> Answer {
    let name = name(arguments)?;
    let info = with(|state| {
        let view = state.manager.view(&name)?;
        let runs = view.instances.iter().filter_map(|instance| instance.run);
        let mut pids = runs.filter_map(|run| state.main_process(run));
        Ok(ServiceInfo {
            state: state_number(view.state),
            health: match view.health {
                Health::Unknown => service_health::UNKNOWN,
                Health::Healthy => service_health::HEALTHY,
                Health::Unhealthy => service_health::UNHEALTHY,
            },
            ready: view.ready,
            instances: view.document.instances,
            restarts: view.restarts,
            pid: pids.next().map_or(0, |pid| pid.number()),
            reserved: 0,
        })
    })?;
    structure::write(arguments.pointer(2), arguments.word(3), &info.to_bytes())?;
    Ok(0)
}

fn state_number(state: StateName) -> u32 {
    match state {
        StateName::Stopped => service_state::STOPPED,
        StateName::Starting => service_state::STARTING,
        StateName::Running => service_state::RUNNING,
        StateName::Stopping => service_state::STOPPING,
        StateName::Failed => service_state::FAILED,
        StateName::Disabled => service_state::DISABLED,
        StateName::Paused => service_state::PAUSED,
    }
}

/// Chooses an instance of a service, as for a connection.
pub(super) fn resolve(arguments: &Arguments) -> Answer {
    let name = name(arguments)?;
    let found = with(|state| {
        let run = service::choose(state, &name)?;
        let missing = || ServiceError::Discovery { service: Arc::clone(&name) };
        let pid = state.main_process(run).ok_or_else(missing)?;
        let view = state.manager.view(&name)?;
        Ok(ResolvedService {
            pid: pid.number(),
            instance: run.index,
            address: u32::from_ne_bytes([127, 0, 0, 1]),
            port: view.document.port.as_ref().map_or(0, |port| port.listen.into()),
        })
    })?;
    structure::write(arguments.pointer(2), arguments.word(3), &found.to_bytes())?;
    Ok(0)
}

/// Says something about the service that the caller belongs to, as by the notify socket.
pub(super) fn notify(caller: &Caller<'_>, arguments: &Arguments) -> Answer {
    let bytes = bytes(arguments.pointer(0), arguments.word(1), MOST_NOTICE_BYTES)?;
    if service::say(caller.process.instance(), Notice::read(&bytes)) {
        Ok(0)
    } else {
        Err(refused(NativeError::ServiceNotFound))
    }
}
