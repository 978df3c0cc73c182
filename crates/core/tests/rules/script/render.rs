//! Outcomes in words.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use headwater_core::cache::{Ending, StreamTag};
use headwater_core::decide::{Appended, Freshness, Truncated};
use headwater_core::producer::ProducerState;
use headwater_core::retention::{Policy, Retained};
use headwater_core::{
    AccessError, AppendError, CreateError, Lineage, Offset, ProducerId, ProducerTuple, StreamKey,
    StreamState,
};

/// The name of a lineage that nobody has.
const UNBORN: Lineage = Lineage(9_999);

/// What every lineage is called in scripts.
#[derive(Default)]
pub(super) struct Names {
    of: BTreeMap<Lineage, String>,
}

/// A refusal of any command.
pub(super) enum Refused {
    Create(CreateError),
    Append(AppendError),
    Access(AccessError),
}

impl From<CreateError> for Refused {
    fn from(error: CreateError) -> Self {
        Self::Create(error)
    }
}

impl From<AppendError> for Refused {
    fn from(error: AppendError) -> Self {
        Self::Append(error)
    }
}

impl From<AccessError> for Refused {
    fn from(error: AccessError) -> Self {
        Self::Access(error)
    }
}

impl Names {
    /// Names a new stream by its key, with a stroke for every one before it.
    pub(super) fn born(&mut self, key: &StreamKey, lineage: Lineage) {
        let mut name = key.path().to_owned();
        while self.of.values().any(|taken| *taken == name) {
            name.push('\'');
        }
        self.of.insert(lineage, name);
    }

    /// Lineage and position of `name@position`.
    pub(super) fn position(&self, text: &str) -> (Lineage, u64) {
        let (name, position) = text.split_once('@').expect("name@position");
        let lineage = if name == "unborn" {
            UNBORN
        } else {
            let found = self.of.iter().find(|(_, known)| *known == name);
            *found.unwrap_or_else(|| panic!("nothing is called {name}")).0
        };
        (lineage, position.parse().expect("a position"))
    }

    /// The tail of a stream, and whether it is the end.
    pub(super) fn tail(&self, state: &StreamState) -> String {
        let ending = if state.closed.is_some() { " closed" } else { "" };
        format!("{}{ending}", self.token(state.tail_offset()))
    }

    /// The outcome of an append by this producer, if it named one.
    pub(super) fn appended(&self, appended: &Appended, by: Option<&ProducerTuple>) -> String {
        let word = match appended.freshness {
            Freshness::Committed => "appended",
            Freshness::Duplicate => "duplicate",
        };
        let row = appended.producer.map(|row| {
            let id = by.map_or("nobody", |tuple| tuple.id.as_str());
            format!(" {id}/{}/{}", row.epoch, row.seq)
        });
        format!("{word} {}{}", self.tail(&appended.state), row.unwrap_or_default())
    }

    /// Where a stream begins after a truncation.
    pub(super) fn truncated(&self, truncated: &Truncated) -> String {
        let word = match truncated.freshness {
            Freshness::Committed => "truncated",
            Freshness::Duplicate => "unchanged",
        };
        format!("{word} {}", self.token(truncated.state.floor_offset()))
    }

    pub(super) fn shown(
        &self,
        state: &StreamState,
        bytes: &[u8],
        rows: &BTreeMap<&ProducerId, &ProducerState>,
    ) -> String {
        let mut parts = vec![self.tail(state), format!("'{}'", String::from_utf8_lossy(bytes))];
        parts.push(format!("records {}", state.tail.sequence));
        if state.floor.position > 0 {
            parts.push(format!("from {}/{}", state.floor.position, state.floor.sequence));
        }
        if state.forks > 0 {
            parts.push(format!("forks {}", state.forks));
        }
        for (id, row) in rows {
            parts.push(format!("{id}/{}/{}", row.epoch, row.seq));
        }
        if let Some(seq) = &state.stream_seq {
            parts.push(format!("seq {}", String::from_utf8_lossy(seq.as_bytes())));
        }
        if let Some(Retained { policy: Policy { retention, .. }, oldest }) =
            state.retained.as_deref()
        {
            let limit = |limit: Option<NonZeroU64>| limit.map_or(0, NonZeroU64::get);
            let (bytes, seconds) = (limit(retention.bytes), limit(retention.seconds));
            let since = oldest.0 as f64 / 1000.0;
            parts.push(format!("keeps {bytes}/{seconds} since {since}"));
        }
        if let Some(deadline) = state.deadline() {
            parts.push(format!("until {}", deadline.0 as f64 / 1000.0));
        }
        parts.join(" ")
    }

    pub(super) fn refused(&self, error: impl Into<Refused>) -> String {
        let (code, detail) = match error.into() {
            Refused::Create(error) => {
                let detail = match &error {
                    CreateError::ConfigMismatch(what) => (*what).to_owned(),
                    _ => String::new(),
                };
                (error.code(), detail)
            }
            Refused::Append(error) => (error.code(), self.detail(&error)),
            Refused::Access(error) => (error.code(), String::new()),
        };
        format!("refused {} {detail}", code.as_str()).trim_end().to_owned()
    }

    fn detail(&self, error: &AppendError) -> String {
        match error {
            AppendError::Closed { tail } => self.token(*tail),
            AppendError::ContentTypeMismatch { expected } => expected.clone(),
            AppendError::ProducerFenced { current } => format!("epoch {current}"),
            AppendError::ProducerGap { expected, received } => {
                format!("expected {expected} received {received}")
            }
            AppendError::SequenceConflict { actual } => {
                format!("position {} sequence {}", actual.position, actual.sequence)
            }
            AppendError::PreconditionFailed { current, .. } => self.tag(*current),
            _ => String::new(),
        }
    }

    fn tag(&self, tag: StreamTag) -> String {
        let ending = if tag.ending == Ending::Closed { ":c" } else { "" };
        format!("{}@{}{ending}", self.name(tag.lineage), tag.tail)
    }

    fn token(&self, offset: Offset) -> String {
        let text = offset.to_string();
        let (lineage, _) = text.split_once('_').expect("a token has two parts");
        let lineage = Lineage(lineage.parse().expect("digits"));
        format!("{}@{}", self.name(lineage), offset.position())
    }

    fn name(&self, lineage: Lineage) -> &str {
        self.of.get(&lineage).expect("a stream that was created")
    }
}
