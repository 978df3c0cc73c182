//! Threads that read, so that nobody else waits for a disk.
//!
//! sled reads synchronously, and whether a row is in its cache cannot be known before. So whatever is not answered from
//! memory is read here. A job whose asker has gone away is not begun.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::{fmt, io};

use futures_channel::oneshot;
use headwater_core::storage::StorageError;

type Job = Box<dyn FnOnce() + Send>;

/// How much less threads that give way have of a busy processor: about a tenth. Enough to go on, and to hold nothing for long that
/// others wait for.
const NICENESS: i32 = 10;

/// Who goes first where there are fewer processors than threads that could go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Priority {
    /// Like all other threads.
    Usual,
    /// After all others.
    Low,
}

/// A few threads behind one queue.
pub(crate) struct Pool {
    queue: Arc<Queue>,
    threads: parking_lot::Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Default)]
struct Queue {
    // A mutex and a condition, because every job goes to exactly one thread. It is held for a push or a pop, and nobody is woken
    // meanwhile. Those of the standard library, which are never handed to a thread that has to wait for a processor first. The
    // queue is as long as there are futures that wait for a read, which are their owners' to bound.
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    closed: bool,
}

impl Pool {
    /// Starts so many threads.
    pub(crate) fn start(name: &str, threads: usize, priority: Priority) -> io::Result<Self> {
        let pool = Self { queue: Arc::default(), threads: Default::default() };
        for number in 0..threads {
            let queue = Arc::clone(&pool.queue);
            let thread = thread::Builder::new().name(format!("{name}-{number}"));
            let run = move || {
                if priority == Priority::Low {
                    // Where even that is refused they are threads like all others.
                    let _ = rustix::process::nice(NICENESS);
                }
                queue.run();
            };
            pool.threads.lock().push(thread.spawn(run)?);
        }
        Ok(pool)
    }

    /// Runs a job on one of the threads, unless the future is dropped before it begins.
    pub(crate) fn run<T, J>(
        &self,
        job: J,
    ) -> impl Future<Output = Result<T, StorageError>> + Send + use<T, J>
    where
        T: Send + 'static,
        J: FnOnce() -> Result<T, StorageError> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        self.queue.push(Box::new(move || {
            if !sender.is_canceled() {
                // Nobody may be waiting any more, which is fine.
                drop(sender.send(guarded(job)));
            }
        }));
        async move { receiver.await.unwrap_or(Err(StorageError::Closed)) }
    }

    /// Waits for the jobs that have begun, and drops the others: they are answered [`StorageError::Closed`].
    pub(crate) fn close(&self) {
        self.queue.close();
        for thread in self.threads.lock().drain(..) {
            // A panic in it was reported when it happened.
            drop(thread.join());
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}

impl Queue {
    /// Nothing that is done under this lock can panic.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, job: Job) {
        let mut state = self.state();
        if !state.closed {
            state.jobs.push_back(job);
            drop(state);
            self.changed.notify_one();
        }
    }

    fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        let dropped = std::mem::take(&mut state.jobs);
        drop(state);
        self.changed.notify_all();
        drop(dropped);
    }

    fn run(&self) {
        while let Some(job) = self.next() {
            job();
        }
    }

    fn next(&self) -> Option<Job> {
        let mut state = self.state();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if state.closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Runs something that calls sled. sled asserts where it meets what it did not write, so a panic means damage.
pub(crate) fn guarded<T>(job: impl FnOnce() -> Result<T, StorageError>) -> Result<T, StorageError> {
    catch_unwind(AssertUnwindSafe(job)).unwrap_or_else(|panic| {
        let reason = panic_text(panic.as_ref());
        tracing::error!(reason, "the database panicked");
        Err(StorageError::Corrupt(format!("the database cannot make sense of its file: {reason}")))
    })
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no reason given")
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::task::{Context, Poll, Waker};
    use std::time::Duration;

    use super::*;

    const DEADLINE: Duration = Duration::from_secs(30);

    fn poll<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Poll<T> {
        std::pin::Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_job_of_nobody_is_not_begun_and_a_panic_ends_no_thread() {
        let pool = Pool::start("test", 1, Priority::Low).unwrap();
        let (hold, held) = mpsc::channel::<()>();
        let (done, seen) = mpsc::channel();
        let first = pool.run(move || Ok(held.recv().is_ok()));
        let report = done.clone();
        drop(pool.run(move || Ok(report.send("an abandoned job").is_ok())));
        let mut panics = Box::pin(pool.run(|| -> Result<(), _> { panic!("what sled says") }));
        let last = pool.run(move || Ok(done.send("the last job").is_ok()));
        drop(hold);
        assert_eq!(seen.recv_timeout(DEADLINE), Ok("the last job"));
        let Poll::Ready(Err(StorageError::Corrupt(reason))) = poll(&mut panics) else {
            panic!("the panic was not reported")
        };
        assert!(reason.contains("what sled says"), "{reason}");
        drop((first, last));
    }

    #[test]
    fn threads_of_low_priority_give_way() {
        let niceness = |priority| {
            let pool = Pool::start("test", 1, priority).unwrap();
            let (tell, told) = mpsc::channel();
            let asked = pool.run(move || {
                tell.send(rustix::process::getpriority_process(None).unwrap()).unwrap();
                Ok(())
            });
            let niceness = told.recv_timeout(DEADLINE).unwrap();
            drop(asked);
            niceness
        };
        // 19 is the most there is.
        let usual = niceness(Priority::Usual);
        assert_eq!(niceness(Priority::Low), (usual + NICENESS).min(19));
        assert_eq!(niceness(Priority::Usual), usual, "it is the thread's own");
    }

    #[test]
    fn closing_answers_everyone_who_waits() {
        let pool = Pool::start("test", 1, Priority::Low).unwrap();
        let (hold, held) = mpsc::channel::<()>();
        let (began, begun) = mpsc::channel();
        let mut first = Box::pin(pool.run(move || {
            let _told = began.send(());
            let _released = held.recv();
            Ok(1)
        }));
        begun.recv_timeout(DEADLINE).unwrap();
        let mut second = Box::pin(pool.run(|| Ok(2)));
        drop(hold);
        pool.close();
        assert_eq!(poll(&mut first), Poll::Ready(Ok(1)));
        assert!(matches!(poll(&mut second), Poll::Ready(Ok(2) | Err(StorageError::Closed))));
        let mut late = Box::pin(pool.run(|| Ok(3)));
        assert_eq!(poll(&mut late), Poll::Ready(Err(StorageError::Closed)));
    }
}
