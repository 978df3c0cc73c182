//! One target for a time.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::Engine;
use super::build::Binary;
use crate::process::{Echo, Ending, Finished, tee};
use crate::workspace::Workspace;

/// How much longer than asked a target may take: for starting, and for what it has learned before.
const GRACE: Duration = Duration::from_secs(120);

/// Runs it; what it reached, or how it failed.
pub(super) fn run(
    workspace: &Workspace,
    binary: &Binary,
    target: &str,
    engine: Engine,
    time: Duration,
) -> Result<Result<String, String>> {
    let folder = workspace.target.join("fuzz/learned").join(&binary.package);
    let folder = folder.join(target.replace("::", "-"));
    let (corpus, crashes) = (folder.join("corpus"), folder.join("crashes"));
    for folder in [&corpus, &crashes] {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
    }
    let test = Binary::test(target);
    let mut command = Command::new(&binary.path);
    command.args([test.as_str(), "--exact", "--nocapture", "--test-threads", "1"]);
    match engine {
        Engine::Libfuzzer => {
            let options = format!(
                "{} {} -artifact_prefix={}/ -timeout=10 -max_total_time={}",
                corpus.display(),
                crashes.display(),
                crashes.display(),
                time.as_secs()
            );
            command.env("BOLERO_LIBFUZZER_ARGS", options);
            command.env("BOLERO_TEST_NAME", &test).env("BOLERO_LIBTEST_HARNESS", "1");
        }
        Engine::Random => {
            // The time alone ends it.
            command.env("BOLERO_RANDOM_ITERATIONS", usize::MAX.to_string());
            command.env("BOLERO_RANDOM_TEST_TIME_MS", time.as_millis().to_string());
        }
    }
    let done = tee(&mut command, time + GRACE, Echo::Shown)?;
    let failure = |what: &str| format!("{what}; what it failed on is in {}", crashes.display());
    Ok(judge(&done, engine).map_err(|what| failure(&what)))
}

/// A run that says nothing about its inputs has failed, because then nobody knows that it had any.
fn judge(done: &Finished, engine: Engine) -> Result<String, String> {
    match done.ending {
        Ending::TimedOut => return Err("it did not end".to_owned()),
        Ending::Exited(status) if !status.success() => return Err(status.to_string()),
        Ending::Exited(_) => {}
    }
    let took = done.took.as_secs();
    match engine {
        Engine::Random if done.output.contains("1 passed") => Ok(format!("{took} s of chance")),
        Engine::Random => Err("it ran no test".to_owned()),
        Engine::Libfuzzer => {
            let inputs = done.output.lines().rev().find_map(|line| {
                line.strip_prefix("Done ")?.split(' ').next()?.parse::<u64>().ok()
            });
            match inputs {
                Some(inputs) if inputs > 0 => Ok(format!("{inputs} inputs in {took} s")),
                _ => Err("it does not say how many inputs it had".to_owned()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::*;

    fn done(code: i32, output: &str) -> Finished {
        let ending = Ending::Exited(ExitStatus::from_raw(code << 8));
        Finished { ending, output: output.to_owned(), took: Duration::from_secs(9) }
    }

    #[test]
    fn a_target_passes_only_when_it_says_how_many_inputs_it_had() {
        let passed = "#8 NEW cov: 12\nDone 187294 runs in 9 second(s)\n";
        assert_eq!(judge(&done(0, passed), Engine::Libfuzzer).unwrap(), "187294 inputs in 9 s");
        assert!(judge(&done(77, passed), Engine::Libfuzzer).is_err());
        assert!(judge(&done(0, "Done 0 runs in 9 second(s)"), Engine::Libfuzzer).is_err());
        assert!(judge(&done(0, "1 passed"), Engine::Libfuzzer).is_err());
        assert!(judge(&done(0, "test result: ok. 1 passed; 0"), Engine::Random).is_ok());
        assert!(judge(&done(0, "test result: ok. 0 passed; 0"), Engine::Random).is_err());
    }
}
