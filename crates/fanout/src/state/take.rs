//! A subscriber takes what waits for it, or waits for more.

use super::State;
use super::member::{Handing, Place};
use crate::runs::Taken;
use crate::{End, Limits, Message, SubscriberId};

/// What became of a take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// There is more than was taken.
    Part,
    /// Everything was taken that there is: it may park.
    Through,
    /// Nothing, because something is on its way to it. It is told when it can take again.
    Later,
    End(End),
}

impl<M: Message, P> State<M, P> {
    /// Takes what waits for a subscriber, as far as there is room.
    #[inline]
    pub(crate) fn take(&mut self, id: SubscriberId, most: &Limits, out: &mut Taken<M>) -> Outcome {
        if let Some(member) = self.member_mut(id)
            && member.handing != Handing::No
        {
            member.handing = Handing::Awaited;
            return Outcome::Later;
        }
        match self.in_step(id) {
            Some(cursor) if cursor == self.window.head() => self.through(out),
            Some(cursor) => {
                self.window.seal_what_is_worth_it();
                let end = self.window.collect(id, cursor, most, out);
                self.move_to(id, end);
                if end < self.window.head() { Outcome::Part } else { self.through(out) }
            }
            None => self.take_late(id, most, out),
        }
    }

    /// Where somebody stands who has all that waits for it in the window, and has not been slow lately.
    fn in_step(&self, id: SubscriberId) -> Option<u64> {
        let member = self.member(id)?;
        match member.place {
            Place::Following { cursor }
                if cursor >= self.floor
                    && !member.is_decided_about()
                    && member.backlog.is_empty() =>
            {
                Some(cursor)
            }
            _ => None,
        }
    }

    /// What it is told who has everything. The end is told when there is nothing to take before it.
    fn through(&self, out: &Taken<M>) -> Outcome {
        match (self.closed, out.is_empty()) {
            (false, _) => Outcome::Through,
            (true, false) => Outcome::Part,
            (true, true) => Outcome::End(End::Closed),
        }
    }

    /// Takes first what waits beside the window, and returns to it.
    fn take_late(&mut self, id: SubscriberId, most: &Limits, out: &mut Taken<M>) -> Outcome {
        let Some(member) = self.member(id) else { return Outcome::End(End::Closed) };
        if let Place::Ended(end) = member.place {
            return Outcome::End(end);
        }
        if let Place::Following { cursor } = member.place
            && (!member.backlog.is_empty() || cursor < self.floor)
        {
            // What it has beside the window counts too, and what came before it was told: publishers look at neither.
            self.leave_one_behind(id, cursor);
        }
        let Some(member) = self.member_mut(id) else { return Outcome::End(End::Closed) };
        if let Place::Ended(end) = member.place {
            return Outcome::End(end);
        }
        let mut backlog = std::mem::take(&mut member.backlog);
        backlog.drain_into(out, most);
        self.rejoin(id, &mut backlog);
        // A gap at the end of the backlog takes no room.
        backlog.drain_into(out, most);
        let is_through = backlog.is_empty();
        let waiting = backlog.messages();
        if let Some(member) = self.member_mut(id) {
            member.backlog = backlog;
        }
        if is_through {
            self.follow(id, most, out);
        }
        self.recover(id, waiting);
        let is_through = self.in_step(id).is_some_and(|cursor| cursor == self.window.head());
        if is_through { self.through(out) } else { Outcome::Part }
    }

    /// Waits for more. Only after a take that left nothing, under the same lock.
    #[inline]
    pub(crate) fn park(&mut self, id: SubscriberId, handle: P) {
        let head = self.window.head();
        let Some(member) = self.member_mut(id) else { return };
        let patient = member.is_patient();
        if let Place::Following { cursor } = member.place {
            member.place = Place::Parked { handle, seen: head };
            self.step_off(cursor, patient);
            self.counts.parked += 1;
        }
    }

    /// Those who wait change what they leave behind, and take back what they left.
    pub(crate) fn unpark(&mut self, id: SubscriberId) -> Option<P> {
        let (announced, head) = (self.announced, self.window.head());
        let member = self.member_mut(id)?;
        let patient = member.is_patient();
        let (handle, cursor) = member.unpark(announced, head)?;
        self.counts.parked -= 1;
        self.stand(cursor, patient);
        Some(handle)
    }

    /// Who has taken something while it was detached gets again what is published.
    fn rejoin(&mut self, id: SubscriberId, backlog: &mut Taken<M>) {
        if !backlog.is_full(&self.limits) {
            self.attach(id, backlog);
        }
    }

    /// Who is detached gets again what is published from now on. What it lost is told behind what waits.
    pub(super) fn attach(&mut self, id: SubscriberId, backlog: &mut Taken<M>) {
        let Some(member) = self.member(id) else { return };
        let Place::Detached { since, broadcasts, addressed } = member.place else { return };
        let patient = member.is_patient();
        let gap = self.attached(since, broadcasts, addressed);
        backlog.push_gap(gap);
        let head = self.window.head();
        self.stand(head, patient);
        if let Some(member) = self.member_mut(id) {
            member.dropped += gap.messages;
            member.place = Place::Following { cursor: head };
        }
    }

    /// Takes from the window.
    fn follow(&mut self, id: SubscriberId, most: &Limits, out: &mut Taken<M>) {
        let Some(Place::Following { cursor }) = self.member(id).map(|member| &member.place) else {
            return;
        };
        let cursor = *cursor;
        if cursor < self.window.head() {
            let end = self.window.collect(id, cursor, most, out);
            self.move_to(id, end);
        }
    }

    /// Moves one who follows.
    pub(super) fn move_to(&mut self, id: SubscriberId, to: u64) {
        let Some(member) = self.member_mut(id) else { return };
        let patient = member.is_patient();
        let Place::Following { cursor } = &mut member.place else { return };
        let from = std::mem::replace(cursor, to);
        if from != to {
            self.step_off(from, patient);
            self.stand(to, patient);
            if self.window.readers(from).all == 0 {
                self.trim();
            }
        }
    }

    /// Who has taken half of what may wait is not slow any longer, and is asked again the next time.
    fn recover(&mut self, id: SubscriberId, waiting: u64) {
        let (half_floor, half) = (self.half_floor, self.half);
        let Some(member) = self.member_mut(id) else { return };
        let Place::Following { cursor } = member.place else { return };
        if cursor < half_floor || waiting > half.messages() || !member.is_decided_about() {
            return;
        }
        let was_patient = member.is_patient();
        member.asked = false;
        member.verdict = None;
        let is_patient = member.is_patient();
        self.step_off(cursor, was_patient);
        self.stand(cursor, is_patient);
    }
}
