//! How much of an address space is mapped, by kind: [`Usage`].

use super::area::{Area, Kind, Protection};

/// Mapped bytes, touched or not. What a process really occupies is counted by the kernel, frame by
/// frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Everything.
    pub total_bytes: u64,
    /// Of that, what can't be accessed: reservations and guards, whatever their kind.
    pub inaccessible_bytes: u64,
    /// Private anonymous memory.
    pub anonymous_bytes: u64,
    /// The `brk` heap.
    pub heap_bytes: u64,
    /// Stacks that grow.
    pub stack_bytes: u64,
    /// Shared anonymous memory.
    pub shared_anonymous_bytes: u64,
    /// Private file mappings.
    pub private_file_bytes: u64,
    /// Shared file mappings.
    pub shared_file_bytes: u64,
    /// What is private and can be written, but for stacks that grow.
    pub data_bytes: u64,
    /// What can be executed and not written.
    pub code_bytes: u64,
    /// What `mlock` keeps.
    pub locked_bytes: u64,
}

/// Whether an area counts as data: private, to be written, and no stack that grows.
pub(super) fn is_data<F>(kind: &Kind<F>, protection: Protection) -> bool {
    let is_private = !kind.is_shared() && !matches!(kind, Kind::Stack);
    is_private && protection.contains(Protection::WRITE)
}

impl Usage {
    pub(super) fn add<F>(&mut self, area: &Area<F>) {
        self.change(area, u64::saturating_add);
    }

    pub(super) fn subtract<F>(&mut self, area: &Area<F>) {
        self.change(area, u64::saturating_sub);
    }

    fn change<F>(&mut self, area: &Area<F>, change: fn(u64, u64) -> u64) {
        let bytes = area.range.bytes();
        let of_kind = match area.kind {
            Kind::Anonymous => &mut self.anonymous_bytes,
            Kind::Heap => &mut self.heap_bytes,
            Kind::Stack => &mut self.stack_bytes,
            Kind::SharedAnonymous(_) => &mut self.shared_anonymous_bytes,
            Kind::PrivateFile(_) => &mut self.private_file_bytes,
            Kind::SharedFile(_) => &mut self.shared_file_bytes,
        };
        *of_kind = change(*of_kind, bytes);
        self.total_bytes = change(self.total_bytes, bytes);
        if area.protection == Protection::NONE {
            self.inaccessible_bytes = change(self.inaccessible_bytes, bytes);
        }
        let is_written = area.protection.contains(Protection::WRITE);
        if is_data(&area.kind, area.protection) {
            self.data_bytes = change(self.data_bytes, bytes);
        }
        if area.protection.contains(Protection::EXECUTE) && !is_written {
            self.code_bytes = change(self.code_bytes, bytes);
        }
        if area.is_locked {
            self.locked_bytes = change(self.locked_bytes, bytes);
        }
    }
}
