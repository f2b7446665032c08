//! Calls that are about the system as a whole: its name, its power, its clock, its log. Each wants its
//! capability; capabilities(7).

use alloc::string::String;
use alloc::vec::Vec;

use linux_abi::{Arguments, Errno, UserPointer};
use process_core::Capability;

use super::process::errno;
use super::{Answer, Caller, identity, user};
use crate::admin::{self, Power};
use crate::{log, process};

/// Checks that the caller may use a capability.
fn check(caller: &Caller<'_>, capability: Capability) -> Result<(), Errno> {
    let own = process::credentials_of(caller.process.pid()).map_err(|error| errno(&error))?;
    if own.is_capable(capability) { Ok(()) } else { Err(Errno::EPERM) }
}

pub(super) fn sethostname(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    identity::set_host_name(new_name(caller, arguments)?);
    Ok(0)
}

pub(super) fn setdomainname(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    identity::set_domain_name(new_name(caller, arguments)?);
    Ok(0)
}

/// A new name of the host or its domain.
fn new_name(caller: &Caller<'_>, arguments: &Arguments) -> Result<String, Errno> {
    /// `__NEW_UTS_LEN`.
    const MOST: usize = 64;
    check(caller, Capability::SysAdmin)?;
    let length = usize::try_from(arguments.int(1)).map_err(|_| Errno::EINVAL)?;
    if length > MOST {
        return Err(Errno::EINVAL);
    }
    let bytes: [u8; MOST] = {
        let mut bytes = [0; MOST];
        hal::user::copy_from(arguments.pointer(0).0, &mut bytes[..length])
            .map_err(|_| Errno::EFAULT)?;
        bytes
    };
    let name = bytes[..length].split(|byte| *byte == 0).next().unwrap_or_default();
    Ok(String::from(String::from_utf8_lossy(name)))
}

pub(super) fn reboot(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    const MAGIC: u32 = 0xfee1_dead;
    /// Birthdays.
    const MAGICS: [u32; 4] = [0x2812_1969, 0x0512_1996, 0x1604_1998, 0x2011_2000];
    const RESTART: u32 = 0x0123_4567;
    const RESTART_BY: u32 = 0xa1b2_c3d4;
    const HALT: u32 = 0xcdef_0123;
    const POWER_OFF: u32 = 0x4321_fedc;
    /// What the keys control, alt and delete together do: nothing here in any case.
    const KEYS: [u32; 2] = [0, 0x89ab_cdef];
    check(caller, Capability::SysBoot)?;
    if arguments.unsigned(0) != MAGIC || !MAGICS.contains(&arguments.unsigned(1)) {
        return Err(Errno::EINVAL);
    }
    let power = match arguments.unsigned(2) {
        command if KEYS.contains(&command) => return Ok(0),
        RESTART => Power::Reboot,
        RESTART_BY => {
            // What the program says about it is looked at, and counts for nothing.
            user::text(arguments.pointer(3), 256)?;
            Power::Reboot
        }
        HALT | POWER_OFF => Power::Off,
        _ => return Err(Errno::EINVAL),
    };
    let actor = alloc::format!("process {}", caller.process.pid());
    admin::go_down(power, &actor).map_err(|_| Errno::EBUSY)?;
    Ok(0)
}

/// `clock_settime` and `settimeofday`: the clock is the hardware's, which nobody sets.
pub(super) fn set_clock() -> Answer {
    Err(Errno::EPERM)
}

/// The kernel's log as dmesg(1) reads it: syslog(2). Who wants all of it, or its size, gets it; the log
/// is not taken or cleared by reading, and what the serial console shows is the boot options' business.
pub(super) fn syslog(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    const READ_ALL: i32 = 3;
    const CONSOLE: core::ops::RangeInclusive<i32> = 6..=8;
    const SIZE_UNREAD: i32 = 9;
    const SIZE_BUFFER: i32 = 10;
    check(caller, Capability::Syslog)?;
    match arguments.int(0) {
        // Opening and closing mean nothing on Linux either.
        0 | 1 => Ok(0),
        READ_ALL => {
            let length = usize::try_from(arguments.int(2)).map_err(|_| Errno::EINVAL)?;
            let at = arguments.pointer(1).non_null().ok_or(Errno::EINVAL)?;
            let lines = newest_lines(length)?;
            let mut done = 0_u64;
            for line in &lines {
                let place = at.0.checked_add(done).ok_or(Errno::EFAULT)?;
                user::write(UserPointer(place), line.as_bytes())?;
                done += line.len() as u64;
            }
            Ok(done)
        }
        SIZE_UNREAD => Ok(0),
        SIZE_BUFFER => Ok(newest_lines(usize::MAX)?.iter().map(|line| line.len() as u64).sum()),
        kind if CONSOLE.contains(&kind) => Err(Errno::EPERM),
        _ => Err(Errno::EINVAL),
    }
}

/// The last lines that fit into so many bytes, in their order.
fn newest_lines(room: usize) -> Result<Vec<String>, Errno> {
    let mut lines = Vec::new();
    let mut left = room;
    let mut buffer = [0; ksync::MAX_TEXT_BYTES];
    let range = log::range();
    for number in range.rev() {
        let Some(record) = log::read(number, &mut buffer) else { continue };
        if record.sequence != number {
            // It has been overwritten meanwhile, and so are those before it.
            break;
        }
        let line = alloc::format!(
            "<{}>[{:5}.{:06}] {}\n",
            record.severity,
            record.time_ns / 1_000_000_000,
            record.time_ns / 1000 % 1_000_000,
            record.text
        );
        let Some(rest) = left.checked_sub(line.len()) else { break };
        left = rest;
        lines.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        lines.push(line);
    }
    lines.reverse();
    Ok(lines)
}
