//! `create_process`: a program as a child of the caller, with all that it is to be from its start.

use alloc::sync::Arc;
use alloc::vec::Vec;

use linux_abi::native::{
    CallNumbers, CreateProcess, NativeError, create_flags, isolation, network_rights, violation,
};
use linux_abi::{Arguments, Errno, UserPointer};
use process_core::{
    CallSet, Capability, Credentials, Gid, LimitKind, NetworkRights, Nice, OnViolation,
    ProcessError, Scheduling, Uid,
};
use vfs_core::FileError;

use super::super::exec::strings;
use super::super::file::file;
use super::super::{Answer, Caller, user};
use super::{actor, class, errno, is_humbler, limits_change, priority, refused, structure};
use crate::fs::{self, OpenFile};
use crate::memory::LoadError;
use crate::process::sandbox::{self, NewSandbox};
use crate::process::{self, CreateError, NewProgram, Origin};

/// Bytes that arguments and environment may take together, their pointers included.
const MOST_STRING_BYTES: u64 = 2 << 20;
/// Groups that can be named: NGROUPS_MAX.
const MOST_GROUPS: u32 = 65_536;
/// Calls that can be named.
const MOST_CALLS: u64 = 1024;

pub(super) fn create_process(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let bytes = structure::read(arguments.pointer(0), arguments.word(1))?;
    let asked = CreateProcess::from_bytes(&bytes);
    if asked.flags & !create_flags::ALL != 0 || asked.reserved != [0; 6] {
        return Err(Errno::EINVAL);
    }
    if !process::admits_new_programs() {
        return Err(refused(NativeError::ResourceExhausted));
    }
    let own = process::credentials_of(caller.process.pid()).map_err(|error| errno(&error))?;
    let snapshot = process::snapshot(caller.process.pid()).map_err(|error| errno(&error))?;
    let mut left = MOST_STRING_BYTES;
    let text = |at: u64| UserPointer(at).non_null().map(user::path).transpose();
    let path = user::path(UserPointer(asked.path))?;
    let new = NewProgram {
        arguments: strings(UserPointer(asked.arguments), &mut left)?,
        environment: strings(UserPointer(asked.environment), &mut left)?,
        name: text(asked.name)?,
        working_directory: text(asked.working_directory)?.unwrap_or_else(|| b".".to_vec()),
        scheduling: scheduling(&asked, &own, snapshot.profile.scheduling)?,
        affinity: snapshot.affinity,
        credentials: credentials(&asked, &own)?,
        limits: limits(&asked, &own, &snapshot.profile.limits)?,
        sandbox: sandbox(&asked)?,
        // Those of the caller.
        set: None,
        instance: 0,
        tee: None,
        actor: Some(actor(caller)),
        path,
    };
    let origin = Origin::Program { maker: caller.thread, standard: standard(caller, &asked)? };
    let created = process::create_for(&new, &origin);
    created.map(|pid| u64::from(pid.number())).map_err(|error| create_errno(&error))
}

fn create_errno(error: &CreateError) -> Errno {
    match error {
        // As execve(2).
        CreateError::File(FileError::IsADirectory) => Errno::EACCES,
        CreateError::File(error)
        | CreateError::WorkingDirectory(error)
        | CreateError::Root(error) => fs::errno(*error),
        CreateError::Script(error) => *error,
        CreateError::Load(LoadError::Elf(_) | LoadError::Map(_)) => Errno::ENOEXEC,
        CreateError::Load(LoadError::Stack(_))
        | CreateError::Process(ProcessError::LimitExceeded {
            limit: LimitKind::Arguments, ..
        }) => Errno::E2BIG,
        CreateError::Load(LoadError::OutOfMemory) => refused(NativeError::OutOfMemory),
        CreateError::Load(LoadError::LimitExceeded) => refused(NativeError::LimitExceeded),
        CreateError::Process(error) => errno(error),
    }
}

/// As the caller's, with what is asked for; upwards only for who may.
fn scheduling(
    asked: &CreateProcess,
    own: &Credentials,
    before: Scheduling,
) -> Result<Scheduling, Errno> {
    let mut after = before;
    if asked.priority != 0 {
        after.priority = priority(asked.priority)?;
    }
    if asked.class != 0 {
        after.class = class(asked.class)?;
    }
    if asked.flags & create_flags::NICE != 0 {
        after.nice = Nice::new(i64::from(asked.nice)).map_err(|error| errno(&error))?;
    } else if asked.nice != 0 {
        return Err(Errno::EINVAL);
    }
    if own.is_capable(Capability::SysNice) || is_humbler(&before, &after) {
        Ok(after)
    } else {
        Err(refused(NativeError::PermissionDenied))
    }
}

