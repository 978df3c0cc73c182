//! An example that serves a page, as a process of its own.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// The process. It is killed when this is dropped.
#[derive(Debug)]
pub struct Example {
    process: Child,
    /// Where it listens.
    pub address: String,
}

impl Example {
    /// Starts it, and waits for the line that says where it listens.
    ///
    /// # Panics
    /// When it does not start.
    #[track_caller]
    pub fn start(program: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(program);
        let mut process =
            command.args(arguments).stdout(Stdio::piped()).spawn().expect("the example runs");
        let stdout = process.stdout.take().expect("piped");
        let line = BufReader::new(stdout).lines().next().expect("a line").expect("text");
        let address = line.rsplit("//").next().expect("an address").to_owned();
        Self { process, address }
    }

    /// Interrupts it, and requires that it ends well.
    ///
    /// # Panics
    /// When it does not.
    #[track_caller]
    pub fn stop(mut self) {
        kill_process(Pid::from_child(&self.process), Signal::INT).expect("it runs");
        assert!(self.process.wait().expect("it ends").success());
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
