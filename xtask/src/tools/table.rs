//! The programs, what each is for, and how to get it.

use super::version::Version;

/// A program, how to see that it is there, and how to get it.
pub(super) struct Tool {
    pub(super) name: &'static str,
    /// Prints the version.
    pub(super) probe: &'static [&'static str],
    /// The oldest that will do, where not every one does.
    pub(super) least: Option<Version>,
    pub(super) used_for: &'static str,
    /// The Debian package that holds it, where that one is recent enough.
    pub(super) package: Option<&'static str>,
    pub(super) hint: &'static str,
}

/// The compiler; how old it may be is said by the manifests.
pub(super) const RUST: Tool = Tool {
    name: "rustc",
    probe: &["rustc", "--version"],
    least: None,
    used_for: "building everything",
    package: None,
    hint: "rustup update stable",
};

/// The programs beside it.
pub(super) const TOOLS: &[Tool] = &[
    Tool {
        name: "rustfmt",
        probe: &["cargo", "fmt", "--version"],
        least: None,
        used_for: "the format check",
        package: None,
        hint: "rustup component add rustfmt",
    },
    Tool {
        name: "clippy",
        probe: &["cargo", "clippy", "--version"],
        least: None,
        used_for: "lints",
        package: None,
        hint: "rustup component add clippy",
    },
    Tool {
        name: "git",
        probe: &["git", "--version"],
        least: None,
        used_for: "tidy, which lists the repository's files",
        package: Some("git"),
        hint: "install git",
    },
    Tool {
        name: "make",
        probe: &["make", "--version"],
        least: None,
        used_for: "building jemalloc; `--no-default-features` of headwater-server does without",
        package: Some("make"),
        hint: "install make",
    },
    Tool {
        name: "node",
        probe: &["node", "--version"],
        least: Some(Version([20, 19, 0])),
        used_for: "the protocol suite, the reference server and the driver of the browser",
        package: None,
        hint: "install Node.js",
    },
    Tool {
        name: "npm",
        probe: &["npm", "--version"],
        least: None,
        used_for: "installing the protocol suite and the driver of the browser",
        package: None,
        hint: "install npm; it comes with Node.js",
    },
    Tool {
        name: "python3",
        probe: &["python3", "-c", "import ensurepip, sys, venv; print(sys.version)"],
        least: Some(Version([3, 10, 0])),
        used_for: "the WebSocket suite",
        package: Some("python3-venv"),
        hint: "install Python, with the module venv",
    },
    Tool {
        name: "bash",
        probe: &["bash", "--version"],
        least: None,
        used_for: "running the commands of README.md",
        package: Some("bash"),
        hint: "install bash",
    },
    Tool {
        name: "curl",
        probe: &["curl", "--version"],
        least: None,
        used_for: "the requests of README.md",
        package: Some("curl"),
        hint: "install curl",
    },
    Tool {
        name: "strace",
        probe: &["strace", "--version"],
        least: None,
        used_for: "the test that every acknowledged append was synced",
        package: Some("strace"),
        hint: "install strace",
    },
    Tool {
        name: "valgrind",
        probe: &["valgrind", "--version"],
        least: None,
        used_for: "counting the instructions of a delivery",
        package: Some("valgrind"),
        hint: "install valgrind",
    },
    Tool {
        name: "chromium",
        probe: &["chromium", "--version"],
        least: None,
        used_for: "the pages of examples/browser in a browser",
        package: Some("chromium"),
        hint: "install Chromium, as a program named chromium",
    },
];
