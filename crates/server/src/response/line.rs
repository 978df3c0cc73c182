//! Short text that is made for every answer, on the stack.

use std::fmt;

/// Twice what tokens, tags and ids of requests have.
const MOST: usize = 80;

/// A line of at most [`MOST`] bytes. Writing more fails and leaves what was there.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    bytes: [u8; MOST],
    len: usize,
}

impl Default for Line {
    fn default() -> Self {
        Self { bytes: [0; MOST], len: 0 }
    }
}

impl Line {
    /// What was written.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len.saturating_add(text.len());
        self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use headwater_core::cache::{Ending, StreamTag};
    use headwater_core::{Lineage, Offset};

    use crate::response::short;

    #[test]
    fn a_line_is_what_was_written_and_nothing_where_that_does_not_fit() {
        for length in [0, 1, super::MOST] {
            let text = "x".repeat(length);
            assert_eq!(short(|line| line.write_str(&text)).as_bytes(), text.as_bytes());
            let more = short(|line| write!(line, "{text}{:81}", 0));
            assert_eq!(more.as_bytes(), b"");
        }
        assert_eq!(short(|line| line.write_str("a\nb")).as_bytes(), b"", "no header can hold it");
    }

    #[test]
    fn the_longest_tokens_and_tags_fit() {
        let lineage = Lineage(u64::MAX);
        let offset = Offset::new(lineage, u64::MAX);
        let tag = StreamTag { lineage, tail: u64::MAX, ending: Ending::Closed };
        assert_eq!(short(|line| offset.write_to(line)), *offset.to_string());
        assert_eq!(short(|line| tag.write_to(line)), *tag.to_string());
    }
}
