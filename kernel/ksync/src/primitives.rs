//! Atomics and cells, from core or, under `cfg(loom)`, from the model checker.

#[cfg(loom)]
pub(crate) use loom::{cell::UnsafeCell, sync::atomic};

#[cfg(not(loom))]
pub(crate) use core::sync::atomic;

#[cfg(not(loom))]
pub(crate) use cell::UnsafeCell;

/// Declares a constructor that is `const` except under loom, whose atomics register themselves.
macro_rules! constructor {
    ($(#[$meta:meta])* $vis:vis fn $name:ident() -> $ret:ty $body:block) => {
        #[cfg(not(loom))]
        $(#[$meta])*
        $vis const fn $name() -> $ret $body

        #[cfg(loom)]
        $(#[$meta])*
        $vis fn $name() -> $ret $body
    };
}
pub(crate) use constructor;

#[cfg(not(loom))]
mod cell {
    /// `core`'s cell with loom's interface, which sees where an access begins and ends.
    #[derive(Debug)]
    pub(crate) struct UnsafeCell<T>(core::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub(crate) const fn new(value: T) -> Self {
            Self(core::cell::UnsafeCell::new(value))
        }

        pub(crate) fn with_mut<O>(&self, access: impl FnOnce(*mut T) -> O) -> O {
            access(self.0.get())
        }
    }
}
