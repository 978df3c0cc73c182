//! Wires between real sockets, driven as the HTTP library does.

use std::future::poll_fn;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::*;

mod files;

const DEADLINE: Duration = Duration::from_secs(60);

/// More than the kernel keeps for a client that takes nothing.
const LARGE: usize = 24 << 20;

struct Rig {
    wire: Wire,
    activity: Arc<Activity>,
    client: TcpStream,
}

impl Rig {
    async fn new(carriers: &Arc<Carriers>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        let activity = Activity::new(metrics::Counter::noop());
        let wire = Wire::new(server, Arc::clone(&activity), Arc::clone(carriers));
        Self { wire, activity, client }
    }
}

/// An answer that differs at each place, in pieces.
fn pieces(bytes: usize, piece: usize) -> Vec<Bytes> {
    let all: Bytes = (0..bytes).map(|at| (at ^ (at >> 8) ^ (at >> 16)) as u8).collect();
    (0..bytes).step_by(piece).map(|at| all.slice(at..bytes.min(at + piece))).collect()
}

fn portions(pieces: &[Bytes]) -> Vec<Portion> {
    pieces.iter().cloned().map(Portion::from).collect()
}

async fn write(wire: &mut Wire, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    poll_fn(|cx| Pin::new(&mut *wire).poll_write_vectored(cx, slices)).await
}

/// Hands over a head and an answer, a few pieces at a time and each as often as it takes.
async fn answer(wire: &mut Wire, head: &[u8], pieces: &[Bytes]) -> io::Result<()> {
    let mut given: VecDeque<Bytes> = pieces.iter().cloned().collect();
    given.push_front(Bytes::copy_from_slice(head));
    while !given.is_empty() {
        let slices: Vec<_> = given.iter().take(3).map(|piece| IoSlice::new(piece)).collect();
        let mut written = write(wire, &slices).await?;
        while written > 0 {
            let front = given.front_mut().unwrap();
            let part = front.split_to(written.min(front.len()));
            written -= part.len();
            if front.is_empty() {
                given.pop_front();
            }
        }
    }
    Ok(())
}

fn is_carried(wire: &Wire) -> bool {
    matches!(wire.writing, Writing::Carried(_))
}

#[tokio::test]
async fn answers_arrive_as_they_are_whoever_writes_them() {
    let carriers = Arc::new(Carriers::of(2));
    let Rig { mut wire, activity, mut client } = Rig::new(&carriers).await;
    let large = pieces(3 << 20, 50_000);
    let read = tokio::spawn(async move {
        let mut got = Vec::new();
        client.read_to_end(&mut got).await.unwrap();
        got
    });
    let mut expected = Vec::new();
    for round in 0..20 {
        let head = format!("head {round}");
        if round % 3 > 0 {
            activity.announced.put(Some(portions(&large)));
        }
        // Every other one is the only one.
        let other = (round % 2 == 0).then(|| carriers.count());
        answer(&mut wire, head.as_bytes(), &large).await.unwrap();
        assert!(!is_carried(&wire), "the socket is free when all is told");
        assert_eq!(
            carriers.count().is_alone(),
            other.is_none(),
            "what has been written is counted"
        );
        answer(&mut wire, b"small", &[]).await.unwrap();
        expected.extend([head.as_bytes(), &large.concat(), b"small"].concat());
    }
    wire.shutdown().await.unwrap();
    let got = timeout(DEADLINE, read).await.unwrap().unwrap();
    assert!(got == expected, "{} bytes of {}", got.len(), expected.len());
}

