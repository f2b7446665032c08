//! From the kernel into a program's function, and out again: [`entry!`](crate::entry),
//! [`Arguments`].

use core::arch::global_asm;
use core::ffi::{CStr, c_char};

use crate::system;

global_asm!(
    ".globl _start",
    "_start:",
    "xor %ebp, %ebp",
    "mov %rsp, %rdi",
    "and $-16, %rsp",
    "call multios_start",
    "ud2",
    options(att_syntax)
);

/// Names the function that the program starts in: `fn(Arguments) -> u8`, whose answer is the code that
/// the program ends with.
#[macro_export]
macro_rules! entry {
    ($main:path) => {
        #[expect(unsafe_code, reason = "the one symbol by which the crate finds the program")]
        #[unsafe(no_mangle)]
        fn multios_program(arguments: $crate::start::Arguments) -> u8 {
            $main(arguments)
        }
    };
}

/// What the program was started with: its name, its arguments, its environment.
#[derive(Clone, Copy, Debug)]
pub struct Arguments {
    count: usize,
    /// The first pointer; a null pointer follows the last.
    first: *const *const c_char,
}

impl Arguments {
    /// The string at this place of the list that the kernel has laid on the first stack.
    fn at(&self, index: usize) -> Option<&'static CStr> {
        if index >= self.count {
            return None;
        }
        // SAFETY: the kernel has laid `count` pointers there.
        let place = unsafe { self.first.add(index) };
        // SAFETY: they stay to the program's end.
        let string = unsafe { *place };
        // SAFETY: each points to a text that ends with a zero byte and stays as long.
        Some(unsafe { CStr::from_ptr(string) })
    }

    /// The arguments, the program's name first.
    pub fn iter(&self) -> impl Iterator<Item = &'static CStr> + use<> {
        let all = *self;
        (0..all.count).map_while(move |index| all.at(index))
    }

    /// The environment, as `NAME=value`.
    pub fn environment(&self) -> impl Iterator<Item = &'static CStr> + use<> {
        // SAFETY: behind the arguments lies a null pointer, and behind that the environment.
        let first = unsafe { self.first.add(self.count + 1) };
        let mut index = 0;
        core::iter::from_fn(move || {
            // SAFETY: the list ends with a null pointer, which is not passed.
            let place = unsafe { first.add(index) };
            // SAFETY: it is one of the list's, or that null pointer.
            let string = unsafe { *place };
            if string.is_null() {
                return None;
            }
            index += 1;
            // SAFETY: as for the arguments.
            Some(unsafe { CStr::from_ptr(string) })
        })
    }
}

unsafe extern "Rust" {
    /// What [`entry!`](crate::entry) makes.
    fn multios_program(arguments: Arguments) -> u8;
}

/// The first function of Rust's.
///
/// # Safety
/// `stack` is the first stack as the kernel leaves it: the count, the arguments, the environment.
#[unsafe(no_mangle)]
unsafe extern "C" fn multios_start(stack: *const usize) -> ! {
    // SAFETY: the first word is the count.
    let count = unsafe { *stack };
    // SAFETY: the arguments follow it.
    let first = unsafe { stack.add(1) }.cast();
    // SAFETY: the program has defined it by `entry!`, with this very type.
    let code = unsafe { multios_program(Arguments { count, first }) };
    system::exit(code)
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    /// As Rust's own programs end.
    const PANICKED: u8 = 101;
    crate::eprintln!("{info}");
    system::exit(PANICKED)
}
