//! Signals: their numbers, names and default actions, as signal(7) gives them for x86-64.

mod number;
mod set;

pub use number::{DefaultAction, Signal};
pub use set::SignalSet;
