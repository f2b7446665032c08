//! The TCP/IP stack: smoltcp, sockets with a backlog, the server's transport and its HTTP gate.
//!
//! - [`stack`] owns the interface, the connections and the listeners. It is a plain struct: the
//!   device is a parameter, time is an argument, and whoever holds it decides about locking.
//! - [`socket`] gives tasks and blocking threads handles on it: [`socket::TcpListener`],
//!   [`socket::TcpStream`]; [`datagram::UdpSocket`] likewise.
//! - [`dns`] answers programs' questions about names, or has them answered.
//! - [`executor`] runs the network thread's `!Send` futures.
//! - [`http`] is the strict gate in front of the HTTP server, over any byte stream.
//! - [`server`] lends the gate's connections to picoserve.
//! - [`runtime`] is one round of the network thread.
//!
//! The network thread, put together (with `stack` a [`socket::SharedStack`] over the kernel's lock):
//!
//! ```text
//! let listener = TcpListener::bind(&stack, ListenConfig::new(80))?;
//! let server = HttpServer { policy, config: GateConfig::default(), max_connections: 512, counters };
//! let (spawner, clock) = (executor.spawner(), executor.timers());
//! let task = server.run(listener, clock, spawner, move |connection, peer| {
//!     let app = app.clone();
//!     async move {
//!         let timer = connection.timer();
//!         let router = admin_api::router(&app, &timer, peer);
//!         let mut buffer = vec![0; HTTP_BUFFER_BYTES];
//!         connection.serve(&router, &mut buffer).await;
//!     }
//! });
//! executor.spawner().spawn(task)?;
//! loop {
//!     match runtime::turn(&stack, &mut executor, &mut wakes) { .. }
//! }
//! ```
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

#[cfg(feature = "stack")]
pub mod datagram;
#[cfg(feature = "stack")]
pub mod dns;
pub mod executor;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "stack")]
pub mod runtime;
#[cfg(feature = "picoserve")]
pub mod server;
#[cfg(feature = "stack")]
pub mod socket;
#[cfg(feature = "stack")]
pub mod stack;
pub mod stream;
pub mod time;
