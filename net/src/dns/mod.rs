//! A name server for the programs of this machine: what they ask is answered from what is known here
//! ([`ServiceNames`], and the names of the loopback), or by the servers that the network names.
//!
//! What lies on the wire is read and written by pure functions ([`Query`], [`answer`]);
//! [`Resolver`] is the tasks that carry it back and forth.

mod answer;
mod exchange;
mod local;
mod name;
mod query;
mod server;

pub use answer::{
    Carrier, Record, answer, complaint, is_answer, is_failure, pass_on, question_for_server,
};
pub use local::{Known, ServiceAddress, ServiceNames, look_up};
pub use name::Name;
pub use query::{Edns, Malformed, Query, ResponseCode};
pub use server::{Resolver, ResolverCounters, ResolverFigures, StartError};
