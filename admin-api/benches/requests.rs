//! Nanoseconds for a request on this host, through picoserve and a socket in memory:
//! `cargo bench -p admin-api`, or `-- PART` for the requests that contain a part.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the harness is that of the tests, where a surprise is a failure"
)]

#[path = "../tests/api/harness.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod harness;

use std::time::Instant;

use harness::{Wire, app, create, get, run};

/// Requests of one measurement.
const REQUESTS: usize = 50;

fn main() {
    let app = app();
    for _ in 0..200 {
        create(&app, "/bin/cat", &["a", "b", "c"]);
    }
    app.backend().advance_ms(1000);
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    println!("{:<56} {:>10} {:>10}", "request", "ns", "bytes");
    for target in [
        "/healthz",
        "/api/v1/system",
        "/api/v1/processes/7",
        "/api/v1/processes?limit=20",
        "/api/v1/processes?limit=20&state=blocked",
        "/api/v1/processes?limit=20&sort=-cpu_percent",
        "/api/v1/processes?limit=200",
        "/metrics",
    ] {
        if wanted.as_ref().is_some_and(|wanted| !target.contains(wanted.as_str())) {
            continue;
        }
        let request = get(target).bytes();
        let mut best_ns = u128::MAX;
        let mut bytes = 0;
        for _ in 0..100 {
            let wire = Wire::default();
            for _ in 0..REQUESTS {
                wire.input.borrow_mut().extend(&request);
            }
            wire.is_closed.set(true);
            let started = Instant::now();
            run(&app, &wire, |_| true);
            best_ns = best_ns.min(started.elapsed().as_nanos() / REQUESTS as u128);
            bytes = wire.output.borrow().len() / REQUESTS;
        }
        println!("{target:<56} {best_ns:>10} {bytes:>10}");
    }
    let wire = Wire::default();
    let mut buffer = [0; 8192];
    let size = std::mem::size_of_val(&harness::connection(&app, &wire, &mut buffer));
    println!("{:<56} {:>10} {size:>10}", "a connection's future", "");
}
