//! GET: by default what is there now; the live modes are in their own files.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use headwater_core::{Code, StreamKey};
use headwater_engine::Start;
use http::Version;
use http::request::Parts;

use super::{events, long_poll};
use crate::app::App;
use crate::errors::Problem;
use crate::gate::Seat;
use crate::headers;
use crate::request::none_match::KnownPages;
use crate::request::read::{Form, Read};
use crate::response::page::{Keeping, Stretch};
use crate::response::{Reply, earliest_offset};
use crate::server::activity::Busy;

/// What a GET asks, without the head that it came in.
#[derive(Debug)]
pub(crate) struct Asked {
    read: Read,
    known: KnownPages,
    version: Version,
}

impl Asked {
    pub(crate) fn parse(parts: Parts) -> Result<Self, Problem> {
        let read = Read::parse(parts.uri.query(), &parts.headers)?;
        let known = KnownPages::of(&parts.headers);
        Ok(Self { read, known, version: parts.version })
    }
}

/// Answers. Those who wait are many, so each is in a box of the size of its kind.
pub(crate) fn read<'r>(
    app: &'r Arc<App>,
    key: &'r StreamKey,
    asked: Asked,
    (busy, seat): (&'r Busy, &'r mut Seat),
) -> Pin<Box<dyn Future<Output = Result<Reply, Problem>> + Send + 'r>> {
    let Asked { read, known, version } = asked;
    // What answers is begun inside: as an argument it would have two places in what waits for it.
    match read {
        Read::LongPoll(live) => Box::pin(async move {
            let answer = long_poll::long_poll(app, key, live, known, (busy, seat)).await;
            told_where(app, key, answer).await
        }),
        Read::CatchUp(start, form) => Box::pin(async move {
            let answer = catch_up(app, key, (start, form), known, version).await;
            told_where(app, key, answer).await
        }),
        Read::Events(live) => Box::pin(async move {
            let answer = events::events(app, key, live, version).await;
            told_where(app, key, answer).await
        }),
    }
}

/// The answer, which says where the stream begins if it refuses who comes too late.
async fn told_where(
    app: &App,
    key: &StreamKey,
    answer: Result<Reply, Problem>,
) -> Result<Reply, Problem> {
    match answer {
        Err(problem) if problem.code == Code::OffsetExpired => {
            Err(Box::pin(saying_where_it_begins(app, key, problem)).await)
        }
        answer => answer,
    }
}

/// Who comes too late is told where to go on, if something was given up.
async fn saying_where_it_begins(app: &App, key: &StreamKey, problem: Problem) -> Problem {
    match app.engine.head(key).await {
        Ok(state) => match earliest_offset(&state) {
            Some(offset) => problem.header(headers::EARLIEST_OFFSET, offset),
            None => problem,
        },
        // It has ended meanwhile, or cannot be looked at: what was found out still holds.
        Err(_) => problem,
    }
}

async fn catch_up(
    app: &App,
    key: &StreamKey,
    (start, form): (Start, Form),
    known: KnownPages,
    version: Version,
) -> Result<Reply, Problem> {
    let stretch: Stretch = match form {
        // HTTP/2 has its own frames around each piece.
        Form::Payload if version >= Version::HTTP_2 => app.engine.read(key, start).await?.into(),
        Form::Payload => app.engine.read_to_send(key, start).await?.into(),
        Form::Envelopes => app.engine.read_records(key, start).await?.into(),
    };
    Ok(stretch.into_reply(&known, Keeping::of(start)))
}
