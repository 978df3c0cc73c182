//! Runs the commands of the file, one after the other, beside the server they talk to.

use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use rustix::process::Signal;

use super::pattern::{matches, matches_start};
use super::script::{End, Step};
use super::server::{DEFAULT_PORT, free_port, server_command};
use crate::process::Watched;

/// How long a command may take, or its output may keep us waiting.
const COMMAND_LIMIT: Duration = Duration::from_secs(30);

/// How long a server may take until it has printed what is shown: `cargo run` may build it first.
const SERVER_LIMIT: Duration = Duration::from_secs(900);

/// How long an interrupted command or server may take to end.
const STOP_LIMIT: Duration = Duration::from_secs(15);

/// What the file leaves behind from one command to the next.
struct Stage<'a> {
    root: &'a Path,
    home: tempfile::TempDir,
    port: String,
    server: Option<Watched>,
}

/// Runs all commands; the first that does not do what it says ends it.
pub(super) fn all(root: &Path, steps: &[Step]) -> Result<()> {
    let home = tempfile::tempdir().context("no temporary directory")?;
    let mut stage = Stage { root, home, port: DEFAULT_PORT.to_owned(), server: None };
    for step in steps {
        stage.play(step).with_context(|| format!("README.md:{}: {}", step.line, step.command))?;
    }
    stage.stop_server().context("the server of README.md")
}

impl Stage<'_> {
    fn play(&mut self, step: &Step) -> Result<()> {
        let words: Vec<_> = step.command.split_whitespace().collect();
        match words.as_slice() {
            ["cargo", "xtask", args @ ..] => {
                println!("checked  $ {}", step.command);
                crate::Cli::try_parse_from([&["cargo xtask"], args].concat())?;
                Ok(())
            }
            ["cargo", "run", ..] | ["headwater", ..] => self.start_server(step),
            _ => {
                let shown = self.shown(step);
                let command = step.command.replace(DEFAULT_PORT, &self.port);
                println!("running  $ {command}");
                match step.end {
                    End::ByItself => self.run(&command, &shown),
                    End::Interrupted => self.watch(&command, &shown),
                }
            }
        }
    }

    fn shown(&self, step: &Step) -> Vec<String> {
        step.shown.iter().map(|line| line.replace(DEFAULT_PORT, &self.port)).collect()
    }

    fn bash(&self, command: &str) -> Command {
        let mut bash = Command::new("bash");
        bash.args(["-c", command]).current_dir(self.home.path()).env_remove("PORT");
        bash
    }

    fn run(&self, command: &str, shown: &[String]) -> Result<()> {
        let mut running = Watched::start(&mut self.bash(command))?;
        let status = end_of(&mut running, COMMAND_LIMIT)?;
        ensure!(status.success(), "it ended with {status}:\n{}", said(&running));
        let printed = running.stdout();
        let printed: Vec<_> = printed.lines().map(str::trim_end).collect();
        ensure!(shown.is_empty() || matches(shown, &printed), "{}", difference(shown, &printed));
        Ok(())
    }

    fn watch(&self, command: &str, shown: &[String]) -> Result<()> {
        let mut running = Watched::start(&mut self.bash(command))?;
        await_output(&mut running, shown, COMMAND_LIMIT)?;
        running.group().signal(Signal::INT);
        end_of(&mut running, STOP_LIMIT).context("it goes on after an interrupt")?;
        Ok(())
    }

    fn start_server(&mut self, step: &Step) -> Result<()> {
        self.stop_server()?;
        self.port = free_port()?;
        let command = server_command(&step.command, self.root, &self.port);
        println!("starting $ {command}");
        let mut server = Watched::start(&mut self.bash(&command))?;
        let mut shown = self.shown(step);
        if shown.is_empty() {
            shown.push("listening on ...".to_owned());
        }
        await_output(&mut server, &shown, SERVER_LIMIT)?;
        self.server = Some(server);
        Ok(())
    }

    fn stop_server(&mut self) -> Result<()> {
        let Some(mut server) = self.server.take() else { return Ok(()) };
        if let Some(status) = server.look()? {
            bail!("it ended by itself with {status}:\n{}", said(&server));
        }
        server.group().signal(Signal::INT);
        let status = end_of(&mut server, STOP_LIMIT).context("it goes on after an interrupt")?;
        ensure!(status.success(), "it ended with {status}:\n{}", said(&server));
        Ok(())
    }
}

