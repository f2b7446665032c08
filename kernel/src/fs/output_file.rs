//! What a program's output is captured by, as a file: it looks like a pipe to the program.

use alloc::string::String;
use alloc::sync::Arc;

use linux_abi::Errno;
use vfs_core::{FileKind, Metadata};

use super::Readiness;
use super::file::{File, Transfer, nameless};
use crate::process::Output;

/// Output that is kept for the operator; nothing can be read from it.
#[derive(Debug)]
pub(super) struct OutputFile(pub(super) Arc<Output>);

impl File for OutputFile {
    fn transfer(&self) -> Transfer {
        Transfer::Stream
    }

    fn write(&self, _at: u64, bytes: &[u8]) -> Result<usize, Errno> {
        self.0.write(bytes);
        Ok(bytes.len())
    }

    fn metadata(&self) -> Result<Metadata, Errno> {
        Ok(nameless(FileKind::Fifo, 0o600, 0))
    }

    fn readiness(&self) -> Readiness {
        Readiness::OUT
    }

    fn describe(&self) -> String {
        String::from("output")
    }
}
