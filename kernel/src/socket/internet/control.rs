//! ioctl(2) on sockets of the Internet's: how much waits.

use linux_abi::Errno;

const FIONREAD: u32 = 0x541b;
const SIOCOUTQ: u32 = 0x5411;

/// Answers a request; `queues` says how many bytes wait to be read, and to be acknowledged.
pub(super) fn ioctl(
    request: u32,
    argument: u64,
    queues: impl FnOnce() -> Result<(usize, usize), Errno>,
) -> Result<u64, Errno> {
    let count = match request {
        FIONREAD => queues()?.0,
        SIOCOUTQ => queues()?.1,
        _ => return Err(Errno::ENOTTY),
    };
    let count = i32::try_from(count).unwrap_or(i32::MAX).to_le_bytes();
    hal::user::copy_to(argument, &count).map_err(|_| Errno::EFAULT)?;
    Ok(0)
}
