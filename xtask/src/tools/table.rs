//! The programs, what each is for, and how to get it.

/// A program, how to see that it is there, and how to get it.
pub(super) struct Tool {
    pub(super) name: &'static str,
    pub(super) probe: &'static [&'static str],
    pub(super) used_for: &'static str,
    /// The Debian package that holds it, where that one is recent enough.
    pub(super) package: Option<&'static str>,
    pub(super) hint: &'static str,
}

pub(super) const TOOLS: &[Tool] = &[
    Tool {
        name: "rustfmt",
        probe: &["cargo", "fmt", "--version"],
        used_for: "the format check",
        package: None,
        hint: "rustup component add rustfmt",
    },
    Tool {
        name: "clippy",
        probe: &["cargo", "clippy", "--version"],
        used_for: "lints",
        package: None,
        hint: "rustup component add clippy",
    },
    Tool {
        name: "git",
        probe: &["git", "--version"],
        used_for: "tidy, which lists the repository's files",
        package: Some("git"),
        hint: "install git",
    },
    Tool {
        name: "make",
        probe: &["make", "--version"],
        used_for: "building jemalloc; `--no-default-features` of headwater-server does without",
        package: Some("make"),
        hint: "install make",
    },
    Tool {
        name: "node 20 or newer",
        probe: &["node", "-e", "if (parseInt(process.versions.node) < 20) process.exit(1)"],
        used_for: "the protocol suite and the reference server",
        package: None,
        hint: "install Node.js 20 or newer",
    },
    Tool {
        name: "npm",
        probe: &["npm", "--version"],
        used_for: "installing the protocol suite",
        package: None,
        hint: "install npm; it comes with Node.js",
    },
    Tool {
        name: "curl",
        probe: &["curl", "--version"],
        used_for: "the commands of README.md",
        package: Some("curl"),
        hint: "install curl",
    },
    Tool {
        name: "strace",
        probe: &["strace", "--version"],
        used_for: "the test that every acknowledged append was synced",
        package: Some("strace"),
        hint: "install strace",
    },
];
