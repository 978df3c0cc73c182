//! How a server process ended, and the exit codes it promises.

/// Stopped as asked.
pub const STOPPED: i32 = 0;
/// Wrong usage or configuration.
pub const USAGE: i32 = 2;
/// The address to listen on is taken.
pub const ADDRESS_IN_USE: i32 = 3;
/// Another process serves the data directory.
pub const DATA_IN_USE: i32 = 4;
/// The data directory belongs to something else.
pub const FOREIGN: i32 = 5;
/// The data directory is damaged.
pub const CORRUPT: i32 = 6;

/// Anything else, an unclean end among it.
pub const INTERNAL: i32 = 70;

/// A process that has ended.
#[derive(Debug)]
pub struct Exit {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// All it wrote to standard output.
    pub stdout: String,
    /// All it wrote to standard error.
    pub stderr: String,
}

impl Exit {
    /// Requires an exit code and a message that contains every one of `words`, in any case.
    #[track_caller]
    pub fn expect(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "exit code; the process said: {self:#?}");
        let said = self.stderr.to_lowercase();
        for word in words {
            assert!(said.contains(&word.to_lowercase()), "no {word:?} in the message: {self:#?}");
        }
    }
}
