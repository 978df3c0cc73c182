//! Truncation: how much of the beginning is given up.

use headwater_core::decide::Freshness;
use headwater_core::error::Code;
use headwater_core::{StreamKey, Timestamp};

use super::{Lost, Model, Token};
use crate::answer::{Answer, Detail};
use crate::coverage::Row;

impl Model {
    pub(super) fn truncate(&mut self, key: &StreamKey, to: Token, now: Timestamp) -> Answer {
        self.end_if_due(key, now);
        match self.given_up(key, to) {
            Err(code) => Answer::Refused(code, Detail::Nothing),
            Ok(floor) => self.give_up(key, floor, now),
        }
    }

    /// How many bytes and records lie before a token.
    fn given_up(&mut self, key: &StreamKey, to: Token) -> Result<(u64, u64), Code> {
        let stream = self.streams.get(key).ok_or(Code::NotFound)?;
        if stream.deleted {
            return Err(Code::Gone);
        }
        let position = self.resolve(stream, to).map_err(|lost| match lost {
            Lost::Beyond => Code::OffsetBeyondTail,
            Lost::Expired => Code::OffsetExpired,
        })?;
        if position <= stream.floor.0 {
            return Ok(stream.floor);
        }
        if position == stream.len() {
            return Ok((position, stream.records.len() as u64));
        }
        let spans = stream.spans();
        match spans.iter().position(|(from, to)| *from == position && *to > position) {
            Some(before) => Ok((position, before as u64)),
            None => {
                self.rows.push(Row::TruncatedInsideRecord);
                Err(Code::OffsetInvalid)
            }
        }
    }

    fn give_up(&mut self, key: &StreamKey, floor: (u64, u64), now: Timestamp) -> Answer {
        let Some(stream) = self.streams.get(key) else { unreachable!("it was just looked at") };
        let (token, sequence) = (stream.token(floor.0), floor.1);
        if floor == stream.floor {
            self.rows.push(Row::TruncatedBefore);
            return Answer::Truncated { freshness: Freshness::Duplicate, floor: token, sequence };
        }
        let at_tail = floor.0 == stream.len();
        let to = if at_tail { Row::TruncatedToTail } else { Row::TruncatedBetweenRecords };
        let inherited = (floor.0 < stream.base()).then_some(Row::TruncatedInInherited);
        let forked = (self.forks(key, stream.id) > 0).then_some(Row::TruncatedWithForks);
        let closed = stream.closed.is_some().then_some(Row::TruncatedClosed);
        self.rows.extend([Some(to), inherited, forked, closed].into_iter().flatten());
        self.streams.entry(key.clone()).and_modify(|stream| {
            stream.floor = floor;
            stream.use_at(now);
        });
        Answer::Truncated { freshness: Freshness::Committed, floor: token, sequence }
    }
}
