//! Entity tags.

use headwater_core::Lineage;
use headwater_core::cache::{Ending, PageTag, StreamTag};
use headwater_core::offset::MAX_NUMBER;
use proptest::prelude::*;

use crate::config;

fn ending() -> impl Strategy<Value = Ending> {
    prop_oneof![Just(Ending::Open), Just(Ending::Closed)]
}

fn page() -> impl Strategy<Value = PageTag> {
    (1..4u64, 0..4u64, 0..4u64, ending()).prop_map(|(lineage, from, to, ending)| PageTag {
        lineage: Lineage(lineage),
        from,
        to,
        ending,
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_stream_tag_reads_back(lineage in 0..=MAX_NUMBER, tail in 0..=MAX_NUMBER, ending in ending()) {
        let tag = StreamTag { lineage: Lineage(lineage), tail, ending };
        prop_assert_eq!(StreamTag::parse(&tag.to_string()), Ok(tag));
        prop_assert_eq!(StreamTag::parse(&format!(" {tag}\t")), Ok(tag));
        let others = [format!("W/{tag}"), format!("{tag}, {tag}"), format!("{tag}{tag}")];
        prop_assert!(others.iter().all(|other| StreamTag::parse(other).is_err()));
    }

    #[test]
    fn what_parses_as_a_tag_is_what_would_be_written(text in "\"?[0-9]{0,17}:[0-9]{0,17}(:c|:C|:)?\"?") {
        if let Ok(tag) = StreamTag::parse(&text) {
            prop_assert_eq!(tag.to_string(), text);
        }
    }

    #[test]
    fn pages_that_differ_have_tags_that_differ(one in page(), other in page()) {
        prop_assert_eq!(one.to_string() == other.to_string(), one == other);
    }
}
