//! Order under concurrency, in every kind of fleet.

use headwater_core::command::{Append, Expect};
use headwater_core::decide::Freshness;
use headwater_core::{AccessError, AppendError, Code, ProducerId, ProducerNumber, ProducerTuple};
use headwater_engine::{Failure, Start};

use crate::fleets::fleets;
use crate::support::{append, contents, create, follow, key, options, stream_of, text, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_append_is_there_once_and_in_the_order_of_its_writer() {
    for fleet in fleets(&options()) {
        let engines = &fleet.engines;
        create(&engines[0], "s", stream_of("text/plain")).await.unwrap();
        let mut writers = Vec::new();
        for writer in 0..8 {
            let engine = engines[writer % engines.len()].clone();
            writers.push(tokio::spawn(async move {
                for n in 0..50 {
                    append(&engine, "s", text(&format!("{writer}:{n}\n"))).await.unwrap();
                }
            }));
        }
        for writer in writers {
            within(writer).await.unwrap();
        }
        for engine in engines {
            let all = contents(engine, "s").await;
            assert_eq!(all.lines().count(), 400);
            for writer in 0..8 {
                let own = all.lines().filter_map(|l| l.strip_prefix(&format!("{writer}:")));
                let numbers: Vec<u32> = own.map(|n| n.parse().unwrap()).collect();
                assert_eq!(numbers, (0..50).collect::<Vec<_>>());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_writers_that_expect_the_same_sequence_exactly_one_wins() {
    for fleet in fleets(&options()) {
        let engines = &fleet.engines;
        create(&engines[0], "s", stream_of("text/plain")).await.unwrap();
        for round in 0..30u64 {
            let racers: Vec<_> = (0..6)
                .map(|n| {
                    let engine = engines[n % engines.len()].clone();
                    let expect = Expect::Sequence(round);
                    tokio::spawn(async move {
                        append(&engine, "s", Append { expect, ..text("x") }).await
                    })
                })
                .collect();
            let mut winners = 0;
            for racer in racers {
                match within(racer).await.unwrap() {
                    Ok(appended) => {
                        assert_eq!(appended.state.tail.sequence, round + 1);
                        winners += 1;
                    }
                    Err(error) => assert_eq!(error.code(), Code::SequenceConflict),
                }
            }
            assert_eq!(winners, 1, "round {round}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_producer_that_repeats_itself_everywhere_is_heard_once() {
    for fleet in fleets(&options()) {
        let engines = &fleet.engines;
        create(&engines[0], "s", stream_of("text/plain")).await.unwrap();
        for seq in 0..30 {
            let tuple = ProducerTuple {
                id: ProducerId::parse("p").unwrap(),
                epoch: ProducerNumber::ZERO,
                seq: ProducerNumber::new(seq).unwrap(),
            };
            let repeats: Vec<_> = (0..4)
                .map(|n| {
                    let engine = engines[n % engines.len()].clone();
                    let command =
                        Append { producer: Some(tuple.clone()), ..text(&format!("{seq};")) };
                    tokio::spawn(async move { append(&engine, "s", command).await.unwrap() })
                })
                .collect();
            let mut committed = 0;
            for repeat in repeats {
                let appended = within(repeat).await.unwrap();
                committed += usize::from(appended.freshness == Freshness::Committed);
                assert_eq!(appended.producer.unwrap().seq, tuple.seq);
            }
            assert_eq!(committed, 1, "sequence {seq}");
        }
        let expected: String = (0..30).map(|seq| format!("{seq};")).collect();
        assert_eq!(contents(&engines[0], "s").await, expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn creations_and_deletions_race_to_one_outcome() {
    for fleet in fleets(&options()) {
        let engines = &fleet.engines;
        for round in 0..30 {
            let path = format!("race/{round}");
            let racers: Vec<_> = (0..6)
                .map(|n| {
                    let (engine, path) = (engines[n % engines.len()].clone(), path.clone());
                    tokio::spawn(async move {
                        create(&engine, &path, stream_of("text/plain")).await.unwrap()
                    })
                })
                .collect();
            let mut lineages = Vec::new();
            for racer in racers {
                lineages.push(within(racer).await.unwrap().ranges.own());
            }
            lineages.dedup();
            assert_eq!(lineages.len(), 1, "one incarnation, confirmed by the others");
            let mut deleted = 0;
            for engine in engines {
                match engine.delete(&key(&path)).await {
                    Ok(()) => deleted += 1,
                    Err(error) => assert_eq!(error, Failure::Refused(AccessError::NotFound)),
                }
            }
            assert_eq!(deleted, 1);
            let refused = append(&engines[0], &path, text("x")).await.unwrap_err();
            assert_eq!(refused, Failure::Refused(AppendError::NotFound));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn live_tails_of_both_engines_see_the_same_bytes() {
    for fleet in fleets(&options()) {
        let engines = &fleet.engines;
        create(&engines[0], "s", stream_of("text/plain")).await.unwrap();
        let total = 200 * 4;
        let mut tails = Vec::new();
        for engine in engines {
            let mut tail = engine.tail(&key("s"), Start::Beginning).await.unwrap();
            tails.push(tokio::spawn(async move { follow(&mut tail, total).await }));
        }
        for n in 0..200 {
            append(&engines[n % engines.len()], "s", text(&format!("{n:03};"))).await.unwrap();
        }
        let expected = contents(&engines[0], "s").await;
        assert_eq!(expected.len(), total);
        for tail in tails {
            assert_eq!(within(tail).await.unwrap(), expected);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_streams_are_forgotten_and_come_back_as_they_were() {
    for fleet in fleets(&options()) {
        create(fleet.any(), "s", stream_of("text/plain")).await.unwrap();
        for n in 0..20 {
            append(fleet.any(), "s", text(&format!("{n};"))).await.unwrap();
            // Long enough for the cache to age twice between some of the appends.
            tokio::time::timeout(options().idle_after * (n % 4), std::future::pending::<()>())
                .await
                .unwrap_err();
        }
        let expected: String = (0..20).map(|n| format!("{n};")).collect();
        assert_eq!(contents(fleet.any(), "s").await, expected, "{}", fleet.name);
    }
}
