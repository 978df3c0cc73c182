//! Messages and handles of the tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};

use headwater_fanout::{Delivery, Gap, Limits, Log, Message, Park, Subscriber, Taken, Took};

/// A number with a weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) number: u64,
    pub(crate) weight: usize,
}

impl Note {
    pub(crate) fn of(number: u64) -> Self {
        Self { number, weight: 1 }
    }
}

impl Message for Note {
    fn weight(&self) -> usize {
        self.weight
    }
}

/// Notes that it was told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bell(Arc<AtomicBool>);

impl Bell {
    pub(crate) fn rang(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Park for Bell {
    fn unpark(self) {
        assert!(!self.0.swap(true, Ordering::SeqCst), "told twice");
    }
}

/// Counts how often it is woken.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicUsize);

impl Counter {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Runs something in a task's context, and tells how often the task is woken later.
pub(crate) fn with_context<R>(run: impl FnOnce(&Context<'_>) -> R) -> (R, Arc<Counter>) {
    let counter = Arc::new(Counter::default());
    let waker = Waker::from(Arc::clone(&counter));
    (run(&Context::from_waker(&waker)), counter)
}

/// A log nobody distributes for but the test.
pub(crate) fn log(messages: usize, bytes: usize) -> Log<Note, Bell> {
    Log::new(Limits::new(messages, bytes), || {})
}

/// What a take brought, in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Got {
    Number(u64),
    Lost(Gap),
}

pub(crate) fn got(taken: &Taken<Note>) -> Vec<Got> {
    let mut one_by_one = Vec::new();
    for delivery in taken.iter() {
        one_by_one.push(delivery);
    }
    let mut at_once = Vec::new();
    taken.iter().for_each(|delivery| at_once.push(delivery));
    assert_eq!(one_by_one, at_once);
    let numbers = one_by_one.into_iter().map(|delivery| match delivery {
        Delivery::Message { message, .. } => Got::Number(message.number),
        Delivery::Lost(gap) => Got::Lost(gap),
    });
    numbers.collect()
}

pub(crate) const ALL: usize = usize::MAX;

/// Takes at most so many messages.
pub(crate) fn take(subscriber: &mut Subscriber<Note, Bell>, most: usize) -> (Vec<Got>, Took, Bell) {
    let (mut taken, bell) = (Taken::new(), Bell::default());
    let took = subscriber.take_or_park(&Limits::new(most, ALL), &mut taken, || bell.clone());
    let found = got(&taken);
    let messages = found.iter().filter(|got| matches!(got, Got::Number(_))).count();
    assert_eq!(messages as u64, taken.messages());
    assert_eq!(took.is_some(), !taken.is_empty());
    assert_eq!(subscriber.is_waiting(), matches!(took, Took::All | Took::Nothing));
    assert_eq!(taken.stretch(), stretch(&taken));
    (found, took, bell)
}

/// The stretch as it is found by looking at every message.
fn stretch(taken: &Taken<Note>) -> Option<std::ops::Range<u64>> {
    let mut whole: Option<std::ops::Range<u64>> = None;
    for delivery in taken.iter() {
        let Delivery::Message { sequence, .. } = delivery else { return None };
        let whole = whole.get_or_insert(sequence..sequence);
        if whole.end != sequence {
            return None;
        }
        whole.end += 1;
    }
    whole
}

/// Takes everything.
pub(crate) fn take_all(subscriber: &mut Subscriber<Note, Bell>) -> Vec<Got> {
    let mut all = Vec::new();
    loop {
        let (mut found, took, _) = take(subscriber, ALL);
        all.append(&mut found);
        if took != Took::Part {
            return all;
        }
    }
}

pub(crate) fn numbers(numbers: impl IntoIterator<Item = u64>) -> Vec<Got> {
    numbers.into_iter().map(Got::Number).collect()
}
