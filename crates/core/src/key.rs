//! Names of streams.
//!
//! A [`StreamKey`] is (store, space, segment). It is the only name a stream has below the edges, and it exists only in
//! canonical form, so two keys are equal exactly when they name the same stream. Parsing is the one way in; what an
//! HTTP request line looks like is the server's business.

use std::fmt;
use std::sync::Arc;

/// Longest canonical path, in bytes.
///
/// Long enough for any URL that survives common proxies, short enough for a key of an ordered store.
pub const MAX_PATH_BYTES: usize = 1024;

/// A tenant. Streams of different stores never meet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreId(pub u128);

impl StoreId {
    /// The store used where none is named: the nil UUID.
    pub const DEFAULT: Self = Self(0);
}

/// Why a path is not a stream's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The path or one of its segments is empty.
    #[error("a stream path must not be empty or contain an empty segment")]
    Empty,
    /// A segment is `.` or `..`.
    #[error("a stream path must not contain `.` or `..` as a segment")]
    Dots,
    /// A byte below 0x20, or 0x7F.
    #[error("a stream path must not contain control characters")]
    Control,
    /// The percent-decoded bytes are not UTF-8.
    #[error("a stream path must be UTF-8 after percent-decoding")]
    NotUtf8,
    /// A `%` that is not followed by two hexadecimal digits.
    #[error("a stream path contains a broken percent-encoding")]
    BadEscape,
    /// More than [`MAX_PATH_BYTES`] in canonical form.
    #[error("a stream path must not exceed {MAX_PATH_BYTES} bytes")]
    TooLong,
}

/// The full name of a stream: store, space and segment.
///
/// The path `a/b/c` is the space `a/b` and the segment `c`; the path `c` is the segment `c` of the root space, whose
/// name is empty. In canonical form a `/` inside a name is `%2F` and a `%` is `%25`; nothing else is encoded. The
/// mapping from allowed names to canonical paths is injective.
///
/// Keys order by store, then by the bytes of the canonical path. Cloning is a reference count.
///
/// ```
/// use headwater_core::{StoreId, StreamKey};
/// let key = StreamKey::parse(StoreId::DEFAULT, "chat/room%2F7/log").unwrap();
/// assert_eq!(key.space(), "chat/room%2F7");
/// assert_eq!(key.segment(), "log");
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamKey {
    store: StoreId,
    path: Arc<str>,
}

impl StreamKey {
    /// Parses a percent-encoded path without a leading slash. Each segment is decoded once.
    ///
    /// # Errors
    /// [`NameError`] for everything that is not a name; nothing is repaired.
    pub fn parse(store: StoreId, encoded: &str) -> Result<Self, NameError> {
        if encoded.len() > MAX_PATH_BYTES * 3 {
            return Err(NameError::TooLong);
        }
        let path = if is_canonical(encoded) { encoded.into() } else { canonical(encoded)?.into() };
        Ok(Self { store, path })
    }

    /// Builds a key from names that are not percent-encoded: the segments of the space, then the stream's own.
    ///
    /// # Errors
    /// As [`StreamKey::parse`].
    pub fn from_names<'a>(
        store: StoreId,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, NameError> {
        let mut path = String::new();
        let mut names = names.into_iter();
        push_canonical(&mut path, names.next().ok_or(NameError::Empty)?)?;
        for name in names {
            path.push('/');
            push_canonical(&mut path, name)?;
        }
        if path.len() > MAX_PATH_BYTES {
            return Err(NameError::TooLong);
        }
        Ok(Self { store, path: path.into() })
    }

    /// The tenant.
    #[must_use]
    pub fn store(&self) -> StoreId {
        self.store
    }

    /// The canonical path.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The canonical name of the space; empty for the root space.
    #[must_use]
    pub fn space(&self) -> &str {
        self.parts().map_or("", |(space, _)| space)
    }

    /// The canonical name of the stream inside its space.
    #[must_use]
    pub fn segment(&self) -> &str {
        self.parts().map_or(&*self.path, |(_, segment)| segment)
    }

    /// Space and segment, where there is more than a segment. A path is short and this is asked several times for each append, so it is
    /// looked through byte by byte: the library's search is made for long texts.
    fn parts(&self) -> Option<(&str, &str)> {
        let slash = self.path.bytes().rposition(|byte| byte == b'/')?;
        Some((self.path.get(..slash)?, self.path.get(slash + 1..)?))
    }
}

impl fmt::Debug for StreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StreamKey({:x}:{})", self.store.0, self.path)
    }
}

impl fmt::Display for StreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)
    }
}

/// The canonical form of a percent-encoded path.
fn canonical(encoded: &str) -> Result<String, NameError> {
    let mut path = String::with_capacity(encoded.len());
    for (index, segment) in encoded.split('/').enumerate() {
        if index > 0 {
            path.push('/');
        }
        push_canonical(&mut path, &decode(segment)?)?;
    }
    if path.len() > MAX_PATH_BYTES {
        return Err(NameError::TooLong);
    }
    Ok(path)
}

