//! A message comes.
//!
//! It costs the same however many subscribers there are, unless it leaves some of them behind: those are looked for, and get what
//! waits for them into a backlog of their own.

use std::task::{Context, Waker};

use super::member::Place;
use super::sweep::Slow;
use super::{Slot, State};
use crate::{Audience, End, Gap, Limits, Message, Policy, Standing, SubscriberId};

/// A message that was added.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Published {
    pub(crate) sequence: u64,
    /// Whether those who are parked should be told at once, because half of what may wait for them is there.
    pub(crate) far_ahead: bool,
}

impl<M: Message, P> State<M, P> {
    /// Adds a message. `None` when the log is closed. Its weight is within the limits.
    pub(crate) fn publish(&mut self, message: M, audience: Audience) -> Option<Published> {
        if self.closed {
            return None;
        }
        if self.counts.detached > 0
            && let Audience::Only(ids) = &audience
        {
            ids.iter().for_each(|id| self.count_addressed(*id));
        }
        let sequence = self.window.push(message, audience);
        if self.counts.parked == 0 {
            self.announced = sequence + 1;
            self.sweep = None;
        }
        if self.advance_floors() {
            self.leave_behind();
        }
        if self.counts.members == 0 || self.window.has_whole_batch_before(self.floor) {
            self.trim();
        }
        let far_ahead = self.counts.parked > 0 && self.announced < self.half_floor;
        Some(Published { sequence, far_ahead })
    }

    /// Whether nobody for whom publishers wait would be left behind by a message of this weight. If one would, this waker is woken
    /// when there is room.
    pub(crate) fn poll_room(&mut self, weight: u64, cx: &Context<'_>) -> bool {
        let floor = self.floor_of(self.limits, self.floor, weight);
        let untold = self.counts.parked > 0 && self.announced < floor;
        let mut late = self.window.first_needed()..floor;
        if !untold && !late.any(|at| self.window.readers(at).patient > 0) {
            return true;
        }
        if self.counts.asking > 0 {
            self.ask_those_before(floor);
        }
        remember(&mut self.senders, cx.waker());
        false
    }

    fn count_addressed(&mut self, id: SubscriberId) {
        if let Some(member) = self.member_mut(id)
            && let Place::Detached { addressed, .. } = &mut member.place
        {
            *addressed += 1;
            self.counts.addressed_to_detached += 1;
        }
    }

    /// The first message such that it and all behind it are within the limits, with one more of a weight.
    fn floor_of(&self, limits: Limits, from: u64, weight: u64) -> u64 {
        let (head, bytes) = (self.window.head(), self.window.bytes_before(self.window.head()));
        let one = u64::from(weight > 0);
        let is_within = |floor: u64| {
            let held = bytes - self.window.bytes_before(floor);
            limits.hold(head - floor + one, held + weight)
        };
        (from.max(self.first())..head).find(|floor| is_within(*floor)).unwrap_or(head)
    }

    fn first(&self) -> u64 {
        self.window.head() - self.window.messages()
    }

    /// Moves the floors behind the newest message. Says whether somebody stands before them.
    fn advance_floors(&mut self) -> bool {
        let floor = self.floor_of(self.limits, self.floor, 0);
        let passed = self.floor.max(self.first())..floor;
        let anybody = passed.into_iter().any(|at| self.window.readers(at).all > 0);
        self.floor = floor;
        let half_floor = self.floor_of(self.half, self.half_floor, 0);
        let passed = self.half_floor.max(self.first())..half_floor;
        let hindering: u64 = passed.map(|at| u64::from(self.window.readers(at).patient)).sum();
        self.counts.hindering += hindering;
        self.half_floor = half_floor;
        anybody
    }

    /// Deals with those who follow and stand before the floor.
    fn leave_behind(&mut self) {
        for index in 0..self.members.len() {
            let Some(Slot::Taken(member)) = self.members.get(index) else { continue };
            if let Place::Following { cursor } = member.place
                && cursor < self.floor
            {
                let id = member.id;
                self.leave_one_behind(id, cursor);
            }
        }
        self.trim();
    }

