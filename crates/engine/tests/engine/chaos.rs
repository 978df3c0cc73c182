//! Two engines over one memory, clients that do anything at any of them, and everything that may go wrong going wrong:
//! conflicts, unknown outcomes that happen late or never, handles that see the past, and time that passes.
//!
//! What clients are told goes into a [`history`], and the histories of all together have to have the [`check`]ed
//! properties. What a run reached is counted, so that one in which nothing went wrong is not taken for a proof, and faults
//! of storage that are planted have to be found by the same properties.

mod check;
mod clients;
mod history;
mod plants;
mod world;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use headwater_core::command::Closing;
use headwater_core::storage::{Refusal, UnitResult};
use headwater_engine::Start;
use headwater_storage::testkit::planted::Fault;
use tokio::task::JoinHandle;

use self::check::{ALWAYS, Evidence, IN_THE_END};
use self::clients::{client, follower, produce, producer, read, space_reader, token};
use self::history::Placed;
use self::plants::Plant;
use self::world::{Dice, PASSING, STEADY, World, steady};
use crate::support::{DEADLINE, Verdict, contents, create, key, stream_of};

const CLIENTS: u64 = 6;
const OPERATIONS: u64 = 400;
const PRODUCERS: u64 = 4;
const RECORDS: u64 = 80;

/// The writer that closes the steady streams in the end.
const CLOSER: u64 = CLIENTS + PRODUCERS;

/// What a run has to reach at least: a fifth of what runs reach, or less.
const LEAST: &[(&str, u64)] = &[
    ("races lost", 20),
    ("conflicts", 60),
    ("unknown outcomes", 20),
    ("took effect late", 1),
    ("stale views", 20),
    ("seen late", 20),
    ("repeated", 3),
    ("repeated for nothing", 5),
    ("appended", 120),
    ("appended or not", 5),
    ("acknowledged and seen", 180),
    ("refused", 50),
    ("created", 14),
    ("forked", 1),
    ("closed", 1),
    ("deleted", 10),
    ("read", 120),
    ("followed", 10),
];

/// What a run came to: what it reached, or which properties it has not, each with what was found.
type Outcome = Result<BTreeMap<&'static str, u64>, Vec<(&'static str, String)>>;

/// What is found while it happens: an answer that nobody may get, or none at all.
const MEANWHILE: &str = "meanwhile";

async fn all_of(tasks: Vec<JoinHandle<Verdict>>, patience: Duration) -> Verdict {
    let (mut found, deadline) = (Ok(()), Instant::now() + patience);
    for task in tasks {
        let ended = tokio::time::timeout_at(deadline.into(), task).await;
        let ended = ended.map_err(|_| "hangs".to_owned());
        let verdict = ended.and_then(|ended| ended.unwrap_or_else(|panic| Err(panic.to_string())));
        found = found.and(verdict);
    }
    found
}

/// Clients, producers and readers while everything goes wrong; then the steady streams are closed.
async fn happen(world: &Arc<World>, seed: u64, patience: Duration) -> Verdict {
    let seed = |task: u64| seed.wrapping_add(task << 32);
    let own = || Arc::clone(world);
    for n in 0..STEADY {
        let created = create(&world.nodes[0].engine, &steady(n), stream_of("text/plain")).await;
        created.map_err(|error| error.to_string())?;
    }
    let last = [token(CLOSER, 0), token(CLOSER, 1)];
    let mut steady_tasks = Vec::new();
    for node in 0..2 {
        let follow = |n| tokio::spawn(follower(own(), node, steady(n)));
        steady_tasks.extend((0..STEADY).map(follow));
        steady_tasks.push(tokio::spawn(space_reader(own(), node, last.clone())));
    }
    let follow = |n| tokio::spawn(follower(own(), n as usize % 2, format!("n/{n}")));
    let mut others: Vec<_> = (0..PASSING).map(follow).collect();
    others.push(tokio::spawn(own().blur(Dice(seed(CLOSER + 1)))));
    let clients = (0..CLIENTS).map(|n| tokio::spawn(client(own(), n, OPERATIONS, seed(n))));
    let producers = (CLIENTS..CLOSER).map(|n| tokio::spawn(producer(own(), n, RECORDS, seed(n))));
    let mut found = all_of(clients.chain(producers).collect(), patience).await;
    world.calm().await;
    if found.is_ok() {
        let (closing, mut dice) = (own(), Dice(seed(CLOSER)));
        steady_tasks.push(tokio::spawn(async move {
            for n in 0..STEADY {
                produce(&closing, CLOSER, n, Closing::Close, &mut dice).await?;
            }
            Ok(())
        }));
        found = all_of(steady_tasks, patience).await;
    }
    world.end();
    found.and(all_of(others, patience).await)
}

