//! Two engines over one shared memory, with conflicts and unknown outcomes injected: producers that repeat what they
//! do not know the outcome of are heard exactly once, in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use headwater_core::command::Append;
use headwater_core::{Code, ProducerId, ProducerNumber, ProducerTuple};
use headwater_engine::{Clock, Engine};
use headwater_storage::memory::SharedMemory;
use headwater_storage::testkit::Faulty;
use headwater_storage::testkit::faulty::Aftermath;

use crate::support::{ManualClock, append, contents, create, options, stream_of, text, within};

const WRITERS: usize = 6;
const APPENDS: u64 = 60;

fn two(shared: &SharedMemory) -> Vec<(Engine, Arc<Faulty>)> {
    let clock: Arc<dyn Clock> = ManualClock::at(1_000_000);
    let attach = || {
        let faulty = Faulty::over(Arc::new(shared.attach()));
        let engine = Engine::start(Arc::clone(&faulty) as _, Arc::clone(&clock), options());
        (engine, faulty)
    };
    vec![attach(), attach()]
}

/// Appends its numbers in order, repeating each until it knows that it is there.
async fn produce(engine: Engine, writer: usize, unknown: Arc<AtomicUsize>) {
    for number in 0..APPENDS {
        let producer = ProducerTuple {
            id: ProducerId::parse(&format!("writer-{writer}")).unwrap(),
            epoch: ProducerNumber::ZERO,
            seq: ProducerNumber::new(number).unwrap(),
        };
        let command = Append { producer: Some(producer), ..text(&format!("{writer}:{number}\n")) };
        loop {
            match append(&engine, "s", command.clone()).await.map_err(|error| error.code()) {
                Ok(_) => break,
                Err(Code::UnknownOutcome) => {
                    unknown.fetch_add(1, Ordering::Relaxed);
                }
                Err(Code::Overloaded) => {}
                Err(code) => panic!("{code:?}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conflicts_and_unknown_outcomes_neither_lose_nor_double_a_producers_append() {
    let shared = SharedMemory::new();
    let fleet = two(&shared);
    create(&fleet[0].0, "s", stream_of("text/plain")).await.unwrap();
    for (index, (_, faulty)) in fleet.iter().enumerate() {
        let aftermaths = [Aftermath::Applied, Aftermath::Lost, Aftermath::Late];
        for n in 0..200 {
            match (n + index as u64) % 7 {
                1 | 4 => faulty.conflict_on(n),
                3 => faulty.unknown_on(n, aftermaths[(n / 7 % 3) as usize]),
                _ => {}
            }
        }
    }
    let unknown = Arc::new(AtomicUsize::new(0));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let engine = fleet[writer % 2].0.clone();
            tokio::spawn(produce(engine, writer, Arc::clone(&unknown)))
        })
        .collect();
    for writer in writers {
        within(writer).await.unwrap();
    }
    for (_, faulty) in &fleet {
        within(faulty.settle()).await;
    }
    assert!(unknown.load(Ordering::Relaxed) >= 20, "too few unknown outcomes to prove anything");
    for (engine, _) in &fleet {
        let all = contents(engine, "s").await;
        assert_eq!(all.lines().count() as u64, WRITERS as u64 * APPENDS);
        for writer in 0..WRITERS {
            let own = all.lines().filter_map(|line| line.strip_prefix(&format!("{writer}:")));
            let numbers: Vec<u64> = own.map(|number| number.parse().unwrap()).collect();
            assert_eq!(numbers, (0..APPENDS).collect::<Vec<_>>(), "writer {writer}");
        }
    }
}
