//! What is told of a repair.

use std::fmt;
use std::path::Path;

use headwater_core::StreamKey;

/// Something that is not in the new directory, or cannot be read there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The stream, where it is known.
    pub stream: Option<StreamKey>,
    /// What of it.
    pub what: String,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.stream {
            Some(stream) => write!(f, "stream `{stream}`: {}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

/// What a repair came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Repaired {
    /// What was found damaged, with its place.
    pub damage: Vec<String>,
    /// What was lost.
    pub losses: Vec<Loss>,
    /// What is worth knowing besides.
    pub notes: Vec<String>,
    /// Chunk files that were copied.
    pub chunk_files: usize,
    /// Streams in the new directory, those included that only forks still need.
    pub streams: u64,
}

/// What has been found so far.
#[derive(Debug, Default)]
pub(super) struct Losses {
    told: Repaired,
    /// What copies are called, and what the files that they were made of are.
    names: (String, String),
}

impl Losses {
    /// Of a damaged directory and a new one. Messages name the damaged one's files.
    pub(super) fn between(damaged: &Path, new: &Path) -> Self {
        let folder = |path: &Path| path.join("").display().to_string();
        Self { names: (folder(new), folder(damaged)), ..Self::default() }
    }

    pub(super) fn damage(&mut self, what: impl Into<String>) {
        let (copy, damaged) = &self.names;
        self.told.damage.push(what.into().replace(copy, damaged));
    }

    pub(super) fn note(&mut self, what: impl Into<String>) {
        self.told.notes.push(what.into());
    }

    /// Bytes that stay where they were, and cannot be read.
    pub(super) fn range(&mut self, stream: Option<StreamKey>, what: String) {
        self.told.losses.push(Loss { stream, what });
    }

    /// A stream that is not as it was last.
    pub(super) fn stream(&mut self, stream: StreamKey, what: String) {
        self.told.losses.push(Loss { stream: Some(stream), what });
    }

    /// Commits that are gone.
    pub(super) fn units(&mut self, what: impl Into<String>) {
        self.told.losses.push(Loss { stream: None, what: what.into() });
    }

    pub(super) fn told(self, chunk_files: usize, streams: u64) -> Repaired {
        Repaired { chunk_files, streams, ..self.told }
    }
}
