//! Group commit: what is decided while a group is with storage is the next group, all of it.

use std::sync::Arc;

use headwater_core::storage::Storage;
use headwater_engine::Engine;
use headwater_storage::memory::MemoryStorage;
use headwater_storage::testkit::Faulty;
use headwater_storage::testkit::faulty::Stage;
use headwater_storage::testkit::planted::Hasty;

use crate::counting::{Counts, counting};
use crate::parked::parks;
use crate::support::{
    Verdict, append, contents, create, demand, engine_on, options, stream_of, text, within,
};

const STREAMS: usize = 16;
const APPENDS: usize = 50;

type Plant = fn(Arc<dyn Storage>) -> Arc<dyn Storage>;

fn setting(plant: Plant) -> (Engine, Arc<Faulty>, Arc<Counts>) {
    let faulty = Faulty::over(Arc::new(MemoryStorage::new()));
    let (storage, counts) = counting(plant(Arc::clone(&faulty) as _));
    (engine_on(storage, options()).0, faulty, counts)
}

/// Fifty appends that come while a group is held are one more group.
async fn what_waits_is_one_group(engine: Engine, faulty: &Faulty, counts: &Counts) -> Verdict {
    for stream in 0..STREAMS {
        create(&engine, &format!("s/{stream}"), stream_of("text/plain")).await.unwrap();
    }
    faulty.hold(Stage::Unwritten);
    let mut appends: Vec<_> = (0..=APPENDS)
        .map(|n| {
            let engine = engine.clone();
            Box::pin(async move {
                append(&engine, &format!("s/{}", n % STREAMS), text(&format!("{n};"))).await
            })
        })
        .collect();
    for appending in &mut appends {
        let early = parks(appending).await;
        demand(early.is_none(), || format!("answered while it was held: {early:?}"))?;
    }
    within(faulty.held(1)).await;
    let (queued, before) = (engine.waiting(), counts.groups());
    demand(queued == APPENDS + 1, || format!("{queued} units are on their way"))?;
    faulty.release();
    for appending in appends {
        within(appending).await.unwrap();
    }
    let groups = counts.groups() - before;
    demand(groups == 1, || format!("what waited went out as {groups} groups"))?;
    for stream in 0..STREAMS {
        let numbers = (0..=APPENDS).filter(|n| n % STREAMS == stream);
        let expected: String = numbers.map(|n| format!("{n};")).collect();
        assert_eq!(contents(&engine, &format!("s/{stream}")).await, expected);
    }
    Ok(())
}

#[tokio::test]
async fn all_that_comes_while_a_group_is_held_is_the_next_group() {
    let (engine, faulty, counts) = setting(|storage| storage);
    what_waits_is_one_group(engine, &faulty, &counts).await.unwrap();
}

/// Where a group is answered before the one before it is synced, nothing gathers.
#[tokio::test]
async fn appends_that_do_not_gather_are_noticed() {
    let (engine, faulty, counts) = setting(|storage| Arc::new(Hasty::over(storage)));
    let found = what_waits_is_one_group(engine, &faulty, &counts).await;
    found.expect_err("groups of one went unnoticed");
}
