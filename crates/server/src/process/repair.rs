//! `headwater repair`: what is good of a damaged directory, in a new one.

use std::io::Write;
use std::path::Path;

use headwater_storage::journal;

use super::backup::not_made;
use super::exit::{Exit, Failed};
use crate::storage::StorageFailure;

/// Makes the new directory, and says what is damaged and what is lost: on standard output, a line for each.
pub(super) fn repair(damaged: &Path, to: &Path, out: &mut impl Write) -> Result<(), Failed> {
    if !damaged.exists() {
        let error = StorageFailure::NoDirectory { directory: damaged.to_owned() };
        return Err(Failed::new(error.exit(), error.to_string()));
    }
    let repaired = journal::repair(damaged, to).map_err(|error| not_made(error, damaged))?;
    let (files, streams) = (repaired.chunk_files, repaired.streams);
    let lines = (repaired.damage.iter().map(|what| format!("damaged: {what}")))
        .chain(repaired.losses.iter().map(|loss| format!("lost: {loss}")))
        .chain(repaired.notes.iter().map(|what| format!("note: {what}")))
        .chain([format!(
            "made: {streams} streams, {files} chunk files as they were, and one more"
        )]);
    for line in lines {
        writeln!(out, "{line}")
            .map_err(|error| Failed::new(Exit::Internal, format!("standard output: {error}")))?;
    }
    match repaired.losses.len() {
        0 => Ok(()),
        losses => {
            let (to, damaged) = (to.display(), damaged.display());
            let said = format!(
                "{to} was made, and lacks what is told in {losses} lines; {damaged} was not changed"
            );
            Err(Failed::new(Exit::Corrupt, said))
        }
    }
}
