//! Who may send a signal to whom: kill(2), "the permissions".

use crate::credentials::{Capability, Credentials};
use crate::error::ProcessError;
use crate::ids::Pid;
use crate::signal::Signal;
use crate::table::ProcessTable;

/// Who sends a signal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SignalSender {
    /// The kernel, or an operator whom the admin API has let through.
    System,
    /// A program.
    Process(Pid),
}

/// Whether a user's rights reach another's process.
fn reaches(sender: &Credentials, target: &Credentials) -> bool {
    sender.is_capable(Capability::Kill)
        || [sender.effective_uid, sender.real_uid]
            .iter()
            .any(|uid| *uid == target.saved_uid || *uid == target.real_uid)
}

impl<X> ProcessTable<X> {
    /// Whether `sender` may send this signal, or any (`None`: kill's signal 0), to a process.
    ///
    /// # Errors
    /// [`ProcessError::ProcessNotFound`], also if the sender's sandbox hides it;
    /// [`ProcessError::SignalNotSupported`] for a kernel thread, which takes none; [`ProcessError::PermissionDenied`].
    pub fn check_signal(
        &self,
        sender: SignalSender,
        target: Pid,
        signal: Option<Signal>,
    ) -> Result<(), ProcessError> {
        let process = self.get(target)?;
        if let SignalSender::Process(sender) = sender
            && !self.get(sender)?.profile.sees(&process.profile)
        {
            return Err(ProcessError::ProcessNotFound { pid: target });
        }
        if process.is_kernel_thread() {
            return Err(match signal {
                Some(signal) => ProcessError::SignalNotSupported {
                    signal: i64::from(signal.number()),
                    pid: Some(target),
                },
                None => ProcessError::PermissionDenied { pid: target },
            });
        }
        let SignalSender::Process(sender) = sender else { return Ok(()) };
        let sender = self.get(sender)?;
        let is_same_session = sender.session() == process.session();
        let is_allowed = sender.pid() == target
            || reaches(sender.credentials(), process.credentials())
            || (signal == Some(Signal::SIGCONT) && is_same_session);
        if is_allowed { Ok(()) } else { Err(ProcessError::PermissionDenied { pid: target }) }
    }
}
