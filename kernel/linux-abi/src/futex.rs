//! The `futex` call.

use crate::arguments::{Arguments, UserPointer};
use crate::errno::Errno;

/// `futex(address, operation, value, timeout or value2, address2, value3)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Futex {
    /// The word, a multiple of 4.
    pub address: u64,
    /// Whether only threads of this process use it (`FUTEX_PRIVATE_FLAG`).
    pub is_private: bool,
    /// What to do.
    pub operation: FutexOperation,
}

/// What to do with a futex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FutexOperation {
    /// Sleep if the word has this value (`FUTEX_WAIT`, `FUTEX_WAIT_BITSET`).
    Wait {
        /// The value; if the word has another, the answer is EAGAIN.
        expected: u32,
        /// Where the time limit is.
        timeout: Option<FutexTimeout>,
        /// Which wake-ups concern the sleeper; not 0.
        bitset: u32,
    },
    /// Wake sleepers (`FUTEX_WAKE`, `FUTEX_WAKE_BITSET`).
    Wake {
        /// How many at most, at least 1.
        count: u32,
        /// Which sleepers are concerned; not 0.
        bitset: u32,
    },
    /// Wake some, and let others sleep on another word (`FUTEX_REQUEUE`, `FUTEX_CMP_REQUEUE`).
    Requeue {
        /// How many to wake.
        wake: u32,
        /// How many to move.
        requeue: u32,
        /// The other word, a multiple of 4.
        target: u64,
        /// The value that the word must have, or the answer is EAGAIN.
        expected: Option<u32>,
    },
    /// Change another word and wake sleepers on both (`FUTEX_WAKE_OP`).
    WakeOp {
        /// How many to wake.
        wake: u32,
        /// The other word, a multiple of 4.
        target: u64,
        /// How many of its sleepers to wake if the word was as `change` asks.
        wake_target: u32,
        /// What becomes of the other word.
        change: FutexChange,
    },
    /// Take a lock whose holder inherits priorities (`FUTEX_LOCK_PI`, `FUTEX_LOCK_PI2`).
    Lock {
        /// Where the time limit is: a point in time.
        timeout: Option<FutexTimeout>,
    },
    /// The same, if nobody holds it (`FUTEX_TRYLOCK_PI`).
    TryLock,
    /// Give such a lock back (`FUTEX_UNLOCK_PI`).
    Unlock,
}

/// What `FUTEX_WAKE_OP` does to a word, and what it asks about its former value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FutexChange {
    operation: Operation,
    operand: i32,
    comparison: Comparison,
    compared: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Set,
    Add,
    Or,
    AndNot,
    Xor,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl FutexChange {
    /// From the call's last argument: four bits of operation, four of comparison, twelve of each
    /// operand, signed.
    ///
    /// # Errors
    /// ENOSYS for an operation or a comparison that does not exist.
    pub fn decode(word: u32) -> Result<Self, Errno> {
        const SHIFTS: u32 = 8;
        let number = |bits: u32| {
            // Twelve bits, the highest of which is the sign.
            let shifted = (bits & 0xfff) << 20;
            shifted.cast_signed() >> 20
        };
        let code = word >> 28;
        let operand = number(word >> 12);
        let operand = if code & SHIFTS == 0 {
            operand
        } else {
            1_u32.rotate_left((word >> 12) & 31).cast_signed()
        };
        Ok(Self {
            operation: match code & !SHIFTS {
                0 => Operation::Set,
                1 => Operation::Add,
                2 => Operation::Or,
                3 => Operation::AndNot,
                4 => Operation::Xor,
                _ => return Err(Errno::ENOSYS),
            },
            operand,
            comparison: match (word >> 24) & 0xf {
                0 => Comparison::Equal,
                1 => Comparison::NotEqual,
                2 => Comparison::Less,
                3 => Comparison::LessOrEqual,
                4 => Comparison::Greater,
                5 => Comparison::GreaterOrEqual,
                _ => return Err(Errno::ENOSYS),
            },
            compared: number(word),
        })
    }

    /// The word after the change.
    #[must_use]
    pub const fn apply(self, word: u32) -> u32 {
        let operand = self.operand.cast_unsigned();
        match self.operation {
            Operation::Set => operand,
            Operation::Add => word.wrapping_add(operand),
            Operation::Or => word | operand,
            Operation::AndNot => word & !operand,
            Operation::Xor => word ^ operand,
        }
    }

    /// Whether the word was as asked for before the change.
    #[must_use]
    pub const fn holds(self, before: u32) -> bool {
        let before = before.cast_signed();
        match self.comparison {
            Comparison::Equal => before == self.compared,
            Comparison::NotEqual => before != self.compared,
            Comparison::Less => before < self.compared,
            Comparison::LessOrEqual => before <= self.compared,
            Comparison::Greater => before > self.compared,
            Comparison::GreaterOrEqual => before >= self.compared,
        }
    }
}

