//! Two futures in one task, of which one is woken all the time and the other one hardly ever.
//!
//! A connection is woken several times for each request. What goes on beside it, a timer and the end of the server, would be asked
//! each time whether it is done: 3 % of the instructions of an append. So it has a waker of its own, and is polled when that was called.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;

/// Which of the two was done first.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum First<B, R> {
    Busy(B),
    Rare(R),
}

/// Whether the rare one was woken since it was polled last.
struct Woken {
    yes: AtomicBool,
    /// The task that polls both.
    task: AtomicWaker,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // What its waker has written before is seen by who finds this set.
        self.yes.store(true, Ordering::Release);
        self.task.wake();
    }
}

/// Polls `busy` whenever the task is woken and `rare` when it was woken itself, until one of them is done: if both are, `busy`.
pub(super) async fn first<B, R>(
    busy: impl Future<Output = B>,
    rare: impl Future<Output = R>,
) -> First<B, R> {
    let (mut busy, mut rare) = (pin!(busy), pin!(rare));
    let woken = Arc::new(Woken { yes: AtomicBool::new(true), task: AtomicWaker::new() });
    let waker = Waker::from(Arc::clone(&woken));
    poll_fn(move |cx| {
        if let Poll::Ready(done) = busy.as_mut().poll(cx) {
            return Poll::Ready(First::Busy(done));
        }
        // First told whom to wake, then asked: a wake-up in between is not lost.
        woken.task.register(cx.waker());
        // Looked at before it is written: as a rule there is nothing to write.
        if !(woken.yes.load(Ordering::Relaxed) && woken.yes.swap(false, Ordering::AcqRel)) {
            return Poll::Pending;
        }
        rare.as_mut().poll(&mut Context::from_waker(&waker)).map(First::Rare)
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::time::Duration;

    use super::*;
    use tokio::sync::{mpsc, oneshot};
    use tokio::time::timeout;

    const DEADLINE: Duration = Duration::from_secs(60);

    /// A future, and how often it was polled.
    async fn counted<T>(future: impl Future<Output = T>, polls: &AtomicUsize) -> T {
        let mut future = pin!(future);
        poll_fn(|cx| {
            polls.fetch_add(1, Ordering::Relaxed);
            future.as_mut().poll(cx)
        })
        .await
    }

    #[tokio::test(start_paused = true)]
    async fn the_rare_one_is_polled_when_it_was_woken_and_only_then() {
        let (busy, rare) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let turns = async {
            for _ in 0..1000 {
                tokio::task::yield_now().await;
            }
            std::future::pending::<()>().await;
        };
        let naps = async {
            for _ in 0..3 {
                let _elapsed = timeout(Duration::from_secs(1), std::future::pending::<()>()).await;
            }
            7
        };
        let done = first(counted(turns, &busy), counted(naps, &rare)).await;
        assert_eq!(done, First::Rare(7));
        assert!(busy.into_inner() > 1000);
        let polls = rare.into_inner();
        assert!((4..=8).contains(&polls), "{polls}");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_wake_up_is_lost_whichever_thread_it_comes_from() {
        for _ in 0..2000 {
            let (stop, stopped) = oneshot::channel::<()>();
            let (turn, mut turns) = mpsc::unbounded_channel::<()>();
            let both = tokio::spawn(first(
                async move { while turns.recv().await.is_some() {} },
                async move { stopped.await.is_ok() },
            ));
            let busy = tokio::spawn(async move {
                for _ in 0..3 {
                    let _gone = turn.send(());
                    tokio::task::yield_now().await;
                }
                turn
            });
            stop.send(()).unwrap();
            let done = timeout(DEADLINE, both).await.unwrap().unwrap();
            assert_eq!(done, First::Rare(true));
            drop(busy.await.unwrap());
        }
    }

    #[tokio::test]
    async fn the_busy_one_comes_first() {
        assert_eq!(first(async { 1 }, async { 2 }).await, First::Busy(1));
    }
}
