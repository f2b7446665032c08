//! The calls' numbers: from [`FIRST`] on those about processes, from [`FIRST_OF_SERVICES`] on those about
//! services.

/// The first number. `MO` and a zero byte.
pub const FIRST: u64 = 0x4d_4f00;
/// The last one that is kept for these calls.
pub const LAST: u64 = FIRST + 0xff;
/// The first one about services.
pub const FIRST_OF_SERVICES: u64 = FIRST + 0x40;
/// What `version` answers: raised when a call is added.
pub const VERSION: u64 = 2;

macro_rules! native_calls {
    ($($(#[$doc:meta])* $constant:ident = $offset:literal $name:ident;)*) => {
        /// One of MultiOS's own calls.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub struct NativeCall(u8);

        impl NativeCall {
            $($(#[$doc])* pub const $constant: Self = Self($offset);)*

            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$constant,)*];

            /// Its name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self.0 {
                    $($offset => stringify!($name),)*
                    _ => "",
                }
            }
        }
    };
}

native_calls! {
    /// Answers [`VERSION`].
    VERSION = 0 native_version;
    /// Starts a program as a child of the caller.
    CREATE_PROCESS = 1 create_process;
    /// Ends a process, gracefully or by force.
    TERMINATE_PROCESS = 2 terminate_process;
    /// Tells about a process.
    GET_PROCESS_INFO = 3 get_process_info;
    /// Lists processes, page by page.
    LIST_PROCESSES = 4 list_processes;
    /// Has a process stand still.
    SUSPEND_PROCESS = 5 suspend_process;
    /// Lets it go on.
    RESUME_PROCESS = 6 resume_process;
    /// Changes what a process may use.
    SET_LIMITS = 7 set_limits;
    /// Changes priority, class and nice.
    SET_SCHEDULING = 8 set_scheduling;
    /// Sends a signal.
    SEND_SIGNAL = 9 send_signal;
    /// Waits for the end of a process.
    WAIT_PROCESS = 10 wait_process;
    /// Registers a service by its document.
    CREATE_SERVICE = 64 create_service;
    /// Starts a service, and what it needs.
    START_SERVICE = 65 start_service;
    /// Stops a service, and what needs it.
    STOP_SERVICE = 66 stop_service;
    /// Tells about a service.
    SERVICE_STATUS = 67 service_status;
    /// Chooses an instance of a service.
    RESOLVE_SERVICE = 68 resolve_service;
    /// Says something about the caller's own service.
    NOTIFY_SERVICE = 69 notify_service;
}

impl NativeCall {
    /// The call with this number, if it is in the range; it need not be one that is there.
    #[must_use]
    pub fn from_number(number: u64) -> Option<Self> {
        let offset = number.checked_sub(FIRST)?;
        u8::try_from(offset).ok().map(Self)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u64 {
        FIRST + self.0 as u64
    }

    /// The call with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|call| call.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemCall;

    #[test]
    fn the_numbers_are_out_of_linux_s_reach_and_of_x32_s() {
        const {
            assert!(FIRST > 100 * SystemCall::COUNT as u64);
            assert!(LAST < 1 << 30);
        }
        for call in NativeCall::ALL {
            assert_eq!(NativeCall::from_number(call.number()), Some(*call));
            assert_eq!(NativeCall::from_name(call.name()), Some(*call));
            assert!(SystemCall::new(call.number()).name().is_none());
        }
        assert_eq!(NativeCall::from_number(FIRST - 1), None);
        assert_eq!(NativeCall::from_number(LAST + 1), None);
        assert_eq!(NativeCall::from_name(""), None);
    }
}