/// A time limit of a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FutexTimeout {
    /// A [`Timespec`](crate::layout::Timespec) from now, by the monotonic clock.
    Relative(UserPointer),
    /// A point of the monotonic clock.
    Monotonic(UserPointer),
    /// A point of the wall clock.
    Realtime(UserPointer),
}

impl Futex {
    const PRIVATE_FLAG: u32 = 128;
    const CLOCK_REALTIME: u32 = 256;
    const ANY: u32 = u32::MAX;

    /// Reads the arguments.
    ///
    /// # Errors
    /// ENOSYS for an unknown operation (those that move waiters to locks that inherit priorities among
    /// them), EINVAL for an unaligned word, an empty bit set or a negative count.
    pub fn decode(arguments: &Arguments) -> Result<Self, Errno> {
        let operation = arguments.unsigned(1);
        let is_realtime = operation & Self::CLOCK_REALTIME != 0;
        let command = operation & !(Self::PRIVATE_FLAG | Self::CLOCK_REALTIME);
        let (value, bitset) = (arguments.unsigned(2), arguments.unsigned(5));
        let timeout = arguments.pointer(3).non_null();
        let wake_count = u32::try_from(arguments.int(2)).unwrap_or(0).max(1);
        let operation = match command {
            // Only a wait with a bit set has a point in time, and so a clock.
            0 if !is_realtime => FutexOperation::Wait {
                expected: value,
                timeout: timeout.map(FutexTimeout::Relative),
                bitset: Self::ANY,
            },
            1 if !is_realtime => FutexOperation::Wake { count: wake_count, bitset: Self::ANY },
            3 | 4 if !is_realtime => FutexOperation::Requeue {
                wake: count(arguments.int(2))?,
                requeue: count(arguments.int(3))?,
                target: aligned(arguments.word(4))?,
                expected: (command == 4).then_some(bitset),
            },
            5 if !is_realtime => FutexOperation::WakeOp {
                wake: wake_count,
                target: aligned(arguments.word(4))?,
                wake_target: u32::try_from(arguments.int(3)).unwrap_or(0).max(1),
                change: FutexChange::decode(bitset)?,
            },
            // By the wall clock, always.
            6 if !is_realtime => {
                FutexOperation::Lock { timeout: timeout.map(FutexTimeout::Realtime) }
            }
            7 if !is_realtime => FutexOperation::Unlock,
            8 if !is_realtime => FutexOperation::TryLock,
            13 => FutexOperation::Lock {
                timeout: timeout.map(if is_realtime {
                    FutexTimeout::Realtime
                } else {
                    FutexTimeout::Monotonic
                }),
            },
            9 => FutexOperation::Wait {
                expected: value,
                timeout: timeout.map(if is_realtime {
                    FutexTimeout::Realtime
                } else {
                    FutexTimeout::Monotonic
                }),
                bitset: not_empty(bitset)?,
            },
            10 if !is_realtime => {
                FutexOperation::Wake { count: wake_count, bitset: not_empty(bitset)? }
            }
            _ => return Err(Errno::ENOSYS),
        };
        Ok(Self {
            address: aligned(arguments.word(0))?,
            is_private: arguments.unsigned(1) & Self::PRIVATE_FLAG != 0,
            operation,
        })
    }
}

fn aligned(address: u64) -> Result<u64, Errno> {
    if address.is_multiple_of(4) { Ok(address) } else { Err(Errno::EINVAL) }
}

fn count(value: i32) -> Result<u32, Errno> {
    u32::try_from(value).map_err(|_| Errno::EINVAL)
}

fn not_empty(bitset: u32) -> Result<u32, Errno> {
    if bitset == 0 { Err(Errno::EINVAL) } else { Ok(bitset) }
}
