//! What the decoders take and refuse.

use linux_abi::file::{AT_FDCWD, AccessMode, Fcntl, LockCommand, Open, OpenFlags, Whence};
use linux_abi::futex::{Futex, FutexOperation, FutexTimeout};
use linux_abi::layout::{Timespec, Timeval};
use linux_abi::memory::{
    Advice, Madvise, MapFlags, Mmap, MmapSource, Mprotect, Mremap, MremapPlacement, Prot,
};
use linux_abi::process::{
    ArchPrctl, CloneFlags, CloneRequest, MaskChange, Prctl, RandomFlags, Resource, Wait4,
    WaitOptions, WaitTarget, check_signal_set_size,
};
use linux_abi::time::{Clock, ClockNanosleep};
use linux_abi::{Arguments, Errno, MAX_TRANSFER_BYTES, UserPointer};
use proptest::prelude::*;

const MINUS_ONE: u64 = u64::MAX;
const USER_END: u64 = 0x7fff_ffff_f000;

fn mmap(arguments: [u64; 6]) -> Result<Mmap, Errno> {
    Mmap::decode(&Arguments(arguments))
}

#[test]
fn registers_are_read_as_c_types() {
    let arguments = Arguments([0xffff_ffff_0000_0001, 0xffff_ff9c, 1 << 63, 5, 0, MINUS_ONE]);
    assert_eq!(arguments.int(0), 1, "the upper half of an int does not count");
    assert_eq!(arguments.int(1), AT_FDCWD);
    assert_eq!(arguments.unsigned(5), u32::MAX);
    assert_eq!(arguments.long(5), -1);
    assert_eq!(arguments.pointer(4).non_null(), None);
    assert_eq!(arguments.pointer(3).non_null(), Some(UserPointer(5)));
    assert_eq!(arguments.transfer_length(2), Err(Errno::EINVAL));
    assert_eq!(arguments.transfer_length(3), Ok(5));
    assert_eq!(Arguments([1 << 40; 6]).transfer_length(0), Ok(MAX_TRANSFER_BYTES));
}

#[test]
fn mmap_as_the_traced_programs_call_it() {
    // malloc, a reservation of Go's, a part of it opened, a file of busybox's.
    let malloc = mmap([0, 0x21000, 3, 0x22, MINUS_ONE, 0]).unwrap();
    assert_eq!(malloc.source, MmapSource::Anonymous);
    assert!(!malloc.is_shared && malloc.prot == Prot::READ | Prot::WRITE);
    let reserve = mmap([0xc0_0000_0000, 64 << 20, 0, 0x4022, MINUS_ONE, 0]).unwrap();
    assert_eq!((reserve.prot, reserve.flags.contains(MapFlags::NORESERVE)), (Prot::NONE, true));
    let open = mmap([0xc0_0000_0000, 4 << 20, 3, 0x32, MINUS_ONE, 0]).unwrap();
    assert!(open.flags.contains(MapFlags::FIXED));
    let file = mmap([0, 100, 1, 1, 3, 0x2000]).unwrap();
    assert!(file.is_shared);
    assert_eq!(file.source, MmapSource::File { fd: 3, offset: 0x2000 });
}

#[test]
fn mmap_refuses_what_linux_refuses() {
    assert_eq!(mmap([0, 0, 3, 0x22, 0, 0]), Err(Errno::EINVAL), "no length");
    assert_eq!(mmap([0, 1, 3, 0x22, 0, 1]), Err(Errno::EINVAL), "unaligned offset");
    assert_eq!(mmap([0, 1, 3, 0x20, 0, 0]), Err(Errno::EINVAL), "neither shared nor private");
    assert_eq!(mmap([0, 1, 3, 0x24, 0, 0]), Err(Errno::EINVAL), "an unknown kind");
    assert_eq!(mmap([1, 1, 3, 0x32, 0, 0]), Err(Errno::EINVAL), "unaligned and fixed");
    assert_eq!(mmap([1, 1, 3, 0x22, 0, 0]).map(|mmap| mmap.address), Ok(1), "only a hint");
    assert!(mmap([0, 1, 3, 0x22 | 1 << 30, 0, 0]).is_ok(), "unknown flags pass");
    assert_eq!(mmap([0, 1, 3, 0x23 | 1 << 30, 0, 0]), Err(Errno::EOPNOTSUPP), "unless validated");
}

