//! Offset tokens, alone and along chains of forks.

use headwater_core::offset::{MAX_NUMBER, Ranges};
use headwater_core::{Lineage, Offset};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::config;

/// A family of streams: each is a fork of an earlier one.
#[derive(Debug)]
struct Family {
    streams: Vec<Member>,
}

/// A stream, and who wrote each of its bytes.
#[derive(Debug)]
struct Member {
    ranges: Ranges,
    /// The member that it was forked from.
    parent: Option<usize>,
    base: u64,
    writers: Vec<u64>,
}

impl Member {
    fn tail(&self) -> u64 {
        self.writers.len() as u64
    }

    fn token(&self, position: u64) -> Offset {
        self.ranges.offset(position)
    }
}

impl Family {
    /// Whose parent, forked where, and how many bytes it writes before the next is forked.
    fn of(plan: &[(Index, Index, u8)]) -> Self {
        let mut streams: Vec<Member> = Vec::new();
        for (number, (parent, cut, bytes)) in (1..).zip(plan) {
            // Numbers of units skip, so do lineages.
            let own = number * 3;
            let parent = (!streams.is_empty()).then(|| parent.index(streams.len()));
            let source = parent.map(|parent| &streams[parent]);
            let base = source.map_or(0, |source| cut.index(source.writers.len() + 1));
            let mut writers = source.map_or(Vec::new(), |source| source.writers[..base].to_vec());
            let inherited = source.map(|source| source.ranges.cut(base as u64));
            let ranges = Ranges::with_inherited(inherited.unwrap_or_default(), Lineage(own));
            writers.extend(std::iter::repeat_n(own, usize::from(*bytes)));
            streams.push(Member { ranges, parent, base: base as u64, writers });
        }
        Self { streams }
    }

    /// Whether a token of `writer` at `position` was given out by, or to readers of, an ancestor of this member whose
    /// bytes up to there it has.
    fn inherits(&self, member: usize, writer: u64, position: u64) -> bool {
        let mut member = &self.streams[member];
        let mut reach = member.tail();
        loop {
            if member.ranges.own().0 == writer {
                return (member.base..=reach).contains(&position);
            }
            let Some(parent) = member.parent else { return false };
            reach = reach.min(member.base);
            member = &self.streams[parent];
        }
    }
}

fn family() -> impl Strategy<Value = Family> {
    let member = (any::<Index>(), any::<Index>(), 0..6u8);
    prop::collection::vec(member, 1..9).prop_map(|plan| Family::of(&plan))
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn tokens_read_back_and_sort_as_text(
        a in (1..=MAX_NUMBER, 0..=MAX_NUMBER),
        b in (1..=MAX_NUMBER, 0..=MAX_NUMBER),
    ) {
        let token = |(lineage, position)| Offset::new(Lineage(lineage), position);
        let (one, other) = (token(a), token(b));
        prop_assert_eq!(one.to_string().parse(), Ok(one));
        prop_assert_eq!(one.to_string().len(), 33);
        prop_assert_eq!(one.position(), a.1);
        prop_assert_eq!(one.cmp(&other), a.cmp(&b));
        prop_assert_eq!(one.to_string().cmp(&other.to_string()), a.cmp(&b));
    }

    #[test]
    fn what_parses_is_what_would_be_written(
        text in prop_oneof!["[0-9]{15,17}_[0-9]{15,17}", "[0-9_+ -]{31,35}", "[0-9]{16}.[0-9]{16}", any::<String>()],
    ) {
        let offset: Result<Offset, _> = text.parse();
        let padded = text.len() == 33
            && text.bytes().enumerate().all(|(n, b)| if n == 16 { b == b'_' } else { b.is_ascii_digit() });
        let start = text == Offset::START.to_string();
        let lineage_zero = text.starts_with("0000000000000000_");
        prop_assert_eq!(offset.is_ok(), padded && (start || !lineage_zero));
        if let Ok(offset) = offset {
            prop_assert_eq!(offset.to_string(), text);
        }
    }

    #[test]
    fn along_a_stream_tokens_sort_in_reading_order_and_lead_back(family in family()) {
        for member in &family.streams {
            let mut last = None;
            for position in 0..=member.tail() {
                let token = member.token(position);
                let text = token.to_string();
                prop_assert!(last.as_ref().is_none_or(|last| *last < text), "{} after {:?}", text, last);
                prop_assert_eq!(member.ranges.resolve(token, member.tail()), Ok(position));
                let writer = member.ranges.holding(position, member.tail());
                prop_assert_eq!(
                    writer.map(|range| range.lineage.0),
                    member.writers.get(position as usize).copied()
                );
                last = Some(text);
            }
            prop_assert_eq!(member.ranges.resolve(Offset::START, member.tail()), Ok(0));
        }
    }

    #[test]
    fn a_token_is_taken_where_its_bytes_are_inherited_and_nowhere_else(family in family()) {
        for issuer in &family.streams {
            for position in 0..=issuer.tail() {
                let token = issuer.token(position);
                let writer = issuer.writers.get(position as usize).copied();
                let writer = writer.unwrap_or(issuer.ranges.own().0);
                prop_assert_eq!(token, Offset::new(Lineage(writer), position));
                for (number, member) in family.streams.iter().enumerate() {
                    let found = member.ranges.resolve(token, member.tail());
                    prop_assert_eq!(found.is_ok(), family.inherits(number, writer, position));
                    if let Ok(found) = found {
                        prop_assert_eq!(found, position);
                        let read = position as usize;
                        prop_assert_eq!(&member.writers[..read], &issuer.writers[..read]);
                    }
                }
            }
        }
    }
}
