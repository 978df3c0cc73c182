//! One command from start to answer.

use std::sync::Arc;
use std::time::Duration;

use headwater_core::change::{Change, Effect, Unit};
use headwater_core::decide::{Decision, Need};
use headwater_core::storage::{Confirmation, Stamp, Writers};
use headwater_core::{Slot, StreamKey, Timestamp, Version};
use tokio::sync::oneshot;

use super::cache::Private;
use super::queue::{After, Aftermath, Fate, Sent, Ticket};
use super::view::{Boundaries, Seen};
use super::{Inner, Phase, Shard};
use crate::admission::Reservation;
use crate::error::{Failure, ServiceError};
use crate::read::boundary;

/// How often a command that loses against other writers is decided anew. Each round somebody wins.
const MAX_ROUNDS: u32 = 200;

/// Pause before a lost command looks again, where others write: what it looks at may become visible late.
const PAUSE: Duration = Duration::from_millis(1);

/// A command's answer.
#[derive(Debug)]
pub(crate) struct Done<T> {
    pub(crate) outcome: T,
    /// Set when it was committed.
    pub(crate) stamp: Option<Arc<Stamp>>,
}

enum Next<T, E> {
    Need(Need),
    /// What the decision needs is on its way to storage; look again after that.
    Await(oneshot::Receiver<Fate>),
    Again,
    Commit {
        outcome: T,
        fate: oneshot::Receiver<Fate>,
    },
    Reply {
        outcome: Result<T, E>,
        relies_on: Vec<(StreamKey, Version)>,
        fates: Vec<oneshot::Receiver<Fate>>,
    },
    Refuse(ServiceError),
}

