//! Control messages: descriptors and credentials that go along with bytes. cmsg(3), unix(7).

use alloc::sync::Arc;
use alloc::vec::Vec;

use linux_abi::layout::{CMsgHdr, MsgHdr, UCred};
use linux_abi::socket::{MessageFlags, level};
use linux_abi::{Errno, UserPointer};

use crate::fs::OpenFile;
use crate::socket::{self, Incoming};
use crate::syscall::{Caller, file, user};

/// The most descriptors that go along with one message: SCM_MAX_FD.
const MOST_RIGHTS: usize = 253;
/// The longest control data that is taken: `net.core.optmem_max`.
const MOST_BYTES: u64 = 131_072;

/// What a message is sent with.
pub(super) struct Control {
    pub(super) rights: Vec<Arc<OpenFile>>,
    pub(super) credentials: Option<UCred>,
}

/// Rounds up to where the next control message, or the data of one, may start.
fn aligned(length: u64) -> u64 {
    length.saturating_add(7) & !7
}

/// Reads what a program sends along.
pub(super) fn read(caller: &Caller<'_>, header: &MsgHdr) -> Result<Control, Errno> {
    let mut control = Control { rights: Vec::new(), credentials: None };
    if header.control_length > MOST_BYTES {
        return Err(Errno::ENOBUFS);
    }
    const HEADER: u64 = CMsgHdr::BYTES as u64;
    let mut at = 0_u64;
    while header.control_length.saturating_sub(at) >= HEADER {
        let place = header.control.checked_add(at).ok_or(Errno::EFAULT)?;
        let message = CMsgHdr::from_bytes(&user::read(UserPointer(place))?);
        if message.length < HEADER || message.length > header.control_length - at {
            return Err(Errno::EINVAL);
        }
        let data = UserPointer(place.checked_add(HEADER).ok_or(Errno::EFAULT)?);
        let length = message.length - HEADER;
        match (message.level, message.kind) {
            (level::SOCKET, CMsgHdr::RIGHTS) => {
                for index in 0..length / 4 {
                    if control.rights.len() >= MOST_RIGHTS {
                        return Err(Errno::EINVAL);
                    }
                    let at = UserPointer(data.0.checked_add(index * 4).ok_or(Errno::EFAULT)?);
                    let file = file::file(caller, i32::from_le_bytes(user::read(at)?))?;
                    control.rights.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
                    control.rights.push(file);
                }
            }
            (level::SOCKET, CMsgHdr::CREDENTIALS) => {
                if length != UCred::BYTES as u64 {
                    return Err(Errno::EINVAL);
                }
                let shown = UCred::from_bytes(&user::read(data)?);
                if !socket::may_show(shown) {
                    return Err(Errno::EPERM);
                }
                control.credentials = Some(shown);
            }
            (level::SOCKET, _) => return Err(Errno::EINVAL),
            // Another level's are its own business, which none has here.
            _ => {}
        }
        at = at.saturating_add(aligned(message.length));
    }
    Ok(control)
}

/// Writes what came along to where the program wants it. Says how many bytes that were, and whether
/// there was no room for all of it; what found none is closed.
pub(super) fn write(
    caller: &Caller<'_>,
    header: &MsgHdr,
    incoming: &mut Incoming,
    flags: MessageFlags,
) -> Result<(u64, bool), Errno> {
    const HEADER: u64 = CMsgHdr::BYTES as u64;
    let room = header.control_length;
    let (mut at, mut is_cut) = (0_u64, false);
    let put = |at: u64, kind: i32, data: &[u8]| {
        let place = header.control.checked_add(at).ok_or(Errno::EFAULT)?;
        let length = HEADER + data.len() as u64;
        let message = CMsgHdr { length, level: level::SOCKET, kind };
        user::write(UserPointer(place), &message.to_bytes())?;
        user::write(UserPointer(place.checked_add(HEADER).ok_or(Errno::EFAULT)?), data)?;
        Ok::<u64, Errno>(length)
    };
    if let Some(credentials) = incoming.credentials {
        if room >= HEADER + UCred::BYTES as u64 {
            let length = put(at, CMsgHdr::CREDENTIALS, &credentials.to_bytes())?;
            at = aligned(length).min(room);
        } else {
            is_cut = true;
        }
    }
    let rights = core::mem::take(&mut incoming.rights);
    if !rights.is_empty() {
        let fits = (room - at).saturating_sub(HEADER) / 4;
        let fits = usize::try_from(fits).unwrap_or(usize::MAX).min(rights.len());
        is_cut |= fits < rights.len();
        let mut numbers = Vec::new();
        numbers.try_reserve_exact(fits * 4).map_err(|_| Errno::ENOMEM)?;
        let closes_on_exec = flags.contains(MessageFlags::CMSG_CLOEXEC);
        for file in rights.into_iter().take(fits) {
            match file::insert(caller, file, closes_on_exec) {
                Ok(fd) => {
                    let number = u32::try_from(fd).unwrap_or(u32::MAX);
                    numbers.extend_from_slice(&number.to_le_bytes());
                }
                Err(_) => {
                    is_cut = true;
                    break;
                }
            }
        }
        if !numbers.is_empty() {
            let length = put(at, CMsgHdr::RIGHTS, &numbers)?;
            at = aligned(at.saturating_add(length)).min(room);
        }
    }
    Ok((at, is_cut))
}
