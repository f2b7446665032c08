//! A small HTTP load generator: a fixed number of connections, each with one request under way.

use crate::failure::{Failure, Result};
use crate::http::{Client, Connection, Head, connect, connect_within, read_head};
use std::io::Write;
use std::time::{Duration, Instant};

/// How connections are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Connections {
    /// Each one for many requests.
    KeptAlive,
    /// Each one for one request.
    OneRequestEach,
}

/// A load to put on a guest.
pub(super) struct Load<'a> {
    pub(super) client: Client,
    pub(super) path: &'a str,
    pub(super) parallel: usize,
    pub(super) time: Duration,
    pub(super) connections: Connections,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) per_second: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) failed: usize,
    /// Requests that were given up at the end.
    pub(super) unfinished: usize,
    pub(super) body_bytes: usize,
}

/// An answer's status and the length of its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body_bytes: usize,
}

impl Load<'_> {
    /// Puts the load on for its time.
    pub(super) fn run(&self) -> Result<Report> {
        let started = Instant::now();
        let deadline = started + self.time;
        let (mut latencies, mut failed, mut unfinished, mut body_bytes) = (Vec::new(), 0, 0, 0);
        std::thread::scope(|scope| {
            let workers: Vec<_> =
                (0..self.parallel).map(|_| scope.spawn(|| self.work(deadline))).collect();
            for worker in workers {
                let Ok(done) = worker.join() else { continue };
                latencies.extend(done.latencies);
                failed += done.failed;
                unfinished += done.unfinished;
                body_bytes = body_bytes.max(done.body_bytes);
            }
        });
        let seconds = started.elapsed().as_secs_f64();
        if latencies.is_empty() {
            return Err(Failure::new(format!("no request was answered; {failed} failed")));
        }
        latencies.sort_unstable();
        Ok(Report {
            per_second: latencies.len() as f64 / seconds,
            p50_ms: percentile_ms(&latencies, 50),
            p99_ms: percentile_ms(&latencies, 99),
            failed,
            unfinished,
            body_bytes,
        })
    }

    /// Asks until the deadline. A request that is under way then is given up, and counts as nothing: the
    /// host's queue for new connections is short, and who does not get into it tries again after a second,
    /// then two, four and so on.
    fn work(&self, deadline: Instant) -> Done {
        let mut done = Done::default();
        let close = self.connections == Connections::OneRequestEach;
        let request = self.client.request("GET", self.path, "", close);
        let mut kept = None;
        loop {
            let started = Instant::now();
            let left = deadline.saturating_duration_since(started);
            if left.is_zero() {
                return done;
            }
            let connection = kept.take().map_or_else(|| connect_within(self.client.port, left), Ok);
            let answer = connection.and_then(|mut connection: Connection| {
                let answer = exchange(&mut connection, &request)?;
                Ok((connection, answer))
            });
            match answer {
                Ok((connection, Answer { status: 200, body_bytes })) => {
                    done.latencies.push(started.elapsed());
                    done.body_bytes = body_bytes;
                    kept = (!close).then_some(connection);
                }
                Err(_) if Instant::now() >= deadline => {
                    done.unfinished = 1;
                    return done;
                }
                Ok(_) | Err(_) => {
                    done.failed += 1;
                    // A server that refuses at once is not asked a million times.
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        }
    }
}

#[derive(Default)]
struct Done {
    latencies: Vec<Duration>,
    failed: usize,
    unfinished: usize,
    body_bytes: usize,
}

fn percentile_ms(sorted: &[Duration], percent: usize) -> f64 {
    let index = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(index).map_or(0.0, |latency| latency.as_secs_f64() * 1000.0)
}

/// Opens a stream and reads its head; it stays open as long as the value lives.
///
/// # Errors
/// When the answer is not 200.
pub(super) fn open_stream(client: &Client, path: &str) -> Result<Connection> {
    let open = || -> std::io::Result<(Connection, Head)> {
        let mut connection = connect(client.port)?;
        connection.get_mut().write_all(client.request("GET", path, "", false).as_bytes())?;
        let head = read_head(&mut connection)?;
        Ok((connection, head))
    };
    match open() {
        Ok((connection, head)) if head.status == 200 => Ok(connection),
        Ok((_, head)) => Err(Failure::new(format!("GET {path}: {}", head.status))),
        Err(error) => Err(Failure::new(format!("GET {path}: {error}"))),
    }
}

fn exchange(connection: &mut Connection, request: &str) -> std::io::Result<Answer> {
    connection.get_mut().write_all(request.as_bytes())?;
    let head = read_head(connection)?;
    Ok(Answer { status: head.status, body_bytes: head.body.skip(connection)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_sorted_times() {
        let times: Vec<_> = (1..=100).map(Duration::from_millis).collect();
        assert!((percentile_ms(&times, 50) - 51.0).abs() < 1e-9);
        assert!((percentile_ms(&times, 99) - 100.0).abs() < 1e-9);
    }
}