/// Whether a path is its own canonical form and has no escapes: every request names a stream, and nearly all of them like this.
fn is_canonical(path: &str) -> bool {
    // A path is short and every request has one: it is looked through byte by byte, not by searches for long texts.
    let plain = path.bytes().all(|byte| byte >= 0x20 && byte != 0x7F && byte != b'%');
    let named = |segment: &[u8]| !matches!(segment, b"" | b"." | b"..");
    plain && path.len() <= MAX_PATH_BYTES && path.as_bytes().split(|byte| *byte == b'/').all(named)
}

fn push_canonical(path: &mut String, name: &str) -> Result<(), NameError> {
    match name {
        "" => return Err(NameError::Empty),
        "." | ".." => return Err(NameError::Dots),
        _ => {}
    }
    for character in name.chars() {
        match character {
            '/' => path.push_str("%2F"),
            '%' => path.push_str("%25"),
            c if (c as u32) < 0x20 || c as u32 == 0x7F => return Err(NameError::Control),
            c => path.push(c),
        }
    }
    Ok(())
}

fn decode(segment: &str) -> Result<String, NameError> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |b: Option<u8>| b.and_then(|b| (b as char).to_digit(16));
        match (digit(rest.next()), digit(rest.next())) {
            (Some(high), Some(low)) => bytes.push((high * 16 + low) as u8),
            _ => return Err(NameError::BadEscape),
        }
    }
    String::from_utf8(bytes).map_err(|_| NameError::NotUtf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(path: &str) -> Result<String, NameError> {
        StreamKey::parse(StoreId::DEFAULT, path).map(|key| key.path().to_owned())
    }

    #[test]
    fn paths_become_canonical_or_are_refused() {
        let long = "x".repeat(MAX_PATH_BYTES);
        for (given, expected) in [
            ("a/b/c", Ok("a/b/c")),
            ("c", Ok("c")),
            ("a%2Fb", Ok("a%2Fb")),
            ("a%2fb", Ok("a%2Fb")),
            ("100%25", Ok("100%25")),
            ("%61", Ok("a")),
            ("caf%C3%A9", Ok("café")),
            ("a b?#&", Ok("a b?#&")),
            ("...", Ok("...")),
            (long.as_str(), Ok(long.as_str())),
            ("", Err(NameError::Empty)),
            ("a//b", Err(NameError::Empty)),
            ("a/", Err(NameError::Empty)),
            ("a/../b", Err(NameError::Dots)),
            ("%2E%2e", Err(NameError::Dots)),
            ("a/.", Err(NameError::Dots)),
            ("a%00", Err(NameError::Control)),
            ("a%7F", Err(NameError::Control)),
            ("%FF", Err(NameError::NotUtf8)),
            ("%", Err(NameError::BadEscape)),
            ("%4", Err(NameError::BadEscape)),
            ("%zz", Err(NameError::BadEscape)),
        ] {
            assert_eq!(key(given), expected.map(str::to_owned), "{given:?}");
        }
        assert_eq!(key(&"x".repeat(MAX_PATH_BYTES + 1)), Err(NameError::TooLong));
    }

    #[test]
    fn what_looks_canonical_is() {
        const PARTS: [&str; 10] = ["a", "/", ".", "%", "2", "5", "F", "\u{1f}", "\u{7f}", "é"];
        let mut paths = vec![String::new(), "x".repeat(MAX_PATH_BYTES + 1)];
        for length in 0..4 {
            let last: Vec<_> =
                paths.iter().filter(|path| path.chars().count() == length).cloned().collect();
            paths.extend(last.iter().flat_map(|path| PARTS.map(|part| format!("{path}{part}"))));
        }
        let looks = paths.iter().filter(|path| is_canonical(path));
        assert!(looks.clone().count() > 1000);
        for path in looks {
            assert_eq!(canonical(path).as_ref(), Ok(path));
        }
        // Escapes aside, nothing else is.
        let plain = paths.iter().filter(|path| !path.contains('%'));
        for path in plain.filter(|path| !is_canonical(path)) {
            assert!(canonical(path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn canonical_form_is_a_fixed_point_and_keeps_names_apart() {
        let slash_inside = StreamKey::from_names(StoreId::DEFAULT, ["a", "b/c"]).unwrap();
        let slash_between = StreamKey::from_names(StoreId::DEFAULT, ["a", "b", "c"]).unwrap();
        assert_ne!(slash_inside, slash_between);
        for key in [slash_inside, slash_between] {
            assert_eq!(StreamKey::parse(StoreId::DEFAULT, key.path()).unwrap(), key);
        }
    }

    #[test]
    fn space_and_segment() {
        let of = |path| StreamKey::parse(StoreId::DEFAULT, path).unwrap();
        assert_eq!((of("a/b/c").space(), of("a/b/c").segment()), ("a/b", "c"));
        assert_eq!((of("c").space(), of("c").segment()), ("", "c"));
    }
}
