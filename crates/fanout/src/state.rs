//! Everything that is behind the lock of a log, and each thing that can happen to it. No synchronisation, no code of others.
//!
//! A subscriber is *parked*, *following* the window from a cursor, *detached* (what it does not get is only counted), or *ended*. Those who
//! follow are counted at the message where they stand; who has everything and does not wait for more yet, at the end. Those who are
//! parked have all messages before `announced`; a [sweep](sweep) tells them of the others.
//!
//! The rooms: [`member`] (one subscriber), [`publish`], [`take`], [`sweep`] (telling those who are parked), [`hand`] (giving them the
//! messages at once), [`decide`] (policies), [`late`].

mod decide;
mod hand;
mod late;
mod member;
mod numbers;
mod publish;
mod sweep;
mod take;

use std::task::Waker;

pub use self::hand::Handed;
pub(crate) use self::hand::Told;
pub(crate) use self::late::Late;
pub use self::late::Spell;
use self::member::{Member, Place};
pub use self::numbers::Numbers;
pub(crate) use self::publish::Published;
pub use self::sweep::Slow;
use self::sweep::Sweep;
pub(crate) use self::take::Outcome;
use crate::window::Window;
use crate::{Limits, Message, Standing, SubscriberId};

#[derive(Debug)]
pub(crate) struct State<M, P> {
    limits: Limits,
    half: Limits,
    window: Window<M>,
    members: Vec<Slot<M, P>>,
    free: Vec<u32>,
    next_generation: u64,
    /// Messages before this one are known to all who are parked.
    announced: u64,
    sweep: Option<Sweep>,
    /// The first message that is within the limits of somebody who has not taken any since, and within half of them.
    floor: u64,
    half_floor: u64,
    counts: Counts,
    /// Those who wait for room to publish.
    senders: Vec<Waker>,
    slow: Vec<Slow>,
    closed: bool,
}

#[derive(Debug)]
enum Slot<M, P> {
    Free,
    Taken(Box<Member<M, P>>),
}

#[derive(Debug, Default)]
struct Counts {
    members: u64,
    parked: u64,
    detached: u64,
    /// Messages for all that came before those were detached, and messages for them and some others since, of all of them together.
    broadcasts_before_detached: u64,
    addressed_to_detached: u64,
    /// Who is asked what becomes of it.
    asking: u64,
    /// Those for whom publishers wait, and who have taken too little for them to go on.
    hindering: u64,
    dropped: u64,
    ended_slow: u64,
}

impl<M: Message, P> State<M, P> {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            half: limits.half(),
            window: Window::default(),
            members: Vec::new(),
            free: Vec::new(),
            next_generation: 0,
            announced: 0,
            sweep: None,
            floor: 0,
            half_floor: 0,
            counts: Counts::default(),
            senders: Vec::new(),
            slow: Vec::new(),
            closed: false,
        }
    }

    /// Adds a subscriber, for whom everything is that is published from now on. `None` when the log is closed.
    pub(crate) fn join(&mut self, standing: Standing) -> Option<SubscriberId> {
        if self.closed {
            return None;
        }
        let generation = self.next_generation;
        self.next_generation += 1;
        let slot = self.free.pop().unwrap_or_else(|| {
            self.members.push(Slot::Free);
            u32::try_from(self.members.len() - 1).unwrap_or(u32::MAX)
        });
        let id = SubscriberId { slot, generation };
        let head = self.window.head();
        let member = Member::new(id, standing, Place::Following { cursor: head });
        self.counts.members += 1;
        self.counts.asking += u64::from(standing == Standing::Ask);
        self.stand(head, member.is_patient());
        if let Some(slot) = self.slot_mut(slot) {
            *slot = Slot::Taken(Box::new(member));
        }
        Some(id)
    }

    /// Removes a subscriber. Returns what it had parked, to be dropped when the lock is free.
    pub(crate) fn leave(&mut self, id: SubscriberId) -> Option<P> {
        let member = self.remove(id)?;
        self.counts.members -= 1;
        self.counts.asking -= u64::from(member.standing == Standing::Ask);
        self.free.push(id.slot);
        let patient = member.is_patient();
        match member.place {
            Place::Parked { handle, .. } => {
                self.counts.parked -= 1;
                self.trim();
                Some(handle)
            }
            Place::Following { cursor } => {
                self.step_off(cursor, patient);
                self.trim();
                None
            }
            Place::Detached { since, broadcasts, addressed } => {
                self.attached(since, broadcasts, addressed);
                None
            }
            Place::Ended(_) => None,
        }
    }

    fn remove(&mut self, id: SubscriberId) -> Option<Member<M, P>> {
        let slot = self.slot_mut(id.slot)?;
        match std::mem::replace(slot, Slot::Free) {
            Slot::Taken(member) if member.id == id => Some(*member),
            other => {
                *slot = other;
                None
            }
        }
    }

    fn slot_mut(&mut self, slot: u32) -> Option<&mut Slot<M, P>> {
        self.members.get_mut(usize::try_from(slot).ok()?)
    }

    fn member_mut(&mut self, id: SubscriberId) -> Option<&mut Member<M, P>> {
        match self.slot_mut(id.slot)? {
            Slot::Taken(member) if member.id == id => Some(member),
            _ => None,
        }
    }

    fn member(&self, id: SubscriberId) -> Option<&Member<M, P>> {
        match self.members.get(usize::try_from(id.slot).ok()?)? {
            Slot::Taken(member) if member.id == id => Some(member),
            _ => None,
        }
    }

    fn all(&self) -> impl Iterator<Item = &Member<M, P>> {
        self.members.iter().filter_map(|slot| match slot {
            Slot::Taken(member) => Some(&**member),
            Slot::Free => None,
        })
    }

    /// Somebody stands at a message from now on.
    fn stand(&mut self, at: u64, patient: bool) {
        let readers = self.window.readers_mut(at);
        readers.all += 1;
        readers.patient += u32::from(patient);
        self.counts.hindering += u64::from(patient && at < self.half_floor);
    }

    fn step_off(&mut self, at: u64, patient: bool) {
        let readers = self.window.readers_mut(at);
        readers.all -= 1;
        readers.patient -= u32::from(patient);
        self.counts.hindering -= u64::from(patient && at < self.half_floor);
    }

    /// Lets go of what nobody needs any more.
    fn trim(&mut self) {
        let told = if self.counts.parked > 0 { self.announced } else { self.window.head() };
        let needed = self.window.first_needed().min(told);
        self.window.trim(needed);
    }

    /// Those who wait for room and have it now.
    pub(crate) fn take_senders(&mut self) -> Vec<Waker> {
        if self.senders.is_empty() || !(self.closed || self.has_room()) {
            return Vec::new();
        }
        std::mem::take(&mut self.senders)
    }

    fn has_room(&self) -> bool {
        let told = self.counts.parked == 0 || self.announced >= self.half_floor;
        self.counts.hindering == 0 && told
    }

    /// Ends the log: nothing more is published, and what waits can still be taken. Those who are parked have to be told.
    pub(crate) fn close(&mut self) -> Vec<P> {
        self.closed = true;
        let head = self.window.head();
        let mut parked = Vec::new();
        for index in 0..self.members.len() {
            let Some(Slot::Taken(member)) = self.members.get_mut(index) else { continue };
            let patient = member.is_patient();
            let Some((handle, cursor)) = member.unpark(self.announced, head) else { continue };
            parked.push(handle);
            self.counts.parked -= 1;
            self.stand(cursor, patient);
        }
        self.announced = head;
        self.sweep = None;
        parked
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }
}
