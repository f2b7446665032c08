//! [`Relay`]: a port that leads to the guest and can be cut off, as a network can.

#![expect(clippy::expect_used, reason = "this module only serves tests, which fail by panicking")]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A relay between the browser and a guest.
pub(crate) struct Relay {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    is_cut: AtomicBool,
    connections: Mutex<Vec<TcpStream>>,
}

impl Relay {
    /// Leads to `guest_port` of this host.
    pub(crate) fn to(guest_port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared::default());
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                accepting.join(client, guest_port);
            }
        });
        Self { port, shared }
    }

    /// The port to connect to.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Breaks every connection and lets no new one through.
    pub(crate) fn cut(&self) {
        self.shared.is_cut.store(true, Ordering::SeqCst); // before the connections are gone through
        for connection in self.shared.connections().drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    /// Lets connections through again.
    pub(crate) fn mend(&self) {
        self.shared.is_cut.store(false, Ordering::SeqCst);
    }
}

impl Shared {
    fn connections(&self) -> std::sync::MutexGuard<'_, Vec<TcpStream>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn join(&self, client: TcpStream, guest_port: u16) {
        let mut connections = self.connections();
        // Under the lock: either `cut` finds the connection in the list, or it is not let in.
        if self.is_cut.load(Ordering::SeqCst) {
            return;
        }
        let Ok(guest) = TcpStream::connect(("127.0.0.1", guest_port)) else { return };
        let copies = (client.try_clone(), guest.try_clone(), client.try_clone());
        let (Ok(from_client), Ok(to_guest), Ok(listed)) = copies else { return };
        connections.push(listed);
        std::thread::spawn(move || pass_on(from_client, to_guest));
        std::thread::spawn(move || pass_on(guest, client));
    }
}

fn pass_on(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
