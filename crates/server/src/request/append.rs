//! What a POST says beside its body.

use headwater_core::command::{Closing, Expect};
use headwater_core::{ProducerTuple, StreamSeq};
use http::HeaderMap;

use super::{field, if_match, producer};
use crate::errors::Problem;

/// The head of an append. The content type is looked at only when there is a body, which a close need not
/// have.
#[derive(Debug)]
pub(crate) struct AppendHead {
    pub(crate) closing: Closing,
    pub(crate) producer: Option<ProducerTuple>,
    pub(crate) stream_seq: Option<StreamSeq>,
    pub(crate) expect: Expect,
}

impl AppendHead {
    pub(crate) fn parse(headers: &HeaderMap) -> Result<Self, Problem> {
        let head = Self {
            closing: field::closing(headers)?,
            producer: producer::parse(headers)?,
            stream_seq: producer::stream_seq(headers)?,
            expect: if_match::parse(headers)?,
        };
        // A retry of an accepted append would be refused by a tag that the append itself made old.
        if head.producer.is_some() && head.expect != Expect::Anything {
            return Err(Problem::invalid("If-Match and producer headers exclude each other"));
        }
        Ok(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::field::tests::map;

    #[test]
    fn a_condition_and_a_producer_exclude_each_other() {
        let producer = [("producer-id", "p"), ("producer-epoch", "0"), ("producer-seq", "0")];
        let condition = ("if-match", "\"1:0\"");
        assert!(AppendHead::parse(&map(&producer)).unwrap().producer.is_some());
        assert_ne!(AppendHead::parse(&map(&[condition])).unwrap().expect, Expect::Anything);
        let both: Vec<_> = producer.into_iter().chain([condition]).collect();
        assert_eq!(AppendHead::parse(&map(&both)).unwrap_err().code.as_str(), "invalid_request");
    }
}
