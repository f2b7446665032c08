//! System calls themselves: the one place that is unsafe, with [`start`](crate::start).

use core::arch::asm;

use linux_abi::native::NativeCall;

use linux_abi::{Errno, decode_result};

use crate::error::Error;

/// Makes a system call.
///
/// # Safety
/// What the arguments point to has to be as the call expects it, for as long as it runs.
unsafe fn call(number: u64, arguments: [u64; 4]) -> Result<u64, Errno> {
    let [first, second, third, fourth] = arguments;
    let answer: u64;
    // SAFETY: the kernel changes no other registers; memory is as the caller promises.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => answer,
            in("rdi") first,
            in("rsi") second,
            in("rdx") third,
            in("r10") fourth,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    decode_result(answer)
}

/// A call that takes numbers alone.
///
/// # Safety
/// `which` takes no address.
pub(crate) unsafe fn with_numbers(
    which: NativeCall,
    first: u64,
    second: u64,
) -> Result<u64, Error> {
    // SAFETY: no address is passed.
    unsafe { call(which.number(), [first, second, 0, 0]) }.map_err(Error::new)
}

/// A call that takes a structure, which it may change.
///
/// # Safety
/// `which` takes such a structure first, and what it points to is there for as long as the call runs.
pub(crate) unsafe fn with_structure<const N: usize>(
    which: NativeCall,
    bytes: &mut [u8; N],
) -> Result<u64, Error> {
    let arguments = [bytes.as_mut_ptr() as u64, N as u64, 0, 0];
    // SAFETY: the structure is there, of the length that is told; the rest is the caller's promise.
    unsafe { call(which.number(), arguments) }.map_err(Error::new)
}

/// A call that fills a structure about a process.
///
/// # Safety
/// `which` takes a number, and where and how long the structure is.
pub(crate) unsafe fn about<const N: usize>(
    which: NativeCall,
    pid: u32,
    bytes: &mut [u8; N],
) -> Result<u64, Error> {
    let arguments = [u64::from(pid), bytes.as_mut_ptr() as u64, N as u64, 0];
    // SAFETY: the structure is there, of the length that is told.
    unsafe { call(which.number(), arguments) }.map_err(Error::new)
}

/// A call that takes a text by its address and length.
///
/// # Safety
/// `which` takes that, and only reads it.
pub(crate) unsafe fn with_text(which: NativeCall, text: &[u8]) -> Result<u64, Error> {
    let arguments = [text.as_ptr() as u64, text.len() as u64, 0, 0];
    // SAFETY: the text is there, of the length that is told.
    unsafe { call(which.number(), arguments) }.map_err(Error::new)
}

/// A call that takes a text and fills a structure about what it names.
///
/// # Safety
/// `which` takes a text as [`with_text`], and then where and how long the structure is.
pub(crate) unsafe fn about_named<const N: usize>(
    which: NativeCall,
    text: &[u8],
    bytes: &mut [u8; N],
) -> Result<(), Error> {
    let arguments = [text.as_ptr() as u64, text.len() as u64, bytes.as_mut_ptr() as u64, N as u64];
    // SAFETY: both are there, of the lengths that are told.
    unsafe { call(which.number(), arguments) }.map_err(Error::new).map(drop)
}

/// Reads from a descriptor: read(2).
pub(crate) fn read(descriptor: u32, bytes: &mut [u8]) -> Result<usize, Errno> {
    const READ: u64 = 0;
    let arguments = [u64::from(descriptor), bytes.as_mut_ptr() as u64, bytes.len() as u64, 0];
    // SAFETY: the place is there, of the length that is told.
    let count = unsafe { call(READ, arguments) }?;
    Ok(usize::try_from(count).unwrap_or(0).min(bytes.len()))
}

/// Writes to a descriptor: write(2).
pub(crate) fn write(descriptor: u32, bytes: &[u8]) -> Result<usize, Errno> {
    const WRITE: u64 = 1;
    let arguments = [u64::from(descriptor), bytes.as_ptr() as u64, bytes.len() as u64, 0];
    // SAFETY: the bytes are there, and are only read.
    let count = unsafe { call(WRITE, arguments) }?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// Ends the program: exit_group(2).
#[cfg(all(feature = "start", not(test)))]
pub(crate) fn exit(code: u8) -> ! {
    const EXIT_GROUP: u64 = 231;
    loop {
        // SAFETY: it takes a number and does not come back.
        let _ = unsafe { call(EXIT_GROUP, [u64::from(code), 0, 0, 0]) };
    }
}
