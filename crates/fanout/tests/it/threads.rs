//! Real threads: several publishers, subscribers that sleep until they are told, one that distributes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use headwater_fanout::{Audience, Delivery, End, Limits, Log, Park, Policy, Standing, Taken, Took};

use crate::support::Note;

struct Parked(Thread);

impl Park for Parked {
    fn unpark(self) {
        self.0.unpark();
    }
}

const PUBLISHERS: u64 = 4;
const SUBSCRIBERS: usize = 16;
const EACH: u64 = 5_000;

/// Takes until the end, and gives what came.
fn follow(log: &Log<Note, Parked>) -> impl FnOnce() -> Vec<u64> + use<> {
    let mut subscriber = log.subscribe(Standing::Fixed(Policy::Wait)).unwrap();
    move || {
        let (mut taken, mut all) = (Taken::new(), Vec::new());
        let most = Limits::new(50, usize::MAX);
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let took = subscriber.take_or_park(&most, &mut taken, || Parked(thread::current()));
            all.extend(taken.iter().map(|delivery| match delivery {
                Delivery::Message { message, .. } => message.number,
                Delivery::Lost(gap) => panic!("lost {gap:?}"),
            }));
            match took {
                Took::Part => {}
                Took::All | Took::Nothing => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    assert!(!left.is_zero(), "a wake-up was lost");
                    thread::park_timeout(left);
                }
                Took::End(End::Closed) => return all,
                Took::End(End::Slow) => panic!("disconnected"),
            }
        }
    }
}

/// All see the same order, and in it the order of each publisher; nothing is lost, because publishers wait.
#[test]
fn everybody_gets_everything_in_one_order() {
    let attention: Arc<(AtomicBool, std::sync::OnceLock<Thread>)> = Arc::default();
    let seen = Arc::clone(&attention);
    let log = Log::new(Limits::new(256, usize::MAX), move || {
        seen.0.store(true, Ordering::SeqCst);
        if let Some(thread) = seen.1.get() {
            thread.unpark();
        }
    });
    let distributing = {
        let (log, attention) = (log.clone(), Arc::clone(&attention));
        thread::spawn(move || {
            attention.1.set(thread::current()).unwrap();
            while !log.is_closed() {
                if attention.0.swap(false, Ordering::SeqCst) {
                    assert!(log.distribute().is_empty());
                } else {
                    thread::park_timeout(Duration::from_secs(1));
                }
            }
        })
    };
    let readers: Vec<_> = (0..SUBSCRIBERS).map(|_| thread::spawn(follow(&log))).collect();
    let writers: Vec<_> = (0..PUBLISHERS)
        .map(|publisher| {
            let log = log.clone();
            thread::spawn(move || {
                for number in 0..EACH {
                    send(&log, publisher * EACH + number);
                }
            })
        })
        .collect();
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    log.close();
    distributing.thread().unpark();
    distributing.join().unwrap();
    let all: Vec<Vec<u64>> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
    for seen in &all {
        assert_eq!(seen, &all[0]);
        assert_eq!(seen.len() as u64, PUBLISHERS * EACH);
        for publisher in 0..PUBLISHERS {
            let of_one = seen.iter().filter(|number| *number / EACH == publisher);
            assert!(of_one.is_sorted(), "publisher {publisher}");
        }
    }
}

fn send(log: &Log<Note, Parked>, number: u64) {
    struct Unpark(Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(thread::current())).into();
    let cx = std::task::Context::from_waker(&waker);
    let deadline = Instant::now() + Duration::from_secs(60);
    while log.try_send(&cx, Note::of(number), Audience::All).is_err() {
        let left = deadline.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "a publisher was not woken");
        thread::park_timeout(left);
    }
}
