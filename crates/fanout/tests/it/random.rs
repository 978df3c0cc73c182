//! Random histories, with messages for all and for some, against a queue for each subscriber.

use std::collections::VecDeque;

use headwater_fanout::{Audience, Handed, Limits, Log, Policy, Standing, Subscriber, Took};
use proptest::prelude::*;

use crate::checker::{Published, check};
use crate::model::Queue;
use crate::support::{ALL, Bell, Got, Note, got, log, take};

#[derive(Clone, Debug)]
enum Step {
    Publish {
        weight: usize,
        only: Option<u8>,
    },
    Take {
        who: usize,
        most: usize,
    },
    Distribute,
    /// At most so many; who is busy, by bits; and how many are published when the first is handed something.
    HandOut {
        most: usize,
        busy: u8,
        meanwhile: usize,
    },
    Join(Policy),
    Leave(usize),
}

fn policy() -> impl Strategy<Value = Policy> {
    prop_oneof![
        Just(Policy::DropNewest),
        Just(Policy::DropOldest),
        Just(Policy::Disconnect),
        Just(Policy::Wait),
    ]
}

fn steps(some: bool) -> impl Strategy<Value = Vec<Step>> {
    let only = if some { proptest::option::of(any::<u8>()).boxed() } else { Just(None).boxed() };
    let step = prop_oneof![
        12 => (1usize..4, only).prop_map(|(weight, only)| Step::Publish { weight, only }),
        6 => (0usize..6, prop_oneof![1usize..4, Just(ALL)])
            .prop_map(|(who, most)| Step::Take { who, most }),
        2 => Just(Step::Distribute),
        4 => (prop_oneof![1usize..4, Just(ALL)], any::<u8>(), 0usize..3)
            .prop_map(|(most, busy, meanwhile)| Step::HandOut { most, busy, meanwhile }),
        1 => policy().prop_map(Step::Join),
        1 => (0usize..6).prop_map(Step::Leave),
    ];
    prop::collection::vec(step, 1..200)
}

struct Reader {
    subscriber: Subscriber<Note, Bell>,
    policy: Policy,
    queue: Queue,
    from: u64,
    published: Published,
    got: Vec<Got>,
    bell: Option<Bell>,
    ended: bool,
}

/// The numbers, and how many were lost between them. Where exactly a gap lies is the checker's.
fn gist(got: &[Got]) -> Vec<Result<u64, u64>> {
    let mut gist: Vec<Result<u64, u64>> = Vec::new();
    for item in got {
        match (item, gist.last_mut()) {
            (Got::Lost(gap), Some(Err(lost))) => *lost += gap.messages,
            (Got::Lost(gap), _) => gist.push(Err(gap.messages)),
            (Got::Number(number), _) => gist.push(Ok(*number)),
        }
    }
    gist
}

struct Run {
    log: Log<Note, Bell>,
    limits: (usize, usize),
    readers: Vec<Reader>,
    published: u64,
    /// What those lost who have left.
    lost_by_others: u64,
}

impl Run {
    fn join(&mut self, policy: Policy) {
        let (messages, bytes) = self.limits;
        self.readers.push(Reader {
            subscriber: self.log.subscribe(Standing::Fixed(policy)).unwrap(),
            policy,
            queue: Queue::new(policy, messages, bytes),
            from: self.published,
            published: Published { mine: vec![false; self.published as usize] },
            got: Vec::new(),
            bell: None,
            ended: false,
        });
    }

    fn publish(&mut self, weight: usize, only: Option<u8>) {
        let is_for = |index: usize| only.is_none_or(|bits| bits >> (index % 8) & 1 == 1);
        let audience = match only {
            None => Audience::All,
            Some(_) => Audience::only(
                (0..)
                    .zip(&self.readers)
                    .filter(|(i, _)| is_for(*i))
                    .map(|(_, r)| r.subscriber.id()),
            ),
        };
        let number = self.published;
        assert_eq!(self.log.publish(Note { number, weight }, audience), Ok(number));
        self.published += 1;
        for (index, reader) in self.readers.iter_mut().enumerate() {
            reader.published.mine.push(is_for(index));
            if is_for(index) {
                reader.queue.publish(number, weight);
            }
        }
    }

    /// Takes, and compares with the queue.
    fn take(&mut self, who: usize, most: usize) {
        let Some(reader) = self.readers.get_mut(who) else { return };
        let (got, took, bell) = take(&mut reader.subscriber, most);
        reader.bell = matches!(took, Took::All | Took::Nothing).then_some(bell);
        reader.ended |= matches!(took, Took::End(_));
        assert_eq!(gist(&got), gist(&reader.queue.take(most)), "{:?}", reader.policy);
        assert_eq!(reader.ended, reader.queue.has_ended());
        reader.got.extend(got);
        self.check(who);
    }

