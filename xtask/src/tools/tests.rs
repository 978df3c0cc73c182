//! What is said when tools are missing, old, or there.

use serde_json::json;

use super::*;

const NODE: Tool = Tool {
    name: "node",
    probe: &["headwater-no-such-program"],
    least: Some(Version([20, 19, 0])),
    used_for: "the suite",
    package: None,
    hint: "get it",
};

/// Provides these tools, of which the first says `said` and nothing can be installed.
fn refusal(tools: &[Tool], said: Option<&str>) -> String {
    let first = tools.first().unwrap().name;
    let ask = |tool: &Tool| {
        let text = if tool.name == first { said } else { Some("99.0.0") };
        text.map(str::to_owned)
    };
    provide(tools, ask, |_| false).map_or_else(|error| error.to_string(), |()| String::new())
}

#[test]
fn what_is_missing_or_old_is_said_with_its_use_and_the_way_to_get_it() {
    for (said, lack) in [
        (None, "it is not there"),
        (Some("v20.18.3\n"), "this is 20.18.3"),
        (Some("v9.20.0\n"), "this is 9.20.0"),
        (Some("node"), "it tells no version in \"node\""),
        (Some(""), "it tells no version in \"\""),
        (Some("a warning\nv18.0.0\nv20.19.0"), "this is 18.0.0"),
    ] {
        let expected =
            format!("missing tools:\n  node 20.19.0 or newer (the suite): {lack}; get it");
        assert_eq!(refusal(&[NODE], said), expected, "{said:?}");
    }
    for said in ["v20.19.0\n", "v20.19.1", "v22.1.0-pre", "v100.0.0", "a warning\nv20.19.0"] {
        assert_eq!(refusal(&[NODE], Some(said)), "", "{said}");
    }
}

#[test]
fn a_tool_of_any_age_only_has_to_be_there() {
    let any = Tool { least: None, ..NODE };
    for (said, shown) in [("no number at all", "present"), ("strace 0.1\nand more", "strace 0.1")] {
        assert_eq!(any.judge(Some(said.to_owned())).as_deref(), Ok(shown));
    }
    assert_eq!(
        refusal(&[any], None),
        "missing tools:\n  node (the suite): it is not there; get it"
    );
}

#[test]
fn all_that_are_missing_are_named_at_once() {
    let rust = Tool { least: Some(Version([1, 95, 0])), ..RUST };
    let tools = [rust, Tool { name: "strace", ..NODE }, NODE];
    let ask = |tool: &Tool| (tool.name == "rustc").then(|| "rustc 1.94.1 (x)".to_owned());
    let error = provide(&tools, ask, |_| false).unwrap_err().to_string();
    let expected = "missing tools:\n  \
                    rustc 1.95.0 or newer (building everything): this is 1.94.1; rustup update stable\n  \
                    strace 20.19.0 or newer (the suite): it is not there; get it\n  \
                    node 20.19.0 or newer (the suite): it is not there; get it";
    assert_eq!(error, expected);
}

#[test]
fn every_tool_of_the_table_can_be_the_missing_one() {
    for absent in TOOLS {
        let ask = |tool: &Tool| (tool.name != absent.name).then(|| "99.0.0".to_owned());
        let error = provide(TOOLS, ask, |_| false).unwrap_err().to_string();
        for text in [absent.name, absent.used_for, absent.hint] {
            assert!(!text.is_empty() && error.contains(text), "{error}");
        }
        assert_eq!(error.lines().count(), 2, "{error}");
    }
}

#[test]
fn what_was_installed_is_asked_again() {
    let installed = std::cell::Cell::new(false);
    let install = |_: &Tool| !installed.replace(true);
    let there = |_: &Tool| installed.get().then(|| "v21.0.0".to_owned());
    provide(&[NODE], there, install).unwrap();
    let old = |_: &Tool| Some("v18.0.0".to_owned());
    let error = provide(&[NODE], old, |_| true).unwrap_err().to_string();
    assert!(error.contains("this is 18.0.0"), "{error}");
    let present = |_: &Tool| Some("v21.0.0".to_owned());
    provide(&[NODE], present, |tool| panic!("{} is there", tool.name)).unwrap();
}

#[test]
fn programs_are_asked_by_running_them() {
    let ended = |argv: &[&str]| ended_well(argv, PROBE_LIMIT, Echo::Hidden);
    assert_eq!(NODE.ask(), None);
    assert_eq!(ended(&["bash", "-c", "echo 1.2.3; exit 1"]), None);
    assert_eq!(ended(&["bash", "-c", "echo 1.2.3"]).as_deref(), Some("1.2.3\n"));
}

#[test]
fn the_compiler_is_as_new_as_every_member_needs() {
    let member = |version: &str| json!({ "rust_version": version });
    let needed = |members: &[Value]| rust_version(members.iter()).ok();
    let expected = Some(Version([1, 95, 0]));
    assert_eq!(needed(&[member("1.9"), member("1.95"), member("1.94.1")]), expected);
    assert_eq!(needed(&[member("1.95"), json!({ "rust_version": null })]), None);
    assert_eq!(needed(&[member("new")]), None);
    assert_eq!(needed(&[]), None);
}

/// The lock file is the truth of what the suite needs.
#[test]
fn node_is_as_new_as_the_npm_packages_need() {
    let lock: Value =
        serde_json::from_str(include_str!("../../conformance/package-lock.json")).unwrap();
    let node = TOOLS.iter().find(|tool| tool.name == "node").unwrap();
    let least = node.least.unwrap();
    let mut ranges = 0;
    for (name, package) in lock["packages"].as_object().unwrap() {
        if let Some(range) = package["engines"]["node"].as_str() {
            ranges += 1;
            assert!(range.split("||").any(|part| admits(part, least)), "{name} needs {range}");
        }
    }
    assert!(ranges > 0, "the lock file says nothing");
    for (part, version, fits) in [
        ("^20.19.0 ", [20, 19, 0], true),
        ("^20.19.0", [20, 18, 9], false),
        ("^20.19.0", [21, 0, 0], false),
        (" >= 12.0.0", [20, 0, 0], true),
        (">=22.12.0", [20, 19, 0], false),
        ("^10", [10, 2, 0], true),
    ] {
        assert_eq!(admits(part, Version(version)), fits, "{part} {version:?}");
    }
}

/// Whether one alternative of npm's version ranges, `^a.b.c` or `>=a.b.c`, admits a version.
fn admits(part: &str, version: Version) -> bool {
    let part = part.trim();
    let (same_major, least) = match part.strip_prefix('^') {
        Some(least) => (true, least),
        None => (false, part.strip_prefix(">=").unwrap_or_else(|| panic!("{part:?} is new"))),
    };
    let padded = format!("{}.0.0", least.trim());
    let numbers: Vec<u32> = padded.split('.').take(3).map(|n| n.parse().unwrap()).collect();
    let least = Version(numbers.try_into().unwrap());
    version >= least && (!same_major || version.0[0] == least.0[0])
}
