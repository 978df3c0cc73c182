//! Running the server under `strace`: to see its syncs, and to make them fail or last.
//!
//! What counts is `fdatasync` of the file that makes a commit durable, the one call that stands before an acknowledgement: the
//! database's, or a file of the journal. sled syncs its file now and then by itself, with other calls that prove nothing.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::launch::Launch;

/// The database's file, as the end of its path.
const DATABASE: &str = "/sled/db>";

/// A file of the journal: the folder, and the end of its path. While one is prepared its name ends otherwise.
const JOURNAL: (&str, &str) = ("/journal/", ".log>");

/// Whether a line is about a file that makes commits durable.
fn is_of_commits(line: &str) -> bool {
    line.contains(DATABASE) || (line.contains(JOURNAL.0) && line.contains(JOURNAL.1))
}

/// What is done to the syncs from one on. Every thread counts for itself: the first call of the thread that
/// commits is number 1.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// They are left alone.
    None,
    /// From the `from`-th on they fail with an error of input or output.
    Fail {
        /// The first one that fails.
        from: usize,
    },
    /// From the `from`-th on they begin late.
    Delay {
        /// The first one that is delayed.
        from: usize,
        /// By how much.
        micros: u64,
    },
}

/// Where the calls of a server are recorded.
#[derive(Clone, Debug)]
pub struct Trace {
    path: PathBuf,
}

/// A sync that makes a commit durable, and has returned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sync {
    /// When it was called, in seconds since the Unix epoch.
    pub begun: f64,
    /// When it returned.
    pub ended: f64,
    /// Whether it succeeded.
    pub succeeded: bool,
}

impl Launch {
    /// Runs the server under `strace`.
    ///
    /// # Panics
    /// When there is no `strace`.
    pub fn traced(self, fault: Fault) -> (Self, Trace) {
        let found = Command::new("strace").arg("--version").output();
        assert!(
            found.is_ok_and(|output| output.status.success()),
            "this test watches the server's system calls and needs `strace` (package `strace`)"
        );
        let path = self.home().join("trace");
        let output = path.display().to_string();
        let inject = match fault {
            Fault::None => None,
            Fault::Fail { from } => Some(format!("inject=fdatasync:error=EIO:when={from}+")),
            Fault::Delay { from, micros } => {
                Some(format!("inject=fdatasync:delay_enter={micros}:when={from}+"))
            }
        };
        // -D keeps the server the harness's own child, so that it can be ended as always.
        let mut wrapper = vec!["strace", "-D", "-f", "-q", "-y", "-ttt", "-T"];
        wrapper.extend(["-e", "trace=fdatasync,fsync,listen", "-o", &output]);
        if let Some(inject) = &inject {
            wrapper.extend(["-e", inject]);
        }
        (self.under(&wrapper), Trace { path })
    }

    /// As it was before [`Launch::traced`], on the same directory.
    #[must_use]
    pub fn untraced(self) -> Self {
        self.under(&[])
    }
}

impl Trace {
    /// The syncs that make commits durable and have returned, in the order of their calls.
    pub fn syncs(&self) -> Vec<Sync> {
        parse(&self.text()).into_iter().filter_map(|(_, sync)| sync).collect()
    }

    /// How often any file was synced, by either call.
    pub fn syncs_of_any_file(&self) -> usize {
        count(&self.text(), &["fdatasync(", "fsync("])
    }

    /// Whether the server's calls are recorded at all: every server listens.
    pub fn is_recording(&self) -> bool {
        count(&self.text(), &["listen("]) > 0
    }

    fn text(&self) -> String {
        // There is no record before the first call.
        fs::read_to_string(&self.path).unwrap_or_default()
    }

    /// Whether a sync has been called after a moment, in seconds since the Unix epoch, and has not returned.
    pub fn is_syncing_since(&self, moment: f64) -> bool {
        parse(&self.text()).iter().any(|(begun, sync)| *begun >= moment && sync.is_none())
    }
}

