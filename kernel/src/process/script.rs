//! Scripts: the program that is loaded in their place, and what it is told.

use alloc::vec::Vec;

use linux_abi::Errno;
use linux_abi::script::{Interpreter, LINE_BYTES};

use crate::memory::FileBytes;

/// Scripts whose interpreter is a script, and so on; as on Linux.
const MOST_SCRIPTS: usize = 5;

/// As long as the program is a script, replaces it by its interpreter, which gets the script's path as
/// an argument. `open` opens a program.
///
/// # Errors
/// ENOEXEC for a script without an interpreter, ELOOP for too many in a row; `open`'s.
pub fn follow_scripts<E: From<Errno>>(
    path: &[u8],
    mut program: FileBytes,
    arguments: &mut Vec<Vec<u8>>,
    mut open: impl FnMut(&[u8]) -> Result<FileBytes, E>,
) -> Result<FileBytes, E> {
    let mut script = path.to_vec();
    for _ in 0..=MOST_SCRIPTS {
        let mut head = [0; LINE_BYTES];
        let count = program.read(0, &mut head);
        let found = Interpreter::of(head.get(..count).unwrap_or_default(), program.len())?;
        let Some(interpreter) = found else { return Ok(program) };
        let mut before = Vec::new();
        before.push(interpreter.path.to_vec());
        before.extend(interpreter.argument.map(<[u8]>::to_vec));
        before.push(script);
        let rest = 1.min(arguments.len());
        arguments.splice(..rest, before);
        script = interpreter.path.to_vec();
        program = open(&script)?;
    }
    Err(Errno::ELOOP.into())
}
