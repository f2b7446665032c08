//! The stack for handlers, and where on a stack a handler's frame goes: sigaltstack(2).

/// The smallest stack that is taken (`MINSIGSTKSZ`).
const MIN_BYTES: u64 = 2048;
/// Below the stack pointer, a function without calls may use this much: System V ABI, 3.2.2.
const RED_ZONE_BYTES: u64 = 128;
/// The image of `fxsave` wants 16; Linux gives 64, which XSAVE would want.
const VECTOR_ALIGNMENT: u64 = 64;
/// What `fxsave` writes.
const VECTOR_BYTES: u64 = 512;

/// A thread's alternate stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AlternateStack {
    /// Where it starts, which is the program's claim.
    pub base: u64,
    /// Its length; 0 if there is none.
    pub bytes: u64,
    /// It is given up while a handler runs on it (`SS_AUTODISARM`).
    pub is_disarmed_on_entry: bool,
}

/// Why an alternate stack is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StackRefusal {
    /// The thread runs on the one that it has.
    InUse,
    /// It is too small.
    TooSmall,
}

/// Where a handler's frame goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FramePlace {
    /// The vector registers: 512 bytes.
    pub vector: u64,
    /// The frame; plus 8 it is a multiple of 16, as behind a call.
    pub frame: u64,
    /// It starts the alternate stack.
    pub is_entering_alternate: bool,
}

impl AlternateStack {
    /// None.
    pub const NONE: Self = Self { base: 0, bytes: 0, is_disarmed_on_entry: false };

    /// Whether a thread with this stack pointer runs on it.
    pub const fn holds(&self, stack_pointer: u64) -> bool {
        !self.is_disarmed_on_entry
            && stack_pointer > self.base
            && stack_pointer - self.base <= self.bytes
    }

    /// Whether it may take the place of this one, in a thread with this stack pointer.
    ///
    /// # Errors
    /// See [`StackRefusal`].
    pub fn check_replacement(&self, new: &Self, stack_pointer: u64) -> Result<(), StackRefusal> {
        if self.holds(stack_pointer) {
            return Err(StackRefusal::InUse);
        }
        if new != self && new.bytes != 0 && new.bytes < MIN_BYTES {
            return Err(StackRefusal::TooSmall);
        }
        Ok(())
    }

    /// Where the frame of a handler goes in a thread with this stack pointer. None if there is no
    /// place: below address 0, or below the alternate stack.
    pub fn place(
        &self,
        stack_pointer: u64,
        wants_alternate: bool,
        frame_bytes: u64,
    ) -> Option<FramePlace> {
        let is_on_it = self.holds(stack_pointer);
        let is_entering_alternate = wants_alternate && self.bytes != 0 && !is_on_it;
        let top = if is_entering_alternate {
            self.base.checked_add(self.bytes)?
        } else {
            stack_pointer.checked_sub(RED_ZONE_BYTES)?
        };
        let vector = top.checked_sub(VECTOR_BYTES)? & !(VECTOR_ALIGNMENT - 1);
        let frame = (vector.checked_sub(frame_bytes)? & !15).checked_sub(8)?;
        let is_bound = is_on_it || is_entering_alternate;
        // A frame below the alternate stack would overwrite what lies there.
        let fits = frame > self.base && frame - self.base <= self.bytes;
        (!is_bound || fits).then_some(FramePlace { vector, frame, is_entering_alternate })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FRAME_BYTES: u64 = 440;

    proptest! {
        // proves: P6
        #[test]
        fn frames_are_aligned_and_stay_where_they_may(
            stack_pointer in prop_oneof![any::<u64>(), 0..8192_u64, 0x1000..0x9000_u64],
            base in prop_oneof![any::<u64>(), Just(0x4000_u64)],
            bytes in prop_oneof![Just(0_u64), 2048..16384_u64, any::<u64>()],
            wants in any::<bool>(),
            disarmed in any::<bool>(),
        ) {
            let stack = AlternateStack { base, bytes, is_disarmed_on_entry: disarmed };
            let Some(place) = stack.place(stack_pointer, wants, FRAME_BYTES) else {
                return Ok(());
            };
            prop_assert_eq!(place.vector % 16, 0);
            prop_assert_eq!((place.frame + 8) % 16, 0);
            prop_assert!(place.frame + FRAME_BYTES <= place.vector);
            if place.is_entering_alternate {
                prop_assert!(wants && bytes != 0);
                prop_assert!(place.frame >= base && place.vector + VECTOR_BYTES <= base + bytes);
            } else {
                prop_assert!(place.vector + VECTOR_BYTES + RED_ZONE_BYTES <= stack_pointer);
            }
        }
    }

    #[test]
    fn a_stack_in_use_is_neither_replaced_nor_started_anew() {
        let stack = AlternateStack { base: 0x4000, bytes: 0x2000, is_disarmed_on_entry: false };
        let inside = 0x5000;
        assert_eq!(
            stack.check_replacement(&AlternateStack::NONE, inside),
            Err(StackRefusal::InUse)
        );
        assert_eq!(stack.check_replacement(&AlternateStack::NONE, 0x9000), Ok(()));
        let small = AlternateStack { bytes: 2047, ..stack };
        assert_eq!(stack.check_replacement(&small, 0x9000), Err(StackRefusal::TooSmall));
        let place = stack.place(inside, true, FRAME_BYTES).unwrap();
        assert!(!place.is_entering_alternate && place.frame < inside - 128);
        // Too deep on it: no place.
        assert_eq!(stack.place(0x4100, true, FRAME_BYTES), None);
    }
}
