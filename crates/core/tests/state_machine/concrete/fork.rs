//! Forks: of which stream, at which offset, how far past it. Truncations: to which offset.

use headwater_core::ContentKind;
use headwater_core::command::{Create, ForkRequest};
use proptest::sample::Index;

use super::{Concrete, declared, wanted};
use crate::model::{Model, Stream, Token, kind};
use crate::ops::{Anchor, ForkOp, Sub};
use crate::request::What;

impl Concrete {
    pub(super) fn fork(&self, op: &ForkOp, model: &Model, issued: &[Token]) -> What {
        let source = self.keys[self.aim(op.source, model)].clone();
        let stream = model.live(&source);
        let token = anchor(stream, op.anchor, issued);
        let sub_offset = stream.map_or(0, |stream| {
            let position = token.map_or(stream.len(), |token| token.position);
            sub_offset(stream, position, op.sub)
        });
        let (content_type, framed) = declared(stream, op.declared);
        let (body, given) = self.body(framed, &op.body);
        let fork = Some(ForkRequest { source, offset: token.map(Token::offset), sub_offset });
        let expiry = self.lifetime(op.lifetime);
        let retention = wanted(op.keep);
        What::Create(
            Create { content_type, expiry, retention, closing: op.closing, body, fork },
            given,
        )
    }
}

/// A truncation of this stream; without an offset of its own it leaves it as it is.
pub(super) fn truncation(stream: Option<&Stream>, at: Anchor, issued: &[Token]) -> What {
    What::Truncate(anchor(stream, at, issued).unwrap_or(Token::START).offset())
}

fn anchor(stream: Option<&Stream>, anchor: Anchor, issued: &[Token]) -> Option<Token> {
    let Some(stream) = stream else { return Some(Token::START) };
    let tail = stream.len();
    let own = |position| Token { id: stream.id, position };
    Some(match anchor {
        Anchor::Absent => return None,
        Anchor::Start => Token::START,
        Anchor::Tail => stream.token(tail),
        Anchor::Boundary(index) => {
            let mut boundaries = vec![0];
            boundaries.extend(stream.spans().into_iter().map(|(_, to)| to));
            stream.token(*index.get(&boundaries))
        }
        Anchor::Anywhere(index) => stream.token(index.index(tail as usize + 1) as u64),
        Anchor::OlderToken(index) => older(stream, index),
        Anchor::Issued(_) if issued.is_empty() => Token::START,
        Anchor::Issued(index) => *index.get(issued),
        Anchor::Beyond(by) => own(tail + 1 + u64::from(by)),
        Anchor::Unborn => Token { id: stream.id + 1_000, position: 0 },
        Anchor::BelowOwn => own(stream.base().saturating_sub(1)),
    })
}

/// A token that ends with what some writer wrote, while another wrote on.
fn older(stream: &Stream, index: Index) -> Token {
    let mut ends = vec![Token { id: stream.id, position: stream.len() }];
    for ((_, to), record) in stream.spans().into_iter().zip(&stream.records) {
        ends.push(Token { id: record.writer, position: to });
    }
    *index.get(&ends)
}

fn sub_offset(stream: &Stream, anchor: u64, sub: Sub) -> u64 {
    let spans = stream.spans();
    let rest = match kind(&stream.content_type) {
        ContentKind::Json => spans.iter().filter(|(from, _)| *from >= anchor).count() as u64,
        _ => {
            let holding = spans.iter().find(|(from, to)| *from <= anchor && anchor < *to);
            holding.map_or(0, |(_, to)| to - anchor)
        }
    };
    match sub {
        Sub::None => 0,
        Sub::Some(n) => u64::from(n),
        Sub::ToEnd => rest,
        Sub::PastEnd => rest + 1,
        Sub::Largest => u64::MAX,
    }
}
