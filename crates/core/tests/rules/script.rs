//! Scripts: a line is a command and, after `=>`, what comes of it.
//!
//! ```text
//! put a type=text/plain body=abc ttl=10   => created a@3
//! fork b from=a at=a@2 sub=1              => created b@3
//! append a body=x by=w/0/0                => appended a@4 w/0/0
//! append a body=x by=w/0/5                => refused producer_gap expected 1 received 5
//! clock 12.5
//! show a                                  => absent
//! ```
//!
//! An offset is the name of a stream and a position in it; `a'` is the second stream under the name `a`. Words with spaces
//! are put in single quotes, times are seconds, `#` begins a comment. A command that is refused, or that succeeds
//! without doing anything, must leave everything stored as it was; that is checked on every line.

mod play;
mod render;
mod words;

use std::fmt::Write;

use play::Stage;

/// Plays a script on streams of its own and reports every line that came out otherwise.
pub(crate) fn play(script: &str) {
    let wrong = differences("", script);
    assert!(wrong.is_empty(), "{wrong}");
}

/// Plays each row of a table after the same beginning.
pub(crate) fn table(given: &str, rows: &[(&str, &str)]) {
    let mut wrong = String::new();
    for (name, script) in rows {
        let differences = differences(given, script);
        if !differences.is_empty() {
            write!(wrong, "\n{name}:{differences}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

fn differences(given: &str, script: &str) -> String {
    let mut stage = Stage::new();
    let mut wrong = String::new();
    for line in given.lines().chain(script.lines()) {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let (command, expected) = line.split_once("=>").unwrap_or((line, ""));
        let actual = stage.play(command.trim());
        if actual != expected.trim() {
            write!(wrong, "\n  {} => {actual}, not {}", command.trim(), expected.trim()).unwrap();
        }
    }
    wrong
}