#[test]
fn mprotect_mremap_and_madvise() {
    let mprotect = |at, prot| Mprotect::decode(&Arguments([at, 1, prot, 0, 0, 0]));
    assert_eq!(mprotect(0x1000, 5).map(|call| call.prot), Ok(Prot::READ | Prot::EXEC));
    assert_eq!(mprotect(0x1000, 8).map(|call| call.prot), Ok(Prot::NONE));
    assert_eq!(mprotect(0x1000, 16), Err(Errno::EINVAL));
    assert_eq!(mprotect(0x1001, 1), Err(Errno::EINVAL));

    let mremap = |words| Mremap::decode(&Arguments(words)).map(|call| call.placement);
    assert_eq!(mremap([0x1000, 1, 2, 0, 9, 0]), Ok(MremapPlacement::InPlace));
    assert_eq!(mremap([0x1000, 1, 2, 1, 9, 0]), Ok(MremapPlacement::MayMove));
    assert_eq!(mremap([0x1000, 1, 2, 3, 0x5000, 0]), Ok(MremapPlacement::Fixed(0x5000)));
    for words in [
        [0x1000, 1, 2, 2, 0x5000, 0],
        [0x1000, 1, 2, 3, 0x5001, 0],
        [0x1000, 1, 2, 4, 0, 0],
        [0x1001, 1, 2, 0, 0, 0],
        [0x1000, 1, 0, 0, 0, 0],
    ] {
        assert_eq!(mremap(words), Err(Errno::EINVAL), "{words:?}");
    }

    let advice =
        |number| Madvise::decode(&Arguments([0, 1, number, 0, 0, 0])).map(|call| call.advice);
    let known = [(4, Advice::DontNeed), (8, Advice::Free), (15, Advice::Hint)];
    let more = [(10, Advice::DontFork), (11, Advice::DoFork), (18, Advice::WipeOnFork)];
    for (number, expected) in known.into_iter().chain(more) {
        assert_eq!(advice(number), Ok(expected));
    }
    for number in [5, 24, 100, MINUS_ONE] {
        assert_eq!(advice(number), Err(Errno::EINVAL));
    }
}

#[test]
fn open_in_its_three_forms() {
    let openat = |flags: u64| Open::decode_openat(&Arguments([7, 0x1000, flags, 0o100_644, 0, 0]));
    let made = openat(0o1101).unwrap();
    assert_eq!((made.directory, made.access, made.mode), (7, AccessMode::WriteOnly, 0o644));
    assert!(made.flags.contains(OpenFlags::CREAT | OpenFlags::TRUNC));
    assert_eq!(openat(3), Err(Errno::EINVAL));
    assert_eq!(openat(0o20_0100), Err(Errno::EINVAL), "make a directory");
    assert_eq!(openat(0o2020_0000), Err(Errno::EINVAL), "a temporary file, read only");
    assert!(openat(0o2020_0002).is_ok() && openat(1 << 31).is_ok());
    let open = Open::decode_open(&Arguments([0x1000, 0o200_0002, 0o7777, 0, 0, 0])).unwrap();
    assert_eq!((open.directory, open.path), (AT_FDCWD, UserPointer(0x1000)));
    assert_eq!((open.access, open.flags), (AccessMode::ReadWrite, OpenFlags::CLOEXEC));
    let creat = Open::decode_creat(&Arguments([0x1000, 0o600, 0, 0, 0, 0]));
    assert_eq!((creat.directory, creat.access), (AT_FDCWD, AccessMode::WriteOnly));
    assert_eq!((creat.mode, creat.flags), (0o600, OpenFlags::CREAT | OpenFlags::TRUNC));
}

