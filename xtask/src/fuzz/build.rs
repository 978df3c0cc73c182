//! The test binaries that hold targets.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::Engine;
use crate::workspace::{Workspace, cargo, output};

/// The test binary of a crate that has targets, and the module of it that they are in.
const NAME: &str = "fuzz";
const MODULE: &str = "targets::";

/// Has the compiler count what is executed, in the way that libFuzzer reads, and bolero call libFuzzer.
const COUNTED: &str = "--cfg fuzzing --cfg fuzzing_libfuzzer -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Cllvm-args=-sanitizer-coverage-stack-depth";

/// The members that have targets.
pub(super) fn packages(workspace: &Workspace) -> impl Iterator<Item = &str> {
    workspace.packages().filter(|package| has_targets(package)).filter_map(name)
}

fn name(package: &Value) -> Option<&str> {
    package.get("name").and_then(Value::as_str)
}

fn has_targets(package: &Value) -> bool {
    let targets = package.get("targets").and_then(Value::as_array);
    targets.into_iter().flatten().any(|target| {
        let kinds = target.get("kind").and_then(Value::as_array);
        name(target) == Some(NAME) && kinds.is_some_and(|kinds| kinds.contains(&"test".into()))
    })
}

/// A built one.
#[derive(Debug)]
pub(super) struct Binary {
    pub(super) package: String,
    pub(super) path: PathBuf,
}

impl Binary {
    pub(super) fn build(workspace: &Workspace, package: &str, engine: Engine) -> Result<Self> {
        // A folder of its own for each engine, so that other builds are not made anew because of the flags.
        let folder = workspace.target.join("fuzz").join(match engine {
            Engine::Libfuzzer => "counted",
            Engine::Random => "plain",
        });
        let mut command = cargo();
        command.args(["test", "--package", package, "--all-features", "--test", NAME]);
        command.args(["--no-run", "--profile", "fuzz", "--message-format", "json"]);
        command.arg("--target-dir").arg(folder).current_dir(&workspace.root);
        if engine == Engine::Libfuzzer {
            // With a target named, the flags are not for what runs while compiling.
            command.args(["--target", &host()?]).env("RUSTFLAGS", COUNTED);
            command.env("BOLERO_FUZZER", "libfuzzer");
        }
        println!("building the targets of {package}");
        let messages = output(&mut command)?;
        let path = executable(&messages).context("cargo says nothing of a test binary")?;
        Ok(Self { package: package.to_owned(), path })
    }

    /// The names of its targets.
    pub(super) fn targets(&self) -> Result<Vec<String>> {
        let list = output(Command::new(&self.path).args(["--list", "--format", "terse"]))?;
        Ok(targets_in(&list).map(str::to_owned).collect())
    }

    /// The name of a target's test.
    pub(super) fn test(target: &str) -> String {
        format!("{MODULE}{target}")
    }
}

fn targets_in(list: &str) -> impl Iterator<Item = &str> {
    list.lines().filter_map(|line| line.strip_suffix(": test")?.strip_prefix(MODULE))
}

/// The path of the test binary in cargo's messages.
fn executable(messages: &str) -> Option<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut paths = messages.filter_map(|message| {
        let named = name(message.get("target")?) == Some(NAME);
        named.then(|| message.get("executable")?.as_str().map(PathBuf::from))?
    });
    paths.next()
}

fn host() -> Result<String> {
    let version = output(Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc does not say what it compiles for")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_the_tests_of_one_module() {
        let list = "planted::found: test\ntargets::decoder: test\ntargets::a::b: test\nx: bench\n";
        assert_eq!(targets_in(list).collect::<Vec<_>>(), ["decoder", "a::b"]);
    }

    #[test]
    fn the_binary_is_found_among_all_messages() {
        let messages = concat!(
            "{\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"x\"},\"executable\":\"/x\"}\n",
            "{\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"fuzz\"},\"executable\":null}\n",
            "no json\n",
            "{\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"fuzz\"},\"executable\":\"/y\"}\n",
        );
        assert_eq!(executable(messages), Some(PathBuf::from("/y")));
        assert_eq!(executable("{}"), None);
    }

    #[test]
    fn only_packages_with_a_binary_of_that_name_have_targets() {
        let package = |name: &str, kind: &str| serde_json::json!({"name": "p", "targets": [{"name": name, "kind": [kind]}]});
        assert!(has_targets(&package("fuzz", "test")));
        assert!(!has_targets(&package("fuzz", "bin")));
        assert!(!has_targets(&package("it", "test")));
    }
}
