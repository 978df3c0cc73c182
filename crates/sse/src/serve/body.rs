//! A stream of prepared events as the body of a response.

mod batch;

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use http_body::{Body, Frame};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

use self::batch::Batch;
use super::headers::WITH_CHARSET;
use super::{HEADERS, MaxAge};
use crate::replay::BoxFuture;
use crate::{Event, PreparedEvent, PreparedEvents};

/// How long a stream may be quiet before a comment is sent.
///
/// Proxies commonly cut connections that were quiet for 30 or 60 seconds.
pub const DEFAULT_HEARTBEAT: Duration = Duration::from_secs(15);

/// Most bytes that are put together for one write: what a socket takes at once, more or less.
const MOST_IN_A_FRAME: usize = 64 * 1024;

pin_project! {
    /// The body of a response that sends the events of a stream.
    ///
    /// The first frame is ready at once, and with it the response's head leaves: the retry time, or
    /// an empty comment. From then on every frame is all that the stream had ready, in one piece of
    /// memory, so that the server makes one write of it; of more than 64 KiB the rest comes in the next
    /// one. What is ready in one piece already is sent from where it is, without a copy. (A channel of tokio has no more than
    /// 128 events ready at a time, because it makes its task give way.)
    ///
    /// A body has one timer for everything. It needs a tokio runtime with time.
    #[project = Parts]
    pub struct EventBody<S> {
        #[pin]
        events: S,
        batch: Batch,
        opening: Option<PreparedEvent>,
        heartbeat: Option<Duration>,
        max_age: Option<MaxAge>,
        end: Option<BoxFuture<'static, ()>>,
        charset: Charset,
        #[pin]
        timer: Option<Sleep>,
        times: Option<Times>,
        done: bool,
    }
}

/// Whether the content type names the charset.
#[derive(Clone, Copy, PartialEq)]
enum Charset {
    Understood,
    Named,
}

/// Known from the first frame on.
#[derive(Clone, Copy)]
struct Times {
    last_sent: Instant,
    ends: Option<Instant>,
}

impl Times {
    fn is_over(&self, now: Instant) -> bool {
        self.ends.is_some_and(|ends| now >= ends)
    }
}

impl<S> EventBody<S>
where
    S: Stream,
    S::Item: Into<PreparedEvents>,
{
    /// A body that ends when `events` does, with a comment whenever it was quiet for
    /// [`DEFAULT_HEARTBEAT`].
    pub fn new(events: S) -> Self {
        Self {
            events,
            batch: Batch::default(),
            opening: Some(PreparedEvent::new(&Event::new().comment(""))),
            heartbeat: Some(DEFAULT_HEARTBEAT),
            max_age: None,
            end: None,
            charset: Charset::Understood,
            timer: None,
            times: None,
            done: false,
        }
    }

    /// Tells the client how long to wait before it reconnects, in the first frame.
    #[must_use]
    pub fn retry(self, retry: Duration) -> Self {
        Self { opening: Some(PreparedEvent::new(&Event::new().retry(retry))), ..self }
    }

    /// Sends a comment whenever nothing was sent for that long; `None` sends none.
    #[must_use]
    pub fn heartbeat(self, interval: Option<Duration>) -> Self {
        Self { heartbeat: interval, ..self }
    }

    /// Ends the response at that age; the client then reconnects.
    #[must_use]
    pub fn max_age(self, age: MaxAge) -> Self {
        Self { max_age: Some(age), ..self }
    }

    /// Ends the response when `end` is done, as when the server stops.
    #[must_use]
    pub fn end_when(self, end: impl Future<Output = ()> + Send + 'static) -> Self {
        Self { end: Some(Box::pin(end)), ..self }
    }

    /// Names the charset: `content-type: text/event-stream; charset=utf-8`. The standard knows no other, so this is for clients and
    /// proxies that ask for it.
    #[must_use]
    pub fn name_charset(self) -> Self {
        Self { charset: Charset::Named, ..self }
    }

    /// The response with this body: status 200 and [`HEADERS`].
    pub fn into_response(self) -> Response<Self> {
        let charset = self.charset;
        let mut response = Response::new(self);
        *response.status_mut() = StatusCode::OK;
        response.headers_mut().extend::<[(_, HeaderValue); 3]>(HEADERS);
        if charset == Charset::Named {
            response.headers_mut().insert(CONTENT_TYPE, WITH_CHARSET);
        }
        response
    }
}

