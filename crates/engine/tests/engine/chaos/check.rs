//! What must hold of everything that was told: one log per stream, one order per space, and nothing of it forgotten.

use std::collections::BTreeMap;

use super::clients::token;
use super::history::{Event, How, Recorded, Told};
use crate::support::{Verdict, demand};

/// What was told, by incarnation.
pub(crate) struct Evidence {
    recorded: Recorded,
    streams: BTreeMap<u64, Stream>,
    /// How many records each producer sent to each steady stream, and the stream's name.
    produced: Vec<(u64, String, Vec<u64>)>,
}

#[derive(Default)]
struct Stream {
    events: Vec<Event>,
    /// The most that anybody saw of it.
    longest: String,
}

/// A property, by its name.
pub(crate) struct Property {
    pub(crate) name: &'static str,
    pub(crate) check: fn(&Evidence) -> Verdict,
}

macro_rules! properties {
    ($($name:ident)*) => { &[$(Property { name: stringify!($name), check: $name }),*] };
}

/// What must hold of any history.
pub(crate) const ALWAYS: &[Property] = properties! {
    an_incarnation_never_comes_back
    all_readers_see_one_log
    records_are_whole_and_unaltered
    no_record_is_there_twice_or_out_of_its_writers_order
    what_was_refused_is_nowhere
    an_acknowledged_append_is_where_it_was_said_to_be
    no_two_appends_have_one_place
    what_was_told_is_never_forgotten
    a_repeated_append_commits_once
};

/// What must hold besides of one that came to its end.
pub(crate) const IN_THE_END: &[Property] = properties! {
    all_that_producers_sent_is_there
    live_readers_saw_exactly_the_stream
    a_space_has_one_order_for_all_readers
};

impl Evidence {
    pub(crate) fn new(mut recorded: Recorded, produced: Vec<(u64, String, Vec<u64>)>) -> Self {
        let mut streams = BTreeMap::<u64, Stream>::new();
        for event in std::mem::take(&mut recorded.events) {
            let stream = streams.entry(event.lineage).or_default();
            if let Told::Seen { content, .. } = &event.told
                && content.len() > stream.longest.len()
            {
                stream.longest.clone_from(content);
            }
            stream.events.push(event);
        }
        Self { recorded, streams, produced }
    }

    /// What was reached how often.
    pub(crate) fn reached(&self) -> BTreeMap<&'static str, u64> {
        let mut reached = self.recorded.reached.clone();
        let seen = |stream: &Stream| {
            let ends = appends(stream).map(|(_, end, _)| end as usize);
            ends.filter(|end| *end <= stream.longest.len()).count() as u64
        };
        reached.insert("acknowledged and seen", self.streams.values().map(seen).sum());
        reached
    }

    fn each(&self, check: impl Fn(&Stream) -> Verdict) -> Verdict {
        self.streams.iter().try_for_each(|(lineage, stream)| {
            let name = &stream.events[0].name;
            check(stream).map_err(|found| format!("{name} of lineage {lineage}: {found}"))
        })
    }
}

fn appends(stream: &Stream) -> impl Iterator<Item = (&str, u64, &Event)> {
    stream.events.iter().filter_map(|event| match &event.told {
        Told::Appended { token, end, .. } => Some((token.as_str(), *end, event)),
        Told::Seen { .. } => None,
    })
}

