//! `--check-config`: what is in effect, and who said so.

use std::io::{self, Write};

use toml::Value;

use super::resolve::Resolved;
use super::table::{ROWS, Section};
use super::value::Shown;

/// Writes every setting in the form of the file, so that the output is a configuration too, with its source beside it.
pub(in crate::process) fn check_config(
    out: &mut impl Write,
    resolved: &Resolved,
) -> io::Result<()> {
    for (index, section) in Section::ALL.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        writeln!(out, "# {}", section.title())?;
        for row in ROWS.iter().filter(|row| row.section == *section) {
            let Some(get) = row.get else { continue };
            let source = resolved.source(row.name);
            match get(&resolved.settings) {
                Shown::Unset(why) => writeln!(out, "# {}: {why} # {source}", row.key())?,
                Shown::Number(number) => writeln!(out, "{} = {number} # {source}", row.key())?,
                Shown::List(texts) => {
                    let list = Value::Array(texts.into_iter().map(Value::String).collect());
                    writeln!(out, "{} = {list} # {source}", row.key())?;
                }
                Shown::Text(text) => {
                    writeln!(out, "{} = {} # {source}", row.key(), Value::String(text))?;
                }
            }
        }
    }
    out.flush()
}
