//! `.ci/run`, run with a cargo that only says one thing and ends: its last line is always a tally.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::FAILED;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../.ci/run");

/// The programs that the script uses beside cargo, from a folder of their own.
fn bin(cargo: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("cargo");
    fs::write(&file, format!("#!/bin/bash\n{cargo}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

fn run(path: &Path) -> Command {
    let mut command = Command::new("/bin/bash");
    // Everything from outside but cargo, which has to be the one of this test or none.
    command.arg(SCRIPT).env("PATH", format!("{}:/usr/bin:/bin", path.display()));
    command
}

/// The last line on standard output, and the status.
fn ending(command: &mut Command) -> (String, Option<i32>) {
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (text.lines().last().unwrap_or_default().to_owned(), output.status.code())
}

#[test]
fn the_last_line_is_a_tally_however_the_run_ends() {
    for (cargo, last, status) in [
        ("echo '7 passed, 0 failed'".to_owned(), "7 passed, 0 failed", 0),
        (format!("echo '5 passed, 2 failed'; exit {FAILED}"), "5 passed, 2 failed", FAILED),
        ("echo 'error: it does not compile' >&2; exit 101".to_owned(), "0 passed, 1 failed", 101),
        ("echo 'no toolchain'; exit 1".to_owned(), "0 passed, 1 failed", 1),
        ("kill -9 $$".to_owned(), "0 passed, 1 failed", 137),
    ] {
        let folder = bin(&cargo);
        assert_eq!(ending(&mut run(folder.path())), (last.to_owned(), Some(status)), "{cargo}");
    }
}

#[test]
fn cargo_is_told_to_run_ci_on_the_committed_versions() {
    let folder = bin("echo \"$*\"");
    assert_eq!(ending(&mut run(folder.path())).0, "--locked xtask ci");
}

#[test]
fn a_signal_to_the_script_ends_the_run_too() {
    let marks = TempDir::new().unwrap();
    let mark = |name: &str| marks.path().join(name);
    let (begun, ended) = (mark("begun"), mark("ended"));
    let folder = bin(&format!(
        "trap 'touch {}; kill $!; exit 143' TERM\nsleep 60 &\ntouch {}\nwait",
        ended.display(),
        begun.display()
    ));
    let mut command = run(folder.path());
    let child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let start = std::time::Instant::now();
    while !begun.exists() {
        assert!(start.elapsed().as_secs() < 30, "the run has not begun");
        std::thread::yield_now();
    }
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(ended.exists());
    assert!(!output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().last(), Some("0 passed, 1 failed"));
}
