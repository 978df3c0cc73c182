//! The targets themselves; each is a test that a fuzzer can drive.

use std::time::Duration;

use bytes::BytesMut;
use headwater_sse::replay::Cursor;
use headwater_sse::{Decoder, Event, EventId, EventType};

use crate::input::{disagreement, expand};
use crate::support::{cut, observe, observe_with};

/// So that all targets together take a second or two where nothing else is asked for.
const ITERATIONS: usize = 5_000;

/// Any bytes, cut anywhere, read as the standard says; and with a limit never as anything else.
#[test]
fn decoder() {
    bolero::check!().with_iterations(ITERATIONS).with_type::<(Vec<u8>, Vec<u8>, u8)>().for_each(
        |(input, cuts, limit)| {
            let stream = expand(input);
            if let Some((found, wanted)) =
                disagreement(|pieces| observe(pieces.iter().copied()), &stream, cuts)
            {
                panic!("{stream:?} cut at {cuts:?}: {found:?}, and the standard says {wanted:?}");
            }
            let all = observe([&stream[..]]);
            let limited = Decoder::new().with_event_limit(usize::from(*limit));
            let lengths: Vec<_> = cuts.iter().map(|length| usize::from(length % 12)).collect();
            let limited = observe_with(limited, cut(&stream, &lengths));
            let seen = limited.messages.len();
            assert_eq!(limited.messages[..], all.messages[..seen], "what comes is what is there");
            assert!(
                limited.error.is_some() || seen == all.messages.len(),
                "and nothing is left out"
            );
        },
    );
}

/// An event as a fuzzer describes it: id, type, fragments of data, retry and comment.
type Described = (Option<String>, Option<String>, Vec<String>, Option<u64>, Option<String>);

/// Whatever an event is made of, exactly it arrives, and nothing that it says is taken for more.
#[test]
fn round_trip() {
    bolero::check!().with_iterations(ITERATIONS).with_type::<(Described, Vec<u8>)>().for_each(
        |((id, event_type, data, retry, comment), cuts)| {
            let fragments: Vec<_> = data.iter().map(String::as_str).collect();
            let mut event = Event::new();
            let id = id.as_deref().and_then(|id| EventId::new(id).ok());
            let event_type = event_type.as_deref().and_then(|text| EventType::new(text).ok());
            if let Some(id) = id {
                event = event.id(id);
            }
            if let Some(event_type) = event_type {
                event = event.event_type(event_type);
            }
            if let Some(millis) = retry {
                event = event.retry(Duration::from_millis(*millis));
            }
            if let Some(comment) = comment {
                event = event.comment(comment);
            }
            if !fragments.is_empty() {
                event = event.data_fragments(&fragments);
            }
            let mut wire = BytesMut::new();
            event.encode(&mut wire);
            assert_eq!(wire.len(), event.encoded_len());
            let lengths: Vec<_> = cuts.iter().map(|length| usize::from(length % 12)).collect();
            let observed = observe(cut(&wire, &lengths));
            let data = data.concat().replace("\r\n", "\n").replace('\r', "\n");
            let messages: Vec<_> = observed.messages.iter().map(|seen| seen.data.clone()).collect();
            assert_eq!(messages, if fragments.is_empty() { vec![] } else { vec![data] });
            assert_eq!(observed.last_event_id, id.unwrap_or_default().as_str());
            assert_eq!(observed.retry_millis, retry.map(u128::from));
            for seen in &observed.messages {
                assert_eq!(seen.event_type, event_type.unwrap_or(EventType::MESSAGE).as_str());
            }
        },
    );
}

/// A text that is taken for a cursor is the one text of that cursor.
#[test]
fn cursor() {
    bolero::check!().with_iterations(ITERATIONS).with_type::<(u64, u64, Vec<u8>)>().for_each(
        |(epoch, offset, junk)| {
            let cursor = Cursor::new(headwater_sse::replay::Epoch::new(*epoch), *offset);
            let mut text = cursor.to_string().into_bytes();
            assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
            // The junk says which byte of a real one becomes what.
            for change in junk.chunks_exact(2) {
                let at = usize::from(change[0]) % text.len();
                text[at] = change[1];
            }
            if let Ok(text) = String::from_utf8(text)
                && let Some(cursor) = Cursor::parse(&text)
            {
                assert_eq!(cursor.to_string(), text);
            }
        },
    );
}
