//! Everything that reveals how a stream stands, as operations whose answers can be compared.

use std::future::Future;
use std::pin::Pin;

use headwater_core::command::{Append, Expect};
use headwater_core::decide::Freshness;
use headwater_core::{Code, ProducerId, ProducerNumber, ProducerTuple};
use headwater_engine::{Engine, Start};

use crate::support::{append, create, fork_of, key, stream_of, text};

/// An append of `produced` by a producer.
pub(crate) fn by_producer(seq: u64) -> Append {
    let id = ProducerId::parse("p").unwrap();
    let seq = ProducerNumber::new(seq).unwrap();
    let producer = Some(ProducerTuple { id, epoch: ProducerNumber::ZERO, seq });
    Append { producer, ..text("produced") }
}

/// What an operation answered, in short.
pub(crate) type Answer = Result<String, Code>;
pub(crate) type Asking = Pin<Box<dyn Future<Output = Answer>>>;

/// Everything that reveals how the stream `s` stands, each under its name.
pub(crate) fn revealing(engine: &Engine) -> Vec<(&'static str, Asking)> {
    let of = |work: fn(Engine) -> Asking| work(engine.clone());
    vec![
        (
            "read",
            of(|engine| {
                Box::pin(async move {
                    let page = engine.read(&key("s"), Start::Beginning).await;
                    page.map(|page| page.to.to_string()).map_err(|error| error.code())
                })
            }),
        ),
        (
            "read now",
            of(|engine| {
                Box::pin(async move {
                    let page = engine.read(&key("s"), Start::Now).await;
                    page.map(|page| page.to.to_string()).map_err(|error| error.code())
                })
            }),
        ),
        (
            "head",
            of(|engine| {
                Box::pin(async move {
                    let state = engine.head(&key("s")).await.map_err(|error| error.code())?;
                    Ok(state.tail.position.to_string())
                })
            }),
        ),
        (
            "tail",
            of(|engine| {
                Box::pin(async move {
                    let tail = engine.tail(&key("s"), Start::Now).await;
                    tail.map(|tail| tail.position().to_string()).map_err(|error| error.code())
                })
            }),
        ),
        (
            "conflict",
            of(|engine| {
                Box::pin(async move {
                    let stale = Append { expect: Expect::Sequence(1), ..text("x") };
                    let refused = append(&engine, "s", stale).await.map_err(|error| error.code());
                    refused.map(|appended| appended.state.tail.position.to_string())
                })
            }),
        ),
        (
            "duplicate",
            of(|engine| {
                Box::pin(async move {
                    let again = append(&engine, "s", by_producer(0)).await;
                    let again = again.map_err(|error| error.code())?;
                    assert_eq!(again.freshness, Freshness::Duplicate);
                    Ok(again.state.tail.position.to_string())
                })
            }),
        ),
        (
            "confirmed creation",
            of(|engine| {
                Box::pin(async move {
                    let state = create(&engine, "s", stream_of("text/plain")).await;
                    let state = state.map_err(|error| error.code())?;
                    Ok(state.tail.position.to_string())
                })
            }),
        ),
        (
            "refused fork",
            of(|engine| {
                Box::pin(async move {
                    let refused = create(&engine, "f", fork_of("s", None, 1)).await;
                    refused.map(|_| String::new()).map_err(|error| error.code())
                })
            }),
        ),
    ]
}
