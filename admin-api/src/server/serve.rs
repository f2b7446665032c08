//! [`router`]: the app as picoserve's router for one connection; [`serve_connection`]: serves it.

use core::net::SocketAddr;

use picoserve::io::{Read, Socket};
use picoserve::request::{Path, Request};
use picoserve::response::ResponseWriter;
use picoserve::routing::{PathRouter, PathRouterService};
use picoserve::time::Duration;
use picoserve::{ResponseSent, Router, Server, Timeouts, Timer};

use crate::backend::Backend;

use super::answer::Head;
use super::{App, Assets};

/// The app as picoserve's router, for one connection that comes from `peer`: what the network's gate
/// serves. `timer` is for heartbeats of streams and for time limits of requests that wait.
pub fn router<'a, Runtime: 'a, B: Backend, A: Assets, T: Timer<Runtime>>(
    app: &'a App<B, A>,
    timer: &'a T,
    peer: SocketAddr,
) -> Router<impl PathRouter + use<'a, Runtime, B, A, T>> {
    Router::from_service(Service { app, timer, peer, _runtime: core::marker::PhantomData })
}

/// What `http_buffer` should have: the longest head of a request that the gate in front lets through
/// must fit (8 KiB, and a little more after the gate has rewritten it), or the connection ends with
/// a bare 400.
pub const HTTP_BUFFER_BYTES: usize = 12 * 1024;

/// Time limits. Slow heads and bodies are the gate's business, which is in front; these are wider.
const CONFIG: picoserve::Config = picoserve::Config::new(Timeouts {
    start_read_request: Duration::from_secs(30),
    persistent_start_read_request: Duration::from_secs(75),
    read_request: Duration::from_secs(30),
    write: Duration::from_secs(30),
})
.keep_connection_alive();

/// Serves the requests of one connection until either side closes it; returns how many there were.
///
/// `socket` is behind a gate that lets only well-formed requests through (RFC 9112), with bodies of
/// a known and bounded length. `peer` is where the connection comes from.
///
/// # Errors
/// When the connection fails or a time limit passes.
pub async fn serve_connection<Runtime, B, A, T, S>(
    app: &App<B, A>,
    timer: &T,
    socket: S,
    peer: SocketAddr,
    http_buffer: &mut [u8],
) -> Result<u64, picoserve::Error<S::Error>>
where
    B: Backend,
    A: Assets,
    T: Timer<Runtime>,
    S: Socket<Runtime>,
{
    let router = router(app, timer, peer);
    let timer = SharedTimer(timer);
    let server = Server::<Runtime, _, _, _>::custom(&router, timer, &CONFIG, http_buffer);
    server.serve(socket).await.map(|info| info.handled_requests_count)
}

/// Lends a timer, which picoserve wants to own.
struct SharedTimer<'t, T>(&'t T);

impl<Runtime, T: Timer<Runtime>> Timer<Runtime> for SharedTimer<'_, T> {
    fn delay(&self, duration: Duration) -> impl Future<Output = ()> {
        self.0.delay(duration)
    }
}

/// The app as one connection sees it.
struct Service<'a, B, A, T, Runtime> {
    app: &'a App<B, A>,
    timer: &'a T,
    peer: SocketAddr,
    _runtime: core::marker::PhantomData<fn(&Runtime)>,
}

impl<B: Backend, A: Assets, T: Timer<Runtime>, Runtime> PathRouterService
    for Service<'_, B, A, T, Runtime>
{
    async fn call_path_router_service<R: Read, W: ResponseWriter<Error = R::Error>>(
        &self,
        _state: &(),
        _parameters: (),
        path: Path<'_>,
        mut request: Request<'_, R>,
        writer: W,
    ) -> Result<ResponseSent, W::Error> {
        let head = Head {
            method: request.parts.method(),
            path: path.encoded(),
            query: request.parts.query().map_or("", |query| query.0),
            headers: request.parts.headers(),
            peer: self.peer,
        };
        let reply = self.app.answer(&head, &mut request.body_connection, self.timer).await?;
        let is_head = head.is_head();
        let reply = if request.parts.http_version() == "HTTP/1.0" {
            // It knows no chunks (RFC 9112, 6.1).
            self.app.in_one_piece(reply)
        } else {
            reply
        };
        let connection = request.body_connection.finalize().await?;
        self.app.send(reply, is_head, connection, writer, self.timer).await
    }
}
