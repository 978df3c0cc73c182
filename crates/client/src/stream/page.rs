//! Records in their envelopes, taken out of an answer.

use bytes::Bytes;
use headwater_core::Offset;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::RequestError;

/// A record: which of the stream's it is, and where it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    sequence: u64,
    pub(crate) end: Offset,
    /// The value as it was appended; shares the memory of the whole answer.
    pub(crate) value: Bytes,
}

/// What a read brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) records: Vec<Record>,
    /// Whether it had all there was at that moment.
    pub(crate) up_to_date: bool,
}

/// What of an envelope is needed here; members that it does not name may come.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    sequence: u64,
    #[serde(borrow)]
    next_offset: &'a str,
    #[serde(borrow)]
    payload: &'a RawValue,
}

impl Page {
    /// Takes the records out of the body of an answer.
    pub(crate) fn parse(body: Bytes, up_to_date: bool) -> Result<Self, RequestError> {
        let wrong = RequestError::Foreign;
        let envelopes: Vec<Envelope<'_>> =
            serde_json::from_slice(&body).map_err(|_| wrong("its body is no list of records"))?;
        let records = envelopes.iter().map(|Envelope { sequence, next_offset, payload }| {
            let end = next_offset.parse().map_err(|_| wrong("a record has no offset"))?;
            let value = body.slice_ref(payload.get().as_bytes());
            Ok(Record { sequence: *sequence, end, value })
        });
        let records = records.collect::<Result<Vec<_>, _>>()?;
        if records.is_empty() && !up_to_date {
            return Err(wrong("it has no records, and there are more"));
        }
        Ok(Self { records, up_to_date })
    }

    /// The same, if it has what comes behind an offset, record by record, and the answer goes on where it ends.
    pub(crate) fn between(self, after: Offset, next: Offset) -> Result<Self, RequestError> {
        let mut last: Option<&Record> = None;
        for record in &self.records {
            let begins = last.map_or(after, |last| last.end);
            let follows =
                last.is_none_or(|last| last.sequence.checked_add(1) == Some(record.sequence));
            if !follows || record.end.position() <= begins.position() {
                return Err(RequestError::Foreign("its records do not follow on each other"));
            }
            last = Some(record);
        }
        let goes_on = match last {
            Some(last) => last.end == next,
            // The same place can have the token of a newer lineage.
            None => after.position() == next.position(),
        };
        if !goes_on {
            return Err(RequestError::Foreign("it goes on elsewhere than behind its last record"));
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use headwater_core::Lineage;

    use super::*;

    fn parse(body: &'static str, up_to_date: bool) -> Result<Page, RequestError> {
        Page::parse(Bytes::from_static(body.as_bytes()), up_to_date)
    }

    #[test]
    fn values_come_as_they_were_appended() {
        let page = parse(
            r#"[{"sequence":1,"nextOffset":"0000000000000001_0000000000000010","payload":{"a": 1.50 }},
                {"sequence":2,"nextOffset":"0000000000000001_0000000000000017","timestamp":"…","metadata":{"b":[]},"payload":12345678901234567890}]"#,
            false,
        );
        let records = page.unwrap().records;
        let values: Vec<_> = records.iter().map(|record| &record.value[..]).collect();
        assert_eq!(values, [&br#"{"a": 1.50 }"#[..], b"12345678901234567890"]);
        let ends: Vec<_> = records.iter().map(|record| record.end.position()).collect();
        assert_eq!(ends, [10, 17]);
    }

    #[test]
    fn what_is_no_page_is_an_error() {
        assert_eq!(parse("[]", true).unwrap().records, []);
        for (body, up_to_date) in [
            ("[]", false),
            ("", true),
            ("{}", true),
            ("<html>", true),
            (r#"[{"payload":1}]"#, true),
            (r#"[{"nextOffset":"0000000000000001_0000000000000010","payload":1}]"#, true),
            (r#"[{"sequence":1,"nextOffset":"7","payload":1}]"#, true),
            (r#"[{"sequence":1,"nextOffset":"0000000000000001_0000000000000010"}]"#, true),
            (
                r#"[{"sequence":1,"nextOffset":"0000000000000001_0000000000000010","payload":1}"#,
                true,
            ),
        ] {
            let parsed = parse(body, up_to_date);
            assert!(matches!(parsed, Err(RequestError::Foreign(_))), "{body}: {parsed:?}");
        }
    }

    #[test]
    fn a_page_with_a_hole_is_an_error() {
        let at = |position| Offset::new(Lineage(1), position);
        let page = |records: &[(u64, u64)]| {
            let record = |(sequence, end): &(u64, u64)| Record {
                sequence: *sequence,
                end: at(*end),
                value: Bytes::new(),
            };
            Page { records: records.iter().map(record).collect(), up_to_date: true }
        };
        for (records, after, next, sound) in [
            (&[(4, 20), (5, 30)][..], 10, 30, true),
            (&[], 10, 10, true),
            (&[], 10, 20, false),
            (&[(4, 20), (6, 30)], 10, 30, false),
            (&[(4, 20), (4, 30)], 10, 30, false),
            (&[(5, 20), (4, 30)], 10, 30, false),
            (&[(4, 20), (5, 20)], 10, 20, false),
            (&[(4, 20)], 20, 20, false),
            (&[(4, 20)], 10, 30, false),
        ] {
            let judged = page(records).between(at(after), at(next));
            assert_eq!(judged.is_ok(), sound, "{records:?} after {after}");
        }
    }
}
