//! Names of streams: one key for one name, one name for one key.

use headwater_core::key::{MAX_PATH_BYTES, NameError};
use headwater_core::{StoreId, StreamKey};
use proptest::prelude::*;

use crate::config;

/// Pieces out of which names are made that look alike once they are encoded.
const PIECES: &[&str] = &["a", "/", "%", "2", "F", "f", ".", "%2F", "%25", "é", " ", "?", "\u{80}"];

fn name() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 1..5)
        .prop_map(|pieces| pieces.concat())
        .prop_filter("a name", |name| name != "." && name != "..")
}

fn names() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(name(), 1..4)
}

fn key(names: &[String]) -> StreamKey {
    StreamKey::from_names(StoreId::DEFAULT, names.iter().map(String::as_str)).unwrap()
}

/// The bytes of a name, each as itself or as an escape in capitals or small letters.
fn encoded(name: &str, choices: &[u8]) -> String {
    let mut choices = choices.iter().cycle();
    let mut text = Vec::new();
    for byte in name.bytes() {
        let plain = !matches!(byte, b'/' | b'%');
        match choices.next().copied().unwrap_or_default() % 3 {
            0 if plain => text.push(byte),
            1 => text.extend(format!("%{byte:02x}").bytes()),
            _ => text.extend(format!("%{byte:02X}").bytes()),
        }
    }
    // A character may be half escaped, half plain; then the text is not UTF-8 and every byte has to be escaped.
    String::from_utf8(text)
        .unwrap_or_else(|_| name.bytes().map(|byte| format!("%{byte:02X}")).collect())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn keys_are_equal_exactly_when_names_are(one in names(), other in names()) {
        prop_assert_eq!(key(&one) == key(&other), one == other);
        prop_assert_eq!(key(&one).path() == key(&other).path(), one == other);
    }

    #[test]
    fn the_canonical_path_is_a_fixed_point(names in names()) {
        let key = key(&names);
        let again = StreamKey::parse(StoreId::DEFAULT, key.path());
        prop_assert_eq!(again.as_ref(), Ok(&key));
        prop_assert_eq!(key.path().split('/').count(), names.len());
    }

    #[test]
    fn every_spelling_of_a_name_is_the_same_key(names in names(), choices in prop::collection::vec(any::<u8>(), 1..20)) {
        let spelled: Vec<_> = names.iter().map(|name| encoded(name, &choices)).collect();
        let parsed = StreamKey::parse(StoreId::DEFAULT, &spelled.join("/"));
        prop_assert_eq!(parsed, Ok(key(&names)));
    }

    #[test]
    fn space_and_segment_join_to_the_path(names in names()) {
        let key = key(&names);
        let joined = if names.len() == 1 {
            prop_assert_eq!(key.space(), "");
            key.segment().to_owned()
        } else {
            format!("{}/{}", key.space(), key.segment())
        };
        prop_assert_eq!(joined, key.path());
        prop_assert!(!key.segment().contains('/'));
    }

    #[test]
    fn whatever_comes_in_is_a_name_or_an_error(
        text in prop_oneof![any::<String>(), "[a%./0-9A-F]{0,12}", "(/|\\.|%2[Ee]|%00|%c3|a){1,6}"],
    ) {
        match StreamKey::parse(StoreId::DEFAULT, &text) {
            Ok(key) => {
                let path = key.path();
                prop_assert!(path.len() <= MAX_PATH_BYTES);
                prop_assert!(path.split('/').all(|segment| !["", ".", ".."].contains(&segment)));
                prop_assert!(path.bytes().all(|byte| byte >= 0x20 && byte != 0x7F));
                let again = StreamKey::parse(StoreId::DEFAULT, path);
                prop_assert_eq!(again.as_ref(), Ok(&key));
            }
            Err(error) => {
                let empty = text.split('/').any(str::is_empty);
                prop_assert!(!empty || error != NameError::TooLong, "{error:?}");
                let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'/');
                prop_assert!(!plain || empty || text.len() > MAX_PATH_BYTES, "{error:?}");
            }
        }
    }

    #[test]
    fn the_length_counts_in_canonical_form(escapes in 0..400usize) {
        // A slash inside a name takes three bytes, however it came in.
        let encoded = "%2f".repeat(escapes) + "a";
        let parsed = StreamKey::parse(StoreId::DEFAULT, &encoded);
        let fits = escapes * 3 < MAX_PATH_BYTES;
        prop_assert_eq!(parsed.err(), (!fits).then_some(NameError::TooLong));
    }
}
