//! One line per request: at debug when it was answered, at info when it was refused, at warn when the fault
//! is ours.
//!
//! Never a payload, a query or a header; names of streams and our own words are all it tells.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use http::request::Parts;
use tracing::{debug, info, warn};

use crate::errors::{Problem, status};
use crate::response::Reply;

/// Gives every request a name of its own: of the process, and of the request in it.
#[derive(Debug)]
pub(crate) struct RequestIds {
    process: u32,
    last: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new() -> Self {
        Self { process: rand::random(), last: AtomicU64::new(0) }
    }

    fn next(&self) -> RequestId {
        // Only uniqueness matters, no other memory hangs on it.
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        RequestId { process: self.process, number }
    }
}

/// The name of a request in the log.
#[derive(Clone, Copy, Debug)]
struct RequestId {
    process: u32,
    number: u64,
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}-{}", self.process, self.number)
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(super) struct Entry {
    id: RequestId,
    since: Instant,
}

impl Entry {
    pub(super) fn begin(ids: &RequestIds) -> Self {
        Self { id: ids.next(), since: Instant::now() }
    }

    pub(super) fn end(self, parts: &Parts, answer: &Result<Reply, Problem>) {
        let Self { id, since } = self;
        let (method, path) = (&parts.method, parts.uri.path());
        let took = since.elapsed();
        match answer {
            Ok(reply) => {
                let status = reply.status().as_u16();
                debug!(%id, %method, path, status, ?took, "answered");
            }
            Err(problem) => {
                let (status, code) = (status(problem.code), problem.code.as_str());
                let message = problem.message.as_ref();
                if status.is_server_error() {
                    let status = status.as_u16();
                    warn!(%id, %method, path, status, code, ?took, "failed: {message}");
                } else {
                    let status = status.as_u16();
                    info!(%id, %method, path, status, code, ?took, "refused: {message}");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_within_a_process_and_name_it() {
        let ids = RequestIds { process: 0xAB, last: AtomicU64::new(0) };
        assert_eq!(ids.next().to_string(), "000000ab-1");
        assert_eq!(ids.next().to_string(), "000000ab-2");
    }
}
