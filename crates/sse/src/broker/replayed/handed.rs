//! What the follower handed out, as it is sent: joined for all who are up to date, or as far as it is new to one who comes from the log.

use headwater_fanout::{Delivery, Taken};

use super::Live;
use crate::replay::Cursor;
use crate::{PreparedEvent, PreparedEvents};

/// What was handed out, joined: what comes between two cursors, whole.
#[derive(Clone)]
pub(super) struct Handed {
    pub(super) after: Cursor,
    pub(super) upto: Cursor,
    pub(super) events: PreparedEvents,
}

impl Handed {
    /// What was taken, if every event follows on the one before it and is there.
    pub(super) fn of(taken: &Taken<Live>) -> Option<Self> {
        let mut ends: Option<(Cursor, Cursor)> = None;
        let mut events = Vec::new();
        for delivery in taken.iter() {
            let Delivery::Message { message, .. } = delivery else { return None };
            let (after, upto) = ends.unwrap_or((message.previous, message.previous));
            if upto != message.previous {
                return None;
            }
            events.push(message.event.clone()?);
            ends = Some((after, message.cursor));
        }
        let (after, upto) = ends?;
        let length = usize::try_from(taken.bytes()).unwrap_or(0);
        PreparedEvents::join(length, events).map(|events| Self { after, upto, events })
    }
}

/// What of all that was taken is new to one who has everything up to a cursor.
pub(super) struct Following {
    pub(super) events: Vec<PreparedEvent>,
    pub(super) last: Cursor,
    pub(super) next: Next,
}

/// Where the next event is.
pub(super) enum Next {
    HandedOut,
    InTheLog,
}

impl Following {
    /// Goes as far as one event follows on the other. Cursors of different epochs are in no order.
    pub(super) fn on(taken: &Taken<Live>, last: Cursor) -> Self {
        let mut this = Self { events: Vec::new(), last, next: Next::HandedOut };
        for delivery in taken.iter() {
            let last = this.last;
            let is_out =
                |cursor: Cursor| cursor.epoch == last.epoch && cursor.offset <= last.offset;
            match delivery {
                Delivery::Message { message, .. } if is_out(message.cursor) => {}
                Delivery::Message {
                    message: Live { event: Some(event), cursor, previous },
                    ..
                } if is_out(*previous) => {
                    this.events.push(event.clone());
                    this.last = *cursor;
                }
                Delivery::Message { .. } | Delivery::Lost(_) => {
                    this.next = Next::InTheLog;
                    break;
                }
            }
        }
        this
    }
}
