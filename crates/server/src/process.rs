//! The process around the server: command line, signals, exit codes.
//!
//! The rooms: `cli` and `settings` (what may be asked for, and by whom), `serve` (from there to a server that runs and stops), `announce`
//! (what a person is told), `check`, `backup` and `repair` (what is done with directories and backups), `transfer` (of streams between servers), `remote` (how a server is asked), `signals`, `logging`, `export` (of spans), and `exit`, the one table of exit codes.

mod announce;
mod backup;
mod check;
mod cli;
mod descriptors;
mod exit;
mod export;
mod logging;
mod remote;
mod repair;
mod serve;
mod settings;
mod signals;
mod transfer;

pub use exit::Exit;

use std::io::Write;
use std::process::ExitCode;

use cli::{Asked, Task, Verb};
use exit::Failed;
use export::Export;
use settings::{Environment, Flags};

/// Runs `headwater` with the arguments and the environment of this process, to its end.
#[must_use]
pub fn main() -> ExitCode {
    let asked = match cli::parse(std::env::args_os()) {
        Ok(asked) => asked,
        Err(error) => {
            // Help and version are answers, not faults. A closed standard output changes nothing.
            let _ = error.print();
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Stopped };
            return exit.into();
        }
    };
    match run(asked) {
        Ok(()) => Exit::Stopped.into(),
        Err(failed) => {
            // Written whether or not logs are on: it is the last word of the process.
            let _ = writeln!(std::io::stderr(), "headwater: {}", failed.message);
            failed.exit.into()
        }
    }
}

fn run(asked: Asked) -> Result<(), Failed> {
    match asked {
        Asked::Verb(verb) => perform(&verb),
        Asked::Server { flags, task } => with_settings(flags, task),
    }
}

fn perform(verb: &Verb) -> Result<(), Failed> {
    let out = &mut std::io::stdout().lock();
    match verb {
        Verb::Check(directory) => check::run(directory, out),
        Verb::Backup { of, to, rate } => backup::backup(of, to, *rate, out),
        Verb::Export { server, root, prefix, to } => {
            transfer::export(server, root, prefix, to, out)
        }
        Verb::Import { server, root, from } => transfer::import(server, root, from, out),
        Verb::Repair { damaged, to } => repair::repair(damaged, to, out),
        Verb::Restore { from, directory } => backup::restore(from, directory, out),
    }
}

fn with_settings(flags: Flags, task: Task) -> Result<(), Failed> {
    let resolved = settings::resolve(flags, Environment::of_process()?)?;
    let filter = logging::filter(&resolved.settings.log)?;
    match task {
        Task::CheckConfig => settings::check_config(&mut std::io::stdout().lock(), &resolved)
            .map_err(|error| Failed::new(Exit::Internal, format!("standard output: {error}"))),
        Task::Serve => {
            let settings = resolved.settings;
            let export = settings.otlp_endpoint.as_ref().map(Export::start).transpose()?;
            logging::start(filter, settings.log_format, export.as_ref())?;
            let outcome = serve::run(settings);
            if let Some(export) = export {
                export.finish();
            }
            outcome
        }
    }
}
