//! Which packages of others each member may depend on directly.
//!
//! Every name here is a decision to trust and follow a project. A new one is added on purpose, and
//! one that is no longer used is struck out.

use super::finding::Finding;
use super::tree::{Need, Package, Tree};

/// What a member may depend on.
struct Allowed {
    folder: &'static str,
    always: &'static [&'static str],
    tests: &'static [&'static str],
}

const ALLOWED: &[Allowed] = &[
    Allowed {
        folder: "crates/core",
        always: &["bytes", "memchr", "serde_json", "thiserror"],
        tests: &["proptest"],
    },
    Allowed { folder: "crates/fanout", always: &["loom", "thiserror"], tests: &["proptest"] },
    Allowed {
        folder: "crates/sse",
        always: &[
            "axum",
            "base64",
            "bytes",
            "futures-core",
            "http",
            "http-body",
            "loom",
            "pin-project-lite",
            "serde",
            "serde_json",
            "thiserror",
            "tokio",
        ],
        tests: &[
            "bolero",
            "futures-util",
            "http-body-util",
            "hyper",
            "hyper-util",
            "proptest",
            "rustix",
            "tokio",
        ],
    },
    Allowed {
        folder: "crates/storage",
        always: &[
            "bytes",
            "crc32c",
            "foldhash",
            "futures-channel",
            "metrics",
            "parking_lot",
            "postcard",
            "proptest",
            "rustix",
            "serde",
            "sled",
            "tempfile",
            "thiserror",
            "tokio",
            "tracing",
        ],
        tests: &["proptest", "tokio"],
    },
    Allowed {
        folder: "crates/engine",
        always: &[
            "bytes",
            "foldhash",
            "futures-util",
            "loom",
            "metrics",
            "parking_lot",
            "thiserror",
            "tokio",
            "tokio-util",
            "tracing",
        ],
        tests: &["proptest", "tempfile"],
    },
    Allowed {
        folder: "crates/client",
        always: &[
            "bytes",
            "http",
            "http-body-util",
            "hyper",
            "hyper-util",
            "rand",
            "serde",
            "serde_json",
            "thiserror",
            "tokio",
        ],
        tests: &["futures-util"],
    },
    Allowed {
        folder: "crates/server",
        always: &[
            "base64",
            "bytes",
            "clap",
            "crc32c",
            "form_urlencoded",
            "futures-util",
            "http",
            "http-body",
            "http-body-util",
            "humantime",
            "hyper",
            "hyper-util",
            "metrics",
            "metrics-exporter-prometheus",
            "mio",
            "opentelemetry",
            "opentelemetry-http",
            "opentelemetry-otlp",
            "opentelemetry_sdk",
            "parking_lot",
            "rand",
            "rustix",
            "serde",
            "serde_json",
            "slab",
            "socket2",
            "thiserror",
            "tikv-jemallocator",
            "time",
            "tokio",
            "tokio-util",
            "toml",
            "tracing",
            "tracing-opentelemetry",
            "tracing-subscriber",
        ],
        tests: &["prost", "tempfile", "tokio"],
    },
    Allowed {
        folder: "crates/ws",
        always: &[
            "axum",
            "base64",
            "bytes",
            "bytestring",
            "flate2",
            "http",
            "hyper",
            "hyper-util",
            "parking_lot",
            "rand",
            "serde",
            "serde_json",
            "sha1_smol",
            "thiserror",
            "tokio",
        ],
        tests: &["bolero", "http-body-util", "hyper", "proptest", "rustix", "socket2", "tokio"],
    },
    Allowed {
        folder: "xtask",
        always: &[
            "anyhow",
            "clap",
            "hdrhistogram",
            "http",
            "http-body-util",
            "httparse",
            "hyper",
            "hyper-util",
            "memchr",
            "proc-macro2",
            "pulldown-cmark",
            "rustix",
            "serde",
            "serde_json",
            "signal-hook",
            "spdx",
            "tempfile",
            "tokio",
            "toml",
        ],
        tests: &[],
    },
    Allowed {
        folder: "xtask/peers",
        always: &[
            "anyhow",
            "axum",
            "bytes",
            "futures-util",
            "http-body",
            "http-body-util",
            "hyper",
            "hyper-util",
            "tokio",
            "tokio-tungstenite",
        ],
        tests: &[],
    },
    Allowed {
        folder: "tests",
        always: &["rustix", "serde_json", "tempfile"],
        tests: &[
            "base64",
            "bytes",
            "futures-core",
            "futures-util",
            "http-body-util",
            "hyper",
            "hyper-util",
            "rand",
            "serde_json",
            "tempfile",
            "time",
            "tokio",
        ],
    },
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for package in &tree.packages {
        match ALLOWED.iter().find(|allowed| allowed.folder == package.folder) {
            Some(allowed) => {
                compare(package, Need::Always, allowed.always, &mut found);
                compare(package, Need::Tests, allowed.tests, &mut found);
            }
            None => {
                let message = "has no list of dependencies: add it to the table";
                found.push(Finding::whole(&package.folder, message));
            }
        }
    }
    found
}

fn compare(package: &Package, need: Need, allowed: &[&str], found: &mut Vec<Finding>) {
    let used: Vec<_> = package
        .dependencies
        .iter()
        .filter(|dependency| !dependency.member && dependency.need == need)
        .map(|dependency| dependency.name.as_str())
        .collect();
    let whom = match need {
        Need::Always => "",
        Need::Tests => " in its tests",
    };
    for name in used.iter().filter(|name| !allowed.contains(name)) {
        let message = format!("depends on {name}{whom}, which its list does not allow");
        found.push(Finding::whole(&package.folder, message));
    }
    for name in allowed.iter().filter(|name| !used.contains(name)) {
        let message = format!("no longer depends on {name}{whom}: strike it from its list");
        found.push(Finding::whole(&package.folder, message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(allowed: &[&str], used: &[(&str, Need)]) -> Vec<String> {
        let mut found = Vec::new();
        compare(&Package::of("crates/core", used), Need::Always, allowed, &mut found);
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn only_what_the_list_names_is_allowed() {
        let used =
            [("bytes", Need::Always), ("headwater-core", Need::Always), ("rand", Need::Tests)];
        assert!(faults(&["bytes"], &used).is_empty());
        assert!(faults(&[], &used)[0].contains("depends on bytes"));
        assert!(faults(&["bytes", "hyper"], &used)[0].contains("no longer depends on hyper"));
    }

    #[test]
    fn a_package_without_a_list_is_found() {
        let packages = vec![Package::of("crates/new", &[])];
        assert_eq!(check(&Tree { packages, ..Tree::default() }).len(), 1);
    }
}
