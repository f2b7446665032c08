//! The system as a program asks about it.

use linux_abi::layout::{SysInfo, UtsName};
use linux_abi::process::RandomFlags;
use linux_abi::{Arguments, Errno};

use super::{Answer, Caller, identity, user};
use crate::admin::figures;
use crate::{process, random};

pub(super) fn uname(arguments: &Arguments) -> Answer {
    let name = UtsName {
        system: UtsName::text("Linux"),
        node: UtsName::text(&identity::host_name()),
        release: UtsName::text(identity::RELEASE),
        version: UtsName::text(identity::VERSION),
        machine: UtsName::text("x86_64"),
        domain: UtsName::text(&identity::domain_name()),
    };
    user::write(arguments.pointer(0), &name.to_bytes())?;
    Ok(0)
}

pub(super) fn sysinfo(arguments: &Arguments) -> Answer {
    // What /proc says, too; Linux counts threads as processes here.
    let (memory, load) = (figures::memory(), figures::load());
    let averages = [load.one_minute, load.five_minutes, load.fifteen_minutes];
    let info = SysInfo {
        uptime: i64::try_from(hal::time::now_ns() / 1_000_000_000).unwrap_or(i64::MAX),
        loads: averages.map(|hundredths| u64::from(hundredths.0) * 65_536 / 100),
        total_memory: memory.total_bytes,
        free_memory: memory.free_bytes,
        shared_memory: crate::fs::frame_bytes_of_files(),
        processes: u16::try_from(process::totals().threads).unwrap_or(u16::MAX),
        unit_bytes: 1,
        ..SysInfo::zeroed()
    };
    user::write(arguments.pointer(0), &info.to_bytes())?;
    Ok(0)
}

pub(super) fn getrandom(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    RandomFlags::from_argument(arguments.unsigned(2))?;
    let wanted = arguments.transfer_length(1)?;
    let mut done = 0;
    let mut bytes = [0; 256];
    while done < wanted {
        if caller.thread.needs_attention() && done > 0 {
            break;
        }
        let count = usize::try_from(wanted - done).unwrap_or(usize::MAX).min(bytes.len());
        random::fill(&mut bytes[..count]);
        let at = arguments.pointer(0).0.checked_add(done).ok_or(Errno::EFAULT)?;
        user::write(linux_abi::UserPointer(at), &bytes[..count])?;
        done += count as u64;
    }
    Ok(done)
}
