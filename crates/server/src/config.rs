//! What an operator or an embedding program may set about the HTTP door.

use std::path::PathBuf;
use std::time::Duration;

use crate::limits;
use crate::roots::StreamRoots;

/// Times and sizes of a [`Server`](crate::Server). The defaults are those of the command line.
#[derive(Clone, Debug)]
pub struct Config {
    /// The paths under which streams live.
    pub stream_roots: StreamRoots,
    /// The data directory, to tell how large it is. The server itself never touches it.
    pub data_dir: Option<PathBuf>,
    /// How long a long-poll waits before it answers 204.
    pub long_poll_timeout: Duration,
    /// How long an event stream lasts before its reader has to come back; ended up to a tenth earlier at
    /// random, never sooner than a second.
    pub sse_max_age: Duration,
    /// Longest silence of an event stream: a comment is sent then.
    pub sse_keep_alive: Duration,
    /// Threads that send events to readers of plain HTTP/1.1 once they have caught up; 0 leaves that to the HTTP library. `None`
    /// is one for every two processors, at most four.
    pub event_threads: Option<usize>,
    /// Largest body of a PUT or POST, in bytes.
    pub max_body_bytes: usize,
    /// Longest silence in the middle of a body; then 408.
    pub body_timeout: Duration,
    /// Fewest bytes of a body that must arrive in a second, on average and after `body_timeout`; then 408.
    pub min_body_rate: u32,
    /// Most open connections; then 503 and the end.
    pub max_connections: usize,
    /// Most requests that are being answered at once, live readers left out; then 503.
    pub max_requests: usize,
    /// Most event streams and long-polls at once, the latter until their answer has been sent; then 503.
    pub max_live_readers: usize,
    /// Longest time in which a client takes nothing of what is sent to it; then its connection is cut. An answer for which it
    /// opens no window over HTTP/2 has twice the time; then its stream is reset.
    pub write_timeout: Duration,
    /// Largest head of a request, in bytes; then a bare 431. At least [`LEAST_HEAD_BYTES`](limits::LEAST_HEAD_BYTES).
    pub max_head_bytes: usize,
    /// Most header fields of a request; then a bare 431.
    pub max_headers: usize,
    /// Longest time for a request head to arrive, and for a connection to be idle; then it is closed.
    pub head_timeout: Duration,
    /// How long requests in flight may still take when the server stops; then they are cut.
    pub drain_timeout: Duration,
    /// Something that keeps live readers right, left out.
    #[cfg(test)]
    pub(crate) fault: Option<crate::reactor::planted::Fault>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            stream_roots: StreamRoots::default(),
            data_dir: None,
            long_poll_timeout: limits::LONG_POLL_TIMEOUT,
            sse_max_age: limits::SSE_MAX_AGE,
            sse_keep_alive: limits::SSE_KEEP_ALIVE,
            event_threads: None,
            max_body_bytes: limits::MAX_BODY_BYTES,
            body_timeout: limits::BODY_TIMEOUT,
            min_body_rate: limits::MIN_BODY_RATE,
            max_connections: limits::MAX_CONNECTIONS,
            max_requests: limits::MAX_REQUESTS,
            max_live_readers: limits::MAX_LIVE_READERS,
            write_timeout: limits::WRITE_TIMEOUT,
            max_head_bytes: limits::MAX_HEAD_BYTES,
            max_headers: limits::MAX_HEADERS,
            head_timeout: limits::HEAD_TIMEOUT,
            drain_timeout: limits::DRAIN_TIMEOUT,
            #[cfg(test)]
            fault: None,
        }
    }
}