#[test]
fn fcntl_and_lseek() {
    let fcntl = |command, value| Fcntl::decode(&Arguments([3, command, value, 0, 0, 0]));
    assert_eq!(fcntl(0, 10), Ok(Fcntl::Duplicate { minimum: 10, closes_on_exec: false }));
    assert_eq!(fcntl(1030, 10), Ok(Fcntl::Duplicate { minimum: 10, closes_on_exec: true }));
    assert_eq!(fcntl(2, 3), Ok(Fcntl::SetDescriptorFlags { closes_on_exec: true }));
    assert_eq!(fcntl(4, 0o4002), Ok(Fcntl::SetStatusFlags(OpenFlags::NONBLOCK)));
    assert_eq!(fcntl(5, 0), Ok(Fcntl::Lock(LockCommand::Get)));
    assert_eq!(fcntl(0x7fff, 0), Err(Errno::EINVAL));
    assert_eq!((0..5).filter(|number| Whence::from_number(*number).is_ok()).count(), 5);
    assert_eq!(Whence::from_number(5), Err(Errno::EINVAL));
}

#[test]
fn clone_in_the_four_shapes_that_were_traced() {
    let clone = |flags| CloneRequest::decode(&Arguments([flags, 0x7000, 1, 2, 3, 0]));
    let fork = clone(0x0120_0011).unwrap();
    assert_eq!(fork.flags, CloneFlags::CHILD_CLEARTID | CloneFlags::CHILD_SETTID);
    assert_eq!(fork.exit_signal, 17);
    let thread = clone(0x007d_0f00).unwrap();
    assert_eq!((thread.exit_signal, thread.tls, thread.child_tid), (0, 3, UserPointer(2)));
    assert!(thread.flags.contains(CloneFlags::THREAD | CloneFlags::SETTLS));
    assert!(clone(0x0005_0f00).is_ok(), "Go");
    let spawn = clone(0x4111).unwrap();
    assert_eq!((spawn.flags, spawn.exit_signal), (CloneRequest::VFORK.flags, 17));
    assert_eq!(CloneRequest::FORK.exit_signal, 17);
    // A thread that does not share handlers or memory; handlers without memory; a namespace; a
    // signal that is none; a pidfd where the tid goes.
    for flags in [0x1_0100, 0x1_0800, 0x800, 0x0002_0011, 65, 0x0010_1011, 0x40_1011] {
        assert_eq!(clone(flags), Err(Errno::EINVAL), "{flags:#x}");
    }
}

#[test]
fn wait4_and_its_targets() {
    let wait =
        |pid: i64, options| Wait4::decode(&Arguments([pid.cast_unsigned(), 0, options, 5, 0, 0]));
    let any = wait(-1, 3).unwrap();
    assert_eq!((any.target, any.status, any.usage), (WaitTarget::All, None, Some(UserPointer(5))));
    assert_eq!(any.options, WaitOptions::NOHANG | WaitOptions::UNTRACED);
    assert_eq!(wait(5, 0).map(|call| call.target), Ok(WaitTarget::Process(5)));
    assert_eq!(wait(0, 0).map(|call| call.target), Ok(WaitTarget::OwnGroup));
    assert_eq!(wait(-5, 0).map(|call| call.target), Ok(WaitTarget::Group(5)));
    assert_eq!(wait(i64::from(i32::MIN), 0), Err(Errno::ESRCH));
    assert_eq!(wait(-1, 4), Err(Errno::EINVAL));
}

