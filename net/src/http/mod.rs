//! The gate in front of the HTTP server: only requests that RFC 9110 and RFC 9112 allow, whole and
//! in time, get to it.
//!
//! - [`Gate`] sits between a byte stream and the server. It reads heads, answers what is to be
//!   refused, decodes chunked bodies, hands requests on one at a time, and sends what the server
//!   writes. After `101 Switching Protocols` bytes pass untouched.
//! - [`GateConfig`] and [`Policy`] set its limits.
//! - [`RefusalKind`] lists what is refused, and how it is answered.
//!
//! It is built for the server in use, which takes what it is given: the head that it gets is
//! written anew from what was checked, with one length, no transfer coding and no expectation.

mod body;
mod buffer;
mod chunked;
mod config;
mod deadline;
mod end;
mod gate;
mod head;
mod refusal;
mod response;
mod scan;
mod target;
mod write;

pub use config::{GateConfig, Policy};
pub use gate::{Gate, GateError};
pub use refusal::RefusalKind;
