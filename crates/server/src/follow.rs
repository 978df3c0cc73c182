//! Following a stream, whichever way it is told.

use std::sync::Arc;

use headwater_core::{AccessError, StreamState};
use headwater_engine::{Delivery, Failure, Records, Step, Tail};

use crate::request::read::Form;

/// What came, in the form that was asked for.
#[derive(Debug)]
pub(crate) enum News {
    Payload(Delivery),
    Envelopes(Records),
}

impl News {
    /// The stream, as durable when it came.
    pub(crate) fn state(&self) -> &Arc<StreamState> {
        match self {
            Self::Payload(delivery) => &delivery.state,
            Self::Envelopes(page) => &page.state,
        }
    }

    /// Where it ends, for a reader that was at a position.
    pub(crate) fn to(&self, from: u64) -> u64 {
        match self {
            Self::Payload(delivery) => delivery.to(from),
            Self::Envelopes(page) => page.to,
        }
    }
}

/// What comes next, in the form that is asked for. Cancel-safe, as the tail is.
pub(crate) async fn next(tail: &mut Tail, form: Form) -> Result<Step<News>, Failure<AccessError>> {
    Ok(match form {
        Form::Payload => told(tail.next().await?, News::Payload),
        Form::Envelopes => told(tail.next_records().await?, News::Envelopes),
    })
}

fn told<D>(step: Step<D>, news: fn(D) -> News) -> Step<News> {
    match step {
        Step::Delivery(delivery) => Step::Delivery(news(delivery)),
        Step::End(end) => Step::End(end),
    }
}
