//! MultiOS's own calls: what the process manager can do, under the caller's rights. Numbers and
//! structures are `linux_abi::native`'s; `docs/native-calls.md` describes them.

mod create;
mod list;
mod services;
mod structure;
mod wait;

use linux_abi::native::{
    self, LimitValues, NativeCall, NativeError, Scheduling, SetLimits, TerminateProcess,
    limit_bits, scheduling_flags,
};
use linux_abi::{Arguments, Errno};
use process_core::{
    Capability, LimitsChange, Nice, PendingSignal, Pid, Priority, PriorityClass, ProcessError,
    Resource, Signal, SignalCause,
};

use super::{Answer, Caller};
use crate::process::{self, sandbox};

/// The error as a program is told it.
fn errno(error: &ProcessError) -> Errno {
    let kind = match error {
        ProcessError::ProcessNotFound { .. } => NativeError::ProcessNotFound,
        ProcessError::InvalidPid { .. } => NativeError::InvalidPid,
        ProcessError::AlreadyExists { .. } => NativeError::AlreadyExists,
        ProcessError::PermissionDenied { .. } | ProcessError::AlreadyExecuted { .. } => {
            NativeError::PermissionDenied
        }
        ProcessError::ResourceExhausted { resource: Resource::Memory } => NativeError::OutOfMemory,
        ProcessError::ResourceExhausted { .. } => NativeError::ResourceExhausted,
        ProcessError::InvalidState { .. } => NativeError::InvalidState,
        ProcessError::InvalidPriority { .. } => NativeError::InvalidPriority,
        ProcessError::DependencyError { .. } => NativeError::DependencyError,
        ProcessError::ServiceNotFound { .. } => NativeError::ServiceNotFound,
        ProcessError::SignalNotSupported { .. } => NativeError::SignalNotSupported,
        ProcessError::LimitExceeded { .. } => NativeError::LimitExceeded,
        ProcessError::Timeout { .. } => NativeError::Timeout,
        ProcessError::SystemError { .. } => NativeError::SystemError,
        ProcessError::ServiceError { .. } => NativeError::ServiceError,
        ProcessError::InvalidLimits { .. } => NativeError::InvalidLimits,
        ProcessError::CircularDependency { .. } => NativeError::CircularDependency,
        ProcessError::InvalidArgument { .. } => NativeError::InvalidArgument,
    };
    kind.errno()
}

fn refused(error: NativeError) -> Errno {
    error.errno()
}

/// Carries out one of these calls; none if there is no such call.
pub(super) fn dispatch(
    caller: &mut Caller<'_>,
    call: NativeCall,
    arguments: &Arguments,
) -> Option<Answer> {
    Some(match call {
        NativeCall::VERSION => Ok(native::VERSION),
        NativeCall::CREATE_PROCESS => create::create_process(caller, arguments),
        NativeCall::TERMINATE_PROCESS => terminate(caller, arguments),
        NativeCall::GET_PROCESS_INFO => list::get_process_info(caller, arguments),
        NativeCall::LIST_PROCESSES => list::list_processes(caller, arguments),
        NativeCall::SUSPEND_PROCESS => suspend(caller, arguments),
        NativeCall::RESUME_PROCESS => resume(caller, arguments),
        NativeCall::SET_LIMITS => set_limits(caller, arguments),
        NativeCall::SET_SCHEDULING => set_scheduling(caller, arguments),
        NativeCall::SEND_SIGNAL => send_signal(caller, arguments),
        NativeCall::WAIT_PROCESS => wait::wait_process(caller, arguments),
        NativeCall::CREATE_SERVICE => services::create(caller, arguments),
        NativeCall::START_SERVICE => services::start(caller, arguments),
        NativeCall::STOP_SERVICE => services::stop(caller, arguments),
        NativeCall::SERVICE_STATUS => services::status(arguments),
        NativeCall::RESOLVE_SERVICE => services::resolve(arguments),
        NativeCall::NOTIFY_SERVICE => services::notify(caller, arguments),
        _ => return None,
    })
}

/// The process that a number names; 0 is the caller's own. Those that the caller's sandbox hides are
/// not there.
fn named(caller: &Caller<'_>, number: u32) -> Result<Pid, Errno> {
    if number == 0 {
        return Ok(caller.process.pid());
    }
    let pid = Pid::new(i64::from(number)).map_err(|error| errno(&error))?;
    sandbox::check_visible(caller.process, pid).map_err(|error| errno(&error))?;
    Ok(pid)
}

