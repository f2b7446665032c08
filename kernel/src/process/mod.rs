//! Processes.

use process_core::Pid;

/// A process, as the kernel hangs it on the table's record.
#[derive(Debug)]
pub struct Process {
    pub pid: Pid,
}
