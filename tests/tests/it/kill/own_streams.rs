//! The streams that one client alone writes, so that it knows what each must hold.

use headwater_tests::http::Call;
use headwater_tests::offset::Offset;
use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::IteratorRandom as _;

use super::history::{Cut, History};
use super::record::{self, Id};

/// The lifetime of streams that have one: far longer than a test.
pub(super) const TTL: &str = "3600";

/// How many places to fork at a stream remembers.
const POINTS: usize = 8;

/// A stream and what its writer remembers of it.
#[derive(Debug)]
pub(super) struct OwnStream {
    pub(super) history: History,
    pub(super) has_ttl: bool,
    /// The stream it was forked from.
    pub(super) source: Option<String>,
    pub(super) producer: ProducerState,
    /// Offsets that were told, each with the number of records that were ever before it.
    pub(super) points: Vec<(usize, Offset)>,
}

/// What a producer sends next.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ProducerState {
    pub(super) epoch: u64,
    pub(super) next_seq: u64,
}

/// A producer's append, to be sent again as it was.
#[derive(Clone, Debug)]
pub(super) struct ProducerAppend {
    pub(super) stream: String,
    pub(super) json: bool,
    pub(super) state: ProducerState,
    pub(super) id: Id,
    pub(super) filler: usize,
}

impl OwnStream {
    pub(super) fn new(history: History, has_ttl: bool, source: Option<String>) -> Self {
        Self { history, has_ttl, source, producer: ProducerState::default(), points: Vec::new() }
    }

    /// A beginning that can be given up. The last record with a `Stream-Seq` stays, and so it stays known which one must be
    /// refused.
    pub(super) fn any_cut(&self, random: &mut StdRng) -> Option<(Cut, Offset)> {
        let history = &self.history;
        let all = history.with_given_up();
        let sequenced = all.iter().rposition(|id| history.sequences.contains_key(id));
        let most = history.given_up + sequenced.unwrap_or(all.len());
        let less = history.known_given_up();
        let points = self.points.iter().filter(|(records, _)| (less + 1..=most).contains(records));
        let (records, offset) = points.choose(random)?;
        let cut = Cut { records: records - history.given_up, position: offset.position() };
        Some((cut, offset.clone()))
    }

    pub(super) fn remember(&mut self, offset: Offset) {
        let records = self.history.given_up + self.history.with_given_up().len();
        self.points.push((records, offset));
        if self.points.len() > POINTS {
            self.points.remove(0);
        }
    }
}

/// Gives a request the record as its body, in the content type of the stream.
pub(super) fn with_record(call: Call, json: bool, id: Id, filler: usize) -> Call {
    let text = record::text(id, filler);
    if json { call.json(&format!("\"{text}\"")) } else { call.bytes(text) }
}

/// Gives a request a `Stream-Seq`: of one width, so that the order of the bytes is that of numbers.
pub(super) fn with_sequence(call: Call, sequence: u64) -> Call {
    call.header("Stream-Seq", &format!("{sequence:016x}"))
}

/// The length of a record's filler: mostly small, sometimes over many stored values.
pub(super) fn any_filler(random: &mut StdRng) -> usize {
    match random.random_range(0..100) {
        0 => random.random_range(100_000..600_000),
        1..6 => random.random_range(2_000..100_000),
        _ => random.random_range(0..600),
    }
}
