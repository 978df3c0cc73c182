//! Characters that appends or pages cut in two.

use std::borrow::Cow;

/// Whether more bytes may follow the ones at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    MayFollow,
    /// The stream ends here.
    Ends,
}

/// Text up to the last whole character, and how many bytes of an unfinished one are left. What can never
/// become a character is U+FFFD, and so is an unfinished one at the end of the stream.
pub(super) fn decode(bytes: &[u8], rest: Rest) -> (Cow<'_, str>, usize) {
    let held = match rest {
        Rest::MayFollow => unfinished(bytes),
        Rest::Ends => 0,
    };
    let whole = bytes.split_at_checked(bytes.len() - held).map_or(bytes, |(whole, _)| whole);
    (String::from_utf8_lossy(whole), held)
}

/// The length of the unfinished character at the end: at most three bytes.
fn unfinished(bytes: &[u8]) -> usize {
    let is_beginning = |suffix: &[u8]| {
        let error = std::str::from_utf8(suffix).err();
        error.is_some_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
    };
    let longest = bytes.len().min(3);
    let ends_unfinished = |&len: &usize| bytes.get(bytes.len() - len..).is_some_and(is_beginning);
    (1..=longest).find(ends_unfinished).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_characters_go_and_beginnings_stay() {
        let euro = "€".as_bytes();
        let smile = "😀".as_bytes();
        for (bytes, text, held) in [
            (&b""[..], "", 0),
            (b"abc", "abc", 0),
            (&euro[..1], "", 1),
            (&euro[..2], "", 2),
            (euro, "€", 0),
            (&smile[..3], "", 3),
            (&[b"a", &smile[..2]].concat(), "a", 2),
            (&euro[1..], "\u{FFFD}\u{FFFD}", 0),
            (b"\xff", "\u{FFFD}", 0),
            (b"\xe2\xc3", "\u{FFFD}", 1),
            (b"\xe2a", "\u{FFFD}a", 0),
            (b"\xed\xa0", "\u{FFFD}\u{FFFD}", 0),
            (b"\xf5\x80", "\u{FFFD}\u{FFFD}", 0),
        ] {
            assert_eq!(decode(bytes, Rest::MayFollow), (text.into(), held), "{bytes:?}");
        }
        assert_eq!(decode(&smile[..2], Rest::Ends), ("\u{FFFD}".into(), 0));
    }

    #[test]
    fn however_bytes_are_cut_the_text_is_the_same() {
        let bytes = "aé€😀z".as_bytes();
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                let (mut text, mut held) = (String::new(), Vec::new());
                for part in [&bytes[..first], &bytes[first..second], &bytes[second..]] {
                    held.extend_from_slice(part);
                    let (whole, left) = decode(&held, Rest::MayFollow);
                    text.push_str(&whole);
                    held = held[held.len() - left..].to_vec();
                }
                assert_eq!((text.as_bytes(), held.len()), (bytes, 0), "{first} {second}");
            }
        }
    }
}
