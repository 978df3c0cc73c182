//! Live readers for whom there is no room: they wait in turn, and hear of an end.

use std::sync::Arc;

use headwater_core::Code;
use headwater_engine::{Crowd, Delivery, End, Engine, Options, Records, Start, Step, Tail};
use headwater_storage::memory::MemoryStorage;

use crate::parked::parks;
use crate::support::{append, create, engine_on, json, key, options, stream_of, within};

/// Live readers have room for four records of a hundred kilobytes, and not for a fifth.
const FITTING: usize = 4;

fn engine() -> Engine {
    let small = Options { reading_bytes: 1 << 20, ..options() };
    engine_on(Arc::new(MemoryStorage::new()), small).0
}

/// A stream with one such record, and readers that hold it.
async fn full(engine: &Engine) -> Vec<Delivery> {
    create(engine, "s", stream_of("application/json")).await.unwrap();
    append(engine, "s", json(&format!("\"{}\"", "x".repeat(100_000)))).await.unwrap();
    let mut held = Vec::new();
    for _ in 0..FITTING {
        let Step::Delivery(delivery) = within(reader(engine).await.next()).await.unwrap() else {
            panic!("an end")
        };
        assert_eq!(delivery.pieces.len(), 1);
        held.push(delivery);
    }
    held
}

async fn reader(engine: &Engine) -> Tail {
    engine.tail(&key("s"), Start::Beginning).await.unwrap()
}

/// What a tail gives in either form, as far as it matters here.
async fn next(tail: &mut Tail, form: Form) -> Result<Step<()>, Code> {
    let step = match form {
        Form::Bytes => tail.next().await.map(|step| without(step, |d: Delivery| d.pieces.len())),
        Form::Records => {
            tail.next_records().await.map(|step| without(step, |page: Records| page.records.len()))
        }
    };
    step.map_err(|failure| failure.code())
}

#[derive(Clone, Copy, Debug)]
enum Form {
    Bytes,
    Records,
}

const FORMS: [Form; 2] = [Form::Bytes, Form::Records];

fn without<D>(step: Step<D>, count: fn(D) -> usize) -> Step<()> {
    match step {
        Step::Delivery(delivery) => {
            assert_eq!(count(delivery), 1);
            Step::Delivery(())
        }
        Step::End(end) => Step::End(end),
    }
}

#[tokio::test]
async fn a_reader_that_gives_up_a_call_keeps_its_place() {
    for form in FORMS {
        let engine = engine();
        let mut held = full(&engine).await;
        let (mut first, mut second) = (reader(&engine).await, reader(&engine).await);
        for _ in 0..3 {
            assert!(parks(&mut Box::pin(next(&mut first, form))).await.is_none());
            assert!(parks(&mut Box::pin(next(&mut second, form))).await.is_none());
        }
        assert_eq!(held.len(), FITTING);
        held.pop();
        assert!(parks(&mut Box::pin(next(&mut second, form))).await.is_none(), "it came later");
        within(next(&mut first, form)).await.unwrap();
        held.pop();
        within(next(&mut second, form)).await.unwrap();
    }
}

#[tokio::test]
async fn a_reader_that_waits_for_room_hears_of_the_end() {
    for form in FORMS {
        for end in [End::Deleted, End::Draining] {
            let engine = engine();
            let _held = full(&engine).await;
            let mut tail = reader(&engine).await;
            let mut waiting = Box::pin(next(&mut tail, form));
            assert!(parks(&mut waiting).await.is_none());
            match end {
                End::Deleted => engine.delete(&key("s")).await.unwrap(),
                End::Draining => engine.drain(),
            }
            let step = within(waiting).await.unwrap();
            assert!(matches!(step, Step::End(found) if found == end), "{step:?}");
        }
    }
}

#[tokio::test]
async fn a_reader_may_be_refused_instead_and_wait_afterwards() {
    for form in FORMS {
        let engine = engine();
        let held = full(&engine).await;
        let mut tail = reader(&engine).await;
        assert!(parks(&mut Box::pin(next(&mut tail, form))).await.is_none());
        tail.when_crowded(Crowd::Refuse);
        for _ in 0..2 {
            let refused = within(next(&mut tail, form)).await.unwrap_err();
            assert_eq!(refused, Code::Overloaded);
        }
        assert!(!tail.is_up_to_date());
        tail.when_crowded(Crowd::Wait);
        assert!(parks(&mut Box::pin(next(&mut tail, form))).await.is_none());
        drop(held);
        within(next(&mut tail, form)).await.unwrap();
    }
}

/// What came while a reader waited is told: it is not at the tail when it has what it waited for.
#[tokio::test]
async fn a_reader_that_waited_knows_how_the_stream_stands_now() {
    let engine = engine();
    let held = full(&engine).await;
    let mut tail = reader(&engine).await;
    assert!(parks(&mut Box::pin(tail.next())).await.is_none());
    append(&engine, "s", json("1")).await.unwrap();
    // Writers hear of a commit before those who read: who joins behind it sees to it that they have heard of it, too.
    let _later = reader(&engine).await;
    drop(held);
    let Step::Delivery(delivery) = within(tail.next()).await.unwrap() else { panic!("an end") };
    assert!(delivery.to(0) < delivery.state.tail.position);
}
