//! Connections between requests.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::connection::Connection;

/// How long a connection is kept that nobody uses. Servers and proxies close theirs after a minute or more; whoever sends while the
/// other side closes does not learn whether the request arrived.
const LONGEST_REST: Duration = Duration::from_secs(15);

/// Connections that nobody uses, the most recently used last.
#[derive(Debug)]
pub(super) struct Idle {
    /// The standard library's lock: under it one connection is put on or taken from a short stack.
    connections: Mutex<Vec<Connection>>,
    most: usize,
}

impl Idle {
    /// Keeps so many.
    pub(super) fn new(most: usize) -> Self {
        Self { connections: Mutex::new(Vec::new()), most }
    }

    /// The most recently used one, if it has not rested for too long; then all others have.
    pub(super) fn take(&self) -> Option<Connection> {
        let mut connections = self.lock();
        let rested = match connections.pop() {
            Some(connection) if connection.used.elapsed() < LONGEST_REST => {
                return Some(connection);
            }
            rested => (rested, std::mem::take(&mut *connections)),
        };
        drop(connections);
        // Outside the lock, because it closes sockets.
        drop(rested);
        None
    }

    /// Keeps a connection, if there is room.
    pub(super) fn put(&self, connection: Connection) {
        let mut connections = self.lock();
        if connections.len() < self.most {
            connections.push(connection);
        }
    }

    /// Gives all of them up: where one has broken, the others are likely to have, and who sends over such a one may not learn what
    /// became of it.
    pub(super) fn clear(&self) {
        let connections = std::mem::take(&mut *self.lock());
        // Outside the lock, because it closes sockets.
        drop(connections);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Connection>> {
        // Nothing under the lock leaves the stack half changed.
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
