//! `headwater check`: whether a data directory is sound.

use std::io::Write;
use std::path::Path;

use super::exit::{Exit, Failed};
use crate::storage;

/// Looks, and says what is damaged: on standard output, a line for each place.
pub(super) fn run(directory: &Path, out: &mut impl Write) -> Result<(), Failed> {
    let checked = storage::check(directory);
    let report = checked.map_err(|error| Failed::new(error.exit(), error.to_string()))?;
    let lines = report.damage.iter().map(|damage| format!("damaged: {damage}"));
    let notes = report.notes.iter().map(|note| format!("note: {note}"));
    let sum = format!(
        "read: {} chunk files with {} rows, and the journal",
        report.chunk_files, report.rows
    );
    for line in lines.chain(notes).chain([sum]) {
        writeln!(out, "{line}")
            .map_err(|error| Failed::new(Exit::Internal, format!("standard output: {error}")))?;
    }
    match report.damage.len() {
        0 => Ok(()),
        places => {
            let directory = directory.display();
            let advice = "nothing in it was changed; copy it before anything else";
            Err(Failed::new(
                Exit::Corrupt,
                format!("{directory} is damaged in {places} places; {advice}"),
            ))
        }
    }
}