/// How many lines record the beginning of one of these calls.
fn count(text: &str, calls: &[&str]) -> usize {
    let call = |line: &str| line.split_ascii_whitespace().nth(2).map(str::to_owned);
    let begun = text.lines().filter_map(call);
    begun.filter(|begun| calls.iter().any(|name| begun.starts_with(name))).count()
}

/// The syncs that make commits durable in order, and when each was called; `None` while one has not returned.
fn parse(text: &str) -> Vec<(f64, Option<Sync>)> {
    let mut calls: Vec<(String, f64, Option<Sync>)> = Vec::new();
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        let (Some(thread), Some(time)) = (words.next(), words.next()) else { continue };
        let Ok(begun) = time.parse::<f64>() else { continue };
        let end = end_of(line);
        if line.contains("fdatasync(") && is_of_commits(line) {
            calls.push((thread.to_owned(), begun, end.map(|(took, ok)| sync(begun, took, ok))));
        } else if line.contains("<... fdatasync resumed>") {
            let open = calls.iter_mut().rfind(|(of, _, done)| of == thread && done.is_none());
            // Without one it is the end of a sync of another file.
            if let Some((_, begun, done)) = open {
                *done = end.map(|(took, ok)| sync(*begun, took, ok));
            }
        }
    }
    calls.into_iter().map(|(_, begun, done)| (begun, done)).collect()
}

/// The present, on the clock of the record.
///
/// # Panics
/// When the clock is set before 1970.
pub fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs_f64()
}

fn sync(begun: f64, took: f64, succeeded: bool) -> Sync {
    Sync { begun, ended: begun + took, succeeded }
}

/// How long a call took and whether it succeeded, of a line that tells its end.
fn end_of(line: &str) -> Option<(f64, bool)> {
    let (_, end) = line.rsplit_once(" = ")?;
    let (_, took) = end.trim_end().strip_suffix('>')?.rsplit_once('<')?;
    Some((took.parse().ok()?, end.starts_with('0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_is_counted_once() {
        let text = "7 10.5 listen(9<TCP:[1]>, 128) = 0 <0.1>\n\
                    7 11.0 fsync(9</d/other>) = 0 <0.25>\n\
                    7 12.0 fdatasync(9</d/sled/db> <unfinished ...>\n\
                    7 13.5 <... fdatasync resumed>) = 0 <1.5>\n";
        assert_eq!(count(text, &["fdatasync(", "fsync("]), 2);
        assert_eq!(count(text, &["listen("]), 1);
    }

    #[test]
    fn files_that_a_journal_prepares_or_packs_do_not_count() {
        let text = "7 10.5 fdatasync(9</d/journal/draft.new>) = 0 <0.25>\n\
                    7 11.0 fdatasync(9</d/journal/0000000000000001.log>) = 0 <0.25>\n\
                    8 12.0 fdatasync(9</d/chunks/0000000000000001-0000000000000001.chunk.draft>) = 0 <0.25>\n\
                    8 13.0 fdatasync(9</d/catalogue/db>) = 0 <0.25>\n";
        let begun: Vec<_> = parse(text).into_iter().map(|(begun, _)| begun).collect();
        assert_eq!(begun, [11.0]);
    }

    #[test]
    fn only_finished_syncs_of_the_database_count() {
        let text = "7 10.5 fdatasync(9</d/sled/db>) = 0 <0.25>\n\
                    7 11.0 fdatasync(9</d/other>) = 0 <0.25>\n\
                    7 12.0 fdatasync(9</d/sled/db> <unfinished ...>\n\
                    8 12.1 fdatasync(9</d/sled/db>) = -1 EIO (Input/output error) (INJECTED) <0.5>\n\
                    7 13.5 <... fdatasync resumed>) = 0 (DELAYED) <1.5>\n\
                    7 14.0 fdatasync(9</d/sled/db>";
        let one = |begun, ended, succeeded| Some(Sync { begun, ended, succeeded });
        let calls: Vec<_> = parse(text).into_iter().map(|(_, sync)| sync).collect();
        assert_eq!(
            calls,
            [one(10.5, 10.75, true), one(12.0, 13.5, true), one(12.1, 12.6, false), None]
        );
    }
}
