//! `execve` and `execveat`: what the program passes, the file, scripts.

use alloc::vec::Vec;

use linux_abi::{Arguments, Errno, MAX_STRING_BYTES, UserPointer};
use process_core::ProcessName;

use super::file::program_file;
use super::process::errno;
use super::{Answer, Caller, user};
use crate::memory::LoadError;
use crate::process::{self, ExecuteError, Execution};

/// Arguments and environment may take at least this, whatever the stack's limit; as on Linux.
const LEAST_ARGUMENT_BYTES: u64 = 128 << 10;
/// And not more than this: three quarters of the usual stack.
const MOST_ARGUMENT_BYTES: u64 = 6 << 20;

pub(super) fn execve(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let at = [arguments.pointer(0), arguments.pointer(1), arguments.pointer(2)];
    execute(caller, linux_abi::file::AT_FDCWD, at, 0)
}

pub(super) fn execveat(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let at = [arguments.pointer(1), arguments.pointer(2), arguments.pointer(3)];
    execute(caller, arguments.int(0), at, arguments.unsigned(4))
}

fn execute(
    caller: &mut Caller<'_>,
    directory: i32,
    [path, arguments, environment]: [UserPointer; 3],
    flags: u32,
) -> Answer {
    const AT_SYMLINK_NOFOLLOW: u32 = 0x100;
    const AT_EMPTY_PATH: u32 = 0x1000;
    if flags & !(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL);
    }
    let path = user::path(path)?;
    if path.is_empty() && flags & AT_EMPTY_PATH == 0 {
        return Err(Errno::ENOENT);
    }
    let stack = process::limits_of(caller.process.pid()).map_err(|e| errno(&e))?.stack_bytes;
    let mut left = (stack / 4).clamp(LEAST_ARGUMENT_BYTES, MOST_ARGUMENT_BYTES);
    let mut arguments = strings(arguments, &mut left)?;
    let environment = strings(environment, &mut left)?;
    let follows = flags & AT_SYMLINK_NOFOLLOW == 0;
    let file = program_file(caller, directory, &path, follows)?;
    // Scripts get the path as their interpreter can open it.
    let path = if path.first() == Some(&b'/') || directory == linux_abi::file::AT_FDCWD {
        path
    } else if path.is_empty() {
        alloc::format!("/dev/fd/{directory}").into_bytes()
    } else {
        [alloc::format!("/dev/fd/{directory}/").as_bytes(), &path].concat()
    };
    let name = ProcessName::of_program(&path);
    let file = process::follow_scripts(&path, file, &mut arguments, |interpreter| {
        program_file(caller, linux_abi::file::AT_FDCWD, interpreter, true)
    })?;
    let execution = Execution {
        file: &file,
        path: &path,
        name,
        arguments: &arguments,
        environment: &environment,
    };
    process::execute(caller.thread, caller.context, &execution).map_err(|error| match error {
        ExecuteError::Load(LoadError::Elf(_)) => Errno::ENOEXEC,
        ExecuteError::Load(LoadError::Stack(_))
        | ExecuteError::Process(process_core::ProcessError::LimitExceeded { .. }) => Errno::E2BIG,
        ExecuteError::Load(_) | ExecuteError::Process(_) => Errno::ENOMEM,
        ExecuteError::Ending => Errno::EAGAIN,
    })?;
    Ok(0)
}

/// The strings of a list that ends with a null pointer; no list is an empty one. `left` is how many
/// bytes they may take, their pointers included.
pub(super) fn strings(list: UserPointer, left: &mut u64) -> Result<Vec<Vec<u8>>, Errno> {
    const POINTER_BYTES: u64 = 8;
    let mut strings = Vec::new();
    if list.0 == 0 {
        return Ok(strings);
    }
    let mut at = list.0;
    loop {
        let string = u64::from_le_bytes(user::read(UserPointer(at))?);
        if string == 0 {
            return Ok(strings);
        }
        let text = user::text(UserPointer(string), MAX_STRING_BYTES)?.ok_or(Errno::E2BIG)?;
        let taken = text.len() as u64 + 1 + POINTER_BYTES;
        *left = left.checked_sub(taken).ok_or(Errno::E2BIG)?;
        strings.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        strings.push(text);
        at = at.checked_add(POINTER_BYTES).ok_or(Errno::EFAULT)?;
    }
}
