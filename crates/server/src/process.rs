//! The process around the server: command line, signals, exit codes.
//!
//! The rooms: `cli` (what may be asked for), `serve` (from there to a server that runs and stops), `announce`
//! (what a person is told), `signals`, `logging`, and `exit`, the one table of exit codes.

mod announce;
mod cli;
mod exit;
mod logging;
mod serve;
mod signals;

pub use exit::Exit;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

/// Runs `headwater` with the arguments and the environment of this process, to its end.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers, not faults. A closed standard output changes nothing.
            let _ = error.print();
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Stopped };
            return exit.into();
        }
    };
    let outcome = cli::Settings::of(cli, std::env::var_os("PORT")).and_then(|settings| {
        logging::start(&settings.log)?;
        serve::run(settings)
    });
    match outcome {
        Ok(()) => Exit::Stopped.into(),
        Err(failed) => {
            // Written whether or not logs are on: it is the last word of the process.
            let _ = writeln!(std::io::stderr(), "headwater: {}", failed.message);
            failed.exit.into()
        }
    }
}
