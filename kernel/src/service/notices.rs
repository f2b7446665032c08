//! What programs say about themselves: the notify socket, compatible with `sd_notify(3)`. Each gets its
//! address as `NOTIFY_SOCKET`; to which run the sender belongs is noted by the kernel when it sends: it may have
//! ended when it is heard.

use alloc::boxed::Box;
use alloc::string::String;

use linux_abi::socket::{
    MessageFlags, SocketAddress, SocketRequest, SocketType, UnixName, family, option,
};
use process_core::Priority;
use service_core::Event;

use super::{Note, State, post};
use crate::fs::{File, Waiting, until_ready};
use crate::process::{self, CreateError};
use crate::scheduler;
use crate::socket::{self, Incoming, Named};

/// The socket's address as programs are told: `@` stands for the first byte of an abstract name.
pub(super) const ADDRESS: &str = "@multios/notify";

/// Whether an abstract name is that of the socket.
pub fn is_own_name(name: &UnixName) -> bool {
    let own = ADDRESS.get(1..).map(str::as_bytes);
    own.is_some() && name.abstract_name() == own
}

/// The longest message.
const LONGEST: usize = 4096;

/// What a program said.
#[derive(Debug)]
pub struct Notice {
    is_ready: bool,
    is_alive: bool,
    status: Option<String>,
}

impl Notice {
    /// Reads a message: lines of `NAME=value`. What is not known is left out.
    #[must_use]
    pub fn read(message: &[u8]) -> Self {
        let mut notice = Self { is_ready: false, is_alive: false, status: None };
        for line in message.split(|byte| *byte == b'\n') {
            match line {
                b"READY=1" => notice.is_ready = true,
                b"WATCHDOG=1" => notice.is_alive = true,
                _ => {
                    if let Some(text) = line.strip_prefix(b"STATUS=") {
                        notice.status = Some(String::from_utf8_lossy(text).into_owned());
                    }
                }
            }
        }
        notice
    }
}

/// Takes in what was said from within a run; says whether that is one.
pub fn say(instance: u64, notice: Notice) -> bool {
    if instance == 0 {
        return false;
    }
    post(Note::Said { instance, notice });
    true
}

pub(super) fn heard(state: &mut State, instance: u64, notice: Notice) {
    let Some(run) = state.runs.get(&instance).map(super::runs::Run::id) else { return };
    if let Some(status) = notice.status {
        state.step(Event::SaidStatus { run, status });
    }
    if notice.is_alive {
        state.step(Event::Beat(run));
    }
    if notice.is_ready {
        state.step(Event::SaidReady(run));
    }
}

/// Starts the thread that listens to the socket.
///
/// # Errors
/// When there is no memory for it.
pub(super) fn start() -> Result<(), CreateError> {
    process::spawn_kernel_thread("notices", Priority::High, 32 * 1024, Box::new(listen))?;
    Ok(())
}

fn listen() {
    let Some(socket) = open() else {
        crate::error!("service: the notify socket cannot be opened");
        return;
    };
    let Some(thread) = scheduler::current() else { return };
    let mut buffer = alloc::vec![0; LONGEST];
    loop {
        let received: Result<Incoming, _> = until_ready(&thread, &*socket, Waiting::READ, || {
            let Some(socket) = socket.as_socket() else { return Err(linux_abi::Errno::ENOTSOCK) };
            socket.receive(&mut buffer, MessageFlags::NONE)
        });
        let Ok(received) = received else { continue };
        // Files that came along are closed.
        socket::close_rights(received.rights);
        let message = buffer.get(..received.count).unwrap_or_default();
        say(received.instance, Notice::read(message));
    }
}

fn open() -> Option<Box<dyn File>> {
    let request = SocketRequest {
        family: family::UNIX.into(),
        kind: SocketType::Datagram,
        protocol: 0,
        is_nonblocking: false,
        closes_on_exec: false,
    };
    let file = socket::create(&request).ok()?;
    let socket = file.as_socket()?;
    let name = UnixName::new_abstract(ADDRESS.get(1..)?.as_bytes())?;
    let named = Named { address: SocketAddress::Unix(name), file: None, held: None };
    socket.bind(&named).ok()?;
    socket.options().set(option::PASSCRED, &1_i32.to_le_bytes()).ok()?;
    Some(file)
}
