//! Events, encoded and cut at random, come back as they were.

use std::time::Duration;

use bytes::BytesMut;
use headwater_sse::{Event, EventId, EventType, encode_data_fragments, encode_data_lines};
use proptest::prelude::*;

use crate::injection::{tricky_text, with_lf};
use crate::support::{Observed, Seen, cut, observe};

/// An event in owned form, with an id and a type that are allowed.
#[derive(Debug, Clone)]
struct Described {
    id: Option<String>,
    event_type: Option<String>,
    data: Option<String>,
    retry: Option<u64>,
    comment: Option<String>,
}

fn described() -> impl Strategy<Value = Described> {
    let allowed_id = tricky_text().prop_map(|text| text.replace(['\r', '\n', '\0'], ""));
    let allowed_type = tricky_text().prop_map(|text| text.replace(['\r', '\n'], "") + "x");
    (
        prop::option::of(allowed_id),
        prop::option::of(allowed_type),
        prop::option::of(tricky_text()),
        prop::option::of(any::<u64>()),
        prop::option::of(tricky_text()),
    )
        .prop_map(|(id, event_type, data, retry, comment)| Described {
            id,
            event_type,
            data,
            retry,
            comment,
        })
}

impl Described {
    fn encode(&self, out: &mut BytesMut) -> Result<(), Box<dyn std::error::Error>> {
        let mut event = Event::new();
        if let Some(id) = &self.id {
            event = event.id(EventId::new(id)?);
        }
        if let Some(event_type) = &self.event_type {
            event = event.event_type(EventType::new(event_type)?);
        }
        if let Some(data) = &self.data {
            event = event.data(data);
        }
        if let Some(millis) = self.retry {
            event = event.retry(Duration::from_millis(millis));
        }
        if let Some(comment) = &self.comment {
            event = event.comment(comment);
        }
        event.encode(out);
        Ok(())
    }

    /// Adds to `observed` what a client sees of this event.
    fn happen(&self, observed: &mut Observed) {
        if let Some(id) = &self.id {
            observed.last_event_id.clone_from(id);
        }
        if let Some(millis) = self.retry {
            observed.retry_millis = Some(millis.into());
        }
        if let Some(data) = &self.data {
            observed.messages.push(Seen {
                event_type: self.event_type.as_deref().unwrap_or("message").to_owned(),
                data: with_lf(data),
                last_event_id: observed.last_event_id.clone(),
            });
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn events_survive_the_wire(
        events in prop::collection::vec(described(), 0..6),
        lengths in prop::collection::vec(0usize..40, 1..12),
    ) {
        let mut wire = BytesMut::new();
        let mut expected = Observed::default();
        for event in &events {
            let encoded = event.encode(&mut wire);
            prop_assert!(encoded.is_ok(), "{:?}", encoded);
            event.happen(&mut expected);
        }
        prop_assert_eq!(observe(cut(&wire, &lengths)), expected);
    }

    #[test]
    fn fragments_are_the_whole(
        texts in prop::collection::vec(tricky_text(), 0..6),
    ) {
        let fragments: Vec<&str> = texts.iter().map(String::as_str).collect();
        let (mut whole, mut joined) = (BytesMut::new(), BytesMut::new());
        encode_data_lines(&mut whole, &texts.concat());
        encode_data_fragments(&mut joined, fragments.iter().copied());
        prop_assert_eq!(&whole, &joined);
        let event = Event::new().data_fragments(&fragments);
        prop_assert_eq!(event.encoded_len(), whole.len() + 1);
    }
}
