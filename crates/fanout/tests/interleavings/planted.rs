//! Runs a model that has to fail in a process of its own: what loom does about a deadlock ends a process.

use std::env;
use std::process::Command;

use crate::support::model;

const PLANTED: &str = "HEADWATER_PLANTED_FAULT";

/// Demands that the model of the test of this name fails, and says so.
pub(crate) fn must_be_found(test: &str, says: &str, run: impl Fn() + Send + Sync + 'static) {
    if env::var_os(PLANTED).is_some() {
        return model(run);
    }
    let mut again = Command::new(env::current_exe().unwrap());
    again.args(["--exact", test, "--nocapture"]).env(PLANTED, "1");
    let output = again.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains(says), "{said}");
}
