//! A client that reads all there is, leaves as one should, and comes back.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use headwater_ws::{CloseCode, CloseReason, Message, WebSocket};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::Story;
use crate::client::{connect, web_socket};
use crate::publish::{LAST, group_of};
use crate::server::Promise;

/// How long it stays.
const VISIT: Duration = Duration::from_secs(3);

/// How long connecting may take, on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Which of the good clients.
#[derive(Clone, Copy)]
pub(crate) struct Guest {
    pub(crate) promise: Promise,
    pub(crate) number: usize,
}

impl Guest {
    pub(crate) fn group(self) -> &'static str {
        ["even", "odd"][self.number % 2]
    }
}

/// Checks every message until the last ones come.
pub(crate) async fn follow(address: SocketAddr, guest: Guest, story: Arc<Story>) {
    loop {
        let path = guest.promise.path();
        let connecting = timeout(PATIENCE, connect(address, path, guest.group()));
        let Ok(Some(socket)) = connecting.await else {
            panic!("{:?} of the good cannot connect", guest.promise);
        };
        story.visits.fetch_add(1, Ordering::Relaxed);
        let mut socket = web_socket(socket);
        if visit(&mut socket, guest, &story).await {
            return;
        }
        socket.close(Some(CloseReason::new(CloseCode::NORMAL, "back soon"))).await;
        let told = socket.close_reason().map(|reason| reason.code().number());
        assert_eq!(told, Some(1000), "closing is answered, in the middle of it all");
    }
}

/// Reads for a while; whether it was to the last.
async fn visit(socket: &mut WebSocket<TcpStream>, guest: Guest, story: &Story) -> bool {
    let (start, mut seen) = (Instant::now(), Seen::default());
    while start.elapsed() < VISIT {
        let received = socket.recv().await;
        let Ok(Some(Message::Text(text))) = received else {
            panic!("{:?} of the good: {received:?}, {:?}", guest.promise, socket.close_reason());
        };
        let (number, rest) = text.split_once(' ').unwrap();
        if rest == LAST {
            return true;
        }
        let number = number.parse().unwrap();
        seen.check(guest, number);
        story.received.fetch_add(1, Ordering::Relaxed);
        story.told(guest, number);
    }
    false
}

/// What was seen in a visit.
#[derive(Default)]
struct Seen {
    next: Option<u64>,
    /// It was registered before it was in its group; from then on what is for the group may not be missing either.
    is_in_group: bool,
}

impl Seen {
    /// Nothing that is for this client may be missing, or only what is older.
    fn check(&mut self, guest: Guest, number: u64) {
        let group = group_of(guest.promise, number);
        assert!(group.is_none_or(|named| named == guest.group()), "{number} is for others");
        if let Some(next) = self.next {
            assert!(number >= next, "{number} comes after {next}");
            let is_for_it = |skipped: &u64| {
                let group = group_of(guest.promise, *skipped);
                group.is_none_or(|named| self.is_in_group && named == guest.group())
            };
            let missing = (next..number).find(is_for_it);
            if guest.promise != Promise::Newest {
                assert_eq!(missing, None, "{:?}: {number} in place of {next}", guest.promise);
            }
        }
        self.is_in_group |= group.is_some();
        self.next = Some(number + 1);
    }
}
