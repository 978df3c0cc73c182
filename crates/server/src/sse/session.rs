//! A reader of events: what its tail delivers, as bytes for its connection.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use headwater_engine::{Crowd, Delivery, Failure, Held, Records, ServiceError, Step, Tail};
use tokio::time::{Instant, Sleep, sleep_until};

use super::control::{self, Standing};
use super::data;
use super::events::Torn;
use super::outgoing::Outgoing;
use super::payload::{Phase, standing, tell};
use crate::app::App;
use crate::errors::Problem;
use crate::follow::{self, News};
use crate::gate::Stay;
use crate::limits::{SSE_AGE_JITTER, SSE_MIN_AGE};
use crate::metrics::{Counted, Limit};
use crate::request::read::Form;

/// Everything a reader is between two writes.
#[derive(Debug)]
pub(crate) struct Session {
    app: Arc<App>,
    tail: Tail,
    form: Form,
    /// Room for what was read and is being sent: it has been, when more is asked for.
    held: Option<Held>,
    phase: Phase,
    reader: Reader,
    /// Set to the earlier of old age and silence. It is left alone while events flow, so that an event costs
    /// no timer.
    timer: Pin<Box<Sleep>>,
}

/// A reader, whoever finds out what there is for it.
#[derive(Debug)]
pub(crate) struct Reader {
    /// The last one sent; it never goes back.
    pub(crate) cursor: u64,
    pub(crate) ends_at: Instant,
    pub(crate) quiet_since: Instant,
    /// Given back, and no longer counted, with the reader.
    _place: (Stay, Counted),
}

/// What a reader does next.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "moved once per turn; a box would be an allocation per turn"
)]
pub(crate) enum Turn {
    /// Sends this, and asks again when it is sent.
    Send(Session, VecDeque<Bytes>),
    /// Ends the response.
    End,
    /// Breaks it off.
    Tear(Torn),
}

impl Session {
    /// Begins with what is there, so that a fault before the first event is still an answer of its own. What there is no room
    /// for at once comes when the head has been sent: who waits is to be kept alive, and to hear of an end.
    pub(crate) async fn open(
        app: &Arc<App>,
        tail: Tail,
        form: Form,
        echoed: Option<&str>,
    ) -> Result<(Self, VecDeque<Bytes>), Problem> {
        let now = Instant::now();
        let ends_at = now + age(app.config.sse_max_age);
        let place = app.readers.enter(ends_at);
        let place = place.map_err(|pause| Problem::busy(Limit::LiveReaders).after(pause))?;
        let reader = Reader {
            cursor: app.cursor(echoed),
            ends_at,
            quiet_since: now,
            _place: (place, Counted::one(app.metrics.sse_readers.clone())),
        };
        let mut session = Self::of(app, tail, form, Phase::New, reader);
        let mut out = Outgoing::default();
        session.tail.when_crowded(Crowd::Refuse);
        let step = follow::next(&mut session.tail, form).await;
        session.tail.when_crowded(Crowd::Wait);
        match step {
            Ok(Step::Delivery(news)) => session.deliver(news, &mut out),
            Ok(Step::End(end)) => return Err(end.into()),
            Err(Failure::Service(ServiceError::Crowded)) => {}
            Err(failure) => return Err(failure.into()),
        }
        Ok((session, out.finish()))
    }

    /// Goes on with a reader of payload that has begun.
    pub(crate) fn resume(app: &Arc<App>, tail: Tail, reader: Reader) -> Self {
        Self::of(app, tail, Form::Payload, Phase::Following, reader)
    }

    fn of(app: &Arc<App>, tail: Tail, form: Form, phase: Phase, reader: Reader) -> Self {
        let due = reader.ends_at.min(reader.quiet_since + app.config.sse_keep_alive);
        let (app, timer) = (Arc::clone(app), Box::pin(sleep_until(due)));
        Self { app, tail, form, held: None, phase, reader, timer }
    }

