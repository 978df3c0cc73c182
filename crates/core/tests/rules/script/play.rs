//! Playing a line: from words to a command, and from what came of it back to words.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use headwater_core::cache::{Ending, StreamTag};
use headwater_core::change::Effect;
use headwater_core::command::{Append, Body, Closing, Create, Expect, ForkRequest};
use headwater_core::decide::{self, Existence, Limits};
use headwater_core::producer::StreamSeq;
use headwater_core::retention::{Found, Retention, Wanted};
use headwater_core::{
    ContentKind, ContentType, Expiry, Lineage, Offset, ProducerId, ProducerNumber, ProducerTuple,
    Slot, StoreId, StreamKey, StreamState, Tail, Timestamp,
};

use super::render::Names;
use super::words::{Words, millis};
use crate::namespace::{Namespace, Run, Sound};

/// Streams, a clock, and the names of what was created.
pub(super) struct Stage {
    namespace: Namespace,
    now: Timestamp,
    names: Names,
}

fn key(name: &str) -> StreamKey {
    StreamKey::parse(StoreId::DEFAULT, name).unwrap()
}

impl Stage {
    pub(super) fn new() -> Self {
        let namespace = Namespace::new(Limits { producers_per_stream: 3 }, Box::new(Sound));
        Self { namespace, now: Timestamp(0), names: Names::default() }
    }

    /// Does what a line says and tells what came of it.
    pub(super) fn play(&mut self, line: &str) -> String {
        let mut words = Words::of(line);
        let object = words.object.clone();
        let came = match words.verb.as_str() {
            "clock" => {
                self.now = Timestamp(millis(&object));
                String::new()
            }
            "put" => self.create(&object, &mut words, None),
            "fork" => {
                let fork = self.fork_request(&mut words);
                self.create(&object, &mut words, Some(fork))
            }
            "append" => self.append(&object, &mut words),
            "truncate" => self.truncate(&object, &mut words),
            "retain" => self.retain(&object, &mut words),
            "delete" => {
                let now = self.now;
                self.plain(|namespace| namespace.delete(&key(&object), now))
            }
            "expire" => {
                let now = self.now;
                self.plain(|namespace| namespace.expire(&key(&object), now))
            }
            "use" => {
                let now = self.now;
                self.plain(|namespace| namespace.mark_used(&key(&object), now))
            }
            "find" => self.find(&object, &mut words),
            "show" => self.show(&object),
            other => panic!("no verb {other:?} in {line:?}"),
        };
        words.done();
        came
    }

    /// Runs a command, names what it creates, and makes sure that nothing changes without a unit.
    fn run<T, E>(
        &mut self,
        command: impl FnOnce(&mut Namespace) -> Result<Run<T, E>, String>,
    ) -> Result<T, E> {
        let before = self.namespace.contents.clone();
        let run = command(&mut self.namespace).unwrap();
        for committed in &run.units {
            for change in &committed.unit.changes {
                if let Effect::Create(_) = change.effect {
                    self.names.born(&change.key, Lineage(committed.number));
                }
            }
        }
        let unchanged = before == self.namespace.contents;
        assert_eq!(unchanged, run.units.is_empty(), "a change without a unit, or the reverse");
        let named = |key: &StreamKey| run.relies_on.iter().any(|(named, _)| named == key);
        let own_unit = run.units.iter().any(|unit| !unit.is_overdue());
        assert!(own_unit || run.looked.iter().all(named), "an answer relies on all it looked at");
        let refused = run.outcome.is_err();
        assert!(!refused || run.units.iter().all(|unit| unit.is_overdue()), "a refusal committed");
        run.outcome
    }

    fn plain<E: Into<super::render::Refused>>(
        &mut self,
        command: impl FnOnce(&mut Namespace) -> Result<Run<(), E>, String>,
    ) -> String {
        match self.run(command) {
            Ok(()) => "done".to_owned(),
            Err(error) => self.names.refused(error),
        }
    }

    fn create(&mut self, name: &str, words: &mut Words, fork: Option<ForkRequest>) -> String {
        let content_type = words.take("type").map(|text| ContentType::parse(&text).unwrap());
        let inherited = fork.as_ref().and_then(|fork| self.state(&fork.source));
        let inherited = inherited.map(|source| source.content_type.clone());
        let framed = content_type.as_ref().or(inherited.as_ref()).map(ContentType::kind);
        let ttl = words.number("ttl").map(Expiry::Ttl);
        let after_close = words.number("after-close").map(Expiry::AfterClose);
        let until = words.take("until").map(|text| Expiry::At(Timestamp(millis(&text))));
        let command = Create {
            content_type,
            expiry: ttl.or(after_close).or(until).unwrap_or_default(),
            retention: retention(words),
            closing: closing(words),
            body: body(words, framed.unwrap_or(ContentKind::Binary)),
            fork,
        };
        let now = self.now;
        match self.run(|namespace| namespace.create(&key(name), &command, now)) {
            Ok(created) => {
                let word = match created.existence {
                    Existence::New(_) => "created",
                    Existence::Confirmed(_) => "confirmed",
                };
                let state = self.state(&key(name)).expect("what was created is there");
                format!("{word} {}", self.names.tail(&state))
            }
            Err(error) => self.names.refused(error),
        }
    }

