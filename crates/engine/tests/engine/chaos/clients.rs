//! Clients that do anything at any engine, producers that repeat themselves until they know, and readers of all kinds.

use std::sync::Arc;
use std::time::Duration;

use headwater_core::command::{Append, Closing, Create};
use headwater_core::decide::Freshness;
use headwater_core::storage::{SpaceRead, SpaceSequence, Storage};
use headwater_core::{Code, Expiry, ProducerId, ProducerNumber, ProducerTuple, StoreId};
use headwater_engine::{Created, Engine, Start, Step};

use super::history::{How, Placed, Told};
use super::world::{Dice, PACE, STEADY, World, steady};
use crate::support::{Verdict, append, demand, fork_of, key, stream_of, text, with_expiry};

/// What one writer sends as its record of a number. The end depends on both, so that no altered byte makes it another's.
pub(crate) fn token(writer: u64, n: u64) -> String {
    let seal = Dice((writer << 32) + n).roll(1 << 32);
    format!("{writer}.{n}.{seal:08x};")
}

/// A refusal is an answer; that something is damaged, or cannot be read, is none that this storage may cause.
fn is_answer(doing: &str, code: Code, error: &impl std::fmt::Display) -> Verdict {
    let broken = matches!(code, Code::Corrupt | Code::Internal | Code::StoragePoisoned);
    demand(!broken, || format!("{doing} was answered {code:?}: {error}"))
}

/// One client: one operation after another, at any engine.
pub(crate) async fn client(world: Arc<World>, writer: u64, operations: u64, seed: u64) -> Verdict {
    let mut dice = Dice(seed);
    for n in 0..operations {
        world.trouble(&mut dice).await;
        let name = dice.passing();
        match dice.roll(100) {
            0..45 => write(&world, token(writer, n), &mut dice).await?,
            45..80 => read(&world, dice.roll(2) as usize, &dice.name()).await?,
            80..95 => make(&world, &name, &mut dice).await?,
            _ => match world.engine(&mut dice).delete(&key(&name)).await {
                Ok(()) => world.history.count("deleted", 1),
                Err(error) => is_answer("delete", error.code(), &error)?,
            },
        }
    }
    Ok(())
}

/// Appends once, whatever becomes of it.
async fn write(world: &World, token: String, dice: &mut Dice) -> Verdict {
    let (history, name) = (&world.history, dice.name());
    let closes = dice.roll(40) == 0 && name.starts_with("n/");
    let closing = if closes { Closing::Close } else { Closing::KeepOpen };
    let from = history.begin();
    match append(world.engine(dice), &name, Append { closing, ..text(&token) }).await {
        Ok(appended) => {
            let (end, lineage) = (appended.state.tail.position, appended.state.ranges.own().0);
            history.told(from, &name, lineage, Told::Appended { token, end, closed: closes });
            history.count("appended", 1);
            history.count("closed", u64::from(closes));
        }
        Err(error) if error.code() == Code::UnknownOutcome => {
            history.count("appended or not", 1);
        }
        Err(error) => {
            is_answer("append", error.code(), &error)?;
            history.note(|all| all.refused.extend([token]));
            history.count("refused", 1);
        }
    }
    Ok(())
}

pub(crate) async fn read(world: &World, node: usize, name: &str) -> Verdict {
    let from = world.history.begin();
    let page = match world.nodes[node].engine.read(&key(name), Start::Beginning).await {
        Ok(page) => page,
        Err(error) => return is_answer("read", error.code(), &error),
    };
    demand(page.up_to_date(), || format!("a small stream in several pages: {page:?}"))?;
    let content = String::from_utf8(page.chunks.concat()).map_err(|error| error.to_string())?;
    let told = Told::Seen { content, how: How::Page };
    world.history.told(from, name, page.state.ranges.own().0, told);
    world.history.count("read", 1);
    Ok(())
}

async fn make(world: &World, name: &str, dice: &mut Dice) -> Verdict {
    let (command, fork): (Create, bool) = match dice.roll(4) {
        0 => (stream_of("text/plain"), false),
        1 | 2 => (with_expiry(Expiry::Ttl(1)), false),
        _ => (fork_of(&dice.name(), None, 0), true),
    };
    let (engine, key) = (world.engine(dice), key(name));
    match engine.create(&key, command, engine.reserve(&key)).await {
        Ok(Created::New(_)) => {
            world.history.count("created", 1);
            world.history.count("forked", u64::from(fork));
            Ok(())
        }
        Ok(Created::Confirmed(_)) => Ok(()),
        Err(error) => is_answer("create", error.code(), &error),
    }
}

/// Appends its records in turn to each of the steady streams, and repeats each, at any engine, until it is answered.
pub(crate) async fn producer(world: Arc<World>, writer: u64, records: u64, seed: u64) -> Verdict {
    let mut dice = Dice(seed);
    for n in 0..records {
        world.trouble(&mut dice).await;
        produce(&world, writer, n, Closing::KeepOpen, &mut dice).await?;
    }
    Ok(())
}