#[test]
fn the_small_ones() {
    assert_eq!(MaskChange::from_number(2), Ok(MaskChange::Set));
    assert_eq!(MaskChange::from_number(3), Err(Errno::EINVAL));
    assert_eq!(
        (check_signal_set_size(8), check_signal_set_size(128)),
        (Ok(()), Err(Errno::EINVAL))
    );
    assert_eq!(Resource::from_number(3), Ok(Resource::Stack));
    assert_eq!(Resource::from_number(7), Ok(Resource::OpenFiles));
    assert_eq!(Resource::from_number(15), Ok(Resource::RealTimeCpu));
    assert_eq!(Resource::from_number(16), Err(Errno::EINVAL));
    let arch = |code, base| ArchPrctl::decode(&Arguments([code, base, 0, 0, 0, 0]), USER_END);
    assert_eq!(arch(0x1002, 0x5000), Ok(ArchPrctl::SetFs(0x5000)));
    assert_eq!(arch(0x1002, USER_END), Err(Errno::EPERM));
    assert_eq!(arch(0x1003, MINUS_ONE), Ok(ArchPrctl::GetFs(UserPointer(MINUS_ONE))));
    assert_eq!(arch(0x3001, 0), Err(Errno::EINVAL));
    let prctl = |option| Prctl::decode(&Arguments([option, 9, 0, 0, 0, 0]));
    assert_eq!(prctl(15), Ok(Prctl::SetName(UserPointer(9))));
    assert_eq!(prctl(0), Err(Errno::EINVAL));
    assert_eq!(RandomFlags::from_argument(1), Ok(RandomFlags::NONBLOCK));
    assert_eq!(RandomFlags::from_argument(6), Err(Errno::EINVAL));
    assert_eq!(RandomFlags::from_argument(8), Err(Errno::EINVAL));
}

#[test]
fn futex_operations() {
    let call = |operation, words: [u64; 4]| {
        let [value, timeout, target, last] = words;
        Futex::decode(&Arguments([0x1000, operation, value, timeout, target, last]))
    };
    let wait = call(128, [7, 0, 0, 0]).unwrap();
    assert!(wait.is_private);
    let expected = FutexOperation::Wait { expected: 7, timeout: None, bitset: !0 };
    assert_eq!(wait.operation, expected);
    let until = |operation| match call(operation, [7, 0x10, 0, 3]).unwrap().operation {
        FutexOperation::Wait { timeout, bitset, .. } => (timeout.unwrap(), bitset),
        other => panic!("{other:?}"),
    };
    assert_eq!(until(0), (FutexTimeout::Relative(UserPointer(0x10)), !0));
    assert_eq!(until(9), (FutexTimeout::Monotonic(UserPointer(0x10)), 3));
    assert_eq!(until(9 | 256), (FutexTimeout::Realtime(UserPointer(0x10)), 3));
    let wake = |count| call(1, [count, 0, 0, 0]).map(|call| call.operation);
    assert_eq!(wake(i32::MAX as u64), Ok(FutexOperation::Wake { count: 0x7fff_ffff, bitset: !0 }));
    assert_eq!(wake(0), Ok(FutexOperation::Wake { count: 1, bitset: !0 }));
    assert_eq!(
        call(4, [1, 2, 0x2000, 9]).map(|call| call.operation),
        Ok(FutexOperation::Requeue { wake: 1, requeue: 2, target: 0x2000, expected: Some(9) })
    );
    assert_eq!(call(3, [1, MINUS_ONE, 0x2000, 0]), Err(Errno::EINVAL));
    assert_eq!(call(3, [1, 1, 0x2001, 0]), Err(Errno::EINVAL));
    assert_eq!(call(9, [1, 0, 0, 0]), Err(Errno::EINVAL), "an empty bit set");
    assert_eq!(call(256, [1, 0, 0, 0]), Err(Errno::ENOSYS), "a duration by the wall clock");
    let lock = |operation| call(operation, [0, 0x10, 0, 0]).map(|call| call.operation);
    let until = |timeout| Ok(FutexOperation::Lock { timeout: Some(timeout) });
    assert_eq!(lock(6), until(FutexTimeout::Realtime(UserPointer(0x10))));
    assert_eq!(lock(13), until(FutexTimeout::Monotonic(UserPointer(0x10))));
    assert_eq!(lock(13 | 256), until(FutexTimeout::Realtime(UserPointer(0x10))));
    assert_eq!(lock(8 | 128), Ok(FutexOperation::TryLock));
    assert_eq!(lock(7), Ok(FutexOperation::Unlock));
    assert_eq!(lock(12), Err(Errno::ENOSYS), "moving waiters to a lock that inherits priorities");
    let unaligned = Futex::decode(&Arguments([0x1002, 0, 0, 0, 0, 0]));
    assert_eq!(unaligned, Err(Errno::EINVAL));
}

