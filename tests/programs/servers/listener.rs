//! `listener PORT`: an HTTP server of Rust's standard library, a `TcpListener` with a thread for each
//! connection. It answers as `threads.c` does.

use std::io::{BufRead, BufReader, Result, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

fn main() -> Result<()> {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(0);
    let listener = TcpListener::bind(("0.0.0.0", port))?;
    let served = Arc::new(Mutex::new(0_u64));
    for client in listener.incoming() {
        let served = Arc::clone(&served);
        let client = client?;
        // A client that goes away is its own affair.
        thread::Builder::new().name("client".to_owned()).spawn(move || serve(&client, &served))?;
    }
    Ok(())
}

fn serve(client: &TcpStream, served: &Mutex<u64>) -> Result<()> {
    client.set_nodelay(true)?;
    let mut input = BufReader::new(client);
    let mut output = client;
    let mut line = String::new();
    loop {
        line.clear();
        if input.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        while line != "\r\n" {
            line.clear();
            if input.read_line(&mut line)? == 0 {
                return Ok(());
            }
        }
        let body = body(&path, served);
        let status = if body.is_some() { "200 OK" } else { "404 Not Found" };
        let body = body.unwrap_or_default();
        write!(output, "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len())?;
        output.write_all(&body)?;
        *served.lock().expect("nobody panics") += 1;
    }
}

fn body(path: &str, served: &Mutex<u64>) -> Option<Vec<u8>> {
    if path == "/served" {
        return Some(served.lock().expect("nobody panics").to_string().into_bytes());
    }
    let length: usize = path.strip_prefix("/bytes/")?.parse().ok()?;
    Some((0..length).map(|at| (at % 251) as u8).collect())
}
