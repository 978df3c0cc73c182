//! The table of steps: what CI runs, in which order, and how long each may take.

/// What a step is made of, which decides how it is counted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// Passes or fails as a whole, and counts as one.
    Check,
    /// Counts the tests that `cargo test` reports, or another program in its words.
    CargoTest,
    /// Counts the tests in the report on a storage adapter.
    Conformance { storage: &'static str },
}

/// A command with a budget.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) name: &'static str,
    /// Starts with `cargo`, or with `xtask` for this program.
    pub(super) argv: &'static [&'static str],
    pub(super) env: &'static [(&'static str, &'static str)],
    /// Seconds from a clean clone on two cores.
    pub(super) budget: u64,
    pub(super) kind: Kind,
}

/// The primitives are loom's, and code that runs for seconds is not worth the time of a linker that optimises.
const LOOM: &[(&str, &str)] =
    &[("RUSTFLAGS", "--cfg headwater_loom"), ("CARGO_PROFILE_RELEASE_LTO", "off")];

const TOOLS: Step =
    Step { name: "tools", argv: &["xtask", "tools"], env: &[], budget: 60, kind: Kind::Check };

const FORMAT: Step = Step {
    name: "format",
    argv: &["cargo", "fmt", "--all", "--check"],
    env: &[],
    budget: 10,
    kind: Kind::Check,
};

const TIDY: Step =
    Step { name: "tidy", argv: &["xtask", "tidy"], env: &[], budget: 15, kind: Kind::Check };

const CLIPPY: &[&str] = &[
    "cargo",
    "clippy",
    "--workspace",
    "--all-targets",
    "--all-features",
    "--",
    "--deny",
    "warnings",
];

/// What one call of `xtask ci` does.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) steps: &'static [Step],
    /// Seconds that the whole may take.
    pub(super) budget: u64,
    pub(super) late: Late,
}

/// What it means that the whole took longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Late {
    /// A failure: somebody waits for every run.
    Fails,
    /// A remark: a tree that is not warm has everything to build first.
    Remarked,
}

/// Everything, at most forty minutes from a clean clone on two cores.
pub(super) const FULL: Plan = Plan { steps: ALL, budget: 40 * 60, late: Late::Fails };

/// A useful answer within two minutes on a warm tree.
pub(super) const QUICK: Plan = Plan { steps: SOME, budget: 2 * 60, late: Late::Remarked };

const ALL: &[Step] = &[
    TOOLS,
    FORMAT,
    TIDY,
    // Before the tests, because they run the published client and drive a browser.
    Step { name: "npm packages", argv: &["xtask", "npm"], env: &[], budget: 40, kind: Kind::Check },
    Step { name: "clippy", argv: CLIPPY, env: &[], budget: 180, kind: Kind::Check },
    Step {
        name: "features",
        argv: &["xtask", "features"],
        env: &[],
        budget: 220,
        kind: Kind::Check,
    },
    Step {
        name: "tests",
        argv: &["cargo", "test", "--workspace", "--all-features", "--no-fail-fast"],
        env: &[],
        budget: 1070,
        kind: Kind::CargoTest,
    },
    // Every interleaving of what synchronises: a build of its own, in which the primitives are loom's.
    Step {
        name: "interleavings",
        argv: &[
            "cargo",
            "test",
            "--release",
            "--package",
            "headwater-fanout",
            "--target-dir",
            "target/loom",
            "--test",
            "interleavings",
        ],
        env: LOOM,
        budget: 45,
        kind: Kind::CargoTest,
    },
    Step {
        name: "interleavings of a broker and of live tails",
        argv: &[
            "cargo",
            "test",
            "--release",
            "--package",
            "headwater-sse",
            "--package",
            "headwater-engine",
            "--features",
            "headwater-sse/broker",
            "--target-dir",
            "target/loom",
            "--lib",
            "interleavings",
        ],
        env: LOOM,
        budget: 120,
        kind: Kind::CargoTest,
    },
    Step {
        name: "rustdoc",
        argv: &["cargo", "doc", "--no-deps", "--workspace", "--all-features"],
        env: &[("RUSTDOCFLAGS", "--deny warnings")],
        budget: 20,
        kind: Kind::Check,
    },
    Step {
        name: "release build",
        argv: &["cargo", "build", "--release", "--package", "headwater-server"],
        env: &[],
        budget: 190,
        kind: Kind::Check,
    },
    Step {
        name: "conformance on memory",
        argv: &["xtask", "conformance", "--storage", "memory"],
        env: &[],
        budget: 30,
        kind: Kind::Conformance { storage: "memory" },
    },
    Step {
        name: "conformance on sled",
        argv: &["xtask", "conformance", "--storage", "sled"],
        env: &[],
        budget: 30,
        kind: Kind::Conformance { storage: "sled" },
    },
    Step {
        name: "conformance on journal",
        argv: &["xtask", "conformance", "--storage", "journal"],
        env: &[],
        budget: 30,
        kind: Kind::Conformance { storage: "journal" },
    },
    Step {
        name: "conformance of WebSockets",
        argv: &["xtask", "conformance", "--autobahn", "quick"],
        env: &[],
        budget: 40,
        kind: Kind::CargoTest,
    },
    Step { name: "readme", argv: &["xtask", "readme"], env: &[], budget: 10, kind: Kind::Check },
    // Small numbers and every check: that the load generator works, and loses and doubles nothing.
    Step {
        name: "bench",
        argv: &["xtask", "bench", "--quick"],
        env: &[],
        budget: 145,
        kind: Kind::Check,
    },
    Step {
        name: "instructions",
        argv: &["xtask", "instructions"],
        env: &[],
        budget: 85,
        kind: Kind::Check,
    },
    // Hundreds of bad clients in place of thousands, against the release build: that a good one is served all the same.
    Step {
        name: "siege",
        argv: &["xtask", "siege", "--quick", "--demand"],
        env: &[],
        budget: 40,
        kind: Kind::Check,
    },
    Step { name: "package", argv: &["xtask", "package"], env: &[], budget: 20, kind: Kind::Check },
];

const SOME: &[Step] = &[
    FORMAT,
    TIDY,
    Step { name: "clippy", argv: CLIPPY, env: &[], budget: 30, kind: Kind::Check },
    Step {
        name: "unit tests",
        argv: &[
            "cargo",
            "test",
            "--workspace",
            "--exclude",
            "headwater-tests",
            "--all-features",
            "--lib",
            "--bins",
            "--no-fail-fast",
        ],
        env: &[],
        budget: 30,
        kind: Kind::CargoTest,
    },
    Step {
        name: "conformance on memory",
        argv: &["xtask", "conformance", "--debug", "--storage", "memory"],
        env: &[],
        budget: 35,
        kind: Kind::Conformance { storage: "memory" },
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_budgets_keep_the_promises() {
        for plan in [FULL, QUICK] {
            let sum: u64 = plan.steps.iter().map(|step| step.budget).sum();
            assert!(sum <= plan.budget, "{sum} s of {} s", plan.budget);
        }
    }

    #[test]
    fn every_step_has_a_name_of_its_own() {
        for plan in [FULL, QUICK] {
            let names: BTreeSet<_> = plan.steps.iter().map(|step| step.name).collect();
            assert_eq!(names.len(), plan.steps.len(), "{names:?}");
        }
    }
}
