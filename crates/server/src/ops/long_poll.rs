//! GET with `live=long-poll`: what is there, or what comes next, or 204 when nothing came in time.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use headwater_core::cache::Ending;
use headwater_core::{StreamKey, StreamState};
use headwater_engine::{Crowd, End, Step, Tail};
use tokio::time::Instant;

use crate::app::App;
use crate::errors::Problem;
use crate::follow::{self, News};
use crate::gate::Seat;
use crate::headers;
use crate::metrics::{Counted, Limit};
use crate::request::none_match::KnownPages;
use crate::request::read::{Form, LiveRead};
use crate::response::page::{self, Keeping, Stretch};
use crate::response::{Reply, number, prepared};
use crate::server::activity::Busy;
use crate::server::alarm::Until;

pub(crate) async fn long_poll(
    app: &App,
    key: &StreamKey,
    read: LiveRead,
    known: KnownPages,
    (busy, seat): (&Busy, &mut Seat),
) -> Result<Reply, Problem> {
    let end = Instant::now() + app.config.long_poll_timeout;
    let place = app.readers.enter(end);
    let place = place.map_err(|pause| Problem::busy(Limit::LiveReaders).after(pause))?;
    // Who waits is a live reader, and no request that is being worked on; its answer takes the same place.
    *seat = Seat::LiveReader(place);
    let _waiting = Counted::one(&app.metrics.long_poll_waiters);
    let mut tail = app.engine.tail(key, read.start).await?;
    let from = tail.position();
    let keeping = Keeping::of(read.start);
    let again = |state: &Arc<StreamState>| match read.form {
        Form::Payload => prepared::again(state, from, &known, keeping),
        Form::Envelopes => None,
    };
    let waited = wait(&mut tail, read.form, busy.until(end), again).await?;
    let closes = waited.closes(from);
    let mut reply = match waited {
        Waited::Again(reply, _) => reply,
        Waited::News(News::Payload(delivery)) => prepared::answer(delivery, from, &known, keeping),
        Waited::News(News::Envelopes(page)) => Stretch::from(page).into_reply(&known, keeping),
        Waited::Nothing(state) => page::nothing_new(&state, from, keeping),
    };
    // A cursor keeps the next request from being answered out of a cache; after the end there is none.
    if !closes {
        let cursor = app.cursor(read.cursor.as_deref());
        reply.headers_mut().insert(headers::CURSOR, number(cursor));
    }
    Ok(reply)
}

enum Waited {
    News(News),
    /// What others were answered already, and what it says of the end.
    Again(Reply, Ending),
    /// The reader is at the tail of this state, and has waited long enough or need not wait.
    Nothing(Arc<StreamState>),
}

impl Waited {
    /// Whether the answer says that the stream is closed, to a reader that was at a position.
    fn closes(&self, from: u64) -> bool {
        match self {
            Self::News(news) => {
                let state = news.state();
                state.closed.is_some() && news.to(from) == state.tail.position
            }
            Self::Again(_, ending) => *ending == Ending::Closed,
            Self::Nothing(state) => state.closed.is_some(),
        }
    }
}

/// Waits for bytes, and for room for them, unless what came has been answered already. When the time is up, a reader that is not at
/// the tail is given what there is, or refused if there is still no room for it: who is told that nothing came takes itself to be at the tail.
async fn wait(
    tail: &mut Tail,
    form: Form,
    end: Until,
    again: impl Fn(&Arc<StreamState>) -> Option<(Reply, Ending)>,
) -> Result<Waited, Problem> {
    let mut end = pin!(end);
    let from = tail.position();
    let mut at_tail = None;
    loop {
        // Nobody has waited before the first one.
        if at_tail.is_some()
            && let Some(Ok(state)) = before(end.as_mut(), pin!(tail.news())).await
            && let Some((reply, ending)) = again(&state)
        {
            return Ok(Waited::Again(reply, ending));
        }
        let news = before(end.as_mut(), pin!(follow::next(tail, form))).await;
        let step = match (news, &at_tail) {
            (Some(step), _) => step?,
            (None, Some(state)) if tail.is_up_to_date() => {
                return Ok(Waited::Nothing(Arc::clone(state)));
            }
            (None, _) => {
                tail.when_crowded(Crowd::Refuse);
                Box::pin(follow::next(tail, form)).await?
            }
        };
        let state = match step {
            Step::Delivery(news) if news.state().tail.position > from => {
                return Ok(Waited::News(news));
            }
            Step::Delivery(news) => Arc::clone(news.state()),
            // The server stops: its waiters are answered as if their time were up.
            Step::End(end @ End::Draining) => {
                let at_tail = at_tail.filter(|_| tail.is_up_to_date());
                return at_tail.map(Waited::Nothing).ok_or_else(|| end.into());
            }
            Step::End(end @ End::Deleted) => return Err(end.into()),
        };
        if state.closed.is_some() {
            return Ok(Waited::Nothing(state));
        }
        at_tail = Some(state);
    }
}

/// What is done before the end; nothing if that comes first.
async fn before<T>(
    mut end: Pin<&mut Until>,
    mut work: Pin<&mut impl Future<Output = T>>,
) -> Option<T> {
    poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => end.as_mut().poll(cx).map(|()| None),
    })
    .await
}
