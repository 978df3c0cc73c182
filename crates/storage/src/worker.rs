//! A thread that runs jobs one after another.
//!
//! It is what lets an adapter report results on a thread of its own: the caller of `commit` never runs its own callback,
//! and a callback may commit again. It ends when the [`Worker`] and every job have been dropped.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

type Job = Box<dyn FnOnce() + Send>;

/// The sending end of a job queue with a thread behind it.
#[derive(Debug)]
pub(crate) struct Worker {
    // Unbounded: a caller has at most one group in flight per handle, so the queue is short by contract.
    jobs: Sender<Job>,
}

impl Worker {
    /// Starts the thread.
    ///
    /// # Panics
    /// When the operating system gives no thread, as [`thread::spawn`] does.
    pub(crate) fn start() -> Self {
        let (jobs, queue) = mpsc::channel();
        thread::spawn(move || run(&queue));
        Self { jobs }
    }

    /// Queues a job. It runs after all jobs queued before it, also when the worker is dropped meanwhile.
    pub(crate) fn run(&self, job: impl FnOnce() + Send + 'static) {
        let queued = self.jobs.send(Box::new(job));
        debug_assert!(queued.is_ok(), "the thread outlives the sending end");
    }
}

fn run(queue: &Receiver<Job>) {
    for job in queue {
        // A caller's callback runs in here. If it panics, the callers after it must still get their results.
        if catch_unwind(AssertUnwindSafe(job)).is_err() {
            tracing::error!("a callback of a storage adapter panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_run_in_order_on_another_thread_and_outlive_a_panic_and_the_worker() {
        let worker = Worker::start();
        let (results, seen) = mpsc::channel();
        worker.run(|| panic!("a callback that fails"));
        for number in 0..3 {
            let results = results.clone();
            worker.run(move || results.send((number, thread::current().id())).unwrap());
        }
        drop((worker, results));
        let seen: Vec<_> = seen.iter().collect();
        assert_eq!(seen.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [0, 1, 2]);
        assert!(seen.iter().all(|(_, thread)| *thread != thread::current().id()));
    }
}