/// Checks that the caller may signal a process, and by that stop, continue and end it: as kill(2).
fn check_control(caller: &Caller<'_>, pid: Pid) -> Result<(), Errno> {
    match process::send_from(caller.process.pid(), pid, None) {
        Ok(()) => Ok(()),
        // It has ended and is remembered: what is done next says so.
        Err(ProcessError::ProcessNotFound { .. }) if caller.process.confinement().is_none() => {
            Ok(())
        }
        Err(error) => Err(errno(&error)),
    }
}

/// Who did it, for the events.
fn actor(caller: &Caller<'_>) -> alloc::string::String {
    alloc::format!("process {}", caller.process.pid())
}

fn terminate(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let bytes = structure::read(arguments.pointer(0), arguments.word(1))?;
    let asked = TerminateProcess::from_bytes(&bytes);
    if asked.force > 1 || asked.reserved != 0 {
        return Err(Errno::EINVAL);
    }
    let pid = named(caller, asked.pid)?;
    check_control(caller, pid)?;
    let actor = actor(caller);
    let done = if asked.force == 1 {
        process::terminate(pid, Some(&actor))
    } else {
        process::terminate_gracefully(pid, asked.grace_ms, Some(&actor))
    };
    done.map(|()| 0).map_err(|error| errno(&error))
}

fn suspend(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let pid = named(caller, arguments.unsigned(0))?;
    check_control(caller, pid)?;
    process::suspend(pid, Some(&actor(caller))).map(|()| 0).map_err(|error| errno(&error))
}

fn resume(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let pid = named(caller, arguments.unsigned(0))?;
    check_control(caller, pid)?;
    process::resume(pid, Some(&actor(caller))).map(|()| 0).map_err(|error| errno(&error))
}

fn send_signal(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let pid = named(caller, arguments.unsigned(0))?;
    let own = caller.process.pid();
    let uid = process::credentials_of(own).map_err(|error| errno(&error))?.real_uid;
    let signal = match arguments.unsigned(1) {
        0 => None,
        number => {
            let signal = Signal::new(i64::from(number)).map_err(|error| errno(&error))?;
            Some(PendingSignal { signal, cause: SignalCause::User { pid: own, uid } })
        }
    };
    process::send_from(own, pid, signal).map(|()| 0).map_err(|error| errno(&error))
}

/// The change that a program asks for.
fn limits_change(values: &LimitValues) -> Result<LimitsChange, Errno> {
    if values.set & !limit_bits::ALL != 0 {
        return Err(Errno::EINVAL);
    }
    let invalid = || refused(NativeError::InvalidLimits);
    let large = |bit: u64, value: u64| (values.set & bit != 0).then_some(value);
    let small = |bit: u64, value: u64| {
        large(bit, value).map(|value| u32::try_from(value).map_err(|_| invalid())).transpose()
    };
    // The largest number lifts a limit that need not be.
    let or_none = |bit: u64, value: u64| large(bit, value).map(|it| (it != u64::MAX).then_some(it));
    let small_or_none = |bit: u64, value: u64| match or_none(bit, value) {
        None => Ok(None),
        Some(None) => Ok(Some(None)),
        Some(Some(value)) => u32::try_from(value).map(|it| Some(Some(it))).map_err(|_| invalid()),
    };
    Ok(LimitsChange {
        memory_bytes: large(limit_bits::MEMORY, values.memory_bytes),
        stack_bytes: large(limit_bits::STACK, values.stack_bytes),
        open_files: small(limit_bits::OPEN_FILES, values.open_files)?,
        processes: small(limit_bits::PROCESSES, values.processes)?,
        cpu_time_ns: or_none(limit_bits::CPU_TIME, values.cpu_time_ns),
        cpu_percent: small_or_none(limit_bits::CPU_PERCENT, values.cpu_percent)?,
        read_bytes_per_second: or_none(limit_bits::READ_RATE, values.read_bytes_per_second),
        write_bytes_per_second: or_none(limit_bits::WRITE_RATE, values.write_bytes_per_second),
        processes_per_second: small_or_none(
            limit_bits::CREATION_RATE,
            values.processes_per_second,
        )?,
    })
}

