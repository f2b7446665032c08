//! picoserve behind the gate, over the stack.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use net::http::GateConfig;
use net::server::{HTTP_BUFFER_BYTES, HttpServer, ServerCounters};
use net::socket::{TcpListener, TcpStream};
use net::stack::{ListenConfig, SocketOptions};
use net::stream::ByteStream;
use picoserve::routing::{PathRouter, get, post};

use crate::world::{Host, Weather, World, address, endpoint};

const PORT: u16 = 80;

fn app() -> picoserve::Router<impl PathRouter> {
    picoserve::Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/echo", post(|body: Vec<u8>| async move { body }))
        .route("/large", get(|| async { "0123456789".repeat(10_000) }))
}

fn spawn_server(world: &World, host: &Host, max_connections: usize) -> Arc<ServerCounters> {
    let listener = TcpListener::bind(host, ListenConfig::new(PORT)).unwrap();
    let counters = Arc::new(ServerCounters::default());
    let server = HttpServer {
        policy: |_: &str, _: &str| 4096,
        config: GateConfig::default(),
        max_connections,
        counters: counters.clone(),
    };
    let app = Rc::new(app());
    world.spawn(server.run(listener, world.timers(), world.spawner(), move |connection, peer| {
        assert_eq!(peer.ip(), address(1));
        let app = app.clone();
        async move {
            connection.serve(&app, &mut vec![0; HTTP_BUFFER_BYTES]).await;
        }
    }));
    counters
}

/// Sends `request` and returns what comes until the end, or until `enough` bytes came.
fn talk(world: &mut World, request: &str, enough: usize) -> String {
    let answer: Rc<RefCell<Option<Vec<u8>>>> = Rc::default();
    let (result, client, request) = (answer.clone(), world.hosts[1].clone(), request.to_owned());
    world.spawn(async move {
        let mut stream =
            TcpStream::connect(&client, endpoint(0, PORT), &SocketOptions::default()).unwrap();
        stream.connected().await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut received = Vec::new();
        let mut buffer = [0; 4096];
        while received.len() < enough {
            match stream.read(&mut buffer).await {
                Ok(0) => break,
                Ok(count) => received.extend_from_slice(&buffer[..count]),
                Err(error) => panic!("{error} after {:?}", String::from_utf8_lossy(&received)),
            }
        }
        stream.close_write();
        *result.borrow_mut() = Some(received);
    });
    world.run_until(Duration::from_secs(100), |_| answer.borrow().is_some());
    let answer = answer.borrow_mut().take().unwrap();
    String::from_utf8(answer).unwrap()
}

#[test]
fn serves_requests_over_one_connection() {
    let mut world = World::new(1, 2, Weather::FINE);
    let counters = spawn_server(&world, &world.hosts[0].clone(), 100);
    let answers = talk(
        &mut world,
        "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n\
         POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
         3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nA: b\r\n\r\n\
         POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nxyz\
         GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        usize::MAX,
    );
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 4, "{answers}");
    assert_eq!(answers.matches("HTTP/1.1 100").count(), 0, "the body had come already");
    assert_eq!((counters.connections(), counters.requests(), counters.refused()), (1, 4, 0));
    assert_eq!(answers.matches("\r\n\r\nok").count(), 2);
    assert!(answers.contains("\r\n\r\nabcde") && answers.contains("\r\n\r\nxyz"), "{answers}");
    assert_eq!(answers.to_lowercase().matches("connection: close").count(), 1, "{answers}");
}

#[test]
fn head_gets_no_body_and_large_bodies_arrive() {
    let mut world = World::new(2, 2, Weather::STORM);
    spawn_server(&world, &world.hosts[0].clone(), 100);
    let large =
        talk(&mut world, "GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", usize::MAX);
    let (head, body) = large.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("100000") && body == "0123456789".repeat(10_000));
}

#[test]
fn a_refusal_reaches_the_client_although_it_goes_on_sending() {
    let mut world = World::new(3, 2, Weather::FINE);
    spawn_server(&world, &world.hosts[0].clone(), 100);
    let body = "x".repeat(100_000);
    let answer = talk(
        &mut world,
        &format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n{body}"),
        usize::MAX,
    );
    assert!(answer.starts_with("HTTP/1.1 413 Content Too Large\r\n"), "{answer}");
    assert!(answer.contains(r#""code":"content_too_large""#));
    let answer = talk(&mut world, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 1);
    assert!(answer.starts_with("HTTP/1.1 200"));
}

#[test]
fn slow_heads_end_with_408_and_silent_clients_without_answer() {
    let mut world = World::new(4, 2, Weather::FINE);
    spawn_server(&world, &world.hosts[0].clone(), 100);
    let answer = talk(&mut world, "GET /healthz HT", usize::MAX);
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert_eq!(talk(&mut world, "", usize::MAX), "");
}

#[test]
fn too_many_connections_are_told_so() {
    let mut world = World::new(5, 2, Weather::FINE);
    let counters = spawn_server(&world, &world.hosts[0].clone(), 0);
    let answer = talk(&mut world, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", usize::MAX);
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert_eq!((counters.busy(), counters.connections(), counters.active()), (1, 0, 0));
}
