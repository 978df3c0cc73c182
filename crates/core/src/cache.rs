//! Entity tags and cache lifetimes: what may be kept by whom.

use std::fmt;

use crate::digits;
use crate::offset::{Lineage, MAX_NUMBER};
use crate::state::StreamState;

/// `Cache-Control` of a page that was read by offset: its bytes never change, but what follows may grow.
pub const CACHE_PAGE: &str = "public, max-age=60, stale-while-revalidate=300";
/// `Cache-Control` of everything that tells the present.
pub const CACHE_NEVER: &str = "no-store";
/// `Cache-Control` of an event stream; proxies must not transform it either.
pub const CACHE_EVENTS: &str = "no-cache, no-transform";

/// Whether a tag says that the stream ends here. A tag with and one without differ, so that a `304` cannot hide the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// More may follow.
    Open,
    /// Nothing will.
    Closed,
}

impl Ending {
    fn suffix(self) -> &'static str {
        match self {
            Self::Open => "",
            Self::Closed => ":c",
        }
    }
}

/// The tag of a page: which incarnation, from where to where, and whether that is the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageTag {
    /// The stream's own lineage, or that of the last renewal in front of the page's end.
    pub lineage: Lineage,
    /// First position.
    pub from: u64,
    /// Position after the last byte.
    pub to: u64,
    /// Whether the response says that the stream is closed.
    pub ending: Ending,
}

impl PageTag {
    /// Writes the tag, as `Display` does, without a formatter in between. What is not empty in `form` names another representation
    /// of the same page.
    ///
    /// # Errors
    /// Those of what it is written to.
    pub fn write_to(&self, out: &mut impl fmt::Write, form: &str) -> fmt::Result {
        out.write_char('"')?;
        digits::write_to(out, self.lineage.0)?;
        out.write_char(':')?;
        digits::write_to(out, self.from)?;
        out.write_char(':')?;
        digits::write_to(out, self.to)?;
        out.write_str(self.ending.suffix())?;
        out.write_str(form)?;
        out.write_char('"')
    }
}

impl fmt::Display for PageTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_to(f, "")
    }
}

/// The tag of a stream as a whole, which `If-Match` compares: incarnation, tail, and whether it is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamTag {
    /// The stream's own lineage, or that of its last renewal.
    pub lineage: Lineage,
    /// Position after the last byte.
    pub tail: u64,
    /// Whether the stream is closed.
    pub ending: Ending,
}

/// `If-Match` is not one strong tag of the form that a `HEAD` gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("If-Match takes exactly one strong tag, as HEAD returns it")]
pub struct InvalidTag;

impl StreamTag {
    /// The tag of a state.
    #[must_use]
    pub fn of(state: &StreamState) -> Self {
        let ending = if state.closed.is_some() { Ending::Closed } else { Ending::Open };
        let tail = state.tail.position;
        Self { lineage: state.ranges.lineage_up_to(tail), tail, ending }
    }

    /// Parses the value of an `If-Match`.
    ///
    /// # Errors
    /// [`InvalidTag`] for `*`, lists, weak tags, and whatever HEAD never gives.
    pub fn parse(text: &str) -> Result<Self, InvalidTag> {
        let inner = text.trim_matches([' ', '\t']);
        let inner = inner.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let inner = inner.ok_or(InvalidTag)?;
        let (numbers, ending) = match inner.strip_suffix(":c") {
            Some(numbers) => (numbers, Ending::Closed),
            None => (inner, Ending::Open),
        };
        let (lineage, tail) = numbers.split_once(':').ok_or(InvalidTag)?;
        Ok(Self { lineage: Lineage(number(lineage)?), tail: number(tail)?, ending })
    }

    /// Writes the tag, as `Display` does, without a formatter in between: it is in every answer to an append.
    ///
    /// # Errors
    /// Those of what it is written to.
    pub fn write_to(&self, out: &mut impl fmt::Write) -> fmt::Result {
        out.write_char('"')?;
        digits::write_to(out, self.lineage.0)?;
        out.write_char(':')?;
        digits::write_to(out, self.tail)?;
        out.write_str(self.ending.suffix())?;
        out.write_char('"')
    }
}

impl fmt::Display for StreamTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_to(f)
    }
}

fn number(text: &str) -> Result<u64, InvalidTag> {
    let canonical = !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'));
    let number = text.parse().ok().filter(|number| *number <= MAX_NUMBER);
    number.filter(|_| canonical).ok_or(InvalidTag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_round_trip_and_others_are_refused() {
        for text in ["\"1:0\"", "\"7:42:c\"", "\"9999999999999999:0\""] {
            assert_eq!(StreamTag::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "*",
            "",
            "\"\"",
            "W/\"1:0\"",
            "\"1:0\", \"1:1\"",
            "1:0",
            "\"1\"",
            "\"1:01\"",
            "\"1:0:0\"",
            "\"1:0:C\"",
            "\"-1:0\"",
        ] {
            assert_eq!(StreamTag::parse(text), Err(InvalidTag), "{text}");
        }
    }

    #[test]
    fn a_page_tag_changes_with_start_end_and_closure() {
        let tag = |from, to, ending| PageTag { lineage: Lineage(1), from, to, ending }.to_string();
        let tags = [
            tag(0, 5, Ending::Open),
            tag(1, 5, Ending::Open),
            tag(0, 6, Ending::Open),
            tag(0, 5, Ending::Closed),
        ];
        for (index, one) in tags.iter().enumerate() {
            assert!(tags.iter().skip(index + 1).all(|other| other != one));
        }
    }
}