fn set_limits(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let bytes = structure::read(arguments.pointer(0), arguments.word(1))?;
    let asked = SetLimits::from_bytes(&bytes);
    if asked.reserved != 0 {
        return Err(Errno::EINVAL);
    }
    let pid = named(caller, asked.pid)?;
    let change = limits_change(&asked.limits)?;
    let own = process::credentials_of(caller.process.pid()).map_err(|error| errno(&error))?;
    let other = process::credentials_of(pid).map_err(|error| errno(&error))?;
    let is_program = process::find(pid).is_ok_and(|process| process.is_program());
    let is_own = own.real_uid == other.real_uid
        && own.real_uid == other.effective_uid
        && own.real_uid == other.saved_uid;
    let may_raise = own.is_capable(Capability::SysResource);
    if !is_program || !(is_own || may_raise) {
        return Err(refused(NativeError::PermissionDenied));
    }
    let before = process::limits_of(pid).map_err(|error| errno(&error))?;
    let after = before.changed(&change).map_err(|error| errno(&error))?;
    if !may_raise && !after.is_within(&before) {
        return Err(refused(NativeError::PermissionDenied));
    }
    process::change_limits(pid, &change).map(|()| 0).map_err(|error| errno(&error))
}

/// The priority with this number.
fn priority(number: u32) -> Result<Priority, Errno> {
    let invalid = || refused(NativeError::InvalidPriority);
    let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
    index.and_then(|index| Priority::ALL.get(index).copied()).ok_or_else(invalid)
}

/// The class with this number. Class system is the kernel's own threads'.
fn class(number: u32) -> Result<PriorityClass, Errno> {
    let invalid = || refused(NativeError::InvalidPriority);
    let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
    let class = index.and_then(|index| PriorityClass::ALL.get(index).copied());
    class.filter(|class| *class != PriorityClass::System).ok_or_else(invalid)
}

/// Whether who has no right to more may change one way of being scheduled into the other.
fn is_humbler(before: &process_core::Scheduling, after: &process_core::Scheduling) -> bool {
    let is_lower_or_same = after.priority <= before.priority && after.nice >= before.nice;
    let is_interactive = |it: &process_core::Scheduling| it.class == PriorityClass::Interactive;
    is_lower_or_same && (!is_interactive(after) || is_interactive(before))
}

fn set_scheduling(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let bytes = structure::read(arguments.pointer(0), arguments.word(1))?;
    let asked = Scheduling::from_bytes(&bytes);
    if asked.flags & !scheduling_flags::ALL != 0 || asked.reserved != 0 {
        return Err(Errno::EINVAL);
    }
    let pid = named(caller, asked.pid)?;
    let has = |flag| asked.flags & flag != 0;
    let new_priority =
        has(scheduling_flags::PRIORITY).then(|| priority(asked.priority)).transpose()?;
    let new_class = has(scheduling_flags::CLASS).then(|| class(asked.class)).transpose()?;
    let nice = has(scheduling_flags::NICE)
        .then(|| Nice::new(i64::from(asked.nice)).map_err(|error| errno(&error)))
        .transpose()?;
    let own = process::credentials_of(caller.process.pid()).map_err(|error| errno(&error))?;
    let other = process::credentials_of(pid).map_err(|error| errno(&error))?;
    if !own.may_schedule(&other) {
        return Err(refused(NativeError::PermissionDenied));
    }
    loop {
        let snapshot = process::snapshot(pid).map_err(|error| errno(&error))?;
        let before = snapshot.profile.scheduling;
        let after = process_core::Scheduling {
            priority: new_priority.unwrap_or(before.priority),
            class: new_class.unwrap_or(before.class),
            nice: nice.unwrap_or(before.nice),
        };
        if !own.is_capable(Capability::SysNice) && !is_humbler(&before, &after) {
            return Err(refused(NativeError::PermissionDenied));
        }
        let (old, new) = ((before, snapshot.affinity), (after, snapshot.affinity));
        match process::set_scheduling(pid, old, new, Some(&actor(caller))) {
            Ok(true) => return Ok(0),
            // Someone else changed it at this moment.
            Ok(false) => {}
            Err(error) => return Err(errno(&error)),
        }
    }
}