    /// What was found is said as `position/sequence`.
    fn retain(&mut self, name: &str, words: &mut Words) -> String {
        let place = |text: String| {
            let (position, sequence) = text.split_once('/').expect("position/sequence");
            Tail { position: position.parse().unwrap(), sequence: sequence.parse().unwrap() }
        };
        let found = Found {
            behind_byte: words.take("byte").map(place),
            behind_old: words.take("old").map(place),
            oldest: words.take("oldest").map(|text| Timestamp(millis(&text))),
        };
        let lineage = match words.take("of") {
            Some(text) => self.names.position(&text).0,
            None => self.state(&key(name)).map_or(Lineage(0), |state| state.ranges.own()),
        };
        let now = self.now;
        match self.run(|namespace| {
            namespace.drive(|desk| decide::retain(desk, &key(name), lineage, found, now))
        }) {
            Ok(bytes) => format!("gave up {bytes}"),
            Err(error) => self.names.refused(error),
        }
    }

    fn fork_request(&self, words: &mut Words) -> ForkRequest {
        ForkRequest {
            source: key(&words.take("from").expect("a fork names its source")),
            offset: words.take("at").map(|text| self.offset(&text)),
            sub_offset: words.number("sub").unwrap_or_default(),
        }
    }

    fn append(&mut self, name: &str, words: &mut Words) -> String {
        let state = self.state(&key(name));
        let actual = state.map(|state| state.content_type.clone());
        let actual = actual.unwrap_or_else(|| ContentType::parse("text/plain").unwrap());
        let content_type = match words.take("type").as_deref() {
            Some("none") => None,
            Some(text) => Some(ContentType::parse(text).unwrap()),
            None => Some(actual.clone()),
        };
        let framed = content_type.as_ref().unwrap_or(&actual).kind();
        let expect = self.expect(words);
        let command = Append {
            content_type,
            body: body(words, framed),
            closing: closing(words),
            producer: words.take("by").map(|text| producer(&text)),
            stream_seq: words.take("seq").map(|text| StreamSeq::new(text.as_bytes()).unwrap()),
            expect,
        };
        let now = self.now;
        match self.run(|namespace| namespace.append(&key(name), &command, now)) {
            Ok(appended) => self.names.appended(&appended, command.producer.as_ref()),
            Err(error) => self.names.refused(error),
        }
    }

    fn expect(&self, words: &mut Words) -> Expect {
        let tag = words.take("if").map(|text| {
            let (token, ending) = match text.strip_suffix(":c") {
                Some(token) => (token, Ending::Closed),
                None => (text.as_str(), Ending::Open),
            };
            let (lineage, tail) = self.names.position(token);
            Expect::Tag(StreamTag { lineage, tail, ending })
        });
        let position = words.number("position").map(Expect::Position);
        let sequence = words.number("sequence").map(Expect::Sequence);
        tag.or(position).or(sequence).unwrap_or_default()
    }

    fn truncate(&mut self, name: &str, words: &mut Words) -> String {
        let offset = self.offset(&words.take("at").expect("an offset"));
        let now = self.now;
        match self.run(|namespace| namespace.truncate(&key(name), offset, now)) {
            Ok(truncated) => self.names.truncated(&truncated),
            Err(error) => self.names.refused(error),
        }
    }

    /// Where an offset leads in a stream.
    fn find(&self, name: &str, words: &mut Words) -> String {
        let offset = self.offset(&words.take("at").expect("an offset"));
        let state = self.state(&key(name)).expect("a stream to look in");
        match state.ranges.resolve(offset, state.tail.position) {
            Ok(position) => position.to_string(),
            Err(error) => self.names.refused(headwater_core::AccessError::from(error)),
        }
    }

    fn show(&self, name: &str) -> String {
        let slot = self.namespace.contents.slot(&key(name));
        let Some(state) = slot.state() else { return "absent".to_owned() };
        if let Slot::SoftDeleted(_) = slot {
            return format!("deleted forks {}", state.forks);
        }
        let bytes = self.namespace.contents.bytes(state).unwrap();
        let records = self.namespace.contents.records(state).unwrap();
        assert_eq!(records.len() as u64, state.tail.sequence, "a row for every record");
        let rows = &self.namespace.contents.logs[&state.ranges.own()].producers;
        let rows: BTreeMap<_, _> = rows.iter().collect();
        self.names.shown(state, &bytes, &rows)
    }

    fn offset(&self, text: &str) -> Offset {
        if text == "start" {
            return Offset::START;
        }
        let (lineage, position) = self.names.position(text);
        Offset::new(lineage, position)
    }

    fn state(&self, key: &StreamKey) -> Option<std::sync::Arc<StreamState>> {
        self.namespace.contents.slot(key).state().cloned()
    }
}

fn retention(words: &mut Words) -> Wanted {
    let mut limits = |bytes: &str, seconds: &str| Retention {
        bytes: words.number(bytes).and_then(NonZeroU64::new),
        seconds: words.number(seconds).and_then(NonZeroU64::new),
    };
    let asked = limits("keep-bytes", "keep-seconds");
    let usual = limits("usual-bytes", "usual-seconds");
    if asked.is_limited() { Wanted::Exactly(asked) } else { Wanted::Usual(usual) }
}

fn closing(words: &mut Words) -> Closing {
    if words.take("close").is_some() { Closing::Close } else { Closing::KeepOpen }
}

fn body(words: &mut Words, framed: ContentKind) -> Body {
    Body::frame(framed, words.take("body").unwrap_or_default().into())
}

/// `id/epoch/sequence`.
fn producer(text: &str) -> ProducerTuple {
    let mut parts = text.split('/');
    let id = ProducerId::parse(parts.next().unwrap()).unwrap();
    let mut number = || ProducerNumber::parse(parts.next().unwrap()).unwrap();
    ProducerTuple { id, epoch: number(), seq: number() }
}
