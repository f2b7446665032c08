//! `prctl`, `personality`, `membarrier`: what belongs nowhere else.

use linux_abi::{Arguments, Errno, UserPointer};
use process_core::{Capability, ProcessName, Signal};

use super::process::errno;
use super::{Answer, Caller, user};
use crate::process;

const SET_PDEATHSIG: i32 = 1;
const GET_PDEATHSIG: i32 = 2;
const GET_DUMPABLE: i32 = 3;
const SET_DUMPABLE: i32 = 4;
const GET_KEEPCAPS: i32 = 7;
const SET_KEEPCAPS: i32 = 8;
const SET_NAME: i32 = 15;
const GET_NAME: i32 = 16;
const GET_SECCOMP: i32 = 21;
const CAPBSET_READ: i32 = 23;
const CAPBSET_DROP: i32 = 24;
const GET_SECUREBITS: i32 = 27;
const SET_TIMERSLACK: i32 = 29;
const GET_TIMERSLACK: i32 = 30;
const SET_CHILD_SUBREAPER: i32 = 36;
const GET_CHILD_SUBREAPER: i32 = 37;
const SET_NO_NEW_PRIVS: i32 = 38;
const GET_NO_NEW_PRIVS: i32 = 39;
const GET_TID_ADDRESS: i32 = 40;
const CAP_AMBIENT: i32 = 47;

/// Linux's usual slack of timers, in nanoseconds.
const TIMER_SLACK_NS: u64 = 50_000;

pub(super) fn prctl(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let pid = caller.process.pid();
    let value = arguments.word(1);
    let store = |value: i32| user::write(arguments.pointer(1), &value.to_le_bytes()).map(|()| 0);
    let capability = || {
        let number = usize::try_from(value).ok();
        number.and_then(|number| Capability::ALL.get(number)).copied().ok_or(Errno::EINVAL)
    };
    match arguments.int(0) {
        SET_PDEATHSIG => {
            let signal = match value {
                0 => None,
                number => {
                    let number = i64::try_from(number).map_err(|_| Errno::EINVAL)?;
                    Some(Signal::new(number).map_err(|_| Errno::EINVAL)?)
                }
            };
            caller.process.set_death_signal(signal);
            Ok(0)
        }
        GET_PDEATHSIG => {
            let signal = caller.process.death_signal();
            store(signal.map_or(0, |signal| i32::from(signal.number())))
        }
        GET_DUMPABLE => Ok(1),
        // No core is ever dumped, and who may look into whom goes by users alone.
        SET_DUMPABLE if value <= 1 => Ok(0),
        GET_KEEPCAPS => Ok(u64::from(own(caller)?.keeps_capabilities)),
        SET_KEEPCAPS if value <= 1 => {
            let mut new = process_core::Credentials::clone(&*own(caller)?);
            new.keeps_capabilities = value == 1;
            process::set_credentials(pid, new).map_err(|e| errno(&e))?;
            Ok(0)
        }
        SET_NAME => set_name(caller, arguments.pointer(1)),
        GET_NAME => {
            let name = match caller.thread.program.name() {
                Some(name) => name,
                None => process::name_of(pid).map_err(|e| errno(&e))?,
            };
            let mut bytes = [0; 16];
            let text = name.as_bytes();
            let count = text.len().min(15);
            bytes[..count].copy_from_slice(&text[..count]);
            user::write(arguments.pointer(1), &bytes)?;
            Ok(0)
        }
        GET_SECCOMP | GET_SECUREBITS => Ok(0),
        CAPBSET_READ => Ok(u64::from(own(caller)?.bounding.contains(capability()?))),
        CAPBSET_DROP => {
            let new = own(caller)?.without_bound(capability()?).map_err(|_| Errno::EPERM)?;
            process::set_credentials(pid, new).map_err(|e| errno(&e))?;
            Ok(0)
        }
        // Timers are not put off here, however much a program would allow.
        SET_TIMERSLACK => Ok(0),
        GET_TIMERSLACK => Ok(TIMER_SLACK_NS),
        SET_CHILD_SUBREAPER => {
            process::set_subreaper(pid, value != 0).map_err(|e| errno(&e))?;
            Ok(0)
        }
        GET_CHILD_SUBREAPER => store(i32::from(process::is_subreaper(pid).map_err(|e| errno(&e))?)),
        SET_NO_NEW_PRIVS => {
            let rest = [arguments.word(2), arguments.word(3), arguments.word(4)];
            if value != 1 || rest != [0; 3] {
                return Err(Errno::EINVAL);
            }
            caller.process.refuse_new_rights();
            Ok(0)
        }
        GET_NO_NEW_PRIVS => Ok(u64::from(caller.process.refuses_new_rights())),
        GET_TID_ADDRESS => {
            let address = caller.thread.program.clear_tid();
            user::write(arguments.pointer(1), &address.to_le_bytes())?;
            Ok(0)
        }
        // There are none, and none can be had.
        CAP_AMBIENT => match value {
            1 | 4 => Ok(0),
            2 | 3 => Err(Errno::EPERM),
            _ => Err(Errno::EINVAL),
        },
        _ => Err(Errno::EINVAL),
    }
}

fn own(caller: &Caller<'_>) -> Result<alloc::sync::Arc<process_core::Credentials>, Errno> {
    process::credentials_of(caller.process.pid()).map_err(|e| errno(&e))
}

fn set_name(caller: &mut Caller<'_>, at: UserPointer) -> Answer {
    let mut name = [0; 16];
    // Up to the zero byte, which may be the last one that is readable.
    for (index, byte) in name.iter_mut().enumerate().take(15) {
        let at = at.0.checked_add(index as u64).ok_or(Errno::EFAULT)?;
        *byte = user::read::<1>(UserPointer(at))?[0];
        if *byte == 0 {
            break;
        }
    }
    let name = ProcessName::new(&name);
    let pid = caller.process.pid();
    if caller.thread.tid() == pid.main_thread() {
        process::set_name(pid, name).map_err(|e| errno(&e))?;
    } else {
        caller.thread.program.set_name(Some(name));
    }
    Ok(0)
}

/// `personality`: there is but Linux's.
pub(super) fn personality(arguments: &Arguments) -> Answer {
    const ASK: u32 = u32::MAX;
    match arguments.unsigned(0) {
        0 | ASK => Ok(0),
        _ => Err(Errno::EINVAL),
    }
}

/// `membarrier`: orders the memory of all CPUs that run the process, by having each pass the border
/// between kernel and program.
pub(super) fn membarrier(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    const QUERY: i32 = 0;
    const GLOBAL: i32 = 1;
    const PRIVATE_EXPEDITED: i32 = 1 << 3;
    const REGISTER_PRIVATE_EXPEDITED: i32 = 1 << 4;
    if arguments.unsigned(1) != 0 {
        return Err(Errno::EINVAL);
    }
    match arguments.int(0) {
        QUERY => {
            let known = GLOBAL | PRIVATE_EXPEDITED | REGISTER_PRIVATE_EXPEDITED;
            Ok(u64::from(known.cast_unsigned()))
        }
        REGISTER_PRIVATE_EXPEDITED => {
            caller.process.register_barriers();
            Ok(0)
        }
        PRIVATE_EXPEDITED if !caller.process.has_registered_barriers() => Err(Errno::EPERM),
        GLOBAL => {
            hal::paging::barrier_everywhere();
            Ok(0)
        }
        PRIVATE_EXPEDITED => {
            caller.process.barrier();
            Ok(0)
        }
        _ => Err(Errno::EINVAL),
    }
}
