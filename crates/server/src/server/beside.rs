//! Two futures in one task, of which one is woken all the time and the other one hardly ever.
//!
//! A connection is woken several times for each request. What goes on beside it, a timer and the end of the server, would be asked
//! each time whether it is done: 3 % of the instructions of an append. So it has a waker of its own, and is polled when that was called.
//!
//! The connection has one too, because of what it wakes itself: the HTTP library hands a body from one half of a connection to the
//! other. Left to the runtime, that would be a turn through its queue, and a thread that sleeps would be woken to look whether it has to
//! help. Where it was woken while it was polled it is polled again instead.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;

/// How often the busy one is polled in one turn of its task. A request with a body takes two. What goes on longer is left to the
/// runtime, so that others have their turn.
const POLLS: usize = 4;

/// Which of the two was done first.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum First<B, R> {
    Busy(B),
    Rare(R),
}

/// Nobody polls the busy one, and nobody woke it since it was polled.
const ASLEEP: u8 = 0;
/// It is being polled.
const POLLED: u8 = 1;
/// It was woken since its last poll began.
const WOKEN: u8 = 2;

/// The busy one's waker.
struct Busy {
    state: AtomicU8,
    /// The task that polls both.
    task: AtomicWaker,
}

impl Busy {
    /// Polls it, and again where it was woken meanwhile. To be called when the task's waker is there.
    fn poll<T>(&self, mut poll: impl FnMut() -> Poll<T>) -> Poll<T> {
        for _ in 0..POLLS {
            // What a waker has written before is seen by who polls after it.
            self.state.swap(POLLED, Ordering::AcqRel);
            if let Poll::Ready(done) = poll() {
                return Poll::Ready(done);
            }
            let slept =
                self.state.compare_exchange(POLLED, ASLEEP, Ordering::AcqRel, Ordering::Acquire);
            if slept.is_ok() {
                return Poll::Pending;
            }
        }
        // Whoever woke it since has left that to this call.
        self.task.wake();
        Poll::Pending
    }
}

impl Wake for Busy {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.swap(WOKEN, Ordering::AcqRel) == ASLEEP {
            self.task.wake();
        }
    }
}

/// The rare one's waker.
struct Rare {
    /// Whether it was woken since it was polled last.
    woken: AtomicBool,
    busy: Arc<Busy>,
}

impl Wake for Rare {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // What its waker has written before is seen by who finds this set.
        self.woken.store(true, Ordering::Release);
        self.busy.task.wake();
    }
}

/// Polls `busy` whenever the task is woken and `rare` when it was woken itself, until one of them is done: if both are, `busy`.
pub(super) async fn first<B, R>(
    busy: impl Future<Output = B>,
    rare: impl Future<Output = R>,
) -> First<B, R> {
    let (mut busy, mut rare) = (pin!(busy), pin!(rare));
    let of_busy = Arc::new(Busy { state: AtomicU8::new(WOKEN), task: AtomicWaker::new() });
    let of_rare = Arc::new(Rare { woken: AtomicBool::new(true), busy: Arc::clone(&of_busy) });
    let (busy_waker, rare_waker) =
        (Waker::from(Arc::clone(&of_busy)), Waker::from(Arc::clone(&of_rare)));
    poll_fn(move |cx| {
        // First told whom to wake, then asked: a wake-up in between is not lost.
        of_busy.task.register(cx.waker());
        let polled = of_busy.poll(|| busy.as_mut().poll(&mut Context::from_waker(&busy_waker)));
        if let Poll::Ready(done) = polled {
            return Poll::Ready(First::Busy(done));
        }
        // Looked at before it is written: as a rule there is nothing to write.
        let woken = &of_rare.woken;
        if !(woken.load(Ordering::Relaxed) && woken.swap(false, Ordering::AcqRel)) {
            return Poll::Pending;
        }
        rare.as_mut().poll(&mut Context::from_waker(&rare_waker)).map(First::Rare)
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

    /// Counts how often a task was woken.
    #[derive(Default)]
    struct Turns(AtomicUsize);

    impl Wake for Turns {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn what_wakes_itself_goes_on_in_the_same_turn_and_nobody_else_is_woken_for_it() {
        let turns = Arc::new(Turns::default());
        let mut stages = 0..POLLS - 1;
        let busy = poll_fn(move |cx| {
            cx.waker().wake_by_ref();
            if stages.next().is_some() { Poll::Pending } else { Poll::Ready(5) }
        });
        let mut both = pin!(first(busy, std::future::pending::<()>()));
        let waker = Waker::from(Arc::clone(&turns));
        assert_eq!(
            both.as_mut().poll(&mut Context::from_waker(&waker)),
            Poll::Ready(First::Busy(5))
        );
        assert_eq!(turns.0.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn who_wakes_itself_again_and_again_lets_others_have_a_turn_and_gets_the_next_one() {
        let (turns, polls) = (Arc::new(Turns::default()), AtomicUsize::new(0));
        let restless = poll_fn(|cx| {
            cx.waker().wake_by_ref();
            Poll::<()>::Pending
        });
        let mut both = pin!(first(counted(restless, &polls), std::future::pending::<()>()));
        let waker = Waker::from(Arc::clone(&turns));
        for turn in 1..=3 {
            assert_eq!(both.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Pending);
            assert_eq!(turns.0.load(Ordering::Relaxed), turn);
            assert_eq!(polls.load(Ordering::Relaxed), turn * POLLS);
        }
    }
}