impl Shard {
    /// Decides a command, as often as it takes, and returns when its answer may be given.
    pub(crate) async fn run<T, E>(
        self: &Arc<Self>,
        decide: impl Fn(&Seen<'_>, Timestamp) -> Decision<T, E>,
    ) -> Result<Done<T>, Failure<E>> {
        self.run_holding(None, decide).await
    }

    /// As [`Shard::run`]; what is committed keeps the reservation.
    pub(crate) async fn run_holding<T, E>(
        self: &Arc<Self>,
        held: Option<Arc<Reservation>>,
        decide: impl Fn(&Seen<'_>, Timestamp) -> Decision<T, E>,
    ) -> Result<Done<T>, Failure<E>> {
        let mut boundaries = Boundaries::new();
        let mut rounds = 0;
        while rounds < MAX_ROUNDS {
            match self.step(&decide, &boundaries, held.as_ref()) {
                Next::Again => {}
                Next::Refuse(error) => return Err(error.into()),
                Next::Need(Need::Stream(key)) => self.load(&key).await?,
                Next::Need(Need::Producer(key, id)) => self.load_producer(&key, &id).await?,
                Next::Need(Need::Boundary(question)) => {
                    match boundary::answer(self, &question).await? {
                        Some(answer) => drop(boundaries.insert(question, answer)),
                        None => rounds += 1,
                    }
                }
                Next::Await(fate) => match fate.await {
                    Ok(Fate::Unknown) => return Err(ServiceError::Unknown.into()),
                    // What was refused is another command's. It did not happen, so this one looks again.
                    Ok(Fate::Committed(_) | Fate::Redo | Fate::Refused(_)) | Err(_) => {}
                },
                Next::Commit { outcome, fate } => match fate.await {
                    Ok(Fate::Committed(stamp)) => return Ok(Done { outcome, stamp: Some(stamp) }),
                    Ok(Fate::Redo) => {
                        rounds += 1;
                        // Once more at once: as a rule the one that was faster is visible already.
                        if rounds > 1 && self.writers == Writers::Several {
                            tokio::time::sleep(PAUSE).await;
                        }
                    }
                    Ok(Fate::Refused(refusal)) => return Err(ServiceError::from(refusal).into()),
                    Ok(Fate::Unknown) | Err(_) => return Err(ServiceError::Unknown.into()),
                },
                Next::Reply { outcome, relies_on, fates } => {
                    if self.holds(&relies_on, fates).await? {
                        return outcome
                            .map(|outcome| Done { outcome, stamp: None })
                            .map_err(Failure::Refused);
                    }
                    rounds += 1;
                    if self.writers == Writers::Several {
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            }
        }
        Err(ServiceError::Contended.into())
    }

    /// Whether an answer may be given: all it relies on became durable, and is the present.
    async fn holds(
        &self,
        relies_on: &[(StreamKey, Version)],
        fates: Vec<oneshot::Receiver<Fate>>,
    ) -> Result<bool, ServiceError> {
        for fate in fates {
            match fate.await {
                Ok(Fate::Committed(_)) => {}
                // It did not happen, whoever asked for it.
                Ok(Fate::Redo | Fate::Refused(_)) => return Ok(false),
                Ok(Fate::Unknown) | Err(_) => return Err(ServiceError::Unknown),
            }
        }
        if self.writers == Writers::Sole {
            return Ok(true);
        }
        match self.storage.confirm(relies_on).await? {
            Confirmation::Current => Ok(true),
            Confirmation::Stale => {
                self.with(|inner| {
                    for (key, _) in relies_on {
                        if inner.cache.get(key).is_some_and(|stream| stream.pending.is_none()) {
                            inner.cache.forget(key);
                        }
                    }
                });
                Ok(false)
            }
        }
    }

    /// Waits until what is decided about a stream at the moment is durable, or turned out not to be.
    pub(crate) async fn settled(&self, key: &StreamKey) {
        let fate = self.with(|inner| {
            let ticket = inner.cache.get(key)?.pending?;
            inner.queue.wait(ticket)
        });
        if let Some(fate) = fate {
            // Whatever became of it, the caller looks at what is durable now.
            let _fate = fate.await;
        }
    }

    fn step<T, E>(
        self: &Arc<Self>,
        decide: &impl Fn(&Seen<'_>, Timestamp) -> Decision<T, E>,
        boundaries: &Boundaries,
        held: Option<&Arc<Reservation>>,
    ) -> Next<T, E> {
        let mut inner = self.inner.lock();
        let now = self.clock.steady();
        let decision = decide(&Seen { inner: &inner, boundaries, now }, now);
        let (next, queued) = match decision {
            Decision::Need(need) => return inner.wait_for(need),
            Decision::Reply { outcome, relies_on } => return inner.reply(outcome, relies_on),
            Decision::First(unit) => match inner.enqueue(unit, None) {
                Ok(_) => (Next::Again, true),
                Err(error) => (Next::Refuse(error), false),
            },
            Decision::Commit { unit, outcome } => match inner.enqueue(unit, held) {
                Ok(fate) => (Next::Commit { outcome, fate }, true),
                Err(error) => (Next::Refuse(error), false),
            },
        };
        let group = if queued { inner.queue.start() } else { None };
        drop(inner);
        self.send(group);
        next
    }

    /// Hands a group to storage, outside of the lock.
    pub(super) fn send(self: &Arc<Self>, group: Option<Vec<Unit>>) {
        if let Some(group) = group {
            let shard = Arc::clone(self);
            let done = Box::new(move |results| shard.complete(results));
            self.storage.commit(group, self.clock.wall(), done);
        }
    }
}

impl Inner {
    fn wait_for<T, E>(&mut self, need: Need) -> Next<T, E> {
        if self.phase == Phase::Stopped {
            return Next::Refuse(ServiceError::Draining);
        }
        if let Need::Stream(key) = &need
            && let Some(ticket) = self.cache.get_mut(key).and_then(|stream| stream.pending)
            && let Some(fate) = self.queue.wait(ticket)
        {
            return Next::Await(fate);
        }
        Next::Need(need)
    }

    fn reply<T, E>(
        &mut self,
        outcome: Result<T, E>,
        relies_on: Vec<(StreamKey, Version)>,
    ) -> Next<T, E> {
        if self.phase == Phase::Stopped {
            return Next::Refuse(ServiceError::Draining);
        }
        let mut fates = Vec::new();
        for (key, _) in &relies_on {
            let pending = self.cache.get_mut(key).and_then(|stream| stream.pending);
            fates.extend(pending.and_then(|ticket| self.queue.wait(ticket)));
            self.cache.note_absent(key);
        }
        Next::Reply { outcome, relies_on, fates }
    }

    /// Applies a unit to the private state and puts it on its way.
    fn enqueue(
        &mut self,
        unit: Unit,
        held: Option<&Arc<Reservation>>,
    ) -> Result<oneshot::Receiver<Fate>, ServiceError> {
        match self.phase {
            Phase::Serving => {}
            Phase::Poisoned => return Err(ServiceError::Poisoned),
            Phase::Stopped => return Err(ServiceError::Draining),
        }
        let ticket = self.queue.next_ticket();
        let changes = unit.changes.iter();
        let aftermath = changes.filter_map(|change| self.apply(change, ticket)).collect();
        let (waiter, fate) = oneshot::channel();
        self.queue
            .push(unit, Sent { ticket, aftermath, waiters: vec![waiter], held: held.cloned() });
        Ok(fate)
    }

    fn apply(&mut self, change: &Change, ticket: Ticket) -> Option<Aftermath> {
        let stream = self.cache.get_mut(&change.key)?;
        stream.pending = Some(ticket);
        let after = match (&change.effect, &stream.private) {
            (Effect::Create(birth), _) => {
                stream.private = Private::Unnumbered;
                After::Born(birth.clone())
            }
            (_, Private::Known(slot)) => {
                let after = change.apply(slot, headwater_core::Lineage(0));
                let waits = after.state().is_some_and(|state| state.ranges.is_unnumbered());
                let known = || Private::Known(after.clone());
                stream.private = if waits { Private::Unnumbered } else { known() };
                After::Slot(after)
            }
            (_, Private::Unnumbered) => After::Slot(Slot::Absent),
        };
        if let Effect::Update(update) = &change.effect
            && let Some(producer) = &update.producer
        {
            let (id, row) = producer.row();
            stream.producers.insert(id.clone(), Some(row));
        }
        let payload = change.batch().map(|batch| batch.payload().clone());
        Some(Aftermath { key: change.key.clone(), id: stream.id, after, payload })
    }
}
