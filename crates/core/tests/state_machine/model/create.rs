//! PUT: create, confirm, fork.

use headwater_core::command::{Closing, Create, ForkRequest};
use headwater_core::error::Code;
use headwater_core::{ContentKind, Expiry, StreamKey, Timestamp};

use super::retain::{self, Kept};
use super::{Asked, AskedFork, Lost, Model, Parent, Record, Stream, Token};
use crate::answer::{Answer, Detail};
use crate::coverage::Row;
use crate::request::{Content, Given};

/// The type of a stream that nobody gave one.
const DEFAULT_TYPE: &str = "application/octet-stream";

/// Type and subtype in small letters.
pub(super) fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_lowercase()
}

pub(crate) fn kind(content_type: &str) -> ContentKind {
    match essence(content_type).as_str() {
        "application/json" => ContentKind::Json,
        essence if essence.starts_with("text/") => ContentKind::Text,
        _ => ContentKind::Binary,
    }
}

fn refused(code: Code) -> Answer {
    Answer::Refused(code, Detail::Nothing)
}

/// What a fork takes over.
struct Inheritance {
    parent: Parent,
    asked: AskedFork,
    records: Vec<Record>,
    floor: (u64, u64),
    content_type: String,
    lifetime: Expiry,
    kept: Option<Kept>,
}

impl Model {
    pub(super) fn create(
        &mut self,
        key: &StreamKey,
        command: &Create,
        given: &Given,
        now: Timestamp,
        id: u64,
    ) -> Answer {
        self.end_if_due(key, now);
        match self.streams.get(key) {
            Some(stream) if stream.deleted => return refused(Code::AlreadyExists),
            Some(stream) => {
                let answer = confirm(stream, command);
                let differs = stream.asked.retention != retain::asked(command.retention);
                self.rows.extend(differs.then_some(Row::PolicyDiffers));
                return answer;
            }
            None => {}
        }
        let inheritance = match &command.fork {
            None => None,
            Some(request) => match self.inherit(command, request, now) {
                Ok(inheritance) => Some(inheritance),
                Err(code) => return refused(code),
            },
        };
        match self.newborn(command, given, inheritance, now, id) {
            Ok(stream) => {
                self.streams.insert(key.clone(), stream);
                Answer::Created
            }
            Err(code) => refused(code),
        }
    }

    fn newborn(
        &mut self,
        command: &Create,
        given: &Given,
        inheritance: Option<Inheritance>,
        now: Timestamp,
        id: u64,
    ) -> Result<Stream, Code> {
        let asked_type = command.content_type.as_ref().map(|given| given.as_str().to_owned());
        let inherited_type = inheritance.as_ref().map(|inherited| inherited.content_type.clone());
        let content_type = asked_type.or(inherited_type).unwrap_or_else(|| DEFAULT_TYPE.to_owned());
        let own = first_records(given, &content_type, (id, self.latest))?;
        let kept = inheritance.as_ref().and_then(|inherited| inherited.kept);
        let mut stream = Stream {
            id,
            content_type,
            lifetime: command.expiry,
            created: now,
            used: now,
            records: Vec::new(),
            floor: (0, 0),
            closed: (command.closing == Closing::Close).then_some(None),
            stream_seq: None,
            producers: Default::default(),
            parent: None,
            asked: Asked {
                lifetime: command.expiry,
                retention: retain::asked(command.retention),
                fork: None,
            },
            kept: Kept::new(command.retention, kept, now),
            deleted: false,
        };
        if let Some(inheritance) = inheritance {
            self.rows.extend(retain::row(kept, command.retention));
            if let Some(kept) = &mut stream.kept {
                // Nobody has looked yet how old the oldest is.
                kept.oldest = Timestamp::default();
            }
            self.rows.push(lifetime_row(inheritance.lifetime, command.expiry));
            if command.expiry == Expiry::Never {
                stream.lifetime = inheritance.lifetime;
            }
            // Forking reads the source, and every read restarts its TTL.
            let source = self.streams.entry(inheritance.parent.key.clone());
            source.and_modify(|source| source.use_at(now));
            stream.records = inheritance.records;
            stream.floor = inheritance.floor;
            stream.parent = Some(inheritance.parent);
            stream.asked.fork = Some(inheritance.asked);
        }
        stream.records.extend(own);
        Ok(stream)
    }

    fn inherit(
        &mut self,
        command: &Create,
        request: &ForkRequest,
        now: Timestamp,
    ) -> Result<Inheritance, Code> {
        self.end_if_due(&request.source, now);
        let source = self.streams.get(&request.source).ok_or(Code::NotFound)?;
        if source.deleted {
            return Err(Code::SourceGone);
        }
        let declared = command.content_type.as_ref();
        if declared.is_some_and(|given| essence(given.as_str()) != essence(&source.content_type)) {
            return Err(Code::ContentTypeMismatch);
        }
        let anchor = match request.offset {
            None => source.len(),
            Some(offset) => self.resolve(source, offset.into()).map_err(|lost| match lost {
                Lost::Beyond => Code::OffsetBeyondTail,
                Lost::Expired => Code::OffsetExpired,
            })?,
        };
        let (floor, _) = source.floor;
        if (1..floor).contains(&anchor) {
            return Err(Code::OffsetExpired);
        }
        let at = anchor.max(floor);
        let (records, row) = cut(source, at, request.sub_offset).ok_or(Code::OffsetInvalid)?;
        let at = records.iter().map(|record| record.bytes.len() as u64).sum();
        let inheritance = Inheritance {
            parent: Parent { key: request.source.clone(), id: source.id, at },
            asked: AskedFork {
                source: request.source.clone(),
                anchor,
                sub_offset: request.sub_offset,
            },
            records,
            floor: source.floor,
            content_type: source.content_type.clone(),
            lifetime: source.lifetime,
            kept: source.kept,
        };
        let depth = if source.parent.is_some() { Row::ForkOfFork } else { Row::ForkOfRoot };
        self.rows.extend([row, depth]);
        self.rows.extend((floor > 0).then_some(Row::ForkOfTruncated));
        Ok(inheritance)
    }
}