// proves: K4
#[test]
fn times_are_checked() {
    let seconds = |seconds, nanoseconds| Timespec { seconds, nanoseconds }.to_nanoseconds();
    assert_eq!(seconds(1, 999_999_999), Ok(1_999_999_999));
    assert_eq!(seconds(i64::MAX, 0), Ok(u64::MAX), "over 500 years");
    for (whole, part) in [(-1, 0), (0, -1), (0, 1_000_000_000), (i64::MIN, i64::MAX)] {
        assert_eq!(seconds(whole, part), Err(Errno::EINVAL));
    }
    let micro = |seconds, microseconds| Timeval { seconds, microseconds }.to_nanoseconds();
    assert_eq!(micro(1, 5), Ok(1_000_005_000));
    assert_eq!(micro(0, 1_000_000), Err(Errno::EINVAL));
    let time = Timespec::from_nanoseconds(u64::MAX);
    assert_eq!(time.to_nanoseconds(), Ok(u64::MAX));
    assert_eq!(Timeval::from_nanoseconds(1_999_999_999).microseconds, 999_999);

    let sleep = |clock, flags| ClockNanosleep::decode(&Arguments([clock, flags, 1, 2, 0, 0]));
    let relative = sleep(0, 0).unwrap();
    assert_eq!((relative.clock, relative.remaining), (Clock::Realtime, Some(UserPointer(2))));
    let absolute = sleep(1, 1).unwrap();
    assert_eq!((absolute.is_absolute, absolute.remaining), (true, None));
    assert_eq!(sleep(3, 0), Err(Errno::EINVAL));
    assert_eq!(sleep(4, 0), Err(Errno::EOPNOTSUPP));
    assert_eq!(sleep(10, 0), Err(Errno::EINVAL));
    let plain = ClockNanosleep::decode_nanosleep(&Arguments([1, 2, 0, 0, 0, 0]));
    assert_eq!((plain.clock, plain.request), (Clock::Monotonic, UserPointer(1)));
}

/// Small numbers, edges and anything.
fn register() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => 0..0x50u64,
        1 => Just(MINUS_ONE),
        1 => (0..64u32).prop_map(|bit| 1 << bit),
        1 => (0..64u32).prop_map(|bit| (1u64 << bit).wrapping_sub(1)),
        2 => any::<u64>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn no_registers_panic_a_decoder(words in prop::array::uniform6(register())) {
        let arguments = Arguments(words);
        if let Ok(call) = Mmap::decode(&arguments) {
            prop_assert!(call.length > 0);
        }
        if let Ok(call) = CloneRequest::decode(&arguments) {
            prop_assert!(call.exit_signal <= 64);
        }
        if let Ok(call) = Open::decode_openat(&arguments) {
            prop_assert!(call.mode <= 0o7777);
        }
        if let Ok(ArchPrctl::SetFs(base) | ArchPrctl::SetGs(base)) =
            ArchPrctl::decode(&arguments, USER_END)
        {
            prop_assert!(base < USER_END);
        }
        if let Ok(call) = Futex::decode(&arguments) {
            prop_assert!(call.address % 4 == 0);
        }
        let _ = (Mprotect::decode(&arguments), Mremap::decode(&arguments));
        let _ = (Madvise::decode(&arguments), Fcntl::decode(&arguments));
        let _ = (Wait4::decode(&arguments), Prctl::decode(&arguments));
        let _ = (ClockNanosleep::decode(&arguments), arguments.transfer_length(0));
        let time = Timespec { seconds: arguments.long(0), nanoseconds: arguments.long(1) };
        let _ = time.to_nanoseconds();
    }
}
