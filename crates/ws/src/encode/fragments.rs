//! A message in fragments: its length need not be known when its first frame is made.

use bytes::Bytes;

use super::{Closed, Encoder, Form, Lead};
use crate::deflate::Stream;
use crate::frame::Opcode;

/// Where in its message a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// More of the message follows.
    Before,
    Last,
}

/// A message on its way out.
#[derive(Debug)]
pub(super) struct Begun {
    /// What it is compressed with, if it is.
    stream: Option<Stream>,
}

impl Encoder {
    /// Encodes a fragment of the message that has begun, or the first of one of this kind. A message that is all in its first
    /// fragment is encoded as any other.
    ///
    /// Once there was one that is not the last, all that can be encoded until there is one are control frames.
    pub(crate) fn fragment(
        &mut self,
        kind: Opcode,
        payload: Bytes,
        place: Place,
        out: &mut impl Extend<Bytes>,
    ) -> Result<(), Closed> {
        if self.closed {
            return Err(Closed);
        }
        let (mut begun, opcode) = match (self.begun.take(), place) {
            (Some(begun), _) => (begun, Opcode::Continuation),
            (None, Place::Last) => return self.whole(kind, payload, out),
            (None, Place::Before) => {
                // Whether it gets smaller is not known, but somebody has asked for compression, and it is not short.
                let stream = self.deflate.as_deref_mut().and_then(|(outbound, _)| outbound.begin());
                (Box::new(Begun { stream }), kind)
            }
        };
        let (payload, form) = match &mut begun.stream {
            None => (payload, Form::Plain),
            Some(stream) => {
                let compressed = match place {
                    Place::Before => stream.compress(&payload),
                    Place::Last => stream.compress_last(&payload),
                };
                let Some(compressed) = compressed else {
                    // zlib has no reason to refuse. What has been sent cannot be taken back, so nothing can follow.
                    self.begun = Some(begun);
                    return Err(Closed);
                };
                // Only the first frame of a message says that it is compressed.
                let is_first = opcode != Opcode::Continuation;
                let form = if is_first { Form::Compressed } else { Form::Plain };
                (Bytes::from(compressed), form)
            }
        };
        self.frame(Lead { opcode, form, place }, payload, out);
        match (place, self.deflate.as_deref_mut(), begun.stream.take()) {
            (Place::Last, Some((outbound, _)), Some(stream)) => outbound.end(stream),
            (Place::Last, ..) => {}
            (Place::Before, _, stream) => {
                begun.stream = stream;
                self.begun = Some(begun);
            }
        }
        Ok(())
    }
}
