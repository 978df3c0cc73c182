//! Looks at what is there after a restart, and takes what passed as settled.

use headwater_tests::Server;

use super::checker::{Name, Observation, check, check_name};
use super::history::History;
use super::observe::{check_state, observe};
use super::worker::Worker;

/// How many of the latest names that must stay free are looked at each time, and how many others:
/// a long campaign has thousands.
const LATEST_NAMES: usize = 10;
const OTHER_NAMES: usize = 10;

/// Checks one stream and takes what is there as settled; the promises that were found broken.
pub(super) fn look_at(server: &Server, history: &mut History) -> Vec<String> {
    let observation = observe(server, history);
    let violations = check(history, &observation);
    if violations.is_empty() {
        if let Observation::Present { records: Ok(records), closed, floor } = observation {
            history.settle(&records, closed, floor);
        } else {
            history.created = false;
        }
    }
    violations.into_iter().map(|violation| format!("{}: {violation:?}", history.name)).collect()
}

/// Checks all streams that one client alone writes, those it deleted among them.
pub(super) fn look_at_own(server: &Server, worker: &mut Worker) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut absent = Vec::new();
    for mut stream in std::mem::take(&mut worker.own) {
        wrong.extend(look_at(server, &mut stream.history));
        if stream.history.created {
            wrong.extend(check_state(server, &stream.history, stream.has_ttl));
            worker.own.push(stream);
        } else {
            absent.push(stream);
        }
    }
    if !wrong.is_empty() {
        return wrong;
    }
    worker.bury(absent);
    wrong.extend(worker.short_lives.look_after_restart(server));
    wrong.extend(worker.retained.look_after_restart(server));
    for deleted in &worker.held {
        wrong.extend(look_at_name(server, &deleted.name, Name::Held));
    }
    for names in [&worker.gone, &worker.short_lives.ended] {
        for name in latest_and_others(names) {
            wrong.extend(look_at_name(server, name, Name::Free));
        }
    }
    wrong
}

fn latest_and_others(names: &[String]) -> impl Iterator<Item = &String> {
    let others = names.len().saturating_sub(LATEST_NAMES);
    let every = others.div_ceil(OTHER_NAMES).max(1);
    names[..others].iter().step_by(every).chain(&names[others..])
}

fn look_at_name(server: &Server, name: &str, expected: Name) -> Option<String> {
    let violation = check_name(expected, server.head(name).send().status())?;
    Some(format!("{name}: {violation:?}"))
}
