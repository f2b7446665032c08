//! The admin server: a listener, and a task for each connection.

use alloc::rc::Rc;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use core::net::SocketAddr;

use admin_api::server::{self, App, Config, Credential, SecretHash};
use admin_api::types::{Role, Text};
use ksync::Once;
use net::executor::{Executor, Timers};
use net::http::GateConfig;
use net::server::{Connection, Counting, HTTP_BUFFER_BYTES, HttpServer, Runtime, ServerCounters};
use net::socket::{TcpListener, TcpStream};
use net::stack::{ListenConfig, ListenError};

use super::KernelStack;
use crate::admin::{self, ConsoleAssets, KernelBackend};

/// Connections at once; further ones are told that the server is busy.
const MAX_CONNECTIONS: usize = 512;

/// Enough for a page of processes. With more, card and kernel take turns instead of working side by side.
const LARGEST_SEND_BUFFER: usize = 32 * 1024;

/// What lets the first user in.
#[derive(Debug)]
pub struct Secrets {
    /// The first token.
    pub token: String,
    /// The secret of the console's link.
    pub link_secret: Option<String>,
}

static COUNTERS: Once<Arc<ServerCounters>> = Once::new();

/// What the server has done.
#[derive(Clone, Copy, Debug, Default)]
pub struct HttpFigures {
    /// Connections that are being served.
    pub connections: usize,
    /// Connections refused because there were too many.
    pub busy: u64,
    /// Requests that got through the gate.
    pub requests: u64,
    /// Requests that the gate has refused.
    pub refused: u64,
}

/// The server's figures.
#[must_use]
pub fn http_figures() -> HttpFigures {
    COUNTERS.get().map_or_else(HttpFigures::default, |counters| HttpFigures {
        connections: counters.active(),
        busy: counters.busy(),
        requests: counters.requests(),
        refused: counters.refused(),
    })
}

/// What the gate allows by route.
type BodyLimit = fn(&str, &str) -> u64;

type AdminConnection = Connection<TcpStream<KernelStack>, Timers, Counting<BodyLimit>>;

/// Starts to listen.
///
/// # Errors
/// When the port cannot be listened on.
pub(super) fn start(
    executor: &Executor,
    port: u16,
    secrets: Secrets,
    shown: String,
) -> Result<(), ListenError> {
    let listener = TcpListener::bind(&KernelStack, listening(port))?;
    let config = Config {
        credentials: vec![Credential {
            user: Text::from("admin"),
            role: Role::Administrator,
            token: SecretHash::of(secrets.token.as_bytes()),
        }],
        sign_in_secret: secrets.link_secret.map(|secret| SecretHash::of(secret.as_bytes())),
    };
    let app = App::new(KernelBackend::new(shown), ConsoleAssets, admin::OPENAPI, config);
    let app = Rc::new(app);
    let server = HttpServer {
        policy: server::max_body_bytes as BodyLimit,
        config: GateConfig::default(),
        max_connections: MAX_CONNECTIONS,
        counters: Arc::clone(COUNTERS.call_once(Arc::default)),
    };
    let accepting = server.run(
        listener,
        executor.timers(),
        executor.spawner(),
        move |connection: AdminConnection, peer| serve(Rc::clone(&app), connection, peer),
    );
    if executor.spawner().spawn(accepting).is_err() {
        crate::error!("the admin server finds no place in the network thread");
    }
    Ok(())
}

/// How the server listens. An answer that fits into a connection's buffer goes out at once, a longer one
/// waits for the client to acknowledge its beginning: where there is memory, few do.
fn listening(port: u16) -> ListenConfig {
    /// All connections' buffers take at most this part of the memory.
    const SHARE: u64 = 8;
    let mut config = ListenConfig::new(port);
    let memory = hal::frame::figures().total_bytes;
    let each = usize::try_from(memory / SHARE).unwrap_or(usize::MAX) / MAX_CONNECTIONS;
    let least = config.options.send_buffer_bytes;
    config.options.send_buffer_bytes = each.clamp(least, LARGEST_SEND_BUFFER);
    config
}

async fn serve(
    app: Rc<App<KernelBackend, ConsoleAssets>>,
    connection: AdminConnection,
    peer: SocketAddr,
) {
    let timer = connection.timer();
    let router = server::router::<Runtime, _, _, _>(&app, &timer, peer);
    let mut buffer = vec![0; HTTP_BUFFER_BYTES];
    connection.serve(&router, &mut buffer).await;
}
