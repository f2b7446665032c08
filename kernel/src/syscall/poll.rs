//! `poll`, `ppoll`, `select`, `pselect6`.

use alloc::sync::Arc;
use alloc::vec::Vec;

use linux_abi::layout::{PollFd, Timespec, Timeval};
use linux_abi::process::check_signal_set_size;
use linux_abi::{Arguments, Errno, UserPointer};
use process_core::SignalSet;
use vfs_core::Fd;

use super::{Answer, Caller, user};
use crate::fs::{self, Polled, Readiness};
use crate::process;

/// Adds to the time that it is now; "for ever" if that is too long.
pub(super) fn after(timeout_ns: u64) -> Option<u64> {
    if timeout_ns == 0 { Some(0) } else { hal::time::now_ns().checked_add(timeout_ns) }
}

/// Runs `f` with the thread's signals blocked as a program says, for as long as that takes; nothing
/// else is blocked for a null pointer.
pub(super) fn with_mask<'c>(
    caller: &mut Caller<'c>,
    mask: UserPointer,
    size: u64,
    f: impl FnOnce(&mut Caller<'c>) -> Answer,
) -> Answer {
    let Some(mask) = mask.non_null() else { return f(caller) };
    check_signal_set_size(size)?;
    let mask = SignalSet::from_bits(u64::from_le_bytes(user::read(mask)?));
    process::set_mask_for_wait(caller.process, caller.thread, mask);
    let answer = f(caller);
    // An interrupted call's handler runs with the mask of the wait; the border sees to that.
    let is_interrupted = answer.err().is_some_and(|error| error.restart().is_some());
    if !is_interrupted {
        process::end_mask_for_wait(caller.process, caller.thread);
    }
    answer
}

/// Waits for several files are not begun again behind a handler: signal(7).
fn interrupted(error: Errno) -> Errno {
    if error.restart().is_some() { Errno::ERESTARTNOHAND } else { error }
}

/// How much is left of a time that ends at `deadline_ns`.
fn left(deadline_ns: u64) -> u64 {
    deadline_ns.saturating_sub(hal::time::now_ns())
}

/// A timeout as a program passes it, none for a null pointer: the deadline.
fn timespec(at: UserPointer) -> Result<Option<Option<u64>>, Errno> {
    match at.non_null() {
        None => Ok(None),
        Some(at) => Ok(Some(after(Timespec::from_bytes(&user::read(at)?).to_nanoseconds()?))),
    }
}

/// The bits that one may ask for by a poll: as they are in the structure, taken as unsigned.
fn asked(events: i16) -> Readiness {
    Readiness::from_bits(events.cast_unsigned())
}

fn ppoll_or_poll(caller: &Caller<'_>, arguments: &Arguments, deadline_ns: Option<u64>) -> Answer {
    let count = arguments.unsigned(1);
    if count > caller.process.open_files_limit() {
        return Err(Errno::EINVAL);
    }
    let at = |index: u32, offset: u64| {
        let offset = u64::from(index) * PollFd::BYTES as u64 + offset;
        arguments.word(0).checked_add(offset).map(UserPointer).ok_or(Errno::EFAULT)
    };
    let mut files = Vec::new();
    let room = usize::try_from(count).map_err(|_| Errno::EINVAL)?;
    files.try_reserve_exact(room).map_err(|_| Errno::ENOMEM)?;
    for index in 0..count {
        let entry = PollFd::from_bytes(&user::read(at(index, 0)?)?);
        let mut polled = Polled::new(None, asked(entry.events));
        if entry.fd >= 0 {
            match find(caller, i64::from(entry.fd)) {
                Some(file) => polled.file = Some(file),
                None => polled.ready = Readiness::INVALID,
            }
        }
        files.push(polled);
    }
    let ready = fs::poll(caller.thread, &mut files, deadline_ns).map_err(interrupted)?;
    for (index, polled) in (0..count).zip(&files) {
        user::write(at(index, 6)?, &polled.ready.bits().to_le_bytes())?;
    }
    Ok(ready as u64)
}

fn find(caller: &Caller<'_>, number: i64) -> Option<Arc<crate::fs::OpenFile>> {
    let fd = Fd::new(number).ok()?;
    caller.process.files.lock().get(fd).ok().map(|descriptor| Arc::clone(&descriptor.file))
}

pub(super) fn poll(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    // Any negative time is for ever.
    let deadline_ns = match u64::try_from(arguments.int(2)) {
        Ok(timeout_ms) => after(timeout_ms.saturating_mul(1_000_000)),
        Err(_) => None,
    };
    let deadline_ns = caller.resumed_deadline_ns.or(deadline_ns);
    match (ppoll_or_poll(caller, arguments, deadline_ns), deadline_ns) {
        (Err(Errno::ERESTARTNOHAND), Some(deadline_ns)) => {
            Err(caller.interrupted_until(deadline_ns))
        }
        (answer, _) => answer,
    }
}

pub(super) fn ppoll(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let deadline = timespec(arguments.pointer(2))?;
    with_mask(caller, arguments.pointer(3), arguments.word(4), |caller| {
        let answer = ppoll_or_poll(caller, arguments, deadline.flatten());
        // What is left is told, if it can be: select(2), "Linux notes".
        if let (Some(at), Some(Some(deadline))) = (arguments.pointer(2).non_null(), deadline) {
            let left = Timespec::from_nanoseconds(left(deadline));
            let _ = user::write(at, &left.to_bytes());
        }
        answer
    })
}