#[tokio::test]
async fn only_the_memory_that_was_announced_is_carried() {
    let carriers = Arc::new(Carriers::of(1));
    let Rig { mut wire, activity, client: _client } = Rig::new(&carriers).await;
    let (announced, other) = (pieces(200_000, 65_536), pieces(200_000, 65_536));
    activity.announced.put(Some(portions(&announced)));
    let before = write(&mut wire, &[IoSlice::new(b"head"), IoSlice::new(&other[0])]).await.unwrap();
    assert!(before > 0 && !is_carried(&wire));
    activity.announced.put(None);
    let slices = [IoSlice::new(b"head"), IoSlice::new(&announced[0])];
    let before = write(&mut wire, &slices).await.unwrap();
    assert!(before > 0 && !is_carried(&wire), "it is not what was announced last");
    activity.announced.put(Some(portions(&announced)));
    let mut seen = false;
    let first = poll_fn(|cx| {
        let polled = Pin::new(&mut wire).poll_write_vectored(cx, &slices);
        seen |= is_carried(&wire);
        polled
    });
    assert!(timeout(DEADLINE, first).await.unwrap().unwrap() > 0);
    assert!(seen && is_carried(&wire), "more of it is to be handed over");
}

#[tokio::test]
async fn clients_that_take_nothing_keep_no_thread() {
    let carriers = Arc::new(Carriers::of(1));
    let large = pieces(LARGE, 1 << 20);
    let mut deaf = Vec::new();
    for _ in 0..3 {
        let Rig { mut wire, activity, client } = Rig::new(&carriers).await;
        activity.announced.put(Some(portions(&large)));
        let pieces = large.clone();
        let answered = tokio::spawn(async move { answer(&mut wire, b"", &pieces).await });
        deaf.push((answered, client));
    }
    let Rig { mut wire, activity, mut client } = Rig::new(&carriers).await;
    activity.announced.put(Some(portions(&large)));
    let pieces = large.clone();
    let answered = tokio::spawn(async move { answer(&mut wire, b"", &pieces).await });
    let mut got = vec![0; LARGE];
    timeout(DEADLINE, client.read_exact(&mut got)).await.unwrap().unwrap();
    assert!(got == large.concat());
    answered.await.unwrap().unwrap();
    for (answered, client) in deaf {
        assert!(!answered.is_finished(), "the kernel took all of it");
        drop(client);
        assert!(timeout(DEADLINE, answered).await.unwrap().unwrap().is_err(), "it is gone");
    }
}

#[tokio::test]
async fn a_connection_that_ends_takes_its_answer_along() {
    let carriers = Arc::new(Carriers::of(1));
    let Rig { mut wire, activity, mut client } = Rig::new(&carriers).await;
    let large = pieces(LARGE, 1 << 20);
    activity.announced.put(Some(portions(&large)));
    let full = poll_fn(|cx| {
        // Until nothing more is taken, which is when it waits although no carrier has it.
        let Writing::Carried(_) = &wire.writing else {
            let begun = Pin::new(&mut wire).poll_write_vectored(cx, &[IoSlice::new(&large[0])]);
            return begun.map(|_| ());
        };
        Poll::Ready(())
    });
    timeout(DEADLINE, full).await.unwrap();
    drop(wire);
    let mut got = Vec::new();
    // What the kernel had may arrive, or the connection is reset.
    let end = timeout(DEADLINE, client.read_to_end(&mut got)).await.unwrap();
    assert!(got.len() < LARGE, "{end:?}");
}

#[tokio::test]
async fn one_answer_is_written_by_its_connection_and_more_are_carried() {
    let carriers = Arc::new(Carriers::of(2));
    let large = pieces(LARGE, 1 << 20);
    let mut rigs = Vec::new();
    for number in 0..3 {
        let mut rig = Rig::new(&carriers).await;
        rig.activity.announced.put(Some(portions(&large)));
        let slices = [IoSlice::new(&large[0])];
        let begun = poll_fn(|cx| {
            let _taken = Pin::new(&mut rig.wire).poll_write_vectored(cx, &slices);
            Poll::Ready(is_carried(&rig.wire))
        });
        assert_eq!(begun.await, number > 0, "answer {number}");
        rigs.push(rig);
    }
    drop(rigs);
    assert!(carriers.count().is_alone());
}
