//! What the scheduler is told about a process: priority, class, nice value.

use crate::error::ProcessError;

macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $name {
            $($(#[$doc])* $variant,)*
        }

        impl $name {
            /// Every one, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word that the API uses for it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// The one that the API calls this.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.name() == name)
            }
        }
    };
}
pub(crate) use words;

words! {
    /// The level at which a process runs, lowest first.
    Priority {
        /// Only when nothing else can run.
        Idle = "idle",
        /// A smaller share.
        Low = "low",
        /// The usual share.
        Normal = "normal",
        /// A larger share.
        High = "high",
        /// Before all sharing levels, in turns.
        RealTime = "real_time",
        /// Before everything.
        Critical = "critical",
    }
}

words! {
    /// What kind of work a process does.
    PriorityClass {
        /// The kernel's own.
        System = "system",
        /// A user's program.
        User = "user",
        /// A supervised service.
        Service = "service",
        /// Long work that nobody waits for.
        Background = "background",
        /// Work that a person waits for.
        Interactive = "interactive",
    }
}

/// A nice value, -20 (most favourable) to 19.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Nice(i8);

impl Nice {
    /// A nice value from outside.
    ///
    /// # Errors
    /// [`ProcessError::InvalidPriority`] outside -20 to 19.
    pub fn new(value: i64) -> Result<Self, ProcessError> {
        match i8::try_from(value) {
            Ok(small) if (-20..=19).contains(&small) => Ok(Self(small)),
            _ => Err(ProcessError::InvalidPriority { value }),
        }
    }

    /// The value.
    pub const fn value(self) -> i8 {
        self.0
    }
}

/// What the scheduler is told about a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scheduling {
    /// The level.
    pub priority: Priority,
    /// The kind of work.
    pub class: PriorityClass,
    /// The nice value.
    pub nice: Nice,
}

impl Default for Scheduling {
    fn default() -> Self {
        Self { priority: Priority::Normal, class: PriorityClass::User, nice: Nice(0) }
    }
}
