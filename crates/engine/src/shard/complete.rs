//! What storage reports: private state becomes durable, readers are told, waiters are answered, the next group goes.

use std::sync::Arc;

use headwater_core::storage::{Refusal, Stamp, UnitResult, Writers};
use headwater_core::{Lineage, Slot, StreamState};
use tokio::sync::oneshot;

use super::cache::Private;
use super::queue::{After, Aftermath, Fate, Sent, Ticket};
use super::{Inner, Phase, Shard};
use crate::admission::Reservation;
use crate::tail::Publication;

/// Who waits for a unit, what became of it, and its bytes, which are no longer in flight.
struct Answer {
    waiters: Vec<oneshot::Sender<Fate>>,
    fate: Fate,
    held: Option<Arc<Reservation>>,
}

/// What is left to do when the lock is free again.
#[derive(Default)]
struct Afterwards {
    answers: Vec<Answer>,
    publications: Vec<Publication>,
}

impl Shard {
    /// Takes the results of the group in flight. Called by storage, on its thread.
    pub(super) fn complete(self: &Arc<Self>, results: Vec<UnitResult>) {
        let mut afterwards = Afterwards::default();
        let mut inner = self.inner.lock();
        let sent = inner.queue.finish();
        // Storage owes one result per unit. A missing one is an answer nobody has.
        let results = results.into_iter().chain(std::iter::repeat(UnitResult::Unknown));
        for (sent, result) in sent.into_iter().zip(results) {
            inner.settle(sent, result, self.writers, &mut afterwards);
        }
        let group = inner.queue.start();
        let idle = inner.queue.is_idle();
        drop(inner);
        self.send(group);
        // Writers first: the next append is on its way while readers are woken, who then take both at once.
        for Answer { waiters, fate, held } in afterwards.answers {
            // Before the answer: whoever has it finds the room again.
            drop(held);
            for waiter in waiters {
                // A client that went away no longer listens; what it asked for is done all the same.
                let _gone = waiter.send(fate.clone());
            }
        }
        for publication in afterwards.publications {
            publication.publish();
        }
        if idle {
            self.quiet.notify_waiters();
        }
    }
}

impl Inner {
    fn settle(&mut self, sent: Sent, result: UnitResult, writers: Writers, out: &mut Afterwards) {
        let Sent { ticket, aftermath, waiters, held } = sent;
        let fate = match result {
            UnitResult::Committed(stamp) => {
                for change in aftermath {
                    self.make_durable(change, ticket, &stamp, out);
                }
                Fate::Committed(Arc::new(stamp))
            }
            UnitResult::Conflict => self.fall(&aftermath, Fate::Redo, out),
            UnitResult::Refused(refusal) => {
                if refusal == Refusal::Poisoned && self.phase == Phase::Serving {
                    self.phase = Phase::Poisoned;
                }
                self.fall(&aftermath, Fate::Refused(refusal), out)
            }
            UnitResult::Unknown if writers == Writers::Several => {
                self.fall(&aftermath, Fate::Unknown, out)
            }
            UnitResult::Unknown => {
                self.disbelieve(&aftermath);
                self.poison(out);
                Fate::Unknown
            }
        };
        out.answers.push(Answer { waiters, fate, held });
    }

    /// A unit did not commit: what was decided on it is decided again.
    fn fall(&mut self, aftermath: &[Aftermath], fate: Fate, out: &mut Afterwards) -> Fate {
        self.disbelieve(aftermath);
        let entries: Vec<u64> = aftermath.iter().map(|change| change.id).collect();
        for sent in self.queue.fell(&entries) {
            self.disbelieve(&sent.aftermath);
            out.answers.push(Answer { waiters: sent.waiters, fate: Fate::Redo, held: sent.held });
        }
        fate
    }

    /// A sync failed: nobody knows what is there until the storage is opened again.
    fn poison(&mut self, out: &mut Afterwards) {
        if self.phase == Phase::Serving {
            self.phase = Phase::Poisoned;
        }
        for sent in self.queue.clear() {
            self.disbelieve(&sent.aftermath);
            out.answers.push(Answer {
                waiters: sent.waiters,
                fate: Fate::Unknown,
                held: sent.held,
            });
        }
    }

    fn make_durable(
        &mut self,
        change: Aftermath,
        ticket: Ticket,
        stamp: &Stamp,
        out: &mut Afterwards,
    ) {
        let Aftermath { key, id, after, payload } = change;
        let slot = match &after {
            After::Slot(slot) => slot.clone().numbered(Lineage(stamp.unit.0)),
            After::Born(birth) => {
                Slot::Live(Arc::new(StreamState::born(birth, Lineage(stamp.unit.0))))
            }
        };
        out.publications.extend(self.lives.publication(&key, &slot, payload));
        self.uses.saved(&key, &slot);
        let Some(stream) = self.cache.get_mut(&key).filter(|stream| stream.id == id) else {
            return;
        };
        stream.durable = slot.clone();
        if matches!(stream.private, Private::Unnumbered) {
            stream.private = Private::Known(slot);
        }
        if matches!(after, After::Born(_)) {
            stream.producers.clear();
        }
        if stream.pending == Some(ticket) {
            stream.pending = None;
            if stream.is_nothing() {
                self.cache.note_absent(&key);
            }
        }
    }

    /// Drops what was believed about the streams of a unit that did not commit; they are loaded again.
    fn disbelieve(&mut self, aftermath: &[Aftermath]) {
        for change in aftermath {
            if self.cache.get(&change.key).is_some_and(|stream| stream.id == change.id) {
                self.cache.forget(&change.key);
            }
        }
    }
}
