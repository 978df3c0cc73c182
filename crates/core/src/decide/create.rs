//! Create, confirm, and fork.
//!
//! A stream that exists is compared before anything else about the request is judged; nothing is created, and no source
//! is pinned, unless all of it is in order.

use std::sync::Arc;

use crate::change::{Birth, Change, Closed, Effect, PinChange, Unit, Update};
use crate::command::{Body, Closing, Create, ForkRequest};
use crate::content_type::{ContentKind, ContentType};
use crate::decide::{BoundaryAnswer, BoundaryQuestion, Decision, Need, View, remove};
use crate::error::CreateError;
use crate::key::StreamKey;
use crate::offset::{LineageRange, MAX_NUMBER, OffsetError, Renewal};
use crate::record::{Batch, MAX_RECORDS};
use crate::retention::{ChosenBy, Policy, Retained, Wanted};
use crate::state::{Origin, Slot, StreamState, Tail, Version};
use crate::time::{Expiry, Timestamp};

/// Whether a creation created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Existence {
    /// It did. The state is known once storage has numbered the unit: [`StreamState::born`].
    New(Box<Birth>),
    /// The stream existed with this configuration.
    Confirmed(Arc<StreamState>),
}

/// A successful creation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    /// Whether it created or confirmed.
    pub existence: Existence,
}

type Decided = Decision<Created, CreateError>;

/// Decides a creation.
pub fn create(view: &impl View, key: &StreamKey, command: &Create, now: Timestamp) -> Decided {
    let Some(slot) = view.slot(key) else { return Decision::Need(Need::Stream(key.clone())) };
    match &slot {
        Slot::SoftDeleted(_) => Decision::refuse(CreateError::SoftDeleted, key, &slot),
        Slot::Live(state) if state.expired(now) => remove::first(view, key, now),
        Slot::Live(state) => Decision::reply(confirm(state, command), key, &slot),
        Slot::Absent => match &command.fork {
            None => match root(command, now) {
                Ok(birth) => commit(key, birth, None),
                Err(error) => Decision::refuse(error, key, &slot),
            },
            Some(request) => fork(view, key, command, request, now),
        },
    }
}

fn commit(key: &StreamKey, birth: Birth, pin: Option<Change>) -> Decided {
    let birth = Box::new(birth);
    let effect = Effect::Create(birth.clone());
    let created = Change { key: key.clone(), basis: Version::ABSENT, effect };
    let unit = Unit { changes: [created].into_iter().chain(pin).collect() };
    Decision::Commit { unit, outcome: Created { existence: Existence::New(birth) } }
}

fn confirm(state: &Arc<StreamState>, command: &Create) -> Result<Created, CreateError> {
    let differs = |what| Err(CreateError::ConfigMismatch(what));
    let same_type = match (&command.content_type, &command.fork) {
        (Some(given), _) => given.same_type(&state.content_type),
        (None, Some(_)) => true,
        (None, None) => ContentType::octet_stream().same_type(&state.content_type),
    };
    if !same_type {
        return differs("content type");
    }
    let requested = state.origin.as_ref().map_or(state.expiry, |origin| origin.requested_expiry);
    if command.expiry != requested {
        return differs("lifetime");
    }
    let chosen = state.retained.as_ref().map(|retained| retained.policy);
    let chosen = chosen.filter(|policy| policy.by == ChosenBy::Request);
    let wanted = match command.retention {
        Wanted::Exactly(retention) => Some(retention),
        Wanted::Usual(_) => None,
    };
    if wanted != chosen.map(|policy| policy.retention) {
        return differs("retention");
    }
    if (command.closing == Closing::Close) != state.closed.is_some() {
        return differs("closed state");
    }
    match (&command.fork, &state.origin) {
        (None, None) => {}
        (Some(request), Some(origin)) => {
            let same_anchor = request.offset.is_none_or(|o| o.position() == origin.anchor);
            if request.source != origin.source {
                return differs("fork source");
            }
            if !same_anchor || request.sub_offset != origin.sub_offset {
                return differs("fork offset");
            }
        }
        _ => return differs("fork source"),
    }
    Ok(Created { existence: Existence::Confirmed(Arc::clone(state)) })
}

fn root(command: &Create, now: Timestamp) -> Result<Birth, CreateError> {
    let content_type = command.content_type.clone().unwrap_or_else(ContentType::octet_stream);
    birth(command, content_type, command.expiry, Inherited::default(), now)
}

/// What a new stream has before its first own record.
#[derive(Default)]
struct Inherited {
    origin: Option<Arc<Origin>>,
    ranges: Option<Arc<[LineageRange]>>,
    renewals: Arc<[Renewal]>,
    base: Tail,
    floor: Tail,
    retained: Option<Retained>,
}

fn birth(
    command: &Create,
    content_type: ContentType,
    expiry: Expiry,
    inherited: Inherited,
    now: Timestamp,
) -> Result<Birth, CreateError> {
    let batch = first_records(&command.body, content_type.kind())?;
    let len = batch.as_ref().map_or(0, |batch| batch.payload().len() as u64);
    if inherited.base.position.saturating_add(len) > MAX_NUMBER {
        return Err(CreateError::TooLarge);
    }
    let closed = (command.closing == Closing::Close).then(|| Arc::new(Closed { by: None }));
    let Inherited { origin, ranges, renewals, base, floor, retained } = inherited;
    let policy = Policy::of(command.retention, retained.as_ref());
    let inherited = ranges.unwrap_or_default();
    Ok(Birth {
        content_type,
        expiry,
        origin,
        inherited,
        renewals,
        base,
        floor,
        policy,
        batch,
        closed,
        at: now,
    })
}

