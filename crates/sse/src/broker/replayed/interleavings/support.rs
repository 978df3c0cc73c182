//! A log, those who follow it and hand it out, and who reads.

use std::future::poll_fn;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use futures_core::Stream;
use headwater_fanout::{Limits, Log};
use loom::future::block_on;
use loom::model::Builder;
use loom::sync::Notify;
use loom::thread::{self, JoinHandle};

use super::super::{Live, ReplaySubscription, follow};
use crate::replay::{Cursor, Epoch, LOST, MemoryReplay, ReplayLog, Retention};
use crate::{Decoder, Event, EventId};

const EPOCH: Epoch = Epoch::new(1);

/// In place of the offset of an event: what came before is gone, and that was said.
pub(super) const TOLD: u64 = 0;

/// What a broker is made of.
#[derive(Clone)]
pub(super) struct House {
    pub(super) log: Arc<MemoryReplay>,
    pub(super) fan: Log<Live, Waker>,
    attention: Arc<Notify>,
}

/// Its tasks, as threads.
pub(super) struct Tasks([JoinHandle<()>; 2]);

pub(super) fn model(run: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    // Enough for any fault between two critical sections of two threads; all would take hours.
    builder.preemption_bound = Some(2);
    builder.check(run);
}

impl House {
    /// So many events may wait for a subscriber, and so many are kept.
    pub(super) fn new(room: usize, events: NonZeroUsize) -> Self {
        let retention = Retention { events, bytes: 4096, age: None };
        // Every run of a model has to be the same: the epoch is given, and time stands still.
        let log = Arc::new(MemoryReplay::with_clock(retention, EPOCH, || Duration::ZERO));
        let attention = Arc::new(Notify::new());
        let called = Arc::clone(&attention);
        let fan = Log::new(Limits::new(room, 4096), move || called.notify());
        Self { log, fan, attention }
    }

    pub(super) fn append(&self) {
        self.log.append_now(&Event::new().data("x")).unwrap();
    }

    /// Starts what follows the log from where it ends now, and what tells those who wait.
    pub(super) fn start(&self) -> Tasks {
        let (log, fan, at) = (Arc::clone(&self.log), self.fan.clone(), self.log.head_now().end());
        let following = thread::spawn(move || block_on(follow::follow(log, fan, at)));
        let (fan, attention) = (self.fan.clone(), Arc::clone(&self.attention));
        let distributing = thread::spawn(move || {
            while !fan.is_closed() {
                attention.wait();
                let _slow = fan.distribute();
            }
        });
        Tasks([following, distributing])
    }

    /// Closes, and waits for the tasks. Who follows is woken by an event: it cannot be aborted as a task is.
    pub(super) fn end(self, tasks: Tasks) {
        self.fan.close();
        self.append();
        for task in tasks.0 {
            task.join().unwrap();
        }
    }

    /// What somebody gets who comes back with the id of an event, until it has one or all ends; [`TOLD`] for being told of a loss.
    pub(super) fn read(&self, after: u64, last: u64) -> Vec<u64> {
        let id = self.log.id(Cursor::new(EPOCH, after));
        let shelf = Arc::default();
        let beginning = ReplaySubscription::begin(&self.log, &self.fan, &shelf, Some(&id));
        let Some(mut events) = block_on(beginning).unwrap() else { return Vec::new() };
        let (mut decoder, mut all) = (Decoder::new(), Vec::new());
        while all.last() != Some(&last) {
            let next = poll_fn(|context| Pin::new(&mut events).poll_next(context));
            let Some(events) = block_on(next) else { break };
            let mut bytes = &events.as_bytes()[..];
            while let Some(message) = decoder.decode(&mut bytes).unwrap() {
                let is_loss = message.event_type() == LOST;
                all.push(if is_loss { TOLD } else { offset(message.last_event_id()) });
            }
        }
        all
    }
}

fn offset(id: EventId<'_>) -> u64 {
    Cursor::parse(id.as_str()).unwrap().offset
}