/// One of select's three sets.
struct Set {
    at: Option<UserPointer>,
    words: Vec<u64>,
    asks: Readiness,
    counts: Readiness,
}

impl Set {
    fn read(
        at: UserPointer,
        count: u32,
        asks: Readiness,
        counts: Readiness,
    ) -> Result<Self, Errno> {
        let at = at.non_null();
        let mut words = Vec::new();
        let length = usize::try_from(count.div_ceil(64)).map_err(|_| Errno::EINVAL)?;
        words.try_reserve_exact(length).map_err(|_| Errno::ENOMEM)?;
        for index in 0..length {
            words.push(match at {
                Some(at) => {
                    let place = at.0.checked_add(index as u64 * 8).ok_or(Errno::EFAULT)?;
                    u64::from_le_bytes(user::read(UserPointer(place))?)
                }
                None => 0,
            });
        }
        Ok(Self { at, words, asks, counts })
    }

    fn has(&self, fd: u32) -> bool {
        let word = usize::try_from(fd / 64).ok().and_then(|index| self.words.get(index));
        word.is_some_and(|word| word & (1 << (fd % 64)) != 0)
    }

    fn write(&self) -> Result<(), Errno> {
        let Some(at) = self.at else { return Ok(()) };
        for (index, word) in self.words.iter().enumerate() {
            let place = at.0.checked_add(index as u64 * 8).ok_or(Errno::EFAULT)?;
            user::write(UserPointer(place), &word.to_le_bytes())?;
        }
        Ok(())
    }
}

fn select_until(caller: &Caller<'_>, arguments: &Arguments, deadline_ns: Option<u64>) -> Answer {
    let count = u32::try_from(arguments.int(0)).map_err(|_| Errno::EINVAL)?;
    // What lies beyond all descriptors that can be is not looked at.
    let count = count.min(caller.process.open_files_limit());
    let (read, write) =
        (Readiness::IN | Readiness::READ_NORMAL, Readiness::OUT | Readiness::WRITE_NORMAL);
    let mut sets = [
        Set::read(arguments.pointer(1), count, read, read | Readiness::ALWAYS)?,
        Set::read(arguments.pointer(2), count, write, write | Readiness::ERR)?,
        Set::read(arguments.pointer(3), count, Readiness::PRI, Readiness::PRI)?,
    ];
    let mut files = Vec::new();
    let mut numbers = Vec::new();
    for fd in 0..count {
        let asks = sets.iter().filter(|set| set.has(fd));
        let interest = asks.fold(Readiness::NONE, |all, set| all | set.asks);
        if interest.is_none() {
            continue;
        }
        let file = find(caller, i64::from(fd)).ok_or(Errno::EBADF)?;
        files.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        numbers.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        files.push(Polled::new(Some(file), interest));
        numbers.push(fd);
    }
    fs::poll(caller.thread, &mut files, deadline_ns).map_err(interrupted)?;
    let mut ready = 0_u64;
    for set in &mut sets {
        let mut answer = Vec::new();
        answer.try_reserve_exact(set.words.len()).map_err(|_| Errno::ENOMEM)?;
        answer.resize(set.words.len(), 0_u64);
        for (fd, polled) in numbers.iter().zip(&files) {
            if set.has(*fd) && polled.ready.intersects(set.counts) {
                ready += 1;
                let index = usize::try_from(fd / 64).unwrap_or(usize::MAX);
                if let Some(word) = answer.get_mut(index) {
                    *word |= 1 << (fd % 64);
                }
            }
        }
        set.words = answer;
        set.write()?;
    }
    Ok(ready)
}

pub(super) fn select(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let at = arguments.pointer(4).non_null();
    let deadline = match at {
        None => None,
        Some(at) => {
            let time = Timeval::from_bytes(&user::read(at)?);
            // More microseconds than a second has are taken as they are: select(2).
            let seconds = u64::try_from(time.seconds).map_err(|_| Errno::EINVAL)?;
            let microseconds = u64::try_from(time.microseconds).map_err(|_| Errno::EINVAL)?;
            let fraction = microseconds.saturating_mul(1000);
            Some(after(seconds.saturating_mul(1_000_000_000).saturating_add(fraction)))
        }
    };
    let answer = select_until(caller, arguments, deadline.flatten());
    if let (Some(at), Some(Some(deadline))) = (at, deadline) {
        let _ = user::write(at, &Timeval::from_nanoseconds(left(deadline)).to_bytes());
    }
    answer
}

pub(super) fn pselect(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let deadline = timespec(arguments.pointer(4))?;
    // The sixth argument points to the mask's address and its size.
    let (mask, size) = match arguments.pointer(5).non_null() {
        Some(at) => {
            let pair: [u8; 16] = user::read(at)?;
            let [address, size] = [0, 8].map(|start| {
                let word = pair.get(start..start + 8).and_then(|part| part.try_into().ok());
                word.map_or(0, u64::from_le_bytes)
            });
            (UserPointer(address), size)
        }
        None => (UserPointer(0), 0),
    };
    with_mask(caller, mask, size, |caller| {
        let answer = select_until(caller, arguments, deadline.flatten());
        if let (Some(at), Some(Some(deadline))) = (arguments.pointer(4).non_null(), deadline) {
            let left = Timespec::from_nanoseconds(left(deadline));
            let _ = user::write(at, &left.to_bytes());
        }
        answer
    })
}