impl<S> Body for EventBody<S>
where
    S: Stream,
    S::Item: Into<PreparedEvents>,
{
    type Data = Bytes;
    type Error = Infallible;

    /// An end, by age or [`end_when`](EventBody::end_when), still sends what is ready, up to one frame.
    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let mut body = self.project();
        if *body.done {
            return Poll::Ready(None);
        }
        body.gather(context);
        let bytes = match body.batch.take() {
            Some(events) => events.into(),
            None if *body.done => LAST,
            None => ready!(body.wait(context)),
        };
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.done
    }
}

impl<S> Parts<'_, S>
where
    S: Stream,
    S::Item: Into<PreparedEvents>,
{
    /// Puts into the batch whatever is ready, and looks for the end. The time is asked for only when something is sent.
    fn gather(&mut self, context: &mut Context<'_>) {
        *self.done = self.end.as_mut().is_some_and(|end| end.as_mut().poll(context).is_ready());
        if let Some(opening) = self.opening.take() {
            self.batch.push(opening.into());
        }
        while self.batch.len() < MOST_IN_A_FRAME {
            match self.events.as_mut().poll_next(context) {
                Poll::Ready(Some(events)) => self.batch.push(events.into()),
                Poll::Ready(None) => {
                    *self.done = true;
                    break;
                }
                Poll::Pending => break,
            }
        }
        if self.batch.len() > 0 {
            let now = Instant::now();
            let times = self.times(now);
            times.last_sent = now;
            *self.done |= times.is_over(now);
        }
    }

    fn times(&mut self, now: Instant) -> &mut Times {
        let age = *self.max_age;
        let begin = || Times { last_sent: now, ends: age.map(|age| now + age.draw()) };
        self.times.get_or_insert_with(begin)
    }

    /// Waits for the next heartbeat, or for the end.
    ///
    /// The timer is not moved when something is sent: it goes off, never too late, finds that out, and is set anew.
    fn wait(&mut self, context: &mut Context<'_>) -> Poll<Bytes> {
        loop {
            if let Some(timer) = self.timer.as_mut().as_pin_mut() {
                ready!(timer.poll(context));
            }
            let now = Instant::now();
            let heartbeat = *self.heartbeat;
            let times = self.times(now);
            let beat = heartbeat.map(|interval| times.last_sent + interval);
            if times.is_over(now) {
                *self.done = true;
                return Poll::Ready(LAST);
            }
            if beat.is_some_and(|beat| now >= beat) {
                times.last_sent = now;
                return Poll::Ready(HEARTBEAT);
            }
            let Some(next) = [beat, times.ends].into_iter().flatten().min() else {
                return Poll::Pending;
            };
            match self.timer.as_mut().as_pin_mut() {
                None => self.timer.set(Some(sleep_until(next))),
                Some(timer) => timer.reset(next),
            }
        }
    }
}

/// An empty comment, and a blank line that dispatches nothing.
const HEARTBEAT: Bytes = Bytes::from_static(b":\n\n");

/// What ends a body that has nothing else to send: it always ends with a frame. hyper 1.12 does not notice the end of a body that it cannot
/// see in its buffer, when it asks a second time in a row and the response has neither length nor chunks (HTTP/1.0): the
/// connection would stay open for ever.
const LAST: Bytes = HEARTBEAT;

impl<S> fmt::Debug for EventBody<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventBody")
            .field("heartbeat", &self.heartbeat)
            .field("max_age", &self.max_age)
            .field("done", &self.done)
            .finish_non_exhaustive()
    }
}
