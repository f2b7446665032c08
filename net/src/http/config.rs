//! The gate's limits.

use core::time::Duration;

use super::refusal::RefusalKind;

/// Sizes and times of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateConfig {
    /// The request line with its line end.
    pub max_request_line_bytes: usize,
    /// Request line and header fields with the empty line after them.
    pub max_head_bytes: usize,
    /// A chunked body, which is collected before it is handed on. The policy's limit applies, too.
    pub max_chunked_body_bytes: usize,
    /// Requests on one connection; the last one's answer says that it is closed.
    pub max_requests: u32,
    /// From a head's first byte to its last.
    pub head_timeout: Duration,
    /// Between two requests, and before the first one.
    pub idle_timeout: Duration,
    /// While a body arrives, `min_body_bytes` have to arrive in this time.
    pub body_window: Duration,
    /// See `body_window`.
    pub min_body_bytes: u64,
    /// How long a client may take nothing of an answer.
    pub write_stall_timeout: Duration,
    /// How long to read on and throw away after the last answer, so that the client sees it.
    pub drain_timeout: Duration,
    /// How much to throw away at the most.
    pub max_drain_bytes: usize,
    /// The most that is kept of an answer before it goes to the stream.
    pub max_write_buffer_bytes: usize,
}

impl Default for GateConfig {
    fn default() -> Self {
        Self {
            max_request_line_bytes: 4 * 1024,
            max_head_bytes: 8 * 1024,
            max_chunked_body_bytes: 64 * 1024,
            max_requests: 100_000,
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            body_window: Duration::from_secs(10),
            min_body_bytes: 1024,
            write_stall_timeout: Duration::from_secs(20),
            drain_timeout: Duration::from_secs(2),
            max_drain_bytes: 256 * 1024,
            max_write_buffer_bytes: 64 * 1024,
        }
    }
}

/// What the server allows by route. A closure `Fn(&str, &str) -> u64` is one.
pub trait Policy {
    /// The largest body, in bytes, of a request with this method and path (without the query).
    fn max_body_bytes(&self, method: &str, path: &str) -> u64;

    /// A request got through the gate.
    fn admitted(&self) {}

    /// A request was refused.
    fn refused(&self, _: RefusalKind) {}
}

impl<F: Fn(&str, &str) -> u64> Policy for F {
    fn max_body_bytes(&self, method: &str, path: &str) -> u64 {
        self(method, path)
    }
}
