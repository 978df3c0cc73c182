//! The headers of idempotent producers and `Stream-Seq`.

use headwater_core::producer::InvalidProducer;
use headwater_core::{ProducerId, ProducerNumber, ProducerTuple, StreamSeq};
use http::HeaderMap;

use super::field::{single, single_text};
use crate::errors::Problem;
use crate::headers;

/// The producer of an append: all three headers, or none.
pub(crate) fn parse(headers: &HeaderMap) -> Result<Option<ProducerTuple>, Problem> {
    let id = single_text(headers, &headers::PRODUCER_ID)?;
    let epoch = single_text(headers, &headers::PRODUCER_EPOCH)?;
    let seq = single_text(headers, &headers::PRODUCER_SEQ)?;
    let tuple = match (id, epoch, seq) {
        (None, None, None) => return Ok(None),
        (Some(id), Some(epoch), Some(seq)) => tuple(id, epoch, seq),
        _ => {
            return Err(Problem::invalid(
                "Producer-Id, Producer-Epoch and Producer-Seq come together or not at all",
            ));
        }
    };
    tuple.map(Some).map_err(|error| Problem::invalid(error.to_string()))
}

fn tuple(id: &str, epoch: &str, seq: &str) -> Result<ProducerTuple, InvalidProducer> {
    Ok(ProducerTuple {
        id: ProducerId::parse(id)?,
        epoch: ProducerNumber::parse(epoch)?,
        seq: ProducerNumber::parse(seq)?,
    })
}

/// `Stream-Seq`.
pub(crate) fn stream_seq(headers: &HeaderMap) -> Result<Option<StreamSeq>, Problem> {
    let value = single(headers, &headers::STREAM_SEQ)?;
    let parsed = value.map(|value| StreamSeq::new(value.as_bytes())).transpose();
    parsed.map_err(|error| Problem::invalid(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::field::tests::map;

    const ID: (&str, &str) = ("producer-id", "p ä/?");
    const EPOCH: (&str, &str) = ("producer-epoch", "1");
    const SEQ: (&str, &str) = ("producer-seq", "9007199254740991");

    #[test]
    fn all_or_none() {
        assert!(parse(&map(&[])).unwrap().is_none());
        let tuple = parse(&map(&[ID, EPOCH, SEQ])).unwrap().unwrap();
        assert_eq!((tuple.id.as_str(), tuple.epoch.get()), (ID.1, 1));
        assert_eq!(tuple.seq.get(), 9_007_199_254_740_991);
        for some in [&[ID][..], &[EPOCH], &[SEQ], &[ID, EPOCH], &[ID, SEQ], &[EPOCH, SEQ]] {
            assert!(parse(&map(some)).is_err(), "{some:?}");
        }
    }

    #[test]
    fn broken_values_are_refused() {
        for bad in [
            [("producer-id", ""), EPOCH, SEQ],
            [ID, ("producer-epoch", "1abc"), SEQ],
            [ID, ("producer-epoch", ""), SEQ],
            [ID, EPOCH, ("producer-seq", "9007199254740992")],
            [ID, EPOCH, ("producer-seq", "-1")],
        ] {
            assert!(parse(&map(&bad)).is_err(), "{bad:?}");
        }
        assert!(parse(&map(&[ID, EPOCH, SEQ, EPOCH])).is_err());
    }

    #[test]
    fn stream_seq_is_bytes() {
        let of = |fields: &[(&str, &str)]| {
            stream_seq(&map(fields)).map(|seq| seq.map(|seq| seq.as_bytes().to_vec())).ok()
        };
        assert_eq!(of(&[]), Some(None));
        assert_eq!(of(&[("stream-seq", "é1")]), Some(Some("é1".into())));
        assert_eq!(of(&[("stream-seq", "")]), None);
        assert_eq!(of(&[("stream-seq", &"x".repeat(257))]), None);
    }
}
