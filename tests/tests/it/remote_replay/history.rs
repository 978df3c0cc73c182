//! What publishers were told and what subscribers saw, held against what the log has.

use std::collections::HashMap;

/// What became of an event, as its publisher was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is in the log under this id.
    Answered(String),
    /// Nobody knows.
    Unknown,
    /// It is not in the log.
    Refused,
}

/// An event of a publisher, who publishes one after the other; each has data of its own.
#[derive(Clone, Debug)]
pub(super) struct Published {
    pub(super) data: String,
    pub(super) fate: Fate,
}

/// An event as a subscriber got it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) id: String,
    pub(super) data: String,
}

#[derive(Clone, Debug, Default)]
pub(super) struct History {
    pub(super) publishers: Vec<Vec<Published>>,
    /// Each began at the beginning, and ended at the end.
    pub(super) subscribers: Vec<Vec<Seen>>,
    /// All there is when everything is over.
    pub(super) log: Vec<Seen>,
}

impl History {
    /// The first thing that is wrong.
    pub(super) fn judge(&self) -> Result<(), String> {
        if let Some(pair) = self.log.windows(2).find(|pair| pair[0].id >= pair[1].id) {
            return Err(format!("ids do not rise: {pair:?}"));
        }
        let mut places: HashMap<&str, usize> = HashMap::new();
        for (place, event) in self.log.iter().enumerate() {
            if places.insert(&event.data, place).is_some() {
                return Err(format!("twice in the log: {event:?}"));
            }
        }
        let mut accounted = 0;
        for publisher in &self.publishers {
            let mut last = None;
            for Published { data, fate } in publisher {
                let place = places.get(data.as_str()).copied();
                let fits = match (fate, place) {
                    (Fate::Answered(id), Some(place)) => self.log[place].id == *id,
                    (Fate::Unknown, _) | (Fate::Refused, None) => true,
                    (Fate::Answered(_), None) | (Fate::Refused, Some(_)) => false,
                };
                if !fits {
                    return Err(format!("{data:?} was told {fate:?}, and is at {place:?}"));
                }
                if place.is_some() && place <= last {
                    return Err(format!("{data:?} is before what was published before"));
                }
                last = place.or(last);
                accounted += usize::from(place.is_some());
            }
        }
        if accounted != self.log.len() {
            return Err("the log has what nobody published".to_owned());
        }
        for (number, seen) in self.subscribers.iter().enumerate() {
            if *seen != self.log {
                let same = seen.iter().zip(&self.log).take_while(|(a, b)| a == b).count();
                let (found, wanted) = (seen.get(same), self.log.get(same));
                return Err(format!("subscriber {number}: {found:?} in place of {wanted:?}"));
            }
        }
        Ok(())
    }

    /// How many had such a fate.
    pub(super) fn count(&self, is: impl Fn(&Fate) -> bool) -> usize {
        self.publishers.iter().flatten().filter(|published| is(&published.fate)).count()
    }
}

fn seen(id: usize, data: &str) -> Seen {
    Seen { id: id.to_string(), data: data.to_owned() }
}

/// Two publishers, of whom one has an event that nobody knows about, and two subscribers.
fn sound() -> History {
    let log = vec![seen(1, "a0"), seen(2, "b0"), seen(3, "a1"), seen(4, "b2"), seen(5, "a2")];
    let published = |data: &str, fate| Published { data: data.to_owned(), fate };
    let answered = |id: usize| Fate::Answered(id.to_string());
    let publishers = vec![
        vec![
            published("a0", answered(1)),
            published("a1", Fate::Unknown),
            published("a2", answered(5)),
            published("a3", Fate::Unknown),
        ],
        vec![
            published("b0", answered(2)),
            published("b1", Fate::Refused),
            published("b2", answered(4)),
        ],
    ];
    History { publishers, subscribers: vec![log.clone(), log.clone()], log }
}

/// Applies a fault to the log and to all who saw it, as far as they are to agree.
fn everywhere(history: &mut History, fault: impl Fn(&mut Vec<Seen>)) {
    fault(&mut history.log);
    history.subscribers.iter_mut().for_each(fault);
}

type Fault = fn(&mut History);

#[test]
fn what_is_wrong_with_a_history_is_found() {
    assert_eq!(sound().judge(), Ok(()));
    let faults: [(&str, Fault); 11] = [
        ("an answered event is lost", |h| everywhere(h, |log| drop(log.remove(1)))),
        ("an answered event is doubled", |h| everywhere(h, |log| log.push(seen(6, "a2")))),
        ("an unknown event is doubled", |h| everywhere(h, |log| log.push(seen(6, "a1")))),
        ("a refused event is there", |h| everywhere(h, |log| log.push(seen(6, "b1")))),
        ("an event has another id", |h| everywhere(h, |log| log[4].id = "6".to_owned())),
        ("nobody published it", |h| everywhere(h, |log| log.push(seen(6, "c0")))),
        ("the order of a publisher is another", |h| {
            everywhere(h, |log| {
                log[2].data = "a2".to_owned();
                log[4].data = "a1".to_owned();
            });
            h.publishers[0][2].fate = Fate::Unknown;
        }),
        ("ids fall", |h| everywhere(h, |log| log.swap(0, 1))),
        ("a subscriber misses one", |h| drop(h.subscribers[1].remove(2))),
        ("a subscriber gets one twice", |h| {
            let again = h.subscribers[1][2].clone();
            h.subscribers[1].insert(2, again);
        }),
        ("a subscriber has another order", |h| h.subscribers[0].swap(3, 4)),
    ];
    for (name, fault) in faults {
        let mut history = sound();
        fault(&mut history);
        let found = history.judge();
        println!("{name}: {found:?}");
        assert!(found.is_err(), "{name}");
    }
}
