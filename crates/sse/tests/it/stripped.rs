//! Ids and types out of any text: never more than one line of one event, and never less than was allowed.

use bytes::BytesMut;
use headwater_sse::{Event, EventId, EventType};
use proptest::prelude::*;

use crate::injection::{ATTACKS, tricky_text, with_lf};
use crate::support::{Observed, Seen, observe};

/// What a client sees of an event whose id and type were made of these texts.
fn sent(id: &str, event_type: &str, data: &str) -> Observed {
    let (id, event_type) = (EventId::stripped(id), EventType::stripped(event_type));
    let mut wire = BytesMut::new();
    Event::new().id(id.get()).event_type(event_type.get()).data(data).encode(&mut wire);
    observe([&wire[..]])
}

fn expected(id: &str, event_type: &str, data: &str) -> Observed {
    let id = id.replace(['\r', '\n', '\0'], "");
    let event_type = event_type.replace(['\r', '\n'], "");
    let event_type = if event_type.is_empty() { "message" } else { &event_type };
    Observed {
        messages: vec![Seen::new((event_type, &with_lf(data), &id))],
        last_event_id: id.clone(),
        ..Observed::default()
    }
}

#[test]
fn attacks_become_one_line() {
    for text in ATTACKS {
        assert_eq!(sent(text, text, "x"), expected(text, text, "x"), "{text:?}");
    }
}

#[test]
fn what_is_refused_is_deleted_and_nothing_else() {
    for (text, id, event_type) in [
        ("", "", "message"),
        ("\r\n", "", "message"),
        ("\0", "", "\0"),
        ("a\0b\rc\nd", "abcd", "a\0bcd"),
        (" é\u{85}\u{2028}: ", " é\u{85}\u{2028}: ", " é\u{85}\u{2028}: "),
    ] {
        assert_eq!(EventId::stripped(text).get(), id, "{text:?}");
        assert_eq!(EventType::stripped(text).get(), event_type, "{text:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn any_text_is_an_id_and_a_type(id in tricky_text(), event_type in tricky_text(), data in tricky_text()) {
        prop_assert_eq!(sent(&id, &event_type, &data), expected(&id, &event_type, &data));
    }

    #[test]
    fn what_is_allowed_stays_where_it_is(text in tricky_text()) {
        let (id, event_type) = (EventId::stripped(&text), EventType::stripped(&text));
        if let Ok(allowed) = EventId::new(&text) {
            prop_assert_eq!(id.get().as_str().as_ptr(), allowed.as_str().as_ptr());
        }
        if let Ok(allowed) = EventType::new(&text) {
            prop_assert_eq!(event_type.get().as_str().as_ptr(), allowed.as_str().as_ptr());
        }
        // And what is left is allowed.
        prop_assert_eq!(EventId::new(id.get().as_str()), Ok(id.get()));
        prop_assert_eq!(EventType::new(event_type.get().as_str()), Ok(event_type.get()));
    }
}
