//! Live readers of events on sockets of their own: what waits for news costs a few hundred bytes, and no task.
//!
//! Once the head of such an answer is out, and its reader is at the tail or nearly so, a plain HTTP/1.1 connection is taken from
//! the HTTP library ([`server::handover`](crate::server::handover)) and comes here, to one of a few threads.
//! What holds here:
//!
//! - All readers of a stream on a thread are a [`group`], which follows the stream once. What is told to readers at the same position
//!   with the same cursor is made once, framed, and written to each of them with one system call.
//! - A reader whose socket takes no more keeps what is left of that, and its position; nobody waits for it. When it goes on it
//!   takes all that came meanwhile.
//! - A reader that has fallen behind what is in memory goes on in a task of its own, which reads from storage at the reader's pace
//!   ([`laggard`]), and comes back. So no reader loses a record, and each gets them in order.
//! - Only what is durable is told: a group knows nothing else.
//! - Silence, age, the end of the stream, the end of the server, a client that takes nothing, and one that is gone are what they are on
//!   the HTTP library's path, byte for byte. The answer is the last one of its connection, because what the library has
//!   read ahead goes with it; its head says so.
//!
//! Envelopes are read from storage for each reader, so they stay with the library; so does HTTP/2, which has the streams
//! of many in one socket, and HTTP/1.0, which has no chunks.
//!
//! The rooms: [`inbox`] (how others reach a thread), [`thread`] (its loop), [`group`], [`subscriber`], [`unsent`], [`view`] (what is made once for all),
//! [`timers`], [`chunk`] (the framing), [`laggard`].

mod chunk;
mod group;
mod inbox;
mod laggard;
#[cfg(test)]
pub(crate) mod planted;
mod subscriber;
#[cfg(test)]
mod tests;
mod thread;
mod timers;
mod unsent;
mod view;

use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use headwater_engine::Tail;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tracing::warn;

use self::inbox::Inbox;
use crate::app::App;
use crate::gate::Pass;
use crate::sse::Reader;

/// Most threads, unless set otherwise: a write costs the kernel more than what is around it, and appends need processors, too.
const MOST_THREADS: usize = 4;

/// How long to leave it when not one thread could begin: what they lack, descriptors above all, may come back at any moment, and who
/// asks too often only writes the log full.
const AGAIN: Duration = Duration::from_secs(1);

/// The threads. They begin with the first reader, and end when this is dropped and their readers are gone.
#[derive(Debug)]
pub(crate) struct Reactor {
    threads: usize,
    /// Set when at least one has begun.
    inboxes: OnceLock<Vec<Arc<Inbox>>>,
    /// When they should have begun. Held while they begin, so that they do so once.
    tried: Mutex<Option<Instant>>,
    /// Whose turn it is to get a reader.
    turn: AtomicUsize,
}

/// What readers that came through one listener need.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) app: Arc<App>,
    pub(crate) runtime: Handle,
    /// All of them end at once.
    pub(crate) cut: CancellationToken,
}

/// What a connection holds until its end, whoever serves it.
#[derive(Debug)]
pub(crate) struct Stand {
    /// Its place among connections.
    pub(crate) _pass: Pass,
    /// For as long as this is there, the connection is waited for.
    pub(crate) _token: TaskTrackerToken,
}

/// A reader that comes.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) socket: TcpStream,
    pub(crate) tail: Tail,
    pub(crate) reader: Reader,
    pub(crate) stand: Stand,
    pub(crate) ground: Arc<Ground>,
}

impl Reactor {
    /// So many threads; none leaves all readers to the HTTP library.
    pub(crate) fn new(threads: Option<usize>) -> Self {
        let threads = threads.unwrap_or_else(|| {
            let processors = available_parallelism().map_or(1, usize::from);
            (processors / 2).clamp(1, MOST_THREADS)
        });
        let (inboxes, tried) = (OnceLock::new(), Mutex::default());
        Self { threads, inboxes, tried, turn: AtomicUsize::new(0) }
    }

    /// Whether it takes readers. Begins to, the first time that it can.
    pub(crate) fn takes_readers(&self) -> bool {
        if self.threads == 0 {
            return false;
        }
        let inboxes = self.inboxes.get().or_else(|| self.begin());
        inboxes.is_some_and(|inboxes| inboxes.iter().any(|inbox| !inbox.is_gone()))
    }

    fn begin(&self) -> Option<&Vec<Arc<Inbox>>> {
        let mut tried = self.tried.lock();
        if self.inboxes.get().is_none() && tried.is_none_or(|at| at.elapsed() >= AGAIN) {
            *tried = Some(Instant::now());
            let inboxes = begin(self.threads);
            if !inboxes.is_empty() {
                return Some(self.inboxes.get_or_init(|| inboxes));
            }
        }
        self.inboxes.get()
    }

    /// Takes a reader. Without threads it is dropped, and its client comes back.
    pub(crate) fn join(&self, arrival: Arrival) {
        let inboxes = self.inboxes.get().map(Vec::as_slice).unwrap_or_default();
        // In turns: readers stay about equally long.
        let turn = self.turn.fetch_add(1, Ordering::Relaxed).checked_rem(inboxes.len());
        let mut in_turn = inboxes.iter().cycle().skip(turn.unwrap_or(0)).take(inboxes.len());
        if let Some(inbox) = in_turn.find(|inbox| !inbox.is_gone()) {
            inbox.arrive(arrival);
        }
    }

    /// Has the threads look whether their readers have been cut.
    pub(crate) fn look(&self) {
        self.inboxes.get().into_iter().flatten().for_each(|inbox| inbox.look());
    }
}

impl Drop for Reactor {
    fn drop(&mut self) {
        self.inboxes.get().into_iter().flatten().for_each(|inbox| inbox.close());
    }
}

/// As many threads as can begin.
fn begin(threads: usize) -> Vec<Arc<Inbox>> {
    let mut inboxes = Vec::with_capacity(threads);
    for _ in 0..threads {
        match thread::begin() {
            Ok(inbox) => inboxes.push(inbox),
            Err(error) => {
                warn!(%error, begun = inboxes.len(), "a thread for events could not begin");
                break;
            }
        }
    }
    inboxes
}
