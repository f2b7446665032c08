//! The first line of a script: execve(2), "Interpreter scripts".

use crate::errno::Errno;

/// Of a script's first line so much counts.
pub const LINE_BYTES: usize = 256;

/// What a script's first line names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interpreter<'a> {
    /// The program.
    pub path: &'a [u8],
    /// All that follows, as one argument.
    pub argument: Option<&'a [u8]>,
}

impl<'a> Interpreter<'a> {
    /// The interpreter of the script that begins with `head`, the first [`LINE_BYTES`] of a file of
    /// `length` bytes; none for what is no script.
    ///
    /// # Errors
    /// ENOEXEC if the line names none, or its path is cut off.
    pub fn of(head: &'a [u8], length: u64) -> Result<Option<Self>, Errno> {
        let Some(window) = head.strip_prefix(b"#!") else { return Ok(None) };
        let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
        let end = window.iter().position(|byte| *byte == b'\n' || *byte == 0);
        let line = &window[..end.unwrap_or(window.len())];
        let start = line.iter().position(|byte| !is_space(byte)).ok_or(Errno::ENOEXEC)?;
        let line = &line[start..];
        let last = line.iter().rposition(|byte| !is_space(byte)).map_or(0, |last| last + 1);
        let line = &line[..last];
        let (path, argument) = match line.iter().position(is_space) {
            Some(space) => {
                let argument = &line[space..];
                let skip = argument.iter().position(|byte| !is_space(byte)).unwrap_or(0);
                (&line[..space], Some(&argument[skip..]))
            }
            // A path that is cut off would be another's.
            None if end.is_none() && length > LINE_BYTES as u64 => return Err(Errno::ENOEXEC),
            None => (line, None),
        };
        if path.is_empty() { Err(Errno::ENOEXEC) } else { Ok(Some(Self { path, argument })) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Interpreter, LINE_BYTES};
    use crate::errno::Errno;

    /// The program and its argument.
    type Named<'a> = (&'a [u8], Option<&'a [u8]>);

    fn of(head: &[u8]) -> Result<Option<Named<'_>>, Errno> {
        let found = Interpreter::of(head, head.len() as u64)?;
        Ok(found.map(|it| (it.path, it.argument)))
    }

    #[test]
    fn a_line_names_a_program_and_one_argument() {
        assert_eq!(of(b"\x7fELF"), Ok(None));
        assert_eq!(of(b""), Ok(None));
        let shell: Named<'_> = (b"/bin/sh", None);
        assert_eq!(of(b"#!/bin/sh\necho"), Ok(Some(shell)));
        let both: Named<'_> = (b"/bin/sh", Some(b"-x  -y"));
        assert_eq!(of(b"#! \t/bin/sh  -x  -y \t\n"), Ok(Some(both)));
        assert_eq!(of(b"#!/bin/sh"), Ok(Some(shell)), "without an end of line");
        assert_eq!(of(b"#!"), Err(Errno::ENOEXEC));
        assert_eq!(of(b"#! \t\n"), Err(Errno::ENOEXEC));
        assert_eq!(of(b"#!\0/bin/sh\n"), Err(Errno::ENOEXEC));
    }

    #[test]
    fn a_path_that_is_cut_off_is_none() {
        let mut head = [b'x'; LINE_BYTES];
        head[..3].copy_from_slice(b"#!/");
        assert!(Interpreter::of(&head, 256).is_ok());
        assert_eq!(Interpreter::of(&head, 257), Err(Errno::ENOEXEC));
        head[100] = b' ';
        assert!(Interpreter::of(&head, 257).is_ok(), "an argument may be cut off");
    }
}
