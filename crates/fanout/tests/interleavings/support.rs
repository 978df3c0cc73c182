//! Messages with numbers, readers that sleep, and models.

use headwater_fanout::{Delivery, End, Limits, Message, Park, Subscriber, Taken, Took};
use loom::model::Builder;
use loom::sync::{Arc, Notify};

#[derive(Clone, Debug)]
pub(crate) struct Note(pub(crate) u64);

impl Message for Note {
    fn weight(&self) -> usize {
        1
    }
}

pub(crate) struct Bell(pub(crate) Arc<Notify>);

impl Park for Bell {
    fn unpark(self) {
        self.0.notify();
    }
}

pub(crate) fn model(run: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    // Enough for any fault between two critical sections of two threads; all would take hours.
    builder.preemption_bound = Some(3);
    builder.check(run);
}

/// Takes until the end.
pub(crate) fn follow(mut subscriber: Subscriber<Note, Bell>) -> (Vec<u64>, End) {
    let (mut taken, mut all) = (Taken::new(), Vec::new());
    let bell = Arc::new(Notify::new());
    let most = Limits::new(10, 10);
    loop {
        let took = subscriber.take_or_park(&most, &mut taken, || Bell(Arc::clone(&bell)));
        all.extend(taken.iter().filter_map(|delivery| match delivery {
            Delivery::Message { message, .. } => Some(message.0),
            Delivery::Lost(_) => None,
        }));
        match took {
            Took::Part => {}
            Took::All | Took::Nothing => bell.wait(),
            Took::End(end) => return (all, end),
        }
    }
}
