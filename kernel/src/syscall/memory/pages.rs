//! Calls about pages: advice, locks, residency.

use linux_abi::memory::{Advice, Madvise, PAGE_BYTES};
use linux_abi::{Arguments, Errno, UserPointer};
use vm_core::address_space::{Layout, PageRange};

use super::space;
use crate::memory::{AdviceError, Bounds, UserSpace};
use crate::syscall::{Answer, Caller, user};

fn errno(error: AdviceError) -> Errno {
    match error {
        AdviceError::Hole | AdviceError::OutOfMemory => Errno::ENOMEM,
        AdviceError::Unsuitable => Errno::EINVAL,
        AdviceError::Denied => Errno::EACCES,
        AdviceError::BeyondFile => Errno::EFAULT,
        AdviceError::Interrupted => Errno::EINTR,
    }
}

/// The pages that a call names; none if there are none to speak of.
fn range(address: u64, length: u64) -> Result<Option<PageRange>, Errno> {
    if !address.is_multiple_of(PAGE_BYTES) {
        return Err(Errno::EINVAL);
    }
    let bytes = length.checked_next_multiple_of(PAGE_BYTES).ok_or(Errno::EINVAL)?;
    let end = address.checked_add(bytes).ok_or(Errno::EINVAL)?;
    Ok(PageRange::new(address, end))
}

/// As `range`, for calls that take the pages that the addresses lie in.
fn covering(address: u64, length: u64) -> Result<Option<PageRange>, Errno> {
    let before = address % PAGE_BYTES;
    range(address - before, length.checked_add(before).ok_or(Errno::EINVAL)?)
}

/// Fills in the pages of a new area, as far as they can be had.
pub(super) fn fill_in(caller: &Caller<'_>, space: &UserSpace, range: PageRange) {
    space.populate_all(range, || caller.process.is_ending());
}

pub(in crate::syscall) fn madvise(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let request = Madvise::decode(arguments)?;
    let Some(range) = range(request.address, request.length)? else { return Ok(0) };
    let is_to_end = || caller.process.is_ending();
    let advised = space(caller)?.advise(range, request.advice, is_to_end);
    advised.map(|()| 0).map_err(errno)
}

pub(in crate::syscall) fn mincore(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    /// Pages looked at in one step: their bytes are a page's worth.
    const AT_A_TIME: u64 = PAGE_BYTES * PAGE_BYTES;
    let (address, length) = (arguments.word(0), arguments.word(1));
    if !address.is_multiple_of(PAGE_BYTES) {
        return Err(Errno::EINVAL);
    }
    let bytes = length.checked_next_multiple_of(PAGE_BYTES).ok_or(Errno::ENOMEM)?;
    let end = address.checked_add(bytes).filter(|end| *end <= Layout::USER.end());
    let end = end.ok_or(Errno::ENOMEM)?;
    let mut to = arguments.pointer(2);
    let space = space(caller)?;
    let mut at = address;
    while let Some(range) = PageRange::new(at, end.min(at.saturating_add(AT_A_TIME))) {
        let pages = space.residency(range).map_err(errno)?;
        user::write(to, &pages)?;
        to = UserPointer(to.0.checked_add(pages.len() as u64).ok_or(Errno::EFAULT)?);
        at = range.end();
        if caller.process.is_ending() {
            return Err(Errno::EINTR);
        }
    }
    Ok(0)
}

/// What is written to a shared mapping is in the file at once: there is nothing to write back.
pub(in crate::syscall) fn msync(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    const ASYNC: u32 = 1;
    const INVALIDATE: u32 = 2;
    const SYNC: u32 = 4;
    let flags = arguments.unsigned(2);
    let is_contradictory = flags & ASYNC != 0 && flags & SYNC != 0;
    if flags & !(ASYNC | INVALIDATE | SYNC) != 0 || is_contradictory {
        return Err(Errno::EINVAL);
    }
    let address = arguments.word(0);
    if !address.is_multiple_of(PAGE_BYTES) {
        return Err(Errno::EINVAL);
    }
    let bytes = arguments.word(1).checked_next_multiple_of(PAGE_BYTES).ok_or(Errno::ENOMEM)?;
    let end = address.checked_add(bytes).ok_or(Errno::ENOMEM)?;
    let Some(range) = PageRange::new(address, end) else { return Ok(0) };
    space(caller)?.advise(range, Advice::Hint, || false).map_err(errno)?;
    Ok(0)
}

/// What the caller may lock in all.
fn lock_bounds(caller: &Caller<'_>) -> Result<Bounds, Errno> {
    let bounds = super::bounds(caller, true);
    if bounds.locked_bytes == 0 { Err(Errno::EPERM) } else { Ok(bounds) }
}

fn lock(caller: &Caller<'_>, arguments: &Arguments, fills_in: bool) -> Answer {
    let bounds = lock_bounds(caller)?;
    let Some(range) = covering(arguments.word(0), arguments.word(1))? else { return Ok(0) };
    let space = space(caller)?;
    space.lock(range, bounds).map_err(errno)?;
    if fills_in {
        // What may not be touched cannot be filled in; Linux says ENOMEM, and has locked it.
        let is_to_end = || caller.process.is_ending();
        space.populate_all(range, is_to_end);
        if !space.is_readable(range) {
            return Err(Errno::ENOMEM);
        }
    }
    Ok(0)
}

pub(in crate::syscall) fn mlock(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    lock(caller, arguments, true)
}

pub(in crate::syscall) fn mlock2(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    const ON_FAULT: u32 = 1;
    match arguments.unsigned(2) {
        0 => lock(caller, arguments, true),
        ON_FAULT => lock(caller, arguments, false),
        _ => Err(Errno::EINVAL),
    }
}

pub(in crate::syscall) fn munlock(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let Some(range) = covering(arguments.word(0), arguments.word(1))? else { return Ok(0) };
    space(caller)?.unlock(range).map_err(errno)?;
    Ok(0)
}

pub(in crate::syscall) fn mlockall(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    const CURRENT: u32 = 1;
    const FUTURE: u32 = 2;
    const ON_FAULT: u32 = 4;
    let flags = arguments.unsigned(0);
    if flags & !(CURRENT | FUTURE | ON_FAULT) != 0 || flags & (CURRENT | FUTURE) == 0 {
        return Err(Errno::EINVAL);
    }
    let space = space(caller)?;
    let bounds = lock_bounds(caller)?;
    space.lock_all(flags & CURRENT != 0, flags & FUTURE != 0, bounds).map_err(errno)?;
    if flags & CURRENT != 0 && flags & ON_FAULT == 0 {
        space.populate_all(Layout::USER, || caller.process.is_ending());
    }
    Ok(0)
}

pub(in crate::syscall) fn munlockall(caller: &mut Caller<'_>, _arguments: &Arguments) -> Answer {
    space(caller)?.unlock_all().map_err(errno)?;
    Ok(0)
}
