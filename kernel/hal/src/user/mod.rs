//! Running a program: into ring 3 and back out, and reaching its memory.

mod context;
mod copy;
mod entry;
mod vdso;
mod word;

pub use context::{Exit, PageFault, UserClocks, UserContext};
pub(crate) use copy::fixup_for;
pub use copy::{BadAddress, copy_from, copy_to, zero};
pub(crate) use entry::system_call_entry_address;
pub use vdso::write_vdso;
pub use word::{compare_exchange_word, fill_in_word, load_word};
