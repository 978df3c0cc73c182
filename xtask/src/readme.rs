//! Runs README.md: its commands must work and show what it says they show.
//!
//! The convention, for every fenced block marked `console`:
//!
//! - A line `$ command` is run by bash in an empty folder that all commands of the file share.
//!   A `\` at its end continues it on the next line.
//! - The lines after it are what it prints on standard output. `...` within a line stands for any
//!   text, and alone on a line for any number of lines. No lines: anything.
//! - A last line `^C` means that the command goes on until it is interrupted: it is, as soon as it
//!   has printed the lines above.
//! - Everything else must end by itself with status 0.
//! - A command that starts with `cargo run` or `headwater` is the server. It stays in the
//!   background until the next server or the end, and must then stop cleanly. It gets a free port,
//!   which replaces 4437 in all later commands and outputs.
//! - `cargo xtask …` is not run, because it may be what runs this; its arguments are checked.
//!
//! Blocks marked otherwise (`sh`, `text`) are not run.

mod pattern;
mod play;
mod script;
mod server;

use std::fs;

use anyhow::{Context, Result, ensure};

use crate::workspace::Workspace;

/// Runs the file's commands in order; fails at the first that does not do what it says.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let path = workspace.root.join("README.md");
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let commands = script::parse(&text)?;
    ensure!(!commands.is_empty(), "README.md has no command to run");
    play::all(&workspace.root, &commands)
}
