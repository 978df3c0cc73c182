//! How the process ends.

use std::process::ExitCode;

/// The exit codes that scripts may rely on.
///
/// A second signal while draining ends the process at once, with 128 plus the number of the signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Stopped as asked.
    Stopped,
    /// Wrong usage or configuration.
    Usage,
    /// The address to listen on is taken.
    AddressInUse,
    /// Another process has the data directory.
    DataInUse,
    /// The data directory is not ours, or of another adapter, or of a newer version.
    Foreign,
    /// The data directory is damaged.
    Corrupt,
    /// Anything else that keeps the server from running.
    Internal,
}

impl Exit {
    /// Every way to end.
    pub const ALL: &'static [Self] = &[
        Self::Stopped,
        Self::Usage,
        Self::AddressInUse,
        Self::DataInUse,
        Self::Foreign,
        Self::Corrupt,
        Self::Internal,
    ];

    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Stopped => 0,
            Self::Usage => 2,
            Self::AddressInUse => 3,
            Self::DataInUse => 4,
            Self::Foreign => 5,
            Self::Corrupt => 6,
            Self::Internal => 70,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why the server did not run, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failed {
    pub(super) exit: Exit,
    pub(super) message: String,
}

impl Failed {
    pub(super) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_different() {
        let codes: std::collections::BTreeSet<_> = Exit::ALL.iter().map(|e| e.code()).collect();
        assert_eq!(codes.len(), Exit::ALL.len());
    }
}
