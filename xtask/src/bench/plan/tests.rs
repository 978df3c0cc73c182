use clap::Parser;

use super::*;
use crate::bench::report::GOALS;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: BenchArgs,
}

fn titles(args: &[&str]) -> Vec<String> {
    let line = Line::parse_from([&["bench"], args].concat());
    let plan = Plan::new(&line.args);
    let alone = plan.alone.iter().map(Alone::title);
    plan.work.iter().map(|work| work.title()).chain(alone).collect()
}

#[test]
fn each_goal_belongs_to_a_row() {
    let kinds: Vec<_> = Kind::ALL
        .iter()
        .filter_map(|kind| Some(clap::ValueEnum::to_possible_value(kind)?.get_name().to_owned()))
        .collect();
    let rows = titles(&["--workload", &kinds.join(",")]);
    for goal in GOALS {
        assert!(rows.iter().any(|row| row == goal.row), "`{}` is none of {rows:#?}", goal.row);
    }
}

#[test]
fn a_quick_run_does_everything() {
    let all: std::collections::BTreeSet<_> = titles(&["--quick"]).into_iter().collect();
    for kind in Kind::ALL {
        let name = clap::ValueEnum::to_possible_value(kind).unwrap();
        let rows = titles(&["--quick", "--workload", name.get_name()]);
        assert!(!rows.is_empty() && rows.iter().all(|row| all.contains(row)), "{kind:?}: {rows:?}");
    }
}

#[test]
fn rows_without_a_server_need_none() {
    let line = Line::parse_from(["bench", "--workload", "adapter,packing", "--target", "dsr"]);
    assert_eq!(Plan::new(&line.args).targets, []);
}
