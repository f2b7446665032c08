//! Signals: signal(7), sigaction(2), and what the kernel has to do for them.
//!
//! [`Signal`] and [`SignalSet`] are the numbers. [`ProcessSignals`] is one process's state:
//! dispositions (`disposition.rs`), what is pending (`pending.rs`), each thread's mask; sending
//! (`send.rs`) and delivering (`deliver.rs`) answer with what is to be done. Who may send stands in
//! `permission.rs`, what has happened in `record.rs`.

mod alternate_stack;
mod deliver;
mod disposition;
mod number;
mod pending;
mod permission;
mod process_signals;
mod record;
mod send;
mod set;

pub use alternate_stack::{AlternateStack, FramePlace, StackRefusal};
pub use deliver::Delivery;
pub use disposition::{Disposition, HandlerFlags, SignalHandler};
pub use number::{DefaultAction, Signal};
pub use pending::{PendingSignal, QueuedSignals, SignalCause};
pub use permission::SignalSender;
pub use process_signals::{ProcessSignals, SignalContext, SignalsOverview, ThreadOverview};
pub use record::{SignalEffect, SignalRecord};
pub use send::{Sent, SignalTarget, WhatFollows};
pub use set::SignalSet;
