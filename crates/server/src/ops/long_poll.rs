//! GET with `live=long-poll`: what is there, or what comes next, or 204 when nothing came in time.

use std::sync::Arc;
use std::time::Duration;

use headwater_core::{StreamKey, StreamState};
use headwater_engine::{Delivery, End, Piece, Step, Tail};
use http::request::Parts;
use tokio::time::{Instant, timeout_at};

use crate::app::App;
use crate::errors::Problem;
use crate::follow;
use crate::headers;
use crate::metrics::{Counted, Limit};
use crate::request::read::{Form, LiveRead};
use crate::response::page::{self, Content, Keeping, Stretch};
use crate::response::{Reply, number};

pub(crate) async fn long_poll(
    app: &App,
    key: &StreamKey,
    parts: &Parts,
    read: LiveRead,
) -> Result<Reply, Problem> {
    let place = Instant::now() + app.config.long_poll_timeout;
    let _place =
        app.readers.enter(place).map_err(|pause| Problem::busy(Limit::LiveReaders).after(pause))?;
    let _waiting = Counted::one(&app.metrics.long_poll_waiters);
    let mut tail = app.engine.tail(key, read.start).await?;
    let from = tail.position();
    let keeping = Keeping::of(read.start);
    let mut reply = match wait(&mut tail, read.form, app.config.long_poll_timeout).await? {
        Waited::News(Delivery { state, pieces, held }) => {
            let stretch = match read.form {
                Form::Payload => {
                    let to = pieces.last().map_or(from, Piece::to);
                    let chunks = pieces.into_iter().map(|piece| piece.bytes).collect();
                    Stretch { state, from, to, content: Content::Stored(chunks), held }
                }
                Form::Envelopes => tail.records().await?.into(),
            };
            stretch.into_reply(&parts.headers, keeping)
        }
        Waited::Nothing(state) => page::nothing_new(&state, from, keeping),
    };
    // A cursor keeps the next request from being answered out of a cache; after the end there is none.
    if !reply.headers().contains_key(headers::CLOSED) {
        let cursor = app.cursor(read.cursor.as_deref());
        reply.headers_mut().insert(headers::CURSOR, number(cursor));
    }
    Ok(reply)
}

enum Waited {
    News(Delivery),
    /// The reader is at the tail of this state, and has waited long enough or need not wait.
    Nothing(Arc<StreamState>),
}

/// Waits for bytes. The first step is not timed: only after it the reader is known to be at the tail.
async fn wait(tail: &mut Tail, form: Form, patience: Duration) -> Result<Waited, Problem> {
    let deadline = Instant::now() + patience;
    let from = tail.position();
    let mut step = follow::next(tail, form).await?;
    let mut at_tail = None;
    loop {
        let state = match step {
            Step::Delivery(news) if news.state.tail.position > from => {
                return Ok(Waited::News(news));
            }
            Step::Delivery(news) => news.state,
            // The server stops: its waiters are answered as if their time were up.
            Step::End(end @ End::Draining) => {
                return at_tail.map(Waited::Nothing).ok_or_else(|| end.into());
            }
            Step::End(end @ End::Deleted) => return Err(end.into()),
        };
        if state.closed.is_some() {
            return Ok(Waited::Nothing(state));
        }
        step = match timeout_at(deadline, follow::next(tail, form)).await {
            Ok(step) => step?,
            Err(_) => return Ok(Waited::Nothing(state)),
        };
        at_tail = Some(state);
    }
}
