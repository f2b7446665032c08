//! What there is: [`info`], [`Processes`].

use linux_abi::native::{ListProcesses, NativeCall, ProcessInfo};

use crate::error::Error;
use crate::process::Pid;
use crate::system;

/// What is known about a process, also one that is only remembered.
///
/// # Errors
/// `ProcessNotFound`.
pub fn info(pid: Pid) -> Result<ProcessInfo, Error> {
    let mut bytes = [0; ProcessInfo::BYTES];
    // SAFETY: the call takes that.
    unsafe { system::about(NativeCall::GET_PROCESS_INFO, pid.0, &mut bytes) }?;
    Ok(ProcessInfo::from_bytes(&bytes))
}

/// Processes looked at in one call.
const PAGE: usize = 16;
/// The same, and the length of what is told about each, as the call takes them.
const PAGE_NUMBER: u32 = 16;
const INFO_BYTES: u32 = 352;
const _: () = assert!(PAGE_NUMBER as usize == PAGE && INFO_BYTES as usize == ProcessInfo::BYTES);

/// All processes, in the order of their numbers. One that is there throughout comes exactly once,
/// whatever comes and goes meanwhile.
///
/// ```
/// use multios::{Error, Processes};
///
/// fn count() -> Result<usize, Error> {
///     let mut count = 0;
///     for process in Processes::new() {
///         process?;
///         count += 1;
///     }
///     Ok(count)
/// }
///
/// assert_eq!(count(), Err(Error::NotMultiOs));
/// ```
#[derive(Debug)]
pub struct Processes {
    page: [[u8; ProcessInfo::BYTES]; PAGE],
    length: usize,
    next: usize,
    cursor: u32,
    with_remembered: bool,
    is_over: bool,
}

impl Processes {
    /// Those that are there.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            page: [[0; ProcessInfo::BYTES]; PAGE],
            length: 0,
            next: 0,
            cursor: 0,
            with_remembered: false,
            is_over: false,
        }
    }

    /// Those too that are only remembered.
    #[must_use]
    pub const fn with_remembered() -> Self {
        let mut all = Self::new();
        all.with_remembered = true;
        all
    }

    fn load(&mut self) -> Result<(), Error> {
        let asked = ListProcesses {
            cursor: self.cursor,
            capacity: PAGE_NUMBER,
            buffer: self.page.as_mut_ptr() as u64,
            info_bytes: INFO_BYTES,
            remembered: self.with_remembered.into(),
        };
        let mut bytes = asked.to_bytes();
        // SAFETY: the structure is this call's; the buffer is `self.page`, of the length that is told.
        let count = unsafe { system::with_structure(NativeCall::LIST_PROCESSES, &mut bytes) }?;
        self.cursor = ListProcesses::from_bytes(&bytes).cursor;
        self.length = usize::try_from(count).unwrap_or(0).min(PAGE);
        self.next = 0;
        self.is_over = self.length == 0;
        Ok(())
    }
}

impl Default for Processes {
    fn default() -> Self {
        Self::new()
    }
}

impl Iterator for Processes {
    type Item = Result<ProcessInfo, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next == self.length
            && !self.is_over
            && let Err(error) = self.load()
        {
            self.is_over = true;
            return Some(Err(error));
        }
        let bytes = self.page.get(self.next).filter(|_| self.next < self.length)?;
        self.next += 1;
        Some(Ok(ProcessInfo::from_bytes(bytes)))
    }
}
