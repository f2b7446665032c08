//! `execve` and `execveat`: what the program passes, the file, scripts.

use alloc::vec::Vec;

use linux_abi::{Arguments, Errno, MAX_STRING_BYTES, UserPointer};
use process_core::ProcessName;

use super::file::program_file;
use super::process::errno;
use super::{Answer, Caller, user};
use crate::memory::{FileBytes, LoadError};
use crate::process::{self, ExecuteError, Execution};

/// Arguments and environment may take at least this, whatever the stack's limit; as on Linux.
const LEAST_ARGUMENT_BYTES: u64 = 128 << 10;
/// And not more than this: three quarters of the usual stack.
const MOST_ARGUMENT_BYTES: u64 = 6 << 20;
/// Scripts whose interpreter is a script, and so on; as on Linux.
const MOST_SCRIPTS: usize = 5;
/// Of a script's first line so much counts.
const LINE_BYTES: usize = 256;

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
    let mut file = program_file(caller, directory, &path, follows)?;
    // Scripts get the path as their interpreter can open it.
    let path = if path.first() == Some(&b'/') || directory == linux_abi::file::AT_FDCWD {
        path
    } else if path.is_empty() {
        alloc::format!("/dev/fd/{directory}").into_bytes()
    } else {
        [alloc::format!("/dev/fd/{directory}/").as_bytes(), &path].concat()
    };
    let name = ProcessName::of_program(&path);
    let mut script = path.clone();
    let mut depth = 0;
    while let Some(interpreter) = interpreter(&file)? {
        depth += 1;
        if depth > MOST_SCRIPTS {
            return Err(Errno::ELOOP);
        }
        let mut before = Vec::new();
        before.push(interpreter.path.clone());
        before.extend(interpreter.argument);
        before.push(script);
        let rest = 1.min(arguments.len());
        arguments.splice(..rest, before);
        script = interpreter.path;
        file = program_file(caller, linux_abi::file::AT_FDCWD, &script, true)?;
    }
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

/// What a script's first line names.
struct Interpreter {
    path: Vec<u8>,
    argument: Option<Vec<u8>>,
}

/// The interpreter of a script, with one argument at the most: execve(2), "Interpreter scripts".
fn interpreter(file: &FileBytes) -> Result<Option<Interpreter>, Errno> {
    let mut head = [0; LINE_BYTES];
    let count = file.read(0, &mut head);
    let Some(window) = head[..count].strip_prefix(b"#!") else { return Ok(None) };
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let end = window.iter().position(|byte| *byte == b'\n' || *byte == 0);
    let line = &window[..end.unwrap_or(window.len())];
    let start = line.iter().position(|byte| !is_space(byte)).ok_or(Errno::ENOEXEC)?;
    let line = &line[start..];
    let line = &line[..line.iter().rposition(|byte| !is_space(byte)).map_or(0, |last| last + 1)];
    let (path, argument) = match line.iter().position(is_space) {
        Some(space) => {
            let argument = &line[space..];
            let skip = argument.iter().position(|byte| !is_space(byte)).unwrap_or(0);
            (&line[..space], Some(argument[skip..].to_vec()))
        }
        // A path that is cut off would be another's.
        None if end.is_none() && file.len() > LINE_BYTES as u64 => return Err(Errno::ENOEXEC),
        None => (line, None),
    };
    if path.is_empty() {
        return Err(Errno::ENOEXEC);
    }
    Ok(Some(Interpreter { path: path.to_vec(), argument }))
}