/// Everything once more, when nothing happens any more, at both engines.
async fn look_back(world: &World) -> Verdict {
    for (number, node) in world.nodes.iter().enumerate() {
        for n in 0..PASSING {
            read(world, number, &format!("n/{n}")).await?;
        }
        let mut order = Vec::new();
        for name in (0..STEADY).map(steady) {
            read(world, number, &name).await?;
            let whole = contents(&node.engine, &name).await;
            world.history.note(|all| all.wholes.push((name.clone(), whole)));
            let records = node.engine.read_records(&key(&name), Start::Beginning).await;
            for record in records.map_err(|error| error.to_string())?.records {
                order.push(Placed {
                    place: record.meta.space_sequence.0,
                    at: record.meta.at.0,
                    name: name.clone(),
                    sequence: record.meta.sequence,
                    token: String::from_utf8_lossy(&record.payload).into_owned(),
                });
            }
        }
        order.sort_by_key(|placed| placed.place);
        world.history.note(|all| all.orders.push(order));
    }
    world.tally()
}

async fn run(seed: u64, plant: &Plant, patience: Duration) -> Outcome {
    let world = World::new(plant);
    let mut found = happen(&world, seed, patience).await;
    if found.is_ok() {
        found = look_back(&world).await;
    }
    let numbers = |writer, n: u64| {
        let all = if writer == CLOSER { STEADY } else { RECORDS };
        (writer, steady(n), (n..all).step_by(STEADY as usize).collect())
    };
    let writers = (CLIENTS..=CLOSER).flat_map(|writer| (0..STEADY).map(move |n| (writer, n)));
    let produced = writers.map(|(writer, n)| numbers(writer, n)).collect();
    let evidence = Evidence::new(world.history.take(), produced);
    let in_the_end = if found.is_ok() { IN_THE_END } else { &[] };
    let checked = ALWAYS.iter().chain(in_the_end).map(|p| (p.name, (p.check)(&evidence)));
    let all = [(MEANWHILE, found)].into_iter().chain(checked);
    let failed: Vec<_> = all.filter_map(|(name, found)| Some((name, found.err()?))).collect();
    if failed.is_empty() { Ok(evidence.reached()) } else { Err(failed) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_the_histories_are_those_of_one_log() {
    let fresh = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0);
    for seed in [1, 2, fresh] {
        let begun = Instant::now();
        let reached = match run(seed, &Plant::Nothing, DEADLINE).await {
            Ok(reached) => reached,
            Err(failed) => panic!("seed {seed}: {failed:#?}"),
        };
        println!("seed {seed}, {:?}: {reached:?}", begun.elapsed());
        for (what, least) in LEAST {
            let times = reached.get(what).copied().unwrap_or_default();
            assert!(times >= *least, "seed {seed}: {what} {times} times: {reached:?}");
        }
    }
}

/// Long enough for everything that comes; what hangs because of a planted fault never does.
const BRIEFLY: Duration = Duration::from_secs(3);

/// Ways to break the contract, and a property that is found broken.
const PLANTED: &[(Plant, &str)] = &[
    (Plant::Fault(Fault::IgnoresVersions), "an_acknowledged_append_is_where_it_was_said_to_be"),
    (Plant::Fault(Fault::LosesSomeUnits), "an_acknowledged_append_is_where_it_was_said_to_be"),
    (Plant::Fault(Fault::ConfirmsAnything), "what_was_told_is_never_forgotten"),
    (Plant::Fault(Fault::FlipsBits), "records_are_whole_and_unaltered"),
    (Plant::Fault(Fault::FindsNoRows), MEANWHILE),
    (Plant::Fault(Fault::NeverTells), MEANWHILE),
    (
        Plant::Reports(7, UnitResult::Conflict),
        "no_record_is_there_twice_or_out_of_its_writers_order",
    ),
    (Plant::Reports(7, UnitResult::Refused(Refusal::Full)), "what_was_refused_is_nowhere"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn storage_that_breaks_its_contract_is_noticed() {
    for (plant, property) in PLANTED {
        let found = run(1, plant, BRIEFLY).await.expect_err("a planted fault went unnoticed");
        let names: Vec<_> = found.iter().map(|(name, _)| *name).collect();
        println!("{plant:?}: {names:?}");
        assert!(names.contains(property), "{plant:?} has not {property}: {found:#?}");
    }
}
