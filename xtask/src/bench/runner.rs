//! Rows, rounds and turns.
//!
//! Each row starts its servers fresh: those that can do its work; the others have no line in it. A server that fails is left out of the rest of its row, and the
//! failure is reported; the others go on.

use super::adapter::Bench;
use super::plan::Plan;
use super::report::{Entry, Report, Row, brief};
use super::server::{Launcher, Server, Target};
use super::workload::{Prepared, Workload};

/// Measures everything, telling each round as it is done. The bench is what rows without a server are measured with.
pub(crate) fn run(plan: &Plan, launcher: &Launcher, bench: Option<&Bench>) -> Report {
    let mut report = Report::of_this_machine(plan.rounds);
    for work in &plan.work {
        // A row that none of the servers can do is no row.
        if plan.targets.iter().any(|target| target.ability().meets(work.needs())) {
            println!("{}", work.title());
            report.rows.push(row(plan, launcher, work.as_ref()));
        }
    }
    for work in &plan.alone {
        println!("{}", work.title());
        report.rows.extend(bench.map(|bench| bench.row(work, plan.rounds)));
    }
    report
}

fn row(plan: &Plan, launcher: &Launcher, work: &dyn Workload) -> Row {
    let mut row = Row { title: work.title(), unit: work.unit(), entries: Vec::new() };
    let mut servers = Vec::new();
    for target in plan.targets.iter().filter(|target| target.ability().meets(work.needs())) {
        let mut entry = Entry::new(target);
        servers.push(start(launcher, target, &mut entry));
        row.entries.push(entry);
    }
    measure(plan, work, &servers, &mut row.entries);
    for (server, entry) in servers.into_iter().zip(&mut row.entries) {
        if let Some(Err(error)) = server.map(Server::stop) {
            entry.fail(&error, "");
        }
    }
    row
}

/// Starts a server; if there is none, the entry says why.
fn start(launcher: &Launcher, target: &Target, entry: &mut Entry) -> Option<Server> {
    launcher.start(target).map_err(|error| entry.fail(&error, "")).ok()
}

fn measure(plan: &Plan, work: &dyn Workload, servers: &[Option<Server>], entries: &mut [Entry]) {
    let mut turns = Vec::new();
    for (server, entry) in servers.iter().zip(entries) {
        let Some(server) = server else { continue };
        match work.prepare(server) {
            Ok(ready) => turns.push(Turn { server, entry, ready }),
            Err(error) => entry.fail(&error, &server.last_words()),
        }
    }
    for turn in &mut turns {
        if let Err(error) = turn.server.settle() {
            turn.entry.fail(&error, &turn.server.last_words());
        }
    }
    for round in 0..plan.rounds as usize {
        // Whoever comes first in one round comes last in the next.
        let count = turns.len();
        let (later, sooner) = turns.split_at_mut(round % count.max(1));
        for turn in sooner.iter_mut().chain(later) {
            turn.take(work, round);
        }
    }
}

/// A server's place in a row.
struct Turn<'a> {
    server: &'a Server,
    entry: &'a mut Entry,
    ready: Box<dyn Prepared + 'a>,
}

impl Turn<'_> {
    fn take(&mut self, work: &dyn Workload, round: usize) {
        if self.entry.failure.is_some() {
            return;
        }
        let sample = self.ready.round().and_then(|sample| {
            self.server.settle()?;
            Ok(sample)
        });
        match sample {
            Ok(sample) => {
                let brief = brief(&sample, work.unit());
                println!("  round {}  {:<18} {brief}", round + 1, self.server.name);
                self.entry.samples.push(sample);
            }
            Err(error) => {
                println!("  round {}  {:<18} failed: {error:#}", round + 1, self.server.name);
                self.entry.fail(&error, &self.server.last_words());
            }
        }
    }
}
