//! Terminals for programs: pseudo-terminals (`/dev/ptmx`, `/dev/pts/N`) and a process's own
//! (`/dev/tty`). What happens to bytes decides `vfs_core::Terminal`; here is who waits, who may read,
//! and whom the keyboard's signals reach; credentials(7), pty(7), tty_ioctl(4).

mod job;
mod master;
mod modes;
mod pair;
mod slave;

use alloc::boxed::Box;

use linux_abi::Errno;
use linux_abi::file::OpenFlags;
use process_core::Pid;
use vfs_core::DeviceNumber;

use crate::fs::{File, Held, OpenFile};

pub use job::leader_ended;

/// Linux's numbers: `devices.txt`.
const PTMX: DeviceNumber = DeviceNumber { major: 5, minor: 2 };
const TTY: DeviceNumber = DeviceNumber { major: 5, minor: 0 };
const PTS_MAJOR: u32 = 136;

/// Whether a device is a terminal.
#[must_use]
pub fn is_terminal(number: DeviceNumber) -> bool {
    number == PTMX || number == TTY || number.major == PTS_MAJOR
}

/// A session's controlling terminal: its number as `stat` shows it, and the group in its foreground.
#[must_use]
pub fn of_session(session: Pid) -> Option<(u32, Option<Pid>)> {
    let pair = pair::of_session(session)?;
    let foreground = pair.state.lock().foreground;
    Some((PTS_MAJOR << 8 | pair.index, foreground))
}

/// Opens a terminal for the running thread's process.
///
/// # Errors
/// ENXIO without a controlling terminal, and for what is none; EIO for the slave of a master that is
/// gone or locked; ENOSPC when there are too many; ENOMEM.
pub fn open(number: DeviceNumber, held: Held, flags: OpenFlags) -> Result<Box<dyn File>, Errno> {
    if number == PTMX {
        return Ok(Box::new(master::Master::open(held)?));
    }
    let (pair, flags) = if number == TTY {
        (job::controlling_of_caller(), flags | OpenFlags::NOCTTY)
    } else {
        (pair::find(number.minor), flags)
    };
    Ok(Box::new(slave::Slave::open(pair.ok_or(Errno::ENXIO)?, held, flags)?))
}

/// Opens the other side of a master: `TIOCGPTPEER`.
///
/// # Errors
/// ENOTTY for what is no terminal, EIO for what is no master; as [`open`].
pub fn open_peer(file: &OpenFile, flags: OpenFlags) -> Result<Box<dyn File>, Errno> {
    if file.downcast::<slave::Slave>().is_some() {
        return Err(Errno::EIO);
    }
    let master = file.downcast::<master::Master>().ok_or(Errno::ENOTTY)?;
    Ok(Box::new(master.open_peer(flags)?))
}