pub(crate) async fn produce(
    world: &World,
    writer: u64,
    n: u64,
    closing: Closing,
    dice: &mut Dice,
) -> Verdict {
    let producer = Some(ProducerTuple {
        id: ProducerId::parse(&format!("writer-{writer}")).unwrap(),
        epoch: ProducerNumber::ZERO,
        seq: ProducerNumber::new(n / STEADY).unwrap(),
    });
    let (name, token) = (steady(n), token(writer, n));
    let command = Append { producer, closing, ..text(&token) };
    loop {
        let [first, other] = match dice.roll(2) {
            0 => [&world.nodes[0].engine, &world.nodes[1].engine],
            _ => [&world.nodes[1].engine, &world.nodes[0].engine],
        };
        let answered = if dice.roll(8) == 0 {
            // Impatient: both engines have it at once.
            let both = (
                attempt(world, first, &name, &token, &command),
                attempt(world, other, &name, &token, &command),
            );
            let (one, two) = tokio::join!(both.0, both.1);
            one? | two?
        } else {
            attempt(world, first, &name, &token, &command).await?
        };
        if answered {
            return Ok(());
        }
        world.history.count("repeated", 1);
    }
}

/// Whether a producer knows now that its record is there. It is never told that its record is wrong.
async fn attempt(
    world: &World,
    engine: &Engine,
    name: &str,
    token: &str,
    command: &Append,
) -> Result<bool, String> {
    let history = &world.history;
    let from = history.begin();
    match append(engine, name, command.clone()).await {
        Ok(appended) if appended.freshness == Freshness::Committed => {
            let (end, lineage) = (appended.state.tail.position, appended.state.ranges.own().0);
            let closed = command.closing == Closing::Close;
            let told = Told::Appended { token: token.to_owned(), end, closed };
            history.told(from, name, lineage, told);
            history.note(|all| *all.commits.entry(token.to_owned()).or_default() += 1);
            Ok(true)
        }
        Ok(_) => {
            history.count("repeated for nothing", 1);
            Ok(true)
        }
        Err(error) if matches!(error.code(), Code::UnknownOutcome | Code::Overloaded) => Ok(false),
        Err(error) => Err(format!("a producer was answered {:?}: {error}", error.code())),
    }
}

/// Follows whatever has a name, from its beginning to its end, again and again; a steady stream once, to its close.
pub(crate) async fn follower(world: Arc<World>, node: usize, name: String) -> Verdict {
    let mut pauses = tokio::time::interval(PACE);
    let is_steady = name.starts_with("p/");
    // Looks up now and then, so that it also ends where nothing comes any more. From a steady stream all has to come.
    let patience = if is_steady { Duration::MAX } else { Duration::from_millis(20) };
    while !world.is_over() {
        pauses.tick().await;
        let from = world.history.begin();
        let engine = &world.nodes[node].engine;
        let Ok(mut tail) = engine.tail(&key(&name), Start::Beginning).await else { continue };
        let lineage = tail.state().ranges.own().0;
        let (mut content, mut closed) = (Vec::new(), false);
        while !world.is_over() && !closed {
            let delivery = match tokio::time::timeout(patience, tail.next()).await {
                Ok(Ok(Step::Delivery(delivery))) => delivery,
                Ok(Ok(Step::End(_))) => break,
                // It may be asked again, and is: the end of a stream may be known to storage first.
                Ok(Err(_)) => {
                    pauses.tick().await;
                    continue;
                }
                Err(_) => continue,
            };
            content.extend(delivery.pieces.iter().flat_map(|piece| piece.bytes.to_vec()));
            let to = delivery.to(tail.position());
            closed = delivery.state.closed.is_some() && to == delivery.state.tail.position;
            tail.advance(to);
            let (seen, at) = (content.len() as u64, tail.position());
            demand(seen == at, || format!("{seen} bytes at position {at} of {name}"))?;
        }
        let content = String::from_utf8(content).map_err(|error| error.to_string())?;
        let told = Told::Seen { content: content.clone(), how: How::Live };
        world.history.told(from, &name, lineage, told);
        world.history.count("followed", 1);
        if is_steady {
            world.history.note(|all| all.wholes.push((name, content)));
            return demand(closed, || "a steady stream ended".to_owned());
        }
    }
    Ok(())
}

/// Follows the space of the steady streams until each was closed, in small pages.
pub(crate) async fn space_reader(world: Arc<World>, node: usize, last: [String; 2]) -> Verdict {
    let (mut pauses, mut order) = (tokio::time::interval(PACE), Vec::<Placed>::new());
    let mut after = SpaceSequence(0);
    while !last.iter().all(|last| order.iter().rev().any(|placed| placed.token == *last)) {
        demand(!world.is_over(), || "the last records are missing in the space".to_owned())?;
        let read = SpaceRead { store: StoreId::DEFAULT, space: "p".to_owned(), after, budget: 200 };
        let page = world.nodes[node].faulty.read_space(read).await;
        let page = page.map_err(|error| format!("the space: {error}"))?;
        after = page.next;
        for entry in &page.entries {
            order.push(Placed {
                place: entry.meta.space_sequence.0,
                at: entry.meta.at.0,
                name: entry.key.path().to_owned(),
                sequence: entry.meta.sequence,
                token: String::from_utf8_lossy(&entry.payload).into_owned(),
            });
        }
        if page.end {
            pauses.tick().await;
        }
    }
    world.history.note(|all| all.orders.push(order));
    Ok(())
}
