//! The words of a line: a verb, a stream, and fields.

use std::collections::BTreeMap;

/// A command taken apart. Reading a field takes it, so that a misspelt one is found.
pub(super) struct Words {
    pub(super) verb: String,
    pub(super) object: String,
    fields: BTreeMap<String, String>,
}

impl Words {
    pub(super) fn of(line: &str) -> Self {
        let mut words = split(line).into_iter();
        let verb = words.next().unwrap_or_default();
        let object = words.next().unwrap_or_default();
        let field = |word: String| match word.split_once('=') {
            Some((name, value)) => (name.to_owned(), value.to_owned()),
            None => (word, String::new()),
        };
        Self { verb, object, fields: words.map(field).collect() }
    }

    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        self.fields.remove(name)
    }

    pub(super) fn number(&mut self, name: &str) -> Option<u64> {
        self.take(name).map(|text| text.parse().expect("a number"))
    }

    pub(super) fn done(&self) {
        assert!(self.fields.is_empty(), "{} {} knows no {:?}", self.verb, self.object, self.fields);
    }
}

/// Milliseconds of a time in seconds.
pub(super) fn millis(seconds: &str) -> u64 {
    (seconds.parse::<f64>().expect("seconds") * 1000.0) as u64
}

/// Splits at spaces outside single quotes, which are dropped.
fn split(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for character in line.chars() {
        match character {
            '\'' if !quoted && words.last().is_some_and(|word| ends_value(word)) => quoted = true,
            '\'' if quoted => quoted = false,
            ' ' if !quoted => words.push(String::new()),
            other => words.last_mut().unwrap().push(other),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// A quote opens a value; elsewhere it is part of a stream's name.
fn ends_value(word: &str) -> bool {
    word.ends_with('=')
}
