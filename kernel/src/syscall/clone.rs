//! `clone` and its kin: new threads and processes.

use linux_abi::process::{CloneFlags, CloneRequest};
use linux_abi::{Arguments, Errno};

use super::process::errno;
use super::{Answer, Caller};
use crate::process::{self, NewThread};

pub(super) fn clone(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    make(caller, &CloneRequest::decode(arguments)?)
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
        return Err(Errno::ENOSYS);
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
