//! The body of an append.

use crate::bench::payload::{Mark, Payload};
use crate::bench::reader::Between;

/// What one append request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Batch {
    /// One record as it is.
    Single,
    /// A JSON array of so many records, each a string.
    JsonArray(u32),
}

impl Batch {
    /// Records a request.
    pub(crate) fn records(self) -> u32 {
        match self {
            Self::Single => 1,
            Self::JsonArray(records) => records.max(1),
        }
    }

    /// The content type of streams that take it.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Single => "application/octet-stream",
            Self::JsonArray(_) => "application/json",
        }
    }

    /// What stands between records when they are read.
    pub(crate) fn between(self) -> Between {
        match self {
            Self::Single => Between::Nothing,
            Self::JsonArray(_) => Between::Json,
        }
    }

    /// Bytes a request.
    pub(super) fn length(self, payload: &Payload) -> usize {
        match self {
            Self::Single => payload.size(),
            // Each record has two quotes and a comma or the closing bracket behind it.
            Self::JsonArray(_) => self.records() as usize * (payload.size() + 3) + 1,
        }
    }

    pub(super) fn write(self, payload: &Payload, first: Mark, out: &mut Vec<u8>) {
        match self {
            Self::Single => payload.write(first, out),
            Self::JsonArray(_) => {
                out.push(b'[');
                for nth in 0..self.records() {
                    out.extend_from_slice(if nth == 0 { b"\"" } else { b",\"" });
                    payload.write(Mark { seq: first.seq.wrapping_add(nth), ..first }, out);
                    out.push(b'"');
                }
                out.push(b']');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_as_long_as_its_head_says() {
        let payload = Payload::new(30);
        for batch in [Batch::Single, Batch::JsonArray(1), Batch::JsonArray(64)] {
            let mut body = Vec::new();
            batch.write(&payload, Mark { writer: 1, seq: 5, nanos: 9 }, &mut body);
            assert_eq!(body.len(), batch.length(&payload), "{batch:?}");
            if let Batch::JsonArray(records) = batch {
                let values: Vec<String> = serde_json::from_slice(&body).unwrap();
                let seqs = values.iter().map(|text| payload.read(text.as_bytes()).unwrap().seq);
                assert_eq!(seqs.collect::<Vec<_>>(), (5..5 + records).collect::<Vec<_>>());
            }
        }
    }
}
