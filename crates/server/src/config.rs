//! What an operator or an embedding program may set about the HTTP door.

use std::time::Duration;

use crate::limits;
use crate::roots::StreamRoots;

/// Times and sizes of a [`Server`](crate::Server). The defaults are those of the command line.
#[derive(Clone, Debug)]
pub struct Config {
    /// The paths under which streams live.
    pub stream_roots: StreamRoots,
    /// How long a long-poll waits before it answers 204.
    pub long_poll_timeout: Duration,
    /// How long an event stream lasts before its reader has to come back; ended up to a tenth earlier at
    /// random, never sooner than a second.
    pub sse_max_age: Duration,
    /// Longest silence of an event stream: a comment is sent then.
    pub sse_keep_alive: Duration,
    /// Largest body of a PUT or POST, in bytes.
    pub max_body_bytes: usize,
    /// Longest silence in the middle of a body; then 408.
    pub body_timeout: Duration,
    /// Longest time for a request head to arrive, and for a connection to be idle; then it is closed.
    pub head_timeout: Duration,
    /// How long requests in flight may still take when the server stops; then they are cut.
    pub drain_timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            stream_roots: StreamRoots::default(),
            long_poll_timeout: limits::LONG_POLL_TIMEOUT,
            sse_max_age: limits::SSE_MAX_AGE,
            sse_keep_alive: limits::SSE_KEEP_ALIVE,
            max_body_bytes: limits::MAX_BODY_BYTES,
            body_timeout: limits::BODY_TIMEOUT,
            head_timeout: limits::HEAD_TIMEOUT,
            drain_timeout: limits::DRAIN_TIMEOUT,
        }
    }
}
