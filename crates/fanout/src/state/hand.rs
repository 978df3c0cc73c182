//! Messages that are handed to those who are parked, by whoever distributes: collected once for all of them, and nobody takes or parks
//! for it.
//!
//! Who is handed something follows from behind it on, before it has got it; so it is neither left behind for what it is about to get nor
//! told of it again. It takes nothing itself meanwhile, which would overtake what is on its way. When the messages have been handed over
//! it is parked as before, unless something else has happened: then it is told, and takes.

use std::ops::Range;

use super::State;
use super::member::{Handing, Place};
use crate::runs::Taken;
use crate::{Limits, Message, SubscriberId};

/// What has become of messages that were handed to a subscriber. It has them in either case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handed {
    /// It goes on waiting, for what follows.
    Waits,
    /// It will take what follows by itself, when it can.
    Busy,
}

/// Whom a sweep found, some of those who are parked.
#[derive(Debug)]
pub(crate) struct Told<M, P> {
    /// To be told.
    pub(crate) woken: Vec<P>,
    /// To be handed the messages.
    pub(crate) handed: Vec<(SubscriberId, P, Handed)>,
    /// To be dropped when the lock is free.
    pub(crate) left: Vec<P>,
    pub(crate) messages: Taken<M>,
    /// Which those are; they are collected when they are others.
    range: Range<u64>,
    /// Most that are handed over; without it, nothing is.
    most: Option<Limits>,
}

impl<M: Message, P> Told<M, P> {
    /// With room for as many as a sweep finds at once.
    pub(crate) fn new(most: Option<Limits>, at_once: usize) -> Self {
        let (mut woken, mut handed) = (Vec::new(), Vec::new());
        match most {
            Some(_) => handed.reserve_exact(at_once),
            None => woken.reserve_exact(at_once),
        }
        Self { woken, handed, left: Vec::new(), messages: Taken::default(), range: 0..0, most }
    }

    /// How many were found.
    pub(super) fn found(&self) -> usize {
        self.woken.len() + self.handed.len()
    }
}

impl<M: Message, P> State<M, P> {
    /// Whether what is new up to there can be handed over as it is: it is for all, not too much, and nothing follows yet.
    pub(super) fn collect_for_all(&mut self, upto: u64, told: &mut Told<M, P>) -> bool {
        let Some(most) = told.most else { return false };
        let range = self.announced..upto;
        if told.range != range {
            told.range = range.clone();
            told.messages.clear();
            let broadcasts =
                self.window.broadcasts_before(upto) - self.window.broadcasts_before(self.announced);
            if upto == self.window.head() && broadcasts == upto - self.announced {
                self.window.seal_what_is_worth_it();
                self.window.collect(
                    SubscriberId::NOBODY,
                    self.announced,
                    &most,
                    &mut told.messages,
                );
            }
        }
        told.messages.stretch() == Some(range)
    }

    /// Ends what was handed over.
    pub(crate) fn settle(&mut self, told: &mut Told<M, P>) {
        let upto = told.range.end;
        for (id, handle, handed) in told.handed.drain(..) {
            match self.settle_one(id, handle, upto, handed) {
                Settled::Parked => {}
                Settled::Told(handle) => told.woken.push(handle),
                Settled::Left(handle) => told.left.push(handle),
            }
        }
    }

    fn settle_one(&mut self, id: SubscriberId, handle: P, upto: u64, handed: Handed) -> Settled<P> {
        // A sweep that has come by since was not for it.
        let is_passed = self.announced > upto || self.sweep.is_some_and(|sweep| sweep.upto > upto);
        let is_closed = self.closed;
        let Some(member) = self.member_mut(id) else { return Settled::Left(handle) };
        let handing = std::mem::take(&mut member.handing);
        let is_in_step = matches!(member.place, Place::Following { cursor } if cursor == upto)
            && !member.is_decided_about()
            && member.backlog.is_empty();
        match (handed, handing) {
            (Handed::Waits, Handing::Underway) if is_in_step && !is_passed && !is_closed => {
                let patient = member.is_patient();
                member.place = Place::Parked { handle, seen: upto };
                self.step_off(upto, patient);
                self.counts.parked += 1;
                Settled::Parked
            }
            (Handed::Busy, Handing::Underway) => Settled::Left(handle),
            _ => Settled::Told(handle),
        }
    }
}

enum Settled<P> {
    Parked,
    /// There is more, or it wanted to take.
    Told(P),
    Left(P),
}