    /// Whether others could go on with its reader: what comes next is in memory and shared.
    pub(crate) fn can_rest(&self) -> bool {
        self.phase == Phase::Following && self.form == Form::Payload && self.tail.is_recent()
    }

    /// The reader, and where it is. Room for what was sent is given back.
    pub(crate) fn rest(self) -> (Tail, Reader) {
        (self.tail, self.reader)
    }

    /// Whether that can ever be: its answer goes on, and what is shared is told.
    pub(crate) fn may_rest(&self) -> bool {
        self.phase != Phase::Over && self.form == Form::Payload
    }

    /// Waits until there is something to send.
    pub(crate) async fn turn(mut self, sent: VecDeque<Bytes>) -> Turn {
        let mut out = Outgoing::reusing(sent);
        self.held = None;
        loop {
            let now = Instant::now();
            if self.phase == Phase::Over || now >= self.reader.ends_at {
                return Turn::End;
            }
            tokio::select! {
                biased;
                step = follow::next(&mut self.tail, self.form) => match step {
                    Ok(Step::Delivery(news)) => self.deliver(news, &mut out),
                    // What was given up is told to the reader when it comes back for it.
                    Ok(Step::End(_)) | Err(Failure::Refused(_)) => return Turn::End,
                    Err(failure) => return Turn::Tear(Torn::of(self.tail.key(), failure)),
                },
                () = self.timer.as_mut() => self.tick(&mut out),
            }
            if !out.is_empty() {
                self.reader.quiet_since = Instant::now();
                return Turn::Send(self, out.finish());
            }
        }
    }

    /// The timer went off: perhaps for a silence that has been broken since.
    fn tick(&mut self, out: &mut Outgoing) {
        let now = Instant::now();
        let keep_alive = self.app.config.sse_keep_alive;
        let mut silent_at = self.reader.quiet_since + keep_alive;
        if silent_at <= now {
            control::keep_alive(out.own());
            silent_at = now + keep_alive;
        }
        self.timer.as_mut().reset(silent_at.min(self.reader.ends_at));
    }

    fn deliver(&mut self, news: News, out: &mut Outgoing) {
        let cursor = &mut self.reader.cursor;
        *cursor = (*cursor).max(self.app.cursor(None));
        self.held = match news {
            News::Payload(delivery) => {
                self.deliver_payload(&delivery, out);
                delivery.held
            }
            News::Envelopes(page) => {
                self.deliver_records(&page, out);
                Some(page.held)
            }
        };
        // What was read is let go of; what it became is kept until it has been sent.
        if let Some(held) = &mut self.held {
            held.settle(out.len() as u64);
        }
    }

    fn deliver_records(&mut self, page: &Records, out: &mut Outgoing) {
        let next = page.next_offset();
        let moved = page.to > self.tail.position();
        if moved {
            out.share(&data::envelopes(next, page));
        }
        self.tail.advance(page.to);
        let standing = standing(&page.state, page.to, self.reader.cursor);
        if moved || self.phase == Phase::New || standing == Standing::AtEnd {
            control::encode(out.own(), next, standing);
        }
        self.phase = Phase::after(standing);
    }

    fn deliver_payload(&mut self, delivery: &Delivery, out: &mut Outgoing) {
        let (position, cursor) = (self.tail.position(), self.reader.cursor);
        let (done, phase) = tell(delivery, position, cursor, self.phase, out);
        self.tail.advance(done);
        self.phase = phase;
    }
}

/// The age to end at: up to a tenth less than asked for, so that readers who came together do not come back
/// together, but not so little less that clients take it for a failure.
fn age(asked: Duration) -> Duration {
    let part = 1.0 - SSE_AGE_JITTER * rand::random::<f64>();
    asked.mul_f64(part).max(SSE_MIN_AGE.min(asked))
}

#[cfg(test)]
mod tests;