    fn check(&self, who: usize) {
        let reader = &self.readers[who];
        let (messages, _) = reader.subscriber.depth();
        assert!(messages <= 2 * self.limits.0 as u64, "{messages} wait");
        if !reader.ended && messages == 0 && reader.bell.is_some() {
            check(&reader.published, reader.from, self.published, &reader.got).unwrap();
        }
    }

    /// The numbers know at any time what each has lost.
    fn check_numbers(&self) {
        let all: u64 = self.readers.iter().map(|reader| reader.subscriber.dropped()).sum();
        assert_eq!(self.log.numbers().dropped, all + self.lost_by_others);
    }

    fn leave(&mut self, who: usize) {
        let reader = self.readers.remove(who);
        self.lost_by_others += reader.subscriber.dropped();
    }

    fn distribute(&mut self) {
        self.log.distribute();
        self.demand_told();
    }

    /// Those who are handed something have it as if they had taken it before anything else was published, and go on waiting if they can.
    fn hand_out(&mut self, most: usize, busy: u8, mut meanwhile: usize) {
        let mut handed = VecDeque::new();
        let first = self.published;
        self.log.hand_out(&Limits::new(most, ALL), |handle, taken| {
            let holds = |reader: &Reader| reader.bell.as_ref().is_some_and(|bell| bell.is(handle));
            let who = self.readers.iter().position(holds).unwrap();
            handed.push_back((who, got(taken), taken.stretch().unwrap().end));
            for _ in 0..std::mem::take(&mut meanwhile) {
                let note = Note::of(self.published);
                assert_eq!(self.log.publish(note, Audience::All), Ok(self.published));
                self.published += 1;
            }
            if busy >> (who % 8) & 1 == 0 {
                return Handed::Waits;
            }
            self.readers[who].bell = None;
            Handed::Busy
        });
        for number in first..=self.published {
            while let Some((who, got, _)) = handed.pop_front_if(|(.., end)| *end <= number) {
                let reader = &mut self.readers[who];
                assert_eq!(gist(&got), gist(&reader.queue.take(ALL)), "{:?}", reader.policy);
                reader.got.extend(got);
            }
            if number < self.published {
                for reader in &mut self.readers {
                    reader.published.mine.push(true);
                    reader.queue.publish(number, 1);
                }
            }
        }
        assert!(handed.is_empty());
        self.demand_told();
    }

    /// Whoever is parked and has something to take is told of it.
    fn demand_told(&self) {
        for reader in &self.readers {
            if let Some(bell) = &reader.bell {
                assert!(bell.rang() || reader.subscriber.depth().0 == 0, "it was not told");
            }
        }
    }

    fn finish(mut self) {
        for who in 0..self.readers.len() {
            loop {
                self.take(who, ALL);
                if self.readers[who].bell.is_some() || self.readers[who].ended {
                    break;
                }
            }
            let reader = &self.readers[who];
            if !reader.ended {
                check(&reader.published, reader.from, self.published, &reader.got).unwrap();
            }
        }
        self.log.distribute();
        self.readers.clear();
        assert_eq!(self.log.numbers().subscribers, 0);
        self.log.publish(Note::of(0), Audience::All).unwrap();
        assert_eq!(self.log.numbers().window_messages, 0);
    }
}

fn run(steps: Vec<Step>, messages: usize, bytes: usize) {
    let log = log(messages, bytes);
    assert_eq!(log.limits(), Limits::new(messages, bytes));
    let limits = (messages, bytes);
    let mut run = Run { log, limits, readers: Vec::new(), published: 0, lost_by_others: 0 };
    run.join(Policy::DropOldest);
    run.join(Policy::DropNewest);
    for step in steps {
        match step {
            Step::Publish { weight, only } => run.publish(weight, only),
            Step::Take { who, most } => run.take(who, most),
            Step::Distribute => run.distribute(),
            Step::HandOut { most, busy, meanwhile } => run.hand_out(most, busy, meanwhile),
            Step::Join(policy) => run.join(policy),
            Step::Leave(who) if who < run.readers.len() => run.leave(who),
            Step::Leave(_) => {}
        }
        run.check_numbers();
    }
    run.finish();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn each_subscriber_has_what_a_queue_of_its_own_would_have(
        steps in steps(false),
        messages in 1usize..40,
        bytes in 4usize..100,
    ) {
        run(steps, messages, bytes);
    }

    #[test]
    fn what_is_for_some_is_got_or_counted_by_those(
        steps in steps(true),
        messages in 1usize..40,
        bytes in 4usize..100,
    ) {
        run(steps, messages, bytes);
    }
}
