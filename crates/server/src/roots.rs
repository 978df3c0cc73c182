//! The paths under which streams live.
//!
//! Several roots are aliases: `/v1/stream/a` and `/streams/a` name one stream, and a URL in an answer has the root that
//! the request had. No root lies inside another, and none covers another door, so a path means one thing.

use std::fmt;

/// Where streams live unless set otherwise.
pub const STREAM_ROOT: &str = "/v1/stream/";

/// What is not a stream: other doors, and those that are to come.
const DOORS: &[&str] = &[
    "/v1/catalog/",
    "/v1/mux/",
    "/v1/rooms/",
    "/v1/admin/",
    "/healthz/",
    "/readyz/",
    "/metrics/",
    "/console/",
];

/// One or more roots, the first of which is used where a path has to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamRoots {
    /// Each begins and ends with a slash.
    roots: Vec<String>,
}

/// Why paths cannot be roots.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RootError {
    /// There is none.
    #[error("at least one root is wanted")]
    None,
    /// It is not a plain absolute path.
    #[error(
        "{0:?} is not a root: /segments/of/a/path are wanted, of letters, digits, '-', '.', '_' and '~'"
    )]
    Malformed(String),
    /// A path would mean two things.
    #[error("{0} and {1} overlap")]
    Overlap(String, String),
}

impl StreamRoots {
    /// Checks roots. A slash at the end may be left out.
    ///
    /// # Errors
    ///
    /// [`RootError`], which names the root.
    pub fn new<'a>(roots: impl IntoIterator<Item = &'a str>) -> Result<Self, RootError> {
        let mut checked: Vec<String> = Vec::new();
        for root in roots {
            let root = canonical(root)?;
            let others = checked.iter().map(String::as_str).chain(DOORS.iter().copied());
            for other in others {
                if root.starts_with(other) || other.starts_with(&*root) {
                    return Err(RootError::Overlap(root, other.to_owned()));
                }
            }
            checked.push(root);
        }
        if checked.is_empty() { Err(RootError::None) } else { Ok(Self { roots: checked }) }
    }

    /// The first.
    #[must_use]
    pub fn first(&self) -> &str {
        self.roots.first().map_or(STREAM_ROOT, String::as_str)
    }

    /// All of them, each with a slash at its end.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.roots.iter().map(String::as_str)
    }

    /// What follows the root, if the path is under one.
    pub(crate) fn strip<'p>(&self, path: &'p str) -> Option<&'p str> {
        self.roots.iter().find_map(|root| path.strip_prefix(root.as_str()))
    }
}

impl Default for StreamRoots {
    fn default() -> Self {
        Self { roots: vec![STREAM_ROOT.to_owned()] }
    }
}

impl fmt::Display for StreamRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.roots.join(" or "))
    }
}

fn canonical(root: &str) -> Result<String, RootError> {
    let malformed = || RootError::Malformed(root.to_owned());
    let inner = root.strip_prefix('/').ok_or_else(malformed)?;
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~');
    let sound = |part: &str| !matches!(part, "" | "." | "..") && part.chars().all(plain);
    if inner.split('/').all(sound) { Ok(format!("/{inner}/")) } else { Err(malformed()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_under_one_root_or_none() {
        let roots = StreamRoots::new(["/v1/stream", "/streams/", "/ds/~x/y.z"]).unwrap();
        for (path, expected) in [
            ("/v1/stream/a/b", Some("a/b")),
            ("/streams/a", Some("a")),
            ("/streams//a", Some("/a")),
            ("/ds/~x/y.z/a", Some("a")),
            ("/v1/stream", None),
            ("/stream/a", None),
            ("/v1/streams/a", None),
        ] {
            assert_eq!(roots.strip(path), expected, "{path}");
        }
        assert_eq!(roots.first(), STREAM_ROOT);
        assert_eq!(StreamRoots::default(), StreamRoots::new([STREAM_ROOT]).unwrap());
    }

    #[test]
    fn what_would_be_ambiguous_is_refused() {
        for bad in
            ["", "/", "//", "a", "a/b", "/a//b", "/a/../b", "/.", "/a b", "/a%20", "/ä", "/a?b"]
        {
            let refused = StreamRoots::new([bad]);
            assert_eq!(refused, Err(RootError::Malformed(bad.to_owned())));
        }
        for overlapping in [
            &["/a", "/a/"][..],
            &["/a", "/a/b"],
            &["/a/b", "/a"],
            &["/v1"],
            &["/v1/catalog"],
            &["/v1/rooms/x"],
            &["/healthz"],
        ] {
            let refused = StreamRoots::new(overlapping.iter().copied());
            assert!(matches!(refused, Err(RootError::Overlap(..))), "{overlapping:?}: {refused:?}");
        }
        assert_eq!(StreamRoots::new([]), Err(RootError::None));
    }
}
