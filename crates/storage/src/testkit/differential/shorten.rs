//! Scripts with short values, for tests that keep much of what they do.

use super::script::{Command, Round, Script, Words};

impl Script {
    /// The same script, with no value longer than that.
    pub(crate) fn shortened(mut self, most: usize) -> Self {
        let groups = self.rounds.iter_mut().filter_map(|round| match round {
            Round::Group(_, commands) => Some(commands),
            Round::Clock(_) | Round::Restart => None,
        });
        for command in groups.flatten() {
            let body = match command {
                Command::Create(_, words) => &mut words.body,
                Command::Append(_, words) => &mut words.body,
                Command::Truncate(..)
                | Command::Retain(_)
                | Command::Delete(_)
                | Command::Expire(_)
                | Command::Use(_) => continue,
            };
            if let Words::Values(_, lens) = body {
                lens.iter_mut().for_each(|len| *len = (*len - 1) % most + 1);
            }
        }
        self
    }
}