/// A token's writer and number.
fn sent(token: &str) -> Option<(u64, u64)> {
    let mut parts = token.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// The greatest value of all that was answered before a time.
struct Before<T>(Vec<(u64, T)>);

impl<T: Copy + Ord> Before<T> {
    fn new(mut answered: Vec<(u64, T)>) -> Self {
        answered.sort_unstable();
        for n in 1..answered.len() {
            answered[n].1 = answered[n].1.max(answered[n - 1].1);
        }
        Self(answered)
    }

    fn at(&self, time: u64) -> Option<T> {
        let before = self.0.partition_point(|(answered, _)| *answered < time);
        before.checked_sub(1).map(|last| self.0[last].1)
    }
}

/// Who was told of an incarnation is never told of an earlier one afterwards.
fn an_incarnation_never_comes_back(evidence: &Evidence) -> Verdict {
    let mut answered: BTreeMap<&str, Vec<(u64, u64)>> = BTreeMap::new();
    let events = || evidence.streams.values().flat_map(|stream| &stream.events);
    for event in events() {
        answered.entry(&event.name).or_default().push((event.span.to, event.lineage));
    }
    let newest: BTreeMap<_, _> =
        answered.into_iter().map(|(name, answered)| (name, Before::new(answered))).collect();
    for event in events() {
        // A live reader goes on with the incarnation that it was told of when it began.
        let newest = newest[event.name.as_str()].at(event.span.from);
        demand(Some(event.lineage) >= newest, || format!("{newest:?} came back as {event:?}"))?;
    }
    Ok(())
}

/// What anybody saw is the beginning of what anybody else saw.
fn all_readers_see_one_log(evidence: &Evidence) -> Verdict {
    evidence.each(|stream| {
        let longest = &stream.longest;
        stream.events.iter().try_for_each(|event| match &event.told {
            Told::Seen { content, .. } => {
                demand(longest.starts_with(content), || format!("{content:?} and {longest:?}"))
            }
            Told::Appended { .. } => Ok(()),
        })
    })
}

fn records_are_whole_and_unaltered(evidence: &Evidence) -> Verdict {
    evidence.each(|stream| {
        stream.longest.split_inclusive(';').try_for_each(|found| {
            let was_sent = sent(found).is_some_and(|(writer, n)| token(writer, n) == found);
            demand(was_sent, || format!("nobody sent {found:?}"))
        })
    })
}

fn no_record_is_there_twice_or_out_of_its_writers_order(evidence: &Evidence) -> Verdict {
    evidence.each(|stream| {
        let mut last = BTreeMap::new();
        stream.longest.split_inclusive(';').filter_map(sent).try_for_each(|(writer, n)| {
            let before = last.insert(writer, n);
            let all = &stream.longest;
            demand(before < Some(n), || format!("{writer}.{n} after {before:?} in {all:?}"))
        })
    })
}

fn what_was_refused_is_nowhere(evidence: &Evidence) -> Verdict {
    evidence.each(|stream| {
        stream.longest.split_inclusive(';').try_for_each(|found| {
            let refused = evidence.recorded.refused.contains(found);
            demand(!refused, || format!("{found:?} was refused"))
        })
    })
}

/// Where nobody saw that far, because the stream was deleted or expired before, nothing can be said.
fn an_acknowledged_append_is_where_it_was_said_to_be(evidence: &Evidence) -> Verdict {
    evidence.each(|stream| {
        appends(stream).try_for_each(|(token, end, _)| {
            let there = stream.longest.get(..end as usize);
            demand(there.is_none_or(|all| all.ends_with(token)), || {
                format!("no {token:?} before {end} in {:?}", stream.longest)
            })
        })
    })
}

fn no_two_appends_have_one_place(evidence: &Evidence) -> Verdict {
    evidence.each(|stream| {
        let mut places: Vec<_> = appends(stream).map(|(token, end, _)| (end, token)).collect();
        places.sort_unstable();
        places.windows(2).try_for_each(|pair| {
            let from = pair[1].0 - pair[1].1.len() as u64;
            demand(pair[0].0 <= from, || format!("{pair:?}"))
        })
    })
}

/// What was told before an operation began is part of its answer, and nothing is appended behind a close.
fn what_was_told_is_never_forgotten(evidence: &Evidence) -> Verdict {
    evidence.each(|stream| {
        let (mut ends, mut closes) = (Vec::new(), Vec::new());
        for Event { span, told, .. } in &stream.events {
            match told {
                Told::Appended { end, closed, .. } => {
                    ends.push((span.to, *end));
                    closes.extend(closed.then_some((span.to, *end)));
                }
                Told::Seen { content, .. } => ends.push((span.to, content.len() as u64)),
            }
        }
        let (ends, closes) = (Before::new(ends), Before::new(closes));
        stream.events.iter().try_for_each(|event| {
            let from = event.span.from;
            let there = match &event.told {
                Told::Appended { token, end, .. } => {
                    let closed = closes.at(from);
                    demand(closed.is_none(), || format!("{event:?} behind {closed:?}"))?;
                    end - token.len() as u64
                }
                Told::Seen { content, how: How::Page } => content.len() as u64,
                Told::Seen { how: How::Live, .. } => return Ok(()),
            };
            let told = ends.at(from);
            demand(Some(there) >= told, || format!("{event:?} after {told:?} was told"))
        })
    })
}

fn a_repeated_append_commits_once(evidence: &Evidence) -> Verdict {
    evidence.recorded.commits.iter().try_for_each(|(token, times)| {
        demand(*times == 1, || format!("{token:?} was answered as new {times} times"))
    })
}

/// Each of a producer's records, once, in its order, to whoever reads.
fn all_that_producers_sent_is_there(evidence: &Evidence) -> Verdict {
    for (writer, name, expected) in &evidence.produced {
        let wholes = evidence.recorded.wholes.iter().filter(|(whole, _)| whole == name);
        for (_, whole) in wholes {
            let records = whole.split_inclusive(';').filter_map(sent);
            let found: Vec<_> = records.filter(|(by, _)| by == writer).map(|(_, n)| n).collect();
            demand(found == *expected, || format!("of {writer} in {name}: {found:?}"))?;
        }
    }
    Ok(())
}

/// What live readers of a steady stream were given, at both engines, is what pages of both engines hold in the end.
fn live_readers_saw_exactly_the_stream(evidence: &Evidence) -> Verdict {
    let wholes = &evidence.recorded.wholes;
    wholes.iter().try_for_each(|(name, whole)| {
        let same = wholes.iter().filter(|(other, content)| other == name && content == whole);
        let readers = same.count();
        demand(readers == 4, || format!("{readers} of 4 readers of {name} saw {whole:?}"))
    })
}

/// Space sequences grow, timestamps never go back, sequences of a stream have no gap, and all readers agree.
fn a_space_has_one_order_for_all_readers(evidence: &Evidence) -> Verdict {
    let orders = &evidence.recorded.orders;
    demand(orders.len() == 4, || format!("{} readers of the space", orders.len()))?;
    for order in orders {
        demand(*order == orders[0], || format!("{order:?} and {:?}", orders[0]))?;
        for pair in order.windows(2) {
            let grows = pair[0].place < pair[1].place && pair[0].at <= pair[1].at;
            demand(grows, || format!("{pair:?}"))?;
        }
        let mut streams = BTreeMap::<&str, (u64, String)>::new();
        for placed in order {
            let (last, content) = streams.entry(&placed.name).or_default();
            demand(placed.sequence == *last + 1, || format!("{placed:?} after {last}"))?;
            *last = placed.sequence;
            content.push_str(&placed.token);
        }
        for (name, whole) in &evidence.recorded.wholes {
            let placed = &streams.get(name.as_str()).ok_or("a stream is missing")?.1;
            demand(placed == whole, || format!("{name} in its space: {placed:?}, not {whole:?}"))?;
        }
    }
    Ok(())
}
