//! What a program's output is captured by, as a file: it looks like a pipe to the program.

use alloc::string::String;
use alloc::sync::Arc;

use linux_abi::Errno;
use vfs_core::{FileKind, Metadata};

use super::file::{File, Transfer, nameless};
use super::{Readiness, WatchList};
use crate::process::{Output, OutputStream};

/// Output that is kept for the operator; nothing can be read from it.
#[derive(Debug)]
pub(super) struct OutputFile {
    output: Arc<Output>,
    stream: OutputStream,
    /// It can always be written; there is a list because one may ask for that, as of a pipe.
    watchers: WatchList,
}

impl OutputFile {
    pub(super) fn new(output: Arc<Output>, stream: OutputStream) -> Self {
        Self { output, stream, watchers: WatchList::new() }
    }
}

impl File for OutputFile {
    fn transfer(&self) -> Transfer {
        Transfer::Stream
    }

    fn write(&self, _at: u64, bytes: &[u8]) -> Result<usize, Errno> {
        self.output.write(self.stream, bytes);
        Ok(bytes.len())
    }

    fn metadata(&self) -> Result<Metadata, Errno> {
        Ok(nameless(FileKind::Fifo, 0o600, 0))
    }

    fn readiness(&self) -> Readiness {
        Readiness::OUT
    }

    fn watch_list(&self) -> Option<&WatchList> {
        Some(&self.watchers)
    }

    fn describe(&self) -> String {
        String::from("output")
    }
}
