//! Records in their envelopes, taken out of an answer.

use bytes::Bytes;
use headwater_core::Offset;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::RequestError;

/// A record and where it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
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
        let records = envelopes.iter().map(|Envelope { next_offset, payload }| {
            let end = next_offset.parse().map_err(|_| wrong("a record has no offset"))?;
            Ok(Record { end, value: body.slice_ref(payload.get().as_bytes()) })
        });
        let records = records.collect::<Result<Vec<_>, _>>()?;
        if records.is_empty() && !up_to_date {
            return Err(wrong("it has no records, and there are more"));
        }
        Ok(Self { records, up_to_date })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &'static str, up_to_date: bool) -> Result<Page, RequestError> {
        Page::parse(Bytes::from_static(body.as_bytes()), up_to_date)
    }

    #[test]
    fn values_come_as_they_were_appended() {
        let page = parse(
            r#"[{"sequence":1,"nextOffset":"0000000000000001_0000000000000010","payload":{"a": 1.50 }},
                {"nextOffset":"0000000000000001_0000000000000017","timestamp":"…","metadata":{"b":[]},"payload":12345678901234567890}]"#,
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
            (r#"[{"nextOffset":"7","payload":1}]"#, true),
            (r#"[{"nextOffset":"0000000000000001_0000000000000010"}]"#, true),
            (r#"[{"nextOffset":"0000000000000001_0000000000000010","payload":1}"#, true),
        ] {
            let parsed = parse(body, up_to_date);
            assert!(matches!(parsed, Err(RequestError::Foreign(_))), "{body}: {parsed:?}");
        }
    }
}
