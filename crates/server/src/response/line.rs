//! Short text that is made for every answer, on the stack.

use std::fmt;

/// Twice what tokens, tags and ids of requests have.
const MOST: usize = 80;

/// A line of at most [`MOST`] bytes. Writing more fails and leaves what was there.
#[derive(Clone, Debug)]
pub(super) struct Line {
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
    use crate::response::short;

    fn digits(length: usize) -> usize {
        (length / 10).to_string().len()
    }

    #[test]
    fn what_is_short_and_what_is_not_become_the_same_value() {
        for length in [0, 1, super::MOST - 1, super::MOST, super::MOST + 1, 1000] {
            let text = "x".repeat(length);
            assert_eq!(short(format_args!("{text}")).as_bytes(), text.as_bytes());
            assert_eq!(short(format_args!("{text}{}", length / 10)).len(), length + digits(length));
        }
        assert_eq!(short(format_args!("a\nb")).as_bytes(), b"", "no header can hold it");
    }
}
