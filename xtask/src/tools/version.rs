//! Version numbers, as manifests and programs tell them.

use std::fmt;

/// Major, minor, patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(pub(super) [u32; 3]);

impl Version {
    /// Reads `1.95`, `1.95.0`, `v20.19.2`; a suffix such as `-nightly` counts for nothing.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let release = text.strip_prefix('v').unwrap_or(text).split('-').next()?;
        let mut parts = release.split('.').map(|part| part.parse().ok());
        let version = [parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?];
        parts.next().is_none().then_some(Self(version))
    }

    /// The first version among the words that a program prints when it is asked for its own.
    pub(super) fn told(said: &str) -> Option<Self> {
        said.split_whitespace().find_map(Self::parse)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([major, minor, patch]) = self;
        write!(f, "{major}.{minor}.{patch}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_tell_their_versions() {
        for (said, version) in [
            ("rustc 1.95.0 (f2d3ce0bd 2026-03-21)\n", Some([1, 95, 0])),
            ("rustc 1.96.0-nightly (f2d3ce0bd 2026-03-21)", Some([1, 96, 0])),
            ("v20.19.2\n", Some([20, 19, 2])),
            ("git version 2.39.5", Some([2, 39, 5])),
            ("1.95", Some([1, 95, 0])),
            ("rustc", None),
            ("rustc one.two", None),
            ("rustc 1.95.0.1 (f2d3ce0bd 2026-03-21)", None),
            ("rustc -1.95.0", None),
            ("20", None),
            ("", None),
        ] {
            assert_eq!(Version::told(said), version.map(Version), "{said}");
        }
    }

    #[test]
    fn versions_compare_number_by_number() {
        let ascending = ["0.99", "1.9.0", "1.94.1", "1.95", "1.95.1", "1.100.0", "2.0.0"];
        assert!(ascending.map(Version::parse).is_sorted_by(|a, b| a.is_some() && a < b));
    }
}
