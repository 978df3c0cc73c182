//! Telling those who are parked, some at a time, so that nobody has to wait for the lock for long.

use super::hand::Told;
use super::member::{Handing, Place};
use super::{Slot, State};
use crate::{Audience, Handed, Message, SubscriberId};

/// A sweep that has begun.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sweep {
    /// Behind the last message that is told.
    pub(super) upto: u64,
    /// The next slot to look at.
    slot: usize,
}

/// How somebody gets what is new.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// It is told, and takes.
    Word,
    Hand,
}

/// Somebody who has no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slow {
    /// What becomes of it has to be [decided](crate::Log::decide).
    Undecided(SubscriberId),
    /// It was disconnected.
    Ended(SubscriberId),
}

impl<M: Message, P> State<M, P> {
    /// Whether there is anybody to tell, or to decide about.
    pub(crate) fn needs_attention(&self) -> bool {
        let untold = self.counts.parked > 0 && self.announced < self.window.head();
        untold || !self.slow.is_empty()
    }

    /// Finds some of those who are parked and have not been told what was published. Returns whether there are more.
    pub(crate) fn sweep(&mut self, most: usize, told: &mut Told<M, P>) -> bool {
        let head = self.window.head();
        if self.counts.parked == 0 {
            self.announced = head;
            self.sweep = None;
        }
        if self.announced == head {
            return false;
        }
        let mut sweep = self.sweep.take().unwrap_or(Sweep { upto: head, slot: 0 });
        let broadcasts = self.window.broadcasts_before(sweep.upto)
            > self.window.broadcasts_before(self.announced);
        if broadcasts {
            let by = if self.collect_for_all(sweep.upto, told) { By::Hand } else { By::Word };
            while sweep.slot < self.members.len() {
                if told.found() >= most {
                    self.sweep = Some(sweep);
                    return true;
                }
                self.tell(sweep.slot, sweep.upto, by, told);
                sweep.slot += 1;
            }
        } else {
            self.tell_addressed(sweep.upto, told);
        }
        self.announced = sweep.upto;
        self.trim();
        self.announced < self.window.head()
    }

    fn tell(&mut self, slot: usize, upto: u64, by: By, told: &mut Told<M, P>) {
        let (announced, floor) = (self.announced, self.floor);
        let Some(Slot::Taken(member)) = self.members.get_mut(slot) else { return };
        if member.has_seen(upto) {
            return;
        }
        let (id, patient) = (member.id, member.is_patient());
        let can_be_handed = by == By::Hand && announced >= floor && !member.is_decided_about();
        if let Some((handle, cursor)) = member.unpark(announced, upto) {
            self.counts.parked -= 1;
            if can_be_handed && cursor == announced {
                member.place = Place::Following { cursor: upto };
                member.handing = Handing::Underway;
                told.handed.push((id, handle, Handed::Waits));
                self.stand(upto, patient);
                return;
            }
            told.woken.push(handle);
            self.stand(cursor, patient);
            if cursor < self.floor {
                // The window has moved on before it was told; whoever stands there would not be found again.
                self.leave_one_behind(id, cursor);
            }
        }
    }

    /// Tells those who are named by one of the messages.
    fn tell_addressed(&mut self, upto: u64, told: &mut Told<M, P>) {
        for audience in self.window.audiences(self.announced, upto) {
            let Audience::Only(ids) = audience else { continue };
            for id in ids.iter() {
                let slot = usize::try_from(id.slot).unwrap_or(usize::MAX);
                if self.member(*id).is_some() {
                    self.tell(slot, upto, By::Word, told);
                }
            }
        }
    }

    pub(crate) fn take_slow(&mut self) -> Vec<Slow> {
        std::mem::take(&mut self.slow)
    }
}
