//! A reader that has fallen behind what is in memory: it reads from storage, at its own pace, until it has caught up.

use std::collections::VecDeque;
use std::io;
use std::net::TcpStream;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use headwater_engine::Tail;
use tokio::time::timeout;
use tracing::debug;

use super::chunk::{self, LAST};
use super::subscriber::{farewell, forget};
use super::{Arrival, Ground, Stand};
use crate::metrics::Limit;
use crate::sse::{Reader, Session, Turn};

/// A reader that goes on by itself.
#[derive(Debug)]
pub(super) struct Laggard {
    pub(super) socket: TcpStream,
    pub(super) tail: Tail,
    pub(super) reader: Reader,
    pub(super) stand: Stand,
    pub(super) ground: Arc<Ground>,
}

impl Laggard {
    /// Goes on in a task, until it has caught up or is cut.
    pub(super) fn start(self) {
        let (runtime, cut) = (self.ground.runtime.clone(), self.ground.cut.clone());
        runtime.spawn(async move { cut.run_until_cancelled(self.run()).await });
    }

    async fn run(self) {
        let Self { socket, tail, reader, stand, ground } = self;
        let app = &ground.app;
        let session = Session::resume(app, tail, reader);
        let ended = match tokio::net::TcpStream::from_std(socket) {
            Ok(socket) => follow(socket, session, &ground).await,
            Err(error) => Err(error),
        };
        match ended {
            Ok(Some((socket, tail, reader))) => {
                let ground = Arc::clone(&ground);
                app.reactor.join(Arrival { socket, tail, reader, stand, ground });
            }
            Ok(None) => {}
            Err(error) => debug!(%error, "a connection ended with an error"),
        }
    }
}

/// Follows until the reader has caught up, which is returned, or is over.
async fn follow(
    socket: tokio::net::TcpStream,
    mut session: Session,
    ground: &Ground,
) -> io::Result<Option<(TcpStream, Tail, Reader)>> {
    loop {
        if session.can_rest() {
            let (tail, reader) = session.rest();
            return Ok(Some((socket.into_std()?, tail, reader)));
        }
        let turn = tokio::select! {
            turn = session.turn(VecDeque::new()) => turn,
            gone = gone(&socket) => return gone.map(|()| None),
        };
        match turn {
            Turn::Send(next, pieces) => {
                let pieces = Vec::from(pieces);
                ground.app.metrics.sent.increment(chunk::length(&pieces) as u64);
                if !send(&socket, chunk::one(&pieces, 0).freeze(), ground).await? {
                    forget(&socket.into_std()?);
                    return Ok(None);
                }
                session = next;
            }
            Turn::End => {
                if send(&socket, LAST, ground).await? {
                    farewell(socket.into_std()?);
                }
                return Ok(None);
            }
            // The missing end tells the client.
            Turn::Tear(_) => return Ok(None),
        }
    }
}

/// Writes, unless the client takes nothing for too long.
async fn send(
    socket: &tokio::net::TcpStream,
    mut left: Bytes,
    ground: &Ground,
) -> io::Result<bool> {
    while left.has_remaining() {
        let writable = tokio::select! {
            writable = timeout(ground.app.config.write_timeout, socket.writable()) => writable,
            gone = gone(socket) => return Err(gone.err().unwrap_or(io::ErrorKind::BrokenPipe.into())),
        };
        let Ok(writable) = writable else {
            ground.app.metrics.refused(Limit::WriteTime);
            return Ok(false);
        };
        writable?;
        match socket.try_write(&left) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => left.advance(written),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// Waits until the client sends no more. What it sends is not wanted: this is the last answer of its connection.
async fn gone(socket: &tokio::net::TcpStream) -> io::Result<()> {
    let mut scratch = [0; 4096];
    loop {
        socket.readable().await?;
        match socket.try_read(&mut scratch) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}
