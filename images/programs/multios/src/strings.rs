//! Lists of strings as the kernel takes them, without a heap: [`StringList`].

use core::ffi::{CStr, c_char};
use core::marker::PhantomData;
use core::ptr;

/// There is no room for another string.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooMany;

/// Up to `N - 1` strings, for a program's arguments or environment.
///
/// ```
/// use multios::StringList;
///
/// let mut arguments: StringList<'_, 3> = StringList::new();
/// arguments.push(c"sleep")?;
/// arguments.push(c"1")?;
/// assert!(arguments.push(c"too many").is_err());
/// assert_eq!(arguments.len(), 2);
/// # Ok::<(), multios::TooMany>(())
/// ```
#[derive(Debug)]
pub struct StringList<'a, const N: usize> {
    /// Ends with a null pointer at all times.
    pointers: [*const c_char; N],
    length: usize,
    strings: PhantomData<&'a CStr>,
}

impl<'a, const N: usize> StringList<'a, N> {
    /// No strings.
    #[must_use]
    pub const fn new() -> Self {
        const { assert!(N > 0, "the list needs room for its end") };
        Self { pointers: [ptr::null(); N], length: 0, strings: PhantomData }
    }

    /// Adds a string.
    ///
    /// # Errors
    /// [`TooMany`].
    pub fn push(&mut self, string: &'a CStr) -> Result<(), TooMany> {
        if self.length + 1 >= N {
            return Err(TooMany);
        }
        *self.pointers.get_mut(self.length).ok_or(TooMany)? = string.as_ptr();
        self.length += 1;
        Ok(())
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub(crate) fn address(&self) -> u64 {
        self.pointers.as_ptr() as u64
    }
}

impl<const N: usize> Default for StringList<'_, N> {
    fn default() -> Self {
        Self::new()
    }
}
