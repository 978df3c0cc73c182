//! Threads that write large answers to their sockets, so that nobody else waits for that.
//!
//! An answer of a megabyte keeps a thread busy for as long as a dozen appends. On the runtime's threads it would be in their way,
//! however small its pieces: there may be any number of readers. So large answers are carried here, in turns, by threads that
//! give way to all others, and the runtime only waits for them. What the kernel does not take at the moment is given back
//! to the runtime, which knows when to come again.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker, ready};
use std::thread;

use tokio::net::tcp::OwnedWriteHalf;
use tracing::warn;

use super::load::Load;

/// How much of one answer is written before it is another one's turn: few enough system calls, and not so much that the others
/// would notice.
const TURN_BYTES: usize = 256 * 1024;

/// How much less these threads have of a busy processor than others: about a tenth. Enough to go on, and to hold nothing for
/// long that others wait for.
const NICENESS: i32 = 10;

/// The threads, and the answers that wait for them.
#[derive(Debug)]
pub(crate) struct Carriers {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    most: usize,
    /// Large answers that are being written, by whomever. Relaxed: nothing else is read because of it.
    large: AtomicUsize,
    // A mutex and a condition, because every turn goes to exactly one thread. Held for a push or a pop, and nobody is woken
    // meanwhile. Those of the standard library, which are never handed to a thread that has to wait for a processor first. There is at
    // most one turn for each connection.
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    turns: VecDeque<Turn>,
    threads: usize,
    idle: usize,
    closed: bool,
}

/// A load that waits for a thread. Dropped when nobody follows it any more.
#[derive(Debug)]
struct Turn {
    load: Load,
    follower: Weak<Progress>,
}

/// What threads tell about a load.
#[derive(Debug, Default)]
struct Progress(
    // Held for a look, by one thread and by the connection.
    Mutex<Step>,
);

#[derive(Debug, Default)]
struct Step {
    /// What the kernel took since this was last looked at.
    written: usize,
    /// The load, when the thread is done with it: the kernel takes no more for now, or has it all.
    back: Option<io::Result<Load>>,
    waker: Option<Waker>,
}

/// A load that is being carried. Dropping it ends that.
#[derive(Debug)]
pub(super) struct Carried {
    progress: Arc<Progress>,
    /// What came back.
    held: Option<Load>,
}

impl Carriers {
    pub(crate) fn new() -> Self {
        // As many as can be busy at once.
        Self::of(thread::available_parallelism().map_or(1, usize::from))
    }

    /// So many threads at most.
    pub(super) fn of(most: usize) -> Self {
        let (queue, changed) = (Mutex::default(), Condvar::new());
        let shared = Shared { most, large: AtomicUsize::new(0), queue, changed };
        Self { shared: Arc::new(shared) }
    }

    /// Counts a large answer until this is dropped.
    pub(super) fn count(&self) -> Counted {
        let before = self.shared.large.fetch_add(1, Ordering::Relaxed);
        // Where there is one processor, one is in everybody's way.
        Counted { shared: Arc::clone(&self.shared), alone: before == 0 && self.shared.most > 1 }
    }

    /// Carries a load, or gives it back when there is no thread for it.
    pub(super) fn carry(&self, load: Load) -> Result<Carried, Load> {
        let carried = Carried { progress: Arc::default(), held: None };
        self.push(load, &carried.progress).map(|()| carried)
    }

    fn push(&self, load: Load, follower: &Arc<Progress>) -> Result<(), Load> {
        let mut queue = locked(&self.shared.queue);
        if queue.idle <= queue.turns.len() && queue.threads < self.shared.most {
            let shared = Arc::clone(&self.shared);
            let thread = thread::Builder::new().name("carry".to_owned());
            match thread.spawn(move || shared.run()) {
                Ok(_) => queue.threads += 1,
                Err(error) if queue.threads == 0 => {
                    warn!(%error, "no thread for large answers");
                    return Err(load);
                }
                // Those that there are will do.
                Err(_) => {}
            }
        }
        queue.turns.push_back(Turn { load, follower: Arc::downgrade(follower) });
        let waiting = queue.idle > 0;
        drop(queue);
        if waiting {
            self.shared.changed.notify_one();
        }
        Ok(())
    }
}

/// A large answer among those that are being written.
#[derive(Debug)]
pub(super) struct Counted {
    shared: Arc<Shared>,
    alone: bool,
}

impl Counted {
    /// Whether it was the only one when it began, and may be written by the runtime: that is cheaper, and one at a time is in nobody's way
    /// where there is another thread.
    pub(super) fn is_alone(&self) -> bool {
        self.alone
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.shared.large.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Carriers {
    fn drop(&mut self) {
        locked(&self.shared.queue).closed = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn run(&self) {
        // Where even that is refused they are threads like all others.
        let _ = rustix::process::nice(NICENESS);
        while let Some(turn) = self.next() {
            if let Some(again) = turn.take() {
                locked(&self.queue).turns.push_back(again);
            }
        }
    }

    fn next(&self) -> Option<Turn> {
        let mut queue = locked(&self.queue);
        while !queue.closed {
            if let Some(turn) = queue.turns.pop_front() {
                return Some(turn);
            }
            queue.idle += 1;
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
            queue.idle -= 1;
        }
        // Nobody follows them any more.
        queue.turns.clear();
        None
    }
}

/// Nothing that is done under these locks can panic.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Turn {
    /// Writes as much as a turn has. Returns it when there is more that can be written.
    fn take(mut self) -> Option<Self> {
        let follower = self.follower.upgrade()?;
        let mut written = 0;
        let end = loop {
            if self.load.pieces.is_empty() {
                break Some(Ok(()));
            }
            if written >= TURN_BYTES {
                break None;
            }
            match self.load.write(TURN_BYTES - written) {
                Ok(0) => break Some(Err(io::ErrorKind::WriteZero.into())),
                Ok(more) => written += more,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break Some(Ok(())),
                Err(error) => break Some(Err(error)),
            }
        };
        let mut step = locked(&follower.0);
        step.written += written;
        // Whoever learns that all is written finds the socket.
        let Some(end) = end else { return Some(self) };
        step.back = Some(end.map(|()| self.load));
        let waker = step.waker.take();
        drop(step);
        if let Some(waker) = waker {
            waker.wake();
        }
        None
    }
}

impl Carried {
    /// How many bytes the kernel has taken since this was last asked, at least one. When it has all of them, the socket is free
    /// ([`into_socket`](Self::into_socket)) and there are no more.
    pub(super) fn poll_written(
        &mut self,
        cx: &mut Context<'_>,
        carriers: &Carriers,
    ) -> Poll<io::Result<usize>> {
        loop {
            let mut step = locked(&self.progress.0);
            if let Some(back) = step.back.take() {
                self.held = Some(back?);
            }
            if step.written > 0 {
                return Poll::Ready(Ok(std::mem::take(&mut step.written)));
            }
            let Some(load) = &self.held else {
                step.waker = Some(cx.waker().clone());
                return Poll::Pending;
            };
            drop(step);
            ready!(load.socket.as_ref().poll_write_ready(cx))?;
            if let Some(load) = self.held.take()
                && carriers.push(load, &self.progress).is_err()
            {
                return Poll::Ready(Err(io::ErrorKind::OutOfMemory.into()));
            }
        }
    }

    /// The socket, when all has been written.
    pub(super) fn into_socket(self) -> Option<OwnedWriteHalf> {
        let back = locked(&self.progress.0).back.take();
        let held = self.held.or(back.and_then(Result::ok))?;
        held.pieces.is_empty().then_some(held.socket)
    }
}
