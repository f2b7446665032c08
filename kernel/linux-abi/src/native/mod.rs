//! MultiOS's own system calls: numbers, structures, errors. `docs/native-calls.md` describes them.
//!
//! They lie far above Linux's, which answers ENOSYS to them. A call with more than a few arguments
//! takes a pointer to a structure and the structure's size: a kernel takes shorter ones, whose
//! missing end counts as zeroes, and longer ones if the end that it does not know is zero.

mod error;
mod number;
mod process;
mod service;

pub use error::NativeError;
pub use number::{FIRST, FIRST_OF_SERVICES, LAST, NativeCall, VERSION};
pub use process::{
    CallNumbers, CreateProcess, LimitValues, ListProcesses, ProcessInfo, Scheduling, SetLimits,
    TerminateProcess, WaitProcess, create_flags, exit_kind, isolation, limit_bits, network_rights,
    scheduling_flags, violation,
};
pub use service::{ResolvedService, ServiceInfo, service_health, service_state};
