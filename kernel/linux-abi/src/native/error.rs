//! What goes wrong in MultiOS's own calls: the typed errors of the process manager as numbers of
//! errno(3), one number each, so that a program gets the same error that the kernel had.

use crate::errno::Errno;

macro_rules! native_errors {
    ($($(#[$doc:meta])* $name:ident = $errno:ident, $text:literal;)*) => {
        /// Why a call failed. What the arguments' memory or the files of a program have to do with it
        /// comes as the errno that Linux's calls give.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum NativeError {
            $($(#[$doc])* $name,)*
        }

        impl NativeError {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The number that the call answers.
            #[must_use]
            pub const fn errno(self) -> Errno {
                match self {
                    $(Self::$name => Errno::$errno,)*
                }
            }

            /// The API's word for it.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// The error with this number; none if it is another's.
            #[must_use]
            pub fn from_errno(errno: Errno) -> Option<Self> {
                Self::ALL.iter().copied().find(|error| error.errno() == errno)
            }
        }
    };
}

native_errors! {
    /// There is no such process.
    ProcessNotFound = ESRCH, "process_not_found";
    /// No process can have this number.
    InvalidPid = EDOM, "invalid_pid";
    /// It is there already.
    AlreadyExists = EEXIST, "already_exists";
    /// The caller may not do that.
    PermissionDenied = EPERM, "permission_denied";
    /// Something has run out: places in the table, numbers, room in a queue.
    ResourceExhausted = EAGAIN, "resource_exhausted";
    /// Memory has run out.
    OutOfMemory = ENOMEM, "out_of_memory";
    /// The state forbids it.
    InvalidState = EBUSY, "invalid_state";
    /// No such priority, class or nice value.
    InvalidPriority = ERANGE, "invalid_priority";
    /// A service that is needed is not there.
    DependencyError = ENOLINK, "dependency_error";
    /// There is no such service.
    ServiceNotFound = ENOPKG, "service_not_found";
    /// The target takes no such signal, or there is none.
    SignalNotSupported = EOPNOTSUPP, "signal_not_supported";
    /// A limit is reached.
    LimitExceeded = EDQUOT, "limit_exceeded";
    /// It was not done in time.
    Timeout = ETIMEDOUT, "timeout";
    /// The kernel failed below the process manager.
    SystemError = EIO, "system_error";
    /// The service refuses.
    ServiceError = EREMOTEIO, "service_error";
    /// A limit cannot have this value.
    InvalidLimits = ECHRNG, "invalid_limits";
    /// It would depend on itself.
    CircularDependency = EDEADLK, "circular_dependency";
    /// An argument holds what it cannot.
    InvalidArgument = EINVAL, "invalid_argument";
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves: P11
    #[test]
    fn each_error_has_a_number_of_its_own() {
        for error in NativeError::ALL {
            assert_eq!(NativeError::from_errno(error.errno()), Some(*error));
        }
        assert_eq!(NativeError::from_errno(Errno::ENOENT), None);
    }
}
