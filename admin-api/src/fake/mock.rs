//! [`serve_mock`]: the API and the console over the fake system, on loopback.

use std::boxed::Box;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::rc::Rc;
use std::string::String;
use std::time::Duration;
use std::vec;
use std::vec::Vec;

use crate::backend::{Backend, Caller};
use crate::server::{App, Config, Credential, HTTP_BUFFER_BYTES, SecretHash, serve_connection};
use crate::types::{CreateProcess, Role};

use super::clock::Clock;
use super::mock_assets::MockAssets;
use super::state::FakeBackend;

/// What the mock server serves, and where.
#[derive(Clone, Debug)]
pub struct MockConfig {
    /// The port on loopback; 0 picks a free one.
    pub port: u16,
    /// The console's files: the folder that `console-pack` writes, or any other.
    pub assets: Option<PathBuf>,
    /// The token of the user `admin`.
    pub token: String,
    /// The secret that signs in once, for a link.
    pub secret: Option<String>,
    /// The OpenAPI document.
    pub openapi: &'static [u8],
}

/// How often the fake system moves on.
const TICK: Duration = Duration::from_millis(100);

/// Serves until the process ends. `on_listening` is told the address.
///
/// # Errors
/// When the port can't be had or the files can't be read.
pub fn serve_mock(config: MockConfig, on_listening: impl FnOnce(SocketAddr)) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tasks = tokio::task::LocalSet::new();
    tasks.block_on(&runtime, serve(config, on_listening))
}

async fn serve(config: MockConfig, on_listening: impl FnOnce(SocketAddr)) -> io::Result<()> {
    let assets = match &config.assets {
        Some(folder) => MockAssets::read(folder)?,
        None => MockAssets::default(),
    };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, config.port));
    let listener = tokio::net::TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    // Secrets of sessions come from this; std's hasher is the host's randomness without a crate.
    let seed = RandomState::new().hash_one(std::process::id());
    let backend = FakeBackend::new(Clock::real(), seed);
    populate(&backend, address);
    let credential = Credential {
        user: "admin".into(),
        role: Role::Administrator,
        token: SecretHash::of(config.token.as_bytes()),
    };
    let sign_in_secret = config.secret.map(|secret| SecretHash::of(secret.as_bytes()));
    let app_config = Config { credentials: vec![credential], sign_in_secret };
    let app = Rc::new(App::new(backend, assets, config.openapi, app_config));
    let ticking = app.clone();
    tokio::task::spawn_local(async move {
        loop {
            tokio::time::sleep(TICK).await;
            ticking.backend().tick();
        }
    });
    on_listening(address);
    loop {
        let (stream, peer) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let app = app.clone();
        tokio::task::spawn_local(async move {
            let mut buffer: Box<[u8]> = vec![0; HTTP_BUFFER_BYTES].into();
            let timer = picoserve::time::TokioTimer;
            // A connection that fails concerns nobody but its client.
            let _ = serve_connection(&app, &timer, stream, peer, &mut buffer).await;
        });
    }
}

/// Gives the system something to do.
fn populate(backend: &FakeBackend, address: SocketAddr) {
    let caller = Caller { user: "boot".into(), role: Role::Administrator, address };
    let programs: [(&str, &[&str]); 6] = [
        ("/bin/sleep", &["86400"]),
        ("/bin/yes", &[]),
        ("/bin/chatter", &[]),
        ("/bin/busybox", &["sleep", "600"]),
        ("/bin/cat", &[]),
        ("/bin/stubborn", &[]),
    ];
    for (program, args) in programs {
        let args: Vec<String> = args.iter().map(|arg| String::from(*arg)).collect();
        let request = CreateProcess { program: program.into(), args, ..Default::default() };
        // All of these programs exist in the fake system.
        let _ = backend.create_process(&caller, request);
    }
    backend.register_demo(&caller);
}