fn first_records(body: &Body, kind: ContentKind) -> Result<Option<Batch>, CreateError> {
    match body {
        Body::Empty | Body::EmptyArray => Ok(None),
        Body::Records { batch, .. } if batch.records().len() > MAX_RECORDS => {
            Err(CreateError::TooManyRecords)
        }
        Body::TooMany => Err(CreateError::TooManyRecords),
        Body::Records { kind: framed, batch } if *framed == kind => Ok(Some(batch.clone())),
        Body::Records { .. } => Err(CreateError::ContentTypeMismatch),
        Body::Invalid(error) => Err(error.clone().into()),
    }
}

fn fork(
    view: &impl View,
    key: &StreamKey,
    command: &Create,
    request: &ForkRequest,
    now: Timestamp,
) -> Decided {
    let Some(slot) = view.slot(&request.source) else {
        return Decision::Need(Need::Stream(request.source.clone()));
    };
    let refuse = |error| Decision::Reply {
        outcome: Err(error),
        relies_on: vec![(key.clone(), Version::ABSENT), (request.source.clone(), slot.version())],
    };
    let source = match &slot {
        Slot::Absent => return refuse(CreateError::SourceNotFound),
        Slot::SoftDeleted(_) => return refuse(CreateError::SourceGone),
        Slot::Live(state) if state.expired(now) => {
            return remove::first(view, &request.source, now);
        }
        Slot::Live(state) => state,
    };
    let content_type = match &command.content_type {
        Some(given) if !given.same_type(&source.content_type) => {
            return refuse(CreateError::ContentTypeMismatch);
        }
        Some(given) => given.clone(),
        None => source.content_type.clone(),
    };
    let point = match fork_point(view, source, request) {
        Ok(Ok(point)) => point,
        Ok(Err(error)) => return refuse(error),
        Err(need) => return Decision::Need(need),
    };
    let inherited = inherit(source, request, command.expiry, point);
    let expiry = if command.expiry == Expiry::Never { source.expiry } else { command.expiry };
    match birth(command, content_type, expiry, inherited, now) {
        Ok(birth) => {
            let pin = Some(PinChange::Add(birth.base.position));
            let update = Update { pin, used_at: Some(now), ..Update::default() };
            let effect = Effect::Update(Box::new(update));
            let pin = Change { key: request.source.clone(), basis: slot.version(), effect };
            commit(key, birth, Some(pin))
        }
        Err(error) => refuse(error),
    }
}

fn inherit(
    source: &StreamState,
    request: &ForkRequest,
    requested_expiry: Expiry,
    point: ForkPoint,
) -> Inherited {
    let origin = Origin {
        source: request.source.clone(),
        source_lineage: source.ranges.own(),
        anchor: point.anchor,
        sub_offset: request.sub_offset,
        at: point.base.position,
        requested_expiry,
    };
    Inherited {
        origin: Some(Arc::new(origin)),
        ranges: Some(source.ranges.cut(point.base.position)),
        renewals: source.ranges.renewals_before(point.base.position),
        base: point.base,
        // No fork diverges before it.
        floor: source.floor,
        retained: source.retained.as_deref().copied(),
    }
}

/// Where a fork diverges, and the anchor it was asked for by.
#[derive(Clone, Copy)]
struct ForkPoint {
    anchor: u64,
    base: Tail,
}

type Judged<T> = Result<Result<T, CreateError>, Need>;

fn fork_point(view: &impl View, source: &StreamState, request: &ForkRequest) -> Judged<ForkPoint> {
    let tail = source.tail;
    // A repeated request is compared with what was asked for, also where the source begins later.
    let asked = request.offset.map_or(tail.position, |offset| offset.position());
    let from = match request.offset {
        None => tail.position,
        Some(offset) => match source.ranges.resolve(offset, tail.position) {
            Ok(position) if position < source.floor.position && offset.position() != 0 => {
                return Ok(Err(CreateError::ForkOffset(OffsetError::Expired)));
            }
            Ok(position) => position.max(source.floor.position),
            Err(error) => return Ok(Err(CreateError::ForkOffset(error))),
        },
    };
    if from == tail.position {
        return Ok(match request.sub_offset {
            0 => Ok(ForkPoint { anchor: asked, base: tail }),
            _ => Err(CreateError::SubOffset),
        });
    }
    let question = BoundaryQuestion {
        key: request.source.clone(),
        lineage: source.ranges.own(),
        position: from,
        records: match source.content_type.kind() {
            ContentKind::Json => request.sub_offset,
            ContentKind::Text | ContentKind::Binary => 0,
        },
    };
    match view.boundary(&question) {
        Some(answer) => {
            let base = divide(source.content_type.kind(), from, request.sub_offset, answer);
            Ok(base.map(|base| ForkPoint { anchor: asked, base }))
        }
        None => Err(Need::Boundary(question)),
    }
}

/// A JSON stream divides between messages alone; a byte stream anywhere, but a sub-offset stays within the next append.
fn divide(
    kind: ContentKind,
    from: u64,
    sub_offset: u64,
    answer: BoundaryAnswer,
) -> Result<Tail, CreateError> {
    let aligned = answer.start == from;
    let before = Tail { position: from, sequence: answer.sequence.saturating_sub(1) };
    match (kind, sub_offset) {
        (ContentKind::Json, _) if !aligned => Err(CreateError::ForkOffset(OffsetError::Unaligned)),
        (_, 0) if aligned => Ok(before),
        (ContentKind::Json, messages) => {
            let position = answer.after.ok_or(CreateError::SubOffset)?;
            Ok(Tail { position, sequence: before.sequence + messages })
        }
        (_, bytes) => {
            let position = from.checked_add(bytes).filter(|end| *end <= answer.end);
            let position = position.ok_or(CreateError::SubOffset)?;
            Ok(Tail { position, sequence: answer.sequence })
        }
    }
}
