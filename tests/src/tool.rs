//! The verbs of the binary that serve nothing.

use std::process::{Child, Command, Stdio};

use crate::binary;
use crate::exit::Exit;

/// Runs the binary with these arguments to its end.
///
/// # Panics
/// When it cannot be run.
pub fn run(arguments: &[&str]) -> Exit {
    let output = command(arguments).output().expect("the headwater binary runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Exit { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Starts the binary with these arguments; what it says goes nowhere.
///
/// # Panics
/// When it cannot be run.
pub fn start(arguments: &[&str]) -> Child {
    let mut command = command(arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the headwater binary runs")
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary::headwater());
    command.args(arguments).stdin(Stdio::null());
    command
}