/// Waits for the process to end.
fn end_of(running: &mut Watched, limit: Duration) -> Result<ExitStatus> {
    let start = Instant::now();
    loop {
        if let Some(status) = running.look()? {
            return Ok(status);
        }
        ensure!(start.elapsed() < limit, "it still runs after {limit:?}:\n{}", said(running));
    }
}

/// Waits until the process has printed what is shown.
fn await_output(running: &mut Watched, shown: &[String], limit: Duration) -> Result<()> {
    let start = Instant::now();
    loop {
        let ended = running.look()?;
        let printed = running.stdout();
        let printed: Vec<_> = printed.lines().map(str::trim_end).collect();
        if matches_start(shown, &printed) {
            return Ok(());
        }
        let what = match ended {
            Some(status) => format!("it ended with {status}"),
            None if start.elapsed() >= limit => format!("{limit:?} passed"),
            None => continue,
        };
        bail!("{what}. {}\n{}", difference(shown, &printed), running.stderr());
    }
}

/// Everything a process printed.
fn said(running: &Watched) -> String {
    running.stdout() + &running.stderr()
}

fn difference(shown: &[String], printed: &[&str]) -> String {
    format!("README.md shows:\n{}\nbut it printed:\n{}", indent(shown), indent(printed))
}

fn indent(lines: &[impl AsRef<str>]) -> String {
    lines.iter().map(|line| format!("    {}", line.as_ref())).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn play(commands: &str) -> Result<()> {
        let steps = super::super::script::parse(&format!("```console\n{commands}\n```\n"))?;
        all(Path::new("."), &steps)
    }

    #[test]
    fn commands_that_do_what_they_say_pass() {
        play("$ echo one >file; cat file\none\n$ cat file\no...").unwrap();
        play("$ echo live; sleep 60\nlive\n^C").unwrap();
        play("$ cargo xtask ci --quick").unwrap();
    }

    #[test]
    fn commands_that_do_not_are_found() {
        for commands in [
            "$ echo one\ntwo",
            "$ echo one; exit 1\none",
            "$ echo one; echo two\none",
            "$ echo other\nlive\n^C",
            "$ cargo xtask no-such-task",
        ] {
            assert!(play(commands).is_err(), "{commands}");
        }
    }

    /// A package whose program listens by word only, and on an interrupt runs `at_end`.
    fn server_package(at_end: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let manifest = "[package]\nname = \"server\"\nedition = \"2024\"\n[workspace]\n";
        std::fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
        let script = format!(
            "trap \"{at_end}\" INT; touch data; echo \"listening on http://$2\"; \
             while :; do sleep 0.1; done"
        );
        let main = format!(
            "use std::os::unix::process::CommandExt;\n\
             fn main() {{ let error = std::process::Command::new(\"bash\")\
             .args([\"-c\", {script:?}]).args(std::env::args().skip(1)).exec(); \
             eprintln!(\"{{error}}\"); std::process::exit(9) }}"
        );
        std::fs::create_dir(folder.path().join("src")).unwrap();
        std::fs::write(folder.path().join("src/main.rs"), main).unwrap();
        folder
    }

    #[test]
    fn the_server_runs_beside_the_commands_and_must_stop_cleanly() {
        let text = "```console\n$ cargo run\nlistening on http://127.0.0.1:4437\n\n\
                    $ ls\ndata\n$ echo port 4437\nport 4437\n```\n";
        let steps = super::super::script::parse(text).unwrap();
        all(server_package("exit 0").path(), &steps).unwrap();
        let error = all(server_package("exit 3").path(), &steps).unwrap_err();
        assert!(format!("{error:#}").contains("exit status: 3"), "{error:#}");
    }
}
