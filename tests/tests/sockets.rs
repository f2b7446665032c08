//! Programs' sockets, from outside the machine.

#![expect(clippy::expect_used, reason = "a test that can't go on panics")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use admin_api::types::{Exit, OpenFile, Page, Process, Socket, SocketProtocol};
use end_to_end::{Guest, Setup, wait};
use serde_json::json;

const PORT: u16 = 8080;

fn start(guest: &Guest, script: &str) -> Process {
    let body = json!({ "program": "/bin/sh", "args": ["-c", script] });
    let answer = guest.request("POST", "/api/v1/processes").json(&body).send();
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

fn connect(guest: &Guest) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", guest.forwarded(PORT))).expect("it is forwarded");
    stream.set_read_timeout(Some(wait::PATIENCE)).expect("a timeout can be set");
    stream
}

/// What the guest's server answers; empty while it is not there.
fn page(guest: &Guest, path: &str) -> String {
    let mut stream = connect(guest);
    let mut answer = String::new();
    // QEMU takes the connection and drops it when nobody listens in the guest.
    if write!(stream, "GET {path} HTTP/1.0\r\n\r\n").is_ok() {
        let _ = stream.read_to_string(&mut answer);
    }
    answer
}

#[test]
fn a_program_serves_pages_to_the_host() {
    let mut setup = Setup::named("sockets");
    setup.ports = vec![PORT];
    let guest = Guest::boot(&setup);
    let script = "mkdir -p /srv && seq 1 20000 > /srv/numbers && echo page > /srv/page && \
                  exec busybox httpd -f -p 8080 -h /srv";
    let server = start(&guest, script);
    wait::until("the server to answer", || {
        page(&guest, "/page").ends_with("\npage\n").then_some(())
    });
    let numbers: String = (1..=20_000).map(|number| format!("{number}\n")).collect();
    for _ in 0..3 {
        let answer = page(&guest, "/numbers");
        assert!(answer.starts_with("HTTP/1.1 200"), "{:.200}", answer);
        assert!(answer.ends_with(&numbers), "{} bytes", answer.len());
    }
    // Clients that say nothing, or go away in the middle, harm nobody.
    let silent: Vec<_> = (0..20).map(|_| connect(&guest)).collect();
    for mut stream in silent {
        let _ = stream.write_all(b"GET /num");
    }
    assert!(page(&guest, "/page").ends_with("\npage\n"));

    let sockets: Page<Socket> = guest.read(&format!("/api/v1/processes/{}/sockets", server.pid));
    let listens = |socket: &&Socket| socket.state.as_deref() == Some("listen");
    let listener = sockets.items.iter().find(listens).expect("the server listens");
    assert!(listener.local.ends_with(":8080"), "{listener:?}");
    let files: Page<OpenFile> = guest.read(&format!("/api/v1/processes/{}/files", server.pid));
    let link = format!("socket:[{}]", listener.inode);
    assert!(files.items.iter().any(|file| file.path == *link), "{link} of {:?}", files.items);
    let all: Page<Socket> = guest.read("/api/v1/network/sockets?limit=1");
    assert!(all.total >= 2 && all.items.len() == 1 && all.next_cursor.is_some());

    let answer = guest.request("DELETE", &format!("/api/v1/processes/{}?mode=force", server.pid));
    assert!(answer.send().status < 300);
    wait::until("the port to be free", || page(&guest, "/page").is_empty().then_some(()));
    guest.assert_healthy();
}

#[test]
fn unix_sockets_are_listed_with_their_owners() {
    let guest = Guest::boot(&Setup::named("sockets-unix"));
    let server = start(&guest, "exec busybox syslogd -n -O /tmp/log");
    let path = format!("/api/v1/processes/{}/sockets", server.pid);
    let socket = wait::until("the socket", || {
        let sockets: Page<Socket> = guest.read(&path);
        sockets.items.into_iter().find(|socket| &*socket.local == "/dev/log")
    });
    assert_eq!((socket.protocol, socket.remote, socket.state), (SocketProtocol::Unix, None, None));
    let files: Page<OpenFile> = guest.read(&format!("/api/v1/processes/{}/files", server.pid));
    let link = format!("socket:[{}]", socket.inode);
    assert!(files.items.iter().any(|file| file.path == *link), "{link} of {:?}", files.items);

    let client = start(&guest, "exec busybox logger 0123456789");
    wait::until("the message", || {
        let process: Process = guest.read(&format!("/api/v1/processes/{}", client.pid));
        let sockets: Page<Socket> = guest.read(&path);
        (process.exit.is_some() && sockets.items[0].received_bytes > 10).then_some(())
    });
    let all: Page<Socket> = guest.read("/api/v1/network/sockets?limit=1000");
    let notify = all.items.iter().find(|socket| &*socket.local == "@multios/notify");
    let notify = notify.expect("the kernel's own is listed, too");
    assert!(notify.pid.is_none() && notify.inode != 0, "{notify:?}");
}

/// Says a page of these bytes to the next client, and gives what that asked for.
fn say_a_page(listener: &TcpListener, bytes: &[u8]) -> String {
    let (mut client, _) = listener.accept().expect("the guest connects");
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    while !request.ends_with(b"\r\n\r\n") {
        let count = client.read(&mut buffer).expect("a request");
        assert!(count > 0, "a request that is cut short");
        request.extend_from_slice(&buffer[..count]);
    }
    let head = format!("HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n", bytes.len());
    client.write_all(head.as_bytes()).and_then(|()| client.write_all(bytes)).expect("it is sent");
    String::from_utf8_lossy(&request).into_owned()
}

/// 10.0.2.2 is this host's loopback as the guest sees it.
#[test]
fn a_program_fetches_a_page_from_the_host() {
    let guest = Guest::boot(&Setup::named("sockets-fetch"));
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("there is a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let bytes: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    let client = start(&guest, &format!("wget -q -O /tmp/page http://10.0.2.2:{port}/a/page?b=c"));
    let request = say_a_page(&listener, &bytes);
    assert!(request.starts_with("GET /a/page?b=c HTTP/1."), "{request}");
    assert!(request.contains(&format!("Host: 10.0.2.2:{port}\r\n")), "{request}");
    let exit = wait::until("wget's end", || {
        guest.read::<Process>(&format!("/api/v1/processes/{}", client.pid)).exit
    });
    assert_eq!(exit, Exit::Code(0));
    assert!(guest.get("/api/v1/files/tmp/page").body == bytes, "other bytes have arrived");
    guest.assert_healthy();
}
