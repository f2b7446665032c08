//! The hardware layer: the only crate with assembly, and with `ksync` and `kheap` the only ones with
//! unsafe code. What it offers is safe to call in any way; what it cannot make safe it keeps to
//! itself.
//!
//! - [`boot`] brings the machine from the loader to the kernel's `main`; [`smp`] the other CPUs.
//! - [`cpu`], [`interrupts`], [`trap`], [`apic`]: one CPU, and what interrupts it.
//! - [`frame`], [`paging`], [`heap`]: memory.
//! - [`thread`], [`user`]: what runs.
//! - [`time`], [`acpi`], [`pci`], [`mmio`], [`virtio`], [`serial`]: the machine around the CPUs.
//! - [`panic`], [`symbols`]: the end.
#![no_std]
#![deny(unsafe_op_in_unsafe_fn)]
#![expect(
    clippy::cast_possible_truncation,
    reason = "x86_64 alone: a usize has 64 bits, and registers are narrower words of wider ones"
)]

extern crate alloc;

pub mod acpi;
pub mod apic;
pub mod boot;
mod bytes;
pub mod cpu;
pub mod debug_exit;
pub mod frame;
pub mod heap;
pub mod interrupts;
pub mod mmio;
pub mod paging;
pub mod panic;
pub mod pci;
pub mod serial;
pub mod smp;
pub mod symbols;
pub mod thread;
pub mod time;
pub mod trap;
pub mod user;
pub mod virtio;
