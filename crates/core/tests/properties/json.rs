//! JSON framing: bodies become records and records become bodies, and no value changes on the way.

use bytes::Bytes;
use headwater_core::ContentKind;
use headwater_core::command::Unframed;
use headwater_core::json::{MAX_NESTING, enclose, frame};
use headwater_core::record::table_bytes;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::value::RawValue;

use crate::config;

/// Values without parts, in spellings that a parser and a writer would not give back.
const PLAIN: &[&str] = &[
    "null",
    "true",
    "0",
    "-0",
    "1.0",
    "1e3",
    "1E+999",
    "12345678901234567890",
    "0.1000000000000000055",
    "\"\"",
    "\"x,]}\"",
    "\"\\\"[\\\\\"",
    "\"\\u00e9\\ud83d\\ude00\"",
    "\"é\"",
    "\"\\/\"",
];

fn space() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&["", "", " ", "\n", "\t ", "\r\n"][..])
}

/// The text of a value, without spaces around it.
fn value() -> impl Strategy<Value = String> {
    prop::sample::select(PLAIN).prop_map(str::to_owned).prop_recursive(3, 12, 3, |inner| {
        let many = prop::collection::vec((space(), inner, space()), 0..3);
        (many, any::<bool>()).prop_map(|(many, object)| {
            let name =
                |index: usize| if object { format!("\"k{}\":", index / 2) } else { String::new() };
            let parts = many.iter().enumerate().map(|(index, (before, value, after))| {
                format!("{}{before}{value}{after}", name(index))
            });
            let inside = parts.collect::<Vec<_>>().join(",");
            if object { format!("{{{inside}}}") } else { format!("[{inside}]") }
        })
    })
}

/// Values and a body that holds them: an array, or one value that is none on its own.
fn body() -> impl Strategy<Value = (Vec<String>, String)> {
    let values = prop::collection::vec(value(), 1..5);
    (values, space(), space(), any::<bool>()).prop_map(|(values, before, after, alone)| {
        let body = match values.as_slice() {
            [one] if alone && !one.starts_with('[') => format!("{before}{one}{after}"),
            many => format!("{before}[{after}{}{before}]{after}", many.join(&format!("{before},"))),
        };
        (values, body)
    })
}

/// The stored bytes of each record.
fn records(body: &str) -> Vec<Bytes> {
    let batch = frame(body.as_bytes()).unwrap().unwrap();
    let mut rest = batch.payload().clone();
    batch.records().iter().map(|record| rest.split_to(record.len as usize)).collect()
}

/// These records as they are read.
fn text(stored: Vec<Bytes>) -> String {
    let parts = enclose(stored.into_iter().map(Into::into).collect());
    let parts = parts.iter().map(|part| part.memory().unwrap().clone());
    String::from_utf8(parts.collect::<Vec<_>>().concat()).unwrap()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_value_is_a_record_of_its_own_bytes((values, body) in body()) {
        let stored: Vec<_> = values.iter().map(|value| Bytes::from(format!("{value},"))).collect();
        prop_assert_eq!(records(&body), stored);
        let counted = Unframed::new(ContentKind::Json, body.into()).table_bytes();
        prop_assert_eq!(counted, table_bytes(values.len()), "counted before it is parsed");
    }

    #[test]
    fn records_read_back_as_an_array_of_the_same_values((values, body) in body()) {
        let read = text(records(&body));
        let array: Vec<&RawValue> = serde_json::from_str(&read).unwrap();
        prop_assert_eq!(array.iter().map(|value| value.get()).collect::<Vec<_>>(), values);
        prop_assert_eq!(records(&read), records(&body), "an array that is appended again is the same");
    }

    #[test]
    fn any_run_of_records_in_any_pieces_is_an_array(
        (_, body) in body(),
        from in any::<Index>(),
        to in any::<Index>(),
        pieces in prop::collection::vec(any::<Index>(), 0..4),
    ) {
        let records = records(&body);
        let (from, to) = (from.index(records.len() + 1), to.index(records.len() + 1));
        let run = &records[from.min(to)..from.max(to)];
        let mut rest = Bytes::from(run.concat());
        let mut cut = Vec::new();
        for piece in pieces {
            cut.push(rest.split_to(piece.index(rest.len() + 1)));
        }
        cut.push(rest);
        let array: Vec<Box<RawValue>> = serde_json::from_str(&text(cut)).unwrap();
        let stored: Vec<_> = array.iter().map(|value| Bytes::from(format!("{value},"))).collect();
        prop_assert_eq!(stored, run);
    }

    #[test]
    fn a_body_is_refused_exactly_when_it_is_not_json(
        (_, body) in body(),
        at in any::<Index>(),
        change in prop_oneof![Just(None), prop::sample::select(&b"[]{},:\"\\1 e\x00\xff"[..]).prop_map(Some)],
    ) {
        let mut bytes = body.into_bytes();
        let at = at.index(bytes.len());
        match change {
            None => drop(bytes.remove(at)),
            Some(byte) => bytes[at] = byte,
        }
        let json = serde_json::from_slice::<&RawValue>(&bytes).is_ok();
        prop_assert_eq!(frame(&bytes).is_ok(), json, "{}", String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn whatever_comes_in_is_framed_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let counted = Unframed::new(ContentKind::Json, Bytes::copy_from_slice(&bytes)).table_bytes();
        if let Ok(Some(batch)) = frame(&bytes) {
            prop_assert_eq!(counted, table_bytes(batch.records().len()));
            let sum: u64 = batch.records().iter().map(|record| record.len).sum();
            prop_assert_eq!(sum, batch.payload().len() as u64);
        }
    }
}

#[test]
fn nesting_is_bounded_as_it_is_read_back() {
    let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    let most = MAX_NESTING;
    for (body, accepted) in [
        (nested(most), true),
        (nested(most + 1), false),
        (nested(1_000_000), false),
        (format!("{{\"a\":{}}}", nested(most - 2)), true),
        (format!("{{\"a\":{}}}", nested(most - 1)), false),
        (format!("[{{\"a\":{}}},1]", nested(most - 2)), true),
        (format!("[1,{{\"a\":{}}}]", nested(most - 1)), false),
        (format!("[{}]", vec![nested(most - 1); 3].join(",")), true),
        (format!("\"{}\"", "[".repeat(200)), true),
        (format!("\"\\\"{}\"", "[".repeat(200)), true),
        (format!("[\"\\\\\",{}]", nested(most)), false),
    ] {
        let framed = frame(body.as_bytes());
        assert_eq!(framed.is_ok(), accepted, "{body:.200}");
        if accepted {
            let read = text(records(&body));
            let parsed: Result<serde_json::Value, _> = serde_json::from_str(&read);
            assert!(parsed.is_ok(), "a parser with the common limit reads {read:.200}");
        }
    }
    let error = frame(format!("[1,\n [{}]]", nested(most)).as_bytes()).unwrap_err();
    assert_eq!((error.line, error.column), (2, 1 + most));
}