/// What a fork at an anchor inherits: the records before it, then so many messages or bytes more.
fn cut(source: &Stream, anchor: u64, sub: u64) -> Option<(Vec<Record>, Row)> {
    if anchor == source.len() {
        return (sub == 0).then(|| (source.records.clone(), Row::ForkAtTail));
    }
    let spans = source.spans();
    let holding = spans.iter().position(|(from, to)| *from <= anchor && anchor < *to)?;
    let (from, to) = *spans.get(holding)?;
    let mut kept = source.records.get(..holding)?.to_vec();
    if kind(&source.content_type) == ContentKind::Json {
        let more = source.records.get(holding..)?.get(..usize::try_from(sub).ok()?)?;
        kept.extend_from_slice(more);
        let row = if sub == 0 { Row::ForkAtBoundary } else { Row::ForkByMessages };
        return (anchor == from).then_some((kept, row));
    }
    let end = anchor.checked_add(sub).filter(|end| *end <= to)?;
    if end == from {
        return Some((kept, Row::ForkAtBoundary));
    }
    let mut part = source.records.get(holding)?.clone();
    part.bytes.truncate((end - from) as usize);
    kept.push(part);
    Some((kept, if end == to { Row::ForkByWholeRecord } else { Row::ForkInsideRecord }))
}

fn first_records(
    given: &Given,
    content_type: &str,
    (writer, at): (u64, Timestamp),
) -> Result<Vec<Record>, Code> {
    match &given.content {
        Content::Nothing | Content::EmptyArray => Ok(Vec::new()),
        Content::Broken => Err(Code::InvalidJson),
        Content::Records(_) if given.framed != kind(content_type) => Err(Code::ContentTypeMismatch),
        Content::Records(records) => Ok(super::append::written(records, writer, at)),
    }
}

/// Compares a request with what exists.
fn confirm(stream: &Stream, command: &Create) -> Answer {
    let same_type = match (&command.content_type, &command.fork) {
        (Some(given), _) => essence(given.as_str()) == essence(&stream.content_type),
        (None, Some(_)) => true,
        (None, None) => essence(&stream.content_type) == DEFAULT_TYPE,
    };
    let same_source = match (&command.fork, &stream.asked.fork) {
        (None, None) => true,
        (Some(request), Some(asked)) => request.source == asked.source,
        _ => false,
    };
    let same_point = match (&command.fork, &stream.asked.fork) {
        (Some(request), Some(asked)) => {
            let offset = request.offset.map(|offset| Token::from(offset).position);
            offset.is_none_or(|anchor| anchor == asked.anchor)
                && request.sub_offset == asked.sub_offset
        }
        _ => true,
    };
    let closed = stream.closed.is_some();
    let differs: Vec<_> = [
        (same_type, "content type"),
        (command.expiry == stream.asked.lifetime, "lifetime"),
        (retain::asked(command.retention) == stream.asked.retention, "retention"),
        ((command.closing == Closing::Close) == closed, "closed state"),
        (same_source, "fork source"),
        (same_point, "fork offset"),
    ]
    .into_iter()
    .filter_map(|(same, what)| (!same).then_some(what))
    .collect();
    if differs.is_empty() {
        Answer::Confirmed
    } else {
        Answer::Refused(Code::ConfigMismatch, Detail::Differs(differs))
    }
}

fn lifetime_row(source: Expiry, asked: Expiry) -> Row {
    match (source, asked) {
        (Expiry::Never, Expiry::Never) => Row::LifetimeNeither,
        (Expiry::Never, Expiry::Ttl(_)) => Row::LifetimeOwnTtl,
        (Expiry::Never, Expiry::At(_)) => Row::LifetimeOwnTime,
        (Expiry::Ttl(_), Expiry::Never) => Row::LifetimeTtlInherited,
        (Expiry::Ttl(_), Expiry::Ttl(_)) => Row::LifetimeTtlReplaced,
        (Expiry::Ttl(_), Expiry::At(_)) => Row::LifetimeTtlToTime,
        (Expiry::At(_), Expiry::Never) => Row::LifetimeTimeInherited,
        (Expiry::At(_), Expiry::Ttl(_)) => Row::LifetimeTimeToTtl,
        (Expiry::At(_), Expiry::At(_)) => Row::LifetimeTimeReplaced,
        (Expiry::AfterClose(_), Expiry::Never) => Row::LifetimeFromClosingInherited,
        (Expiry::AfterClose(_), _) => Row::LifetimeFromClosingReplaced,
        (_, Expiry::AfterClose(_)) => Row::LifetimeToFromClosing,
    }
}
