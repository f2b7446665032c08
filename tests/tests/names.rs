//! Names as programs resolve them: by musl's library, by glibc's (busybox), and by busybox's own
//! nslookup, with a name server on the host behind the kernel's.

#![expect(clippy::expect_used, reason = "a test that can't go on panics")]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::thread;

use admin_api::types::{Exit, Network, Process, ProcessOutput};
use end_to_end::{Guest, Setup, wait};
use serde_json::json;

/// Where the guest finds the host's loopback: QEMU's user network.
const HOST: &str = "10.0.2.2";
/// In the guest, which asks nobody else for anything.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 7);
/// More than fits into a datagram.
const MANY: u8 = 100;

/// A name server on the host's loopback, which answers by what the question's first label says.
struct Server {
    port: u16,
}

impl Server {
    fn start() -> Self {
        let (udp, tcp, port) = bind();
        thread::spawn(move || {
            let mut buffer = [0; 1500];
            while let Ok((count, from)) = udp.recv_from(&mut buffer) {
                if let Some(answer) = reply(&buffer[..count], false) {
                    udp.send_to(&answer, from).expect("the loopback takes it");
                }
            }
        });
        thread::spawn(move || {
            for stream in tcp.incoming() {
                let mut stream = stream.expect("it was accepted");
                let mut length = [0; 2];
                if stream.read_exact(&mut length).is_err() {
                    continue;
                }
                let mut message = vec![0; u16::from_be_bytes(length).into()];
                stream.read_exact(&mut message).expect("the question is whole");
                let answer = reply(&message, true).expect("it is asked what it knows");
                let length = u16::try_from(answer.len()).expect("it is short").to_be_bytes();
                stream.write_all(&[&length[..], &answer].concat()).expect("it is taken");
            }
        });
        Self { port }
    }
}

/// One port for both protocols.
fn bind() -> (UdpSocket, TcpListener, u16) {
    wait::until("a port that is free for both", || {
        let udp = UdpSocket::bind("127.0.0.1:0").ok()?;
        let port = udp.local_addr().ok()?.port();
        Some((udp, TcpListener::bind(("127.0.0.1", port)).ok()?, port))
    })
}

/// `name.*`: an address; `many.*`: too many for a datagram; `silent.*`: nothing; others are unknown.
fn reply(question: &[u8], is_stream: bool) -> Option<Vec<u8>> {
    let label = &question[13..13 + usize::from(question[12])];
    // Up to the end of the name, the type and the class.
    let name_end = 12 + question[12..].iter().position(|byte| *byte == 0)? + 1;
    let is_for_ipv4 = question[name_end..name_end + 2] == [0, 1];
    let (code, count) = match label {
        b"name" => (0, u8::from(is_for_ipv4)),
        b"many" => (0, if is_for_ipv4 { MANY } else { 0 }),
        b"silent" => return None,
        _ => (3, 0),
    };
    let is_cut = !is_stream && count > 1;
    let count = if is_cut { 0 } else { count };
    let mut answer = question[..name_end + 4].to_vec();
    answer[2] = if is_cut { 0x83 } else { 0x81 };
    answer[3] = 0x80 | code;
    answer[4..12].copy_from_slice(&[0, 1, 0, count, 0, 0, 0, 0]);
    for last in 0..count {
        let [a, b, c, d] = ADDRESS.octets();
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, a, b, c, d + last]);
    }
    Some(answer)
}

/// Runs a line of the guest's shell; gives back what it wrote and its status.
fn run(guest: &Guest, line: &str) -> (String, Exit) {
    let body = json!({ "program": "/bin/sh", "args": ["-c", line] });
    let answer = guest.request("POST", "/api/v1/processes").json(&body).send();
    assert_eq!(answer.status, 201, "{}", answer.text());
    let pid = answer.json::<Process>().pid;
    let output = wait::until("the program's end", || {
        let output: ProcessOutput =
            guest.read(&format!("/api/v1/processes/{pid}/output?max_bytes=65536"));
        output.ended.then_some(output)
    });
    let exit =
        wait::until("its end", || guest.read::<Process>(&format!("/api/v1/processes/{pid}")).exit);
    (output.text.clone(), exit)
}

const DONE: Exit = Exit::Code(0);

// proves: S6
#[test]
fn names_resolve_by_every_library() {
    let server = Server::start();
    let mut setup = Setup::named("names");
    setup.append = format!("dns={HOST}:{}", server.port);
    let guest = Guest::boot(&setup);
    assert!(run(&guest, "cat /etc/resolv.conf").0.contains("nameserver 127.0.0.53\n"));
    let network: Network = guest.read("/api/v1/network");
    let shown = format!("{HOST}:{}", server.port);
    assert!(network.interfaces.iter().any(|it| it.dns_servers.iter().any(|dns| **dns == *shown)));

    // musl.
    let resolve = |words: &str| run(&guest, &format!("/test/resolve {words}"));
    assert_eq!(resolve("name.example 80"), ("127.0.0.7 80\n".to_owned(), DONE));
    assert_eq!(resolve("gone.example"), ("no such name\n".to_owned(), Exit::Code(1)));
    assert_eq!(resolve("gone.service"), ("no such name\n".to_owned(), Exit::Code(1)));
    assert!(resolve("x.localhost").0.contains("127.0.0.1 0\n"));
    assert_eq!(resolve("silent.example"), ("not now\n".to_owned(), Exit::Code(1)));

    // busybox's nslookup, and its wget with glibc's library, which says what it found.
    let (text, status) = run(&guest, "nslookup name.example");
    assert!(text.contains("Address: 127.0.0.7") && status == DONE, "{text}");
    let (text, status) = run(&guest, "nslookup gone.service");
    assert!(text.contains("NXDOMAIN") && status != DONE, "{text}");
    let (text, _) = run(&guest, "nslookup -type=ptr 1.0.0.127.in-addr.arpa");
    assert!(text.contains("name = localhost"), "{text}");
    let (text, _) = run(&guest, "wget -O - http://name.example:1/ 2>&1");
    assert!(text.contains("127.0.0.7"), "{text}");
    let (text, _) = run(&guest, "wget -O - http://gone.example:1/ 2>&1");
    assert!(text.contains("bad address"), "{text}");

    // By TCP, since a datagram does not hold it.
    let (text, _) = run(&guest, "wget -O - http://many.example:1/ 2>&1");
    assert!(text.contains("(127.0.0."), "{text}");

    // What the silent server was asked is given up at last.
    let names = wait::until("all questions to be answered", || {
        let names = guest.read::<Network>("/api/v1/network").names;
        (names.unanswered > 0).then_some(names)
    });
    assert!(names.local > 0 && names.forwarded > names.unanswered, "{names:?}");
    assert!(names.queries >= names.local + names.forwarded, "{names:?}");
    assert_eq!((names.malformed, names.refused), (0, 0));
    let metrics = guest.get("/metrics").text();
    assert!(metrics.contains("\nmultios_name_malformed_total 0\n"), "{metrics}");
    let local = format!("\nmultios_name_local_total {}\n", names.local);
    assert!(metrics.contains(&local), "{metrics}");
    guest.assert_healthy();
}