    /// Moves what waits for one who follows into its backlog. If that is too much, its policy decides.
    pub(super) fn leave_one_behind(&mut self, id: SubscriberId, cursor: u64) {
        let limits = self.limits;
        let Some(member) = self.member_mut(id) else { return };
        let (patient, policy) = (member.is_patient(), member.policy());
        let mut backlog = std::mem::take(&mut member.backlog);
        self.step_off(cursor, patient);
        let head = self.window.head();
        let all = Limits::new(usize::MAX, usize::MAX);
        let asked = match policy {
            Some(Policy::DropOldest) => &all,
            _ => &limits,
        };
        let end = self.window.collect(id, cursor, asked, &mut backlog);
        let dropped = backlog.shed(&limits);
        let place = match (end == head, policy) {
            (true, _) => Place::Following { cursor: head },
            (false, Some(Policy::Disconnect)) => {
                self.counts.ended_slow += 1;
                self.slow.push(Slow::Ended(id));
                backlog.clear();
                Place::Ended(End::Slow)
            }
            (false, _) => {
                let addressed = self.addressed(id, end);
                let broadcasts = self.window.broadcasts_before(end);
                self.counts.detached += 1;
                self.counts.broadcasts_before_detached += broadcasts;
                self.counts.addressed_to_detached += addressed;
                Place::Detached { since: end, broadcasts, addressed }
            }
        };
        if let Place::Following { cursor } = place {
            self.stand(cursor, patient);
        }
        self.counts.dropped += dropped;
        let Some(member) = self.member_mut(id) else { return };
        member.dropped += dropped;
        member.backlog = backlog;
        member.place = place;
        let asks = member.standing == Standing::Ask && !member.asked && end != head;
        if asks {
            member.asked = true;
            self.slow.push(Slow::Undecided(id));
        }
    }

    /// Messages for a subscriber and some others, from one on.
    fn addressed(&self, id: SubscriberId, from: u64) -> u64 {
        let mut found = crate::runs::Taken::default();
        let all = Limits::new(usize::MAX, usize::MAX);
        self.window.collect(id, from, &all, &mut found);
        let head = self.window.head();
        let broadcasts = self.window.broadcasts_before(head) - self.window.broadcasts_before(from);
        found.messages() - broadcasts
    }

    /// Somebody who was detached no longer is. What it lost is counted from now on, and returned.
    pub(super) fn attached(&mut self, since: u64, broadcasts: u64, addressed: u64) -> Gap {
        let gap = self.gap(since, broadcasts, addressed);
        self.counts.detached -= 1;
        self.counts.broadcasts_before_detached -= broadcasts;
        self.counts.addressed_to_detached -= addressed;
        self.counts.dropped += gap.messages;
        gap
    }

    /// What all who are detached have lost so far.
    pub(super) fn lost_by_detached(&self) -> u64 {
        let broadcasts = self.counts.detached * self.window.broadcasts_before(self.window.head());
        broadcasts - self.counts.broadcasts_before_detached + self.counts.addressed_to_detached
    }

    /// What a subscriber lost that was detached until now.
    pub(super) fn gap(&self, since: u64, broadcasts: u64, addressed: u64) -> Gap {
        let head = self.window.head();
        let messages = self.window.broadcasts_before(head) - broadcasts + addressed;
        Gap { from: since, to: head, messages }
    }

    fn ask_those_before(&mut self, floor: u64) {
        let mut asked = Vec::new();
        for index in 0..self.members.len() {
            if let Some(Slot::Taken(member)) = self.members.get_mut(index)
                && let Place::Following { cursor } = member.place
                && cursor < floor
                && member.standing == Standing::Ask
                && member.verdict.is_none()
                && !member.asked
            {
                member.asked = true;
                asked.push(Slow::Undecided(member.id));
            }
        }
        self.slow.append(&mut asked);
    }
}

/// A task that waits twice is woken once.
fn remember(senders: &mut Vec<Waker>, waker: &Waker) {
    if !senders.iter().any(|known| known.will_wake(waker)) {
        senders.push(waker.clone());
    }
}
