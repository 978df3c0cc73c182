//! Messages that are read piece by piece are those that are read whole, wherever the bytes are cut, and whoever is not interested in
//! the rest of one gets the next.

use headwater_ws::{Accepted, Config, Error, Incoming, Piece, Role, WebSocket};
use proptest::prelude::*;
use tokio::io::{AsyncWriteExt, DuplexStream};

use crate::model::interpret;
use crate::splits::{first_difference, frames};
use crate::support::{Seen, bytes_of};

/// How one message is read.
#[derive(Debug, Clone, Copy)]
enum Mode {
    Whole,
    Pieces,
    /// Dropped after so many pieces.
    Dropped(usize),
}

/// What is read of pieces of bytes, each of which the reader has seen before the next is sent; the modes in turns.
fn read(bytes: &[&[u8]], modes: &[Mode]) -> Vec<Seen> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let (ours, mut theirs) = tokio::io::duplex(1 << 16);
        let accepted = Accepted::default();
        let timing = headwater_ws::Timing::DEFAULT.with_ping_after(None);
        let config = Config { timing, ..Config::default() };
        let mut socket = WebSocket::new(ours, Role::Server, &accepted, Default::default(), config);
        let feed = async {
            for piece in bytes {
                if theirs.write_all(piece).await.is_err() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            theirs.shutdown().await.unwrap();
            theirs
        };
        tokio::join!(seen_of(&mut socket, modes), feed).0
    })
}

async fn seen_of(socket: &mut WebSocket<DuplexStream>, modes: &[Mode]) -> Vec<Seen> {
    let mut seen = Vec::new();
    for mode in modes.iter().cycle() {
        let message = match mode {
            Mode::Whole => socket.recv().await.map(|message| {
                message.map(|message| Some(Seen::from(headwater_ws::Received::Message(message))))
            }),
            Mode::Pieces => pieces(socket, usize::MAX).await,
            // Whether it had that many or not, it is not shown.
            Mode::Dropped(after) => {
                pieces(socket, *after).await.map(|message| message.map(|_| None))
            }
        };
        match message {
            Ok(Some(message)) => seen.extend(message),
            // Closed in the middle of a message, or between two.
            Ok(None) | Err(Error::Closed) => {
                let reason = socket.close_reason();
                let reason = reason.map(|why| (why.code().number(), why.text().to_owned()));
                seen.push(Seen::Close(reason));
                break;
            }
            Err(Error::Refused(error)) => {
                seen.push(Seen::Failed(error.close_code().number()));
                break;
            }
            Err(_) => break,
        }
    }
    seen
}

/// The next message, if there is one and it has no more than so many pieces.
async fn pieces(
    socket: &mut WebSocket<DuplexStream>,
    most: usize,
) -> Result<Option<Option<Seen>>, Error> {
    Ok(match socket.recv_pieces().await? {
        None => None,
        Some(Incoming::Text(reader)) => {
            let all = join(reader, most, |all: &mut String, piece| all.push_str(&piece)).await?;
            Some(all.map(Seen::Text))
        }
        Some(Incoming::Binary(reader)) => {
            let all = join(reader, most, |all: &mut Vec<u8>, piece| all.extend(piece)).await?;
            Some(all.map(Seen::Binary))
        }
    })
}

async fn join<P: Piece, A: Default>(
    mut reader: headwater_ws::MessageReader<'_, DuplexStream, P>,
    most: usize,
    add: impl Fn(&mut A, P),
) -> Result<Option<A>, Error> {
    let mut all = A::default();
    for _ in 0..most {
        match reader.next().await? {
            Some(piece) => add(&mut all, piece),
            None => return Ok(Some(all)),
        }
    }
    Ok(None)
}

/// Pings are answered and not shown.
fn without_pings(seen: Vec<Seen>) -> Vec<Seen> {
    let is_shown = |seen: &Seen| !matches!(seen, Seen::Ping(_) | Seen::Pong(_));
    seen.into_iter().filter(is_shown).collect()
}

#[test]
fn every_cut_of_the_corpus() {
    let pieces = |bytes: &[&[u8]]| read(bytes, &[Mode::Pieces]);
    assert_eq!(first_difference(pieces, without_pings), None);
}

#[test]
fn every_cut_of_the_corpus_by_who_drops_all_of_it() {
    let dropped = |bytes: &[&[u8]]| read(bytes, &[Mode::Dropped(0)]);
    // What is wrong is found all the same.
    let ends = |seen| {
        let is_end = |seen: &Seen| matches!(seen, Seen::Close(_) | Seen::Failed(_));
        without_pings(seen).into_iter().filter(is_end).collect()
    };
    assert_eq!(first_difference(dropped, ends), None);
}

fn mode() -> impl Strategy<Value = Mode> {
    prop_oneof![Just(Mode::Whole), Just(Mode::Pieces), (0_usize..3).prop_map(Mode::Dropped)]
}

proptest! {
    /// Whole, in pieces and given up in turns: what is seen is what the model has, in order, less what was given up.
    #[test]
    fn any_frames_at_any_cuts_however_read(
        frames in frames(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        modes in prop::collection::vec(mode(), 1..5),
    ) {
        let bytes = bytes_of(&frames);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let cut: Vec<_> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        let seen = read(&cut, &modes);
        let mut seen = seen.iter();
        let expected = without_pings(interpret(&frames));
        let modes = modes.iter().cycle();
        for (expected, mode) in expected.iter().zip(modes) {
            let is_end = matches!(expected, Seen::Close(_) | Seen::Failed(_));
            if is_end || !matches!(mode, Mode::Dropped(_)) {
                prop_assert_eq!(seen.next(), Some(expected));
            }
        }
        prop_assert_eq!(seen.next(), None);
    }
}
