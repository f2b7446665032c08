//! `clone` and its kin: new threads and processes.

use linux_abi::process::{CloneFlags, CloneRequest};
use linux_abi::{Arguments, Errno, UserPointer};

use process_core::Signal;
use vfs_core::Fd;

use super::process::errno;
use super::{Answer, Caller, user};
use crate::fs::OpenFile;
use crate::process::{self, Fork, NewThread, PidFile, Shares};

pub(super) fn clone(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    make(caller, &CloneRequest::decode(arguments)?)
}

pub(super) fn clone3(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    const WORDS: usize = 11;
    const PAGE_BYTES: u64 = 4096;
    let bytes = arguments.word(1);
    if bytes > PAGE_BYTES {
        return Err(Errno::E2BIG);
    }
    if bytes < CloneRequest::CLONE3_FIRST_BYTES {
        return Err(Errno::EINVAL);
    }
    let mut words = [0; WORDS];
    let mut at = arguments.pointer(0).0;
    let end = at.checked_add(bytes).ok_or(Errno::EFAULT)?;
    for index in 0.. {
        // A structure of a later version is taken if what is not known here is not used.
        if at.checked_add(8).is_none_or(|next| next > end) {
            break;
        }
        let word = u64::from_le_bytes(user::read(UserPointer(at))?);
        match words.get_mut(index) {
            Some(place) => *place = word,
            None if word != 0 => return Err(Errno::E2BIG),
            None => {}
        }
        at += 8;
    }
    make(caller, &CloneRequest::decode_clone3(&words)?)
}

pub(super) fn fork(caller: &mut Caller<'_>) -> Answer {
    make(caller, &CloneRequest::FORK)
}

pub(super) fn vfork(caller: &mut Caller<'_>) -> Answer {
    make(caller, &CloneRequest::VFORK)
}

fn make(caller: &mut Caller<'_>, request: &CloneRequest) -> Answer {
    let has = |flag| request.flags.contains(flag);
    let new = NewThread {
        stack: (request.stack != 0).then_some(request.stack),
        tls: has(CloneFlags::SETTLS).then_some(request.tls),
        store_tid: has(CloneFlags::CHILD_SETTID).then_some(request.child_tid.0),
        clear_tid: has(CloneFlags::CHILD_CLEARTID).then_some(request.child_tid.0),
    };
    if new.tls.is_some_and(|tls| tls >= hal::paging::layout::USER_END) {
        return Err(Errno::EPERM);
    }
    if !has(CloneFlags::THREAD) {
        return make_process(caller, request, new);
    }
    // Threads that do not share descriptors or places with their process are not offered.
    if !has(CloneFlags::FILES) || !has(CloneFlags::FS) {
        return Err(Errno::EINVAL);
    }
    let announced = has(CloneFlags::PARENT_SETTID).then_some(request.parent_tid.0);
    let tid = process::spawn_thread(caller.thread, caller.context, new, |tid| {
        if let Some(address) = announced {
            // As on Linux, a place that cannot be written stays as it is.
            let _ = hal::user::copy_to(address, &tid.number().to_le_bytes());
        }
    });
    tid.map(|tid| u64::from(tid.number())).map_err(|error| errno(&error))
}

fn make_process(caller: &mut Caller<'_>, request: &CloneRequest, thread: NewThread) -> Answer {
    let has = |flag| request.flags.contains(flag);
    // Handlers that several processes share are not offered.
    if has(CloneFlags::SIGHAND) {
        return Err(Errno::EINVAL);
    }
    let fork = Fork {
        thread,
        shares: Shares {
            memory: has(CloneFlags::VM),
            files: has(CloneFlags::FILES),
            places: has(CloneFlags::FS),
        },
        maker_waits: has(CloneFlags::VFORK),
        exit_signal: Signal::new(i64::from(request.exit_signal)).ok(),
        is_sibling: has(CloneFlags::PARENT),
        resets_handlers: has(CloneFlags::CLEAR_SIGHAND),
    };
    let announced = has(CloneFlags::PARENT_SETTID).then_some(request.parent_tid.0);
    let descriptor =
        if has(CloneFlags::PIDFD) { Some(pid_descriptor(caller, request)?) } else { None };
    let pid = process::fork(caller.thread, caller.context, &fork, |pid, child| {
        if let Some((_, file)) = &descriptor
            && let Some(file) = file.downcast::<PidFile>()
        {
            file.bind(alloc::sync::Arc::clone(child));
        }
        if let Some(address) = announced {
            // As for threads.
            let _ = hal::user::copy_to(address, &pid.number().to_le_bytes());
        }
    });
    if pid.is_err()
        && let Some((fd, _)) = &descriptor
    {
        let closed = caller.process.files.lock().remove(*fd);
        drop(closed);
    }
    pid.map(|pid| u64::from(pid.number())).map_err(|error| match error {
        process_core::ProcessError::ResourceExhausted {
            resource: process_core::Resource::Memory,
        } => Errno::ENOMEM,
        other => errno(&other),
    })
}

/// A descriptor for the process that is about to be made, which its maker finds where it asked.
fn pid_descriptor(
    caller: &Caller<'_>,
    request: &CloneRequest,
) -> Result<(Fd, alloc::sync::Arc<OpenFile>), Errno> {
    let file = super::pidfd::open(PidFile::unbound(), 0);
    let number = super::file::insert(caller, alloc::sync::Arc::clone(&file), true)?;
    let number = i32::try_from(number).map_err(|_| Errno::EMFILE)?;
    let fd = Fd::new(i64::from(number)).map_err(|_| Errno::EMFILE)?;
    if let Err(error) = user::write(request.pidfd, &number.to_le_bytes()) {
        let closed = caller.process.files.lock().remove(fd);
        drop(closed);
        return Err(error);
    }
    Ok((fd, file))
}