fn limits(
    asked: &CreateProcess,
    own: &Credentials,
    before: &process_core::Limits,
) -> Result<process_core::Limits, Errno> {
    let after = before.changed(&limits_change(&asked.limits)?).map_err(|error| errno(&error))?;
    if own.is_capable(Capability::SysResource) || after.is_within(before) {
        Ok(after)
    } else {
        Err(refused(NativeError::PermissionDenied))
    }
}

/// The caller's, as a program that it executes would have them, or those of another user for who may
/// become that one.
fn credentials(asked: &CreateProcess, own: &Credentials) -> Result<Credentials, Errno> {
    if asked.flags & create_flags::USER == 0 {
        let is_plain = asked.uid == 0 && asked.gid == 0 && asked.group_count == 0;
        return if is_plain { Ok(own.of_executed_program()) } else { Err(Errno::EINVAL) };
    }
    if asked.uid == u32::MAX || asked.gid == u32::MAX || asked.group_count > MOST_GROUPS {
        return Err(Errno::EINVAL);
    }
    let mut groups = Vec::new();
    let count = usize::try_from(asked.group_count).map_err(|_| Errno::EINVAL)?;
    groups.try_reserve_exact(count).map_err(|_| Errno::ENOMEM)?;
    for index in 0..u64::from(asked.group_count) {
        let at = asked.groups.checked_add(index * 4).ok_or(Errno::EFAULT)?;
        groups.push(Gid(u32::from_le_bytes(user::read(UserPointer(at))?)));
    }
    let (uid, gid) = (Uid(asked.uid), Gid(asked.gid));
    let may_become = own.is_capable(Capability::Setuid) && own.is_capable(Capability::Setgid);
    let is_itself = own.real_uid == uid
        && own.effective_uid == uid
        && own.effective_gid == gid
        && *own.groups == *groups;
    if !may_become && !is_itself {
        return Err(refused(NativeError::PermissionDenied));
    }
    // Nobody gains what the caller could not have: its bound stays.
    Ok(Credentials::for_user(uid, gid, Arc::from(groups)).bounded(own.bounding))
}

fn sandbox(asked: &CreateProcess) -> Result<Option<NewSandbox>, Errno> {
    match asked.isolation {
        isolation::INHERIT | isolation::PROCESS => {
            let is_plain = asked.root == 0
                && asked.calls == (CallNumbers { address: 0, count: 0 })
                && asked.network == 0
                && asked.on_violation == 0;
            return if is_plain { Ok(None) } else { Err(Errno::EINVAL) };
        }
        isolation::SANDBOX => {}
        _ => return Err(Errno::EINVAL),
    }
    if asked.network & !network_rights::ALL != 0 || asked.calls.count > MOST_CALLS {
        return Err(Errno::EINVAL);
    }
    let mut calls = CallSet::EMPTY;
    if asked.calls.count == 0 {
        calls = sandbox::usual_calls();
    }
    for index in 0..asked.calls.count {
        let at = asked.calls.address.checked_add(index * 8).ok_or(Errno::EFAULT)?;
        if !sandbox::allow(&mut calls, u64::from_le_bytes(user::read(UserPointer(at))?)) {
            return Err(Errno::EINVAL);
        }
    }
    Ok(Some(NewSandbox {
        root: user::path(UserPointer(asked.root))?,
        calls,
        network: NetworkRights {
            connect: asked.network & network_rights::CONNECT != 0,
            listen: asked.network & network_rights::LISTEN != 0,
        },
        on_violation: match asked.on_violation {
            violation::REFUSE => OnViolation::Refuse,
            violation::KILL => OnViolation::Kill,
            _ => return Err(Errno::EINVAL),
        },
    }))
}

/// The caller's files that become the standard ones. A sandbox takes no directory: it could lead out
/// of its root.
fn standard(
    caller: &Caller<'_>,
    asked: &CreateProcess,
) -> Result<[Option<Arc<OpenFile>>; 3], Errno> {
    let mut files = [const { None }; 3];
    for (place, number) in files.iter_mut().zip(asked.standard) {
        if number == -1 {
            continue;
        }
        let open = file(caller, number)?;
        let is_way_out = open.is_path_only()
            || open.metadata().is_ok_and(|it| it.kind == vfs_core::FileKind::Directory);
        if asked.isolation == isolation::SANDBOX && is_way_out {
            return Err(refused(NativeError::PermissionDenied));
        }
        *place = Some(open);
    }
    Ok(files)
}
