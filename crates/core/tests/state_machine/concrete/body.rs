//! Bodies: the text that is sent, and what it was made of.

use std::collections::BTreeMap;
use std::sync::Arc;

use headwater_core::ContentKind;
use headwater_core::command::Body;

use super::Concrete;
use crate::ops::BodyChoice;
use crate::request::{Content, Given, GivenRecord};

/// Values that a careless server changes or cuts apart.
const VALUES: &[&str] = &[
    "12345678901234567890",
    "1.0",
    "\"x,]\"",
    "{\"a\":1,\"a\":[2]}",
    "[1, 2]",
    "[]",
    "\"\\u00e9\"",
];

/// What stands between values.
const SPACES: &[&str] = &["", " ", "\n\t"];

fn plain(bytes: Vec<u8>) -> GivenRecord {
    GivenRecord { bytes, metadata: None }
}

impl Concrete {
    pub(super) fn body(&self, framed: ContentKind, choice: &BodyChoice) -> (Body, Given) {
        match (choice, framed) {
            (BodyChoice::Nothing, _) => Given::wire(framed, String::new(), Content::Nothing),
            (BodyChoice::EmptyArray, ContentKind::Json) => {
                Given::wire(framed, " [ ]".to_owned(), Content::EmptyArray)
            }
            (BodyChoice::Broken, ContentKind::Json) => {
                Given::wire(framed, format!("{{\"n\":{}", self.step), Content::Broken)
            }
            (BodyChoice::EmptyArray | BodyChoice::Broken, _) => {
                let text = "[".to_owned();
                let content = Content::Records(vec![plain(text.clone().into_bytes())]);
                Given::wire(framed, text, content)
            }
            (BodyChoice::Values(shapes), ContentKind::Json) => self.json(shapes),
            (BodyChoice::Values(shapes), _) => {
                let text: String = shapes.iter().map(|shape| self.piece(*shape)).collect();
                let content = Content::Records(vec![plain(text.clone().into_bytes())]);
                Given::wire(framed, text, content)
            }
            (BodyChoice::Embedded(shapes), _) => {
                let record = |shape: &u8| self.embedded(framed, *shape);
                Given::embedded(framed, shapes.iter().map(record).collect())
            }
        }
    }

    /// A few bytes that tell the step they were written in; never none.
    fn piece(&self, shape: u8) -> String {
        let filler = "é".repeat(usize::from(shape % 3));
        format!("{}{filler}", self.step)
    }

    fn value(&self, shape: u8) -> String {
        let index = usize::from(shape) % (VALUES.len() * 2);
        VALUES.get(index).map_or_else(|| self.step.to_string(), |value| (*value).to_owned())
    }

    /// One value on its own, or an array of values.
    fn json(&self, shapes: &[u8]) -> (Body, Given) {
        let values: Vec<String> = shapes.iter().map(|shape| self.value(*shape)).collect();
        let space = SPACES[self.step % SPACES.len()];
        let text = match values.as_slice() {
            [one] if !one.starts_with('[') => format!("{space}{one}{space}"),
            many => format!("{space}[{space}{}]{space}", many.join(&format!("{space},"))),
        };
        let stored = |value: String| plain(format!("{value},").into_bytes());
        let content = Content::Records(values.into_iter().map(stored).collect());
        Given::wire(ContentKind::Json, text, content)
    }

    fn embedded(&self, framed: ContentKind, shape: u8) -> GivenRecord {
        let bytes = match framed {
            ContentKind::Json => format!("{},", self.value(shape)),
            _ if shape.is_multiple_of(4) => String::new(),
            _ => self.piece(shape),
        };
        let metadata = BTreeMap::from([("step".to_owned(), self.step.to_string())]);
        let metadata = shape.is_multiple_of(2).then(|| Arc::new(metadata));
        GivenRecord { bytes: bytes.into_bytes(), metadata }
    }
}
