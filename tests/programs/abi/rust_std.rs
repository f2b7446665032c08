//! Rust's standard library beyond the start: threads with channels, locks and their own storage, sockets
//! with time limits, other programs with pipes, files and directories, clocks, thread names and panics.
// args: parent

use std::cell::Cell;
use std::collections::BTreeSet;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Condvar, Mutex, OnceLock, RwLock, mpsc};
use std::time::{Duration, Instant, SystemTime};
use std::{env, fs, thread};

thread_local! {
    static OWN: Cell<usize> = const { Cell::new(0) };
}

fn threads() {
    let (sender, receiver) = mpsc::channel();
    let (barrier, total) = (Arc::new(Barrier::new(8)), Arc::new(RwLock::new(0)));
    let ready = Arc::new((Mutex::new(0), Condvar::new()));
    for number in 0..8 {
        let (sender, barrier, total) = (sender.clone(), Arc::clone(&barrier), Arc::clone(&total));
        let ready = Arc::clone(&ready);
        let builder = thread::Builder::new().name(format!("worker {number}"));
        let work = move || {
            for _ in 0..1000 {
                OWN.set(OWN.get() + number);
                *total.write().expect("a lock") += 1;
            }
            barrier.wait();
            *ready.0.lock().expect("a lock") += 1;
            ready.1.notify_one();
            let name = thread::current().name().map(str::to_owned);
            sender.send((number, name, OWN.get(), *total.read().expect("a lock"))).expect("sent");
        };
        builder.stack_size(64 << 10).spawn(work).expect("a thread");
    }
    drop(sender);
    let count = ready.1.wait_while(ready.0.lock().expect("a lock"), |count| *count < 8);
    println!("{} ready", count.expect("a lock"));
    let all: BTreeSet<_> = receiver.iter().collect();
    println!("{all:?}");
    let lasting = receiver.recv_timeout(Duration::from_millis(5));
    println!("{lasting:?} {:?}", thread::spawn(|| panic_quietly()).join().is_err());
    static ONCE: OnceLock<usize> = OnceLock::new();
    static MADE: AtomicUsize = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| ONCE.get_or_init(|| MADE.fetch_add(1, Ordering::SeqCst) + 1));
        }
    });
    println!("made {ONCE:?}, cpus {}", thread::available_parallelism().is_ok());
}

fn panic_quietly() {
    std::panic::set_hook(Box::new(|_| {}));
    panic!("on purpose");
}

fn sockets() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = thread::spawn(move || {
        for client in listener.incoming().take(5) {
            let mut client = client.expect("a client");
            thread::spawn(move || {
                let mut text = Vec::new();
                client.read_to_end(&mut text).expect("read");
                text.reverse();
                client.write_all(&text).expect("written");
            });
        }
    });
    let clients: Vec<_> = (0..5_usize)
        .map(|number| {
            thread::spawn(move || {
                let mut client = TcpStream::connect(address).expect("connected");
                client.write_all(&vec![number as u8; 100_000 * number]).expect("written");
                client.write_all(b"ab").expect("written");
                client.shutdown(std::net::Shutdown::Write).expect("shut");
                let mut text = Vec::new();
                client.read_to_end(&mut text).expect("read");
                (
                    text.len(),
                    text.starts_with(b"ba"),
                    text.iter().filter(|b| **b == number as u8).count(),
                )
            })
        })
        .collect();
    for client in clients {
        println!("{:?}", client.join().expect("a client"));
    }
    server.join().expect("the server");
    println!("{:?}", TcpStream::connect(address).map_err(|error| error.kind()).err());
    let udp = UdpSocket::bind("127.0.0.1:0").expect("a port");
    udp.set_read_timeout(Some(Duration::from_millis(20))).expect("a limit");
    println!("{:?}", udp.recv(&mut [0; 8]).map_err(|error| error.kind() == ErrorKind::WouldBlock));
    udp.send_to(b"self", udp.local_addr().expect("an address")).expect("sent");
    println!("{:?}", udp.recv(&mut [0; 8]).ok());
    let (mut left, mut right) = UnixStream::pair().expect("a pair");
    left.write_all(b"over").expect("written");
    drop(left);
    let mut text = String::new();
    right.read_to_string(&mut text).expect("read");
    println!("{text}");
}

fn programs() {
    let own = env::current_exe().expect("its path");
    let mut child = Command::new(&own)
        .args(["child", "a b"])
        .env_clear()
        .env("WORD", "value")
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child");
    child.stdin.take().expect("piped").write_all(b"by a pipe").expect("written");
    let output = child.wait_with_output().expect("its end");
    println!("{:?} {}", output.status.code(), String::from_utf8_lossy(&output.stdout));
    let missing = Command::new("/no/such/program").spawn().map_err(|error| error.kind());
    println!("{:?}", missing.err());
    let mut sleeper = Command::new(&own).arg("sleep").spawn().expect("a child");
    println!("{:?}", sleeper.try_wait().expect("asked"));
    sleeper.kill().expect("killed");
    println!("{:?}", sleeper.wait().expect("its end").signal());
}

fn files() {
    fs::create_dir_all("a/b/c").expect("made");
    fs::write("a/file", "text").expect("written");
    fs::hard_link("a/file", "a/b/linked").expect("linked");
    std::os::unix::fs::symlink("../file", "a/b/symbolic").expect("linked");
    fs::set_permissions("a/file", fs::Permissions::from_mode(0o640)).expect("changed");
    let metadata = fs::metadata("a/b/symbolic").expect("metadata");
    println!("{} {:o}", metadata.len(), metadata.permissions().mode());
    println!("{:?}", fs::read_link("a/b/symbolic"));
    let names: BTreeSet<_> = fs::read_dir("a/b")
        .expect("read")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    println!(
        "{names:?} {:?}",
        fs::canonicalize("a/b/symbolic").map(|path| path.ends_with("a/file"))
    );
    println!("{:?}", fs::copy("a/file", "copy").expect("copied"));
    println!("{:?}", fs::rename("copy", "a/b/c/moved").is_ok());
    println!("{:?}", fs::remove_dir("a").map_err(|error| error.kind()));
    fs::remove_dir_all("a").expect("removed");
    println!("{}", fs::exists("a").expect("asked"));
    println!("{:?}", fs::File::create_new("new").is_ok() && fs::File::create_new("new").is_err());
    fs::remove_file("new").expect("removed");
}

fn main() {
    match env::args().nth(1).as_deref() {
        Some("child") => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).expect("read");
            let words: Vec<_> = env::args().skip(2).collect();
            println!("{text}, {words:?}, {:?}, {:?}", env::var("WORD"), env::current_dir());
            std::process::exit(7);
        }
        Some("sleep") => thread::sleep(Duration::from_secs(1000)),
        _ => {
            threads();
            sockets();
            programs();
            files();
            let began = Instant::now();
            thread::sleep(Duration::from_millis(20));
            let took = began.elapsed();
            println!(
                "{} {}",
                took >= Duration::from_millis(20),
                SystemTime::now() > SystemTime::UNIX_EPOCH
            );
        }
    }
}
