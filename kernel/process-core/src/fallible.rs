//! A box whose allocation may fail.
//!
//! `Box::try_new` is not stable. A `Vec` of one element, made by `try_reserve_exact`, becomes a
//! `Box<[T; 1]>` without another allocation and is as thin as a `Box<T>`.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::{Deref, DerefMut};

use crate::error::{ProcessError, Resource};

/// What is answered when an allocation fails.
pub(crate) const OUT_OF_MEMORY: ProcessError =
    ProcessError::ResourceExhausted { resource: Resource::Memory };

/// A value on the heap.
pub(crate) struct FallibleBox<T>(Box<[T; 1]>);

impl<T> FallibleBox<T> {
    /// Moves the value to the heap, or drops it and answers that memory has run out.
    pub(crate) fn new(value: T) -> Result<Self, ProcessError> {
        let mut one = Vec::new();
        one.try_reserve_exact(1).map_err(|_| OUT_OF_MEMORY)?;
        one.push(value);
        match <Box<[T; 1]>>::try_from(one) {
            Ok(boxed) => Ok(Self(boxed)),
            Err(_) => Err(OUT_OF_MEMORY),
        }
    }

    /// Takes the value off the heap.
    pub(crate) fn into_inner(self) -> T {
        let [value] = *self.0;
        value
    }
}

impl<T> Deref for FallibleBox<T> {
    type Target = T;

    fn deref(&self) -> &T {
        let [value] = &*self.0;
        value
    }
}

impl<T> DerefMut for FallibleBox<T> {
    fn deref_mut(&mut self) -> &mut T {
        let [value] = &mut *self.0;
        value
    }
}
