//! A connection of the hub's, reached by its own task and by the one that distributes.

use std::cell::Cell;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use headwater_fanout::{
    Delivery, End, Handed, Limits, Log, Message, Park, Slow, Subscriber, Taken, Took,
};
use parking_lot::Mutex;

use super::MemberId;
use super::broadcast::Shared;
use crate::close::{CloseCode, CloseReason};
use crate::message;
use crate::prepared::PreparedMessage;
use crate::socket::{Error, WebSocket};
use crate::transport::Transport;

/// What is taken from the log at once: enough that a write is worth its price, and not so much that one connection
/// keeps the others waiting.
const AT_ONCE: (usize, usize) = (256, 256 * 1024);

thread_local! {
    /// Whether this thread is distributing. Publishers, who may have to tell others too, shall not write to sockets.
    static DISTRIBUTING: Cell<bool> = const { Cell::new(false) };
    /// The memory for what is taken, used again by all connections.
    static TAKEN: Cell<Taken<Item>> = Cell::default();
}

/// What is in the log.
#[derive(Debug, Clone)]
pub(super) struct Item(pub(super) PreparedMessage);

impl Message for Item {
    fn weight(&self) -> usize {
        self.0.plain_len()
    }
}

/// What a connection leaves in the log while it has everything.
pub(super) struct Handle<T: Transport>(Arc<Link<T>>);

impl<T: Transport> Park for Handle<T> {
    fn unpark(self) {
        if DISTRIBUTING.get() { self.0.write() } else { self.0.wake() }
    }
}

/// Writes what is new to all connections that wait for it, and tells the others.
pub(super) fn distribute_all<T: Transport>(log: &Log<Item, Handle<T>>) -> Vec<Slow> {
    DISTRIBUTING.set(true);
    let most = Limits::new(AT_ONCE.0, AT_ONCE.1);
    let slow = log.hand_out(&most, |handle, taken| handle.0.hand(taken));
    DISTRIBUTING.set(false);
    slow
}

pub(super) struct Link<T: Transport> {
    // Held for one poll of a connection, by its task or by the one that distributes. The log's and the roster's lock are taken
    // inside, and the waker's.
    end: Mutex<LinkEnd<T>>,
    /// The connection's task, for those who shall not wait for a poll: publishers.
    // A lock of its own, held to clone what is in it or to change it.
    waker: Mutex<Option<Waker>>,
}

struct LinkEnd<T: Transport> {
    socket: WebSocket<T>,
    /// `None` when the connection gets no broadcasts any more.
    subscriber: Option<Subscriber<Item, Handle<T>>>,
    /// The connection's task, in whose name the distributor writes. `None` before the first poll.
    waker: Option<Waker>,
}

/// What became of broadcasts that wait.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pumped {
    /// All are written, and the next is waited for.
    All,
    /// The peer has to read first.
    Blocked,
    /// The connection is over, or gets no more; its task has to see to it.
    Over,
}

impl<T: Transport> Link<T> {
    pub(super) fn new(socket: WebSocket<T>, subscriber: Subscriber<Item, Handle<T>>) -> Arc<Self> {
        let end = LinkEnd { socket, subscriber: Some(subscriber), waker: None };
        Arc::new(Self { end: Mutex::new(end), waker: Mutex::default() })
    }

    /// Leaves the log, which has a reference to this as long as it is parked there.
    pub(super) fn leave(&self) {
        let subscriber = self.end.lock().subscriber.take();
        drop(subscriber);
    }

    fn wake(&self) {
        let waker = self.waker.lock().clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Writes what is new for all, in the name of the connection's task; it is woken only if it has something to do itself.
    ///
    /// What a blocked connection cannot take is queued, once: it waits in the log no longer, so what follows stays there.
    fn hand(&self, taken: &Taken<Item>) -> Handed {
        let mut end = self.end.lock();
        let LinkEnd { socket, subscriber, waker } = &mut *end;
        if subscriber.is_none() {
            return Handed::Busy;
        }
        // Not polled yet: its first poll goes on with what is queued.
        let waker = waker.as_ref().unwrap_or(Waker::noop());
        match socket.poll_send_kept(messages(taken), &mut Context::from_waker(waker)) {
            Poll::Ready(Ok(())) => Handed::Waits,
            Poll::Pending => Handed::Busy,
            Poll::Ready(Err(_)) => {
                waker.wake_by_ref();
                Handed::Busy
            }
        }
    }

    /// Writes what is new, in the name of the connection's task; it is woken only if it has something to do itself.
    fn write(self: &Arc<Self>) {
        let mut end = self.end.lock();
        // Not polled yet: its first poll writes.
        let Some(waker) = end.waker.take() else { return };
        let pumped = end.pump::<()>(self, &mut Context::from_waker(&waker), None);
        if pumped == Pumped::Over {
            waker.wake_by_ref();
        }
        end.waker = Some(waker);
    }

    pub(super) fn poll_recv<A>(
        self: &Arc<Self>,
        shared: &Shared<T, A>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<message::Message>, Error>> {
        let mut end = self.end.lock();
        if !end.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            end.waker = Some(cx.waker().clone());
            // What was there is let go of when the lock is free.
            let _before = self.waker.lock().replace(cx.waker().clone());
        }
        loop {
            let pumped = end.pump(self, cx, Some(shared));
            let received = end.socket.poll_recv(cx);
            // What was blocked may have gone by now; then the log is looked at again.
            if received.is_ready() || pumped != Pumped::Blocked || !end.socket.is_flushed() {
                return received;
            }
        }
    }

    pub(super) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.end.lock().socket.poll_flush(cx)
    }

    /// Messages and bytes that wait for it in the log, and messages that it lost.
    pub(super) fn waiting(&self) -> ((u64, u64), u64) {
        let end = self.end.lock();
        let waiting = |subscriber: &Subscriber<_, _>| (subscriber.depth(), subscriber.dropped());
        end.subscriber.as_ref().map(waiting).unwrap_or_default()
    }

    pub(super) fn with_socket<R>(&self, change: impl FnOnce(&mut WebSocket<T>) -> R) -> R {
        change(&mut self.end.lock().socket)
    }
}

impl<T: Transport> LinkEnd<T> {
    /// Takes from the log and writes until there is no more or the peer has to read. `shared` is there when the
    /// connection's own task asks, which is who ends it.
    fn pump<A>(
        &mut self,
        link: &Arc<Link<T>>,
        cx: &mut Context<'_>,
        shared: Option<&Shared<T, A>>,
    ) -> Pumped {
        let mut flushed = self.socket.poll_flush(cx);
        loop {
            match flushed {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => return Pumped::Over,
                Poll::Pending => return Pumped::Blocked,
            }
            let Some(subscriber) = &mut self.subscriber else { return Pumped::Over };
            // Nothing is in its place while the transport is called, whatever that does.
            let mut taken = TAKEN.take();
            let most = Limits::new(AT_ONCE.0, AT_ONCE.1);
            let took = subscriber.take_or_park(&most, &mut taken, || Handle(Arc::clone(link)));
            if took.is_some() {
                flushed = self.socket.poll_send_kept(messages(&taken), cx);
                taken.clear();
            }
            TAKEN.set(taken);
            match (took, shared) {
                (Took::Part, _) => {}
                // The log tells of whatever has come since then.
                (Took::All, _) if matches!(flushed, Poll::Ready(Ok(()))) => return Pumped::All,
                (Took::All, _) => {}
                (Took::Nothing, _) => return Pumped::All,
                (Took::End(_), None) => return Pumped::Over,
                (Took::End(end), Some(shared)) => {
                    let id = subscriber.id();
                    self.subscriber = None;
                    self.end(id, end, shared);
                    return Pumped::Over;
                }
            }
        }
    }

    fn end<A>(&mut self, id: MemberId, end: End, shared: &Shared<T, A>) {
        let reason = match end {
            End::Slow if shared.is_removed(id) => return,
            End::Slow => {
                Some(CloseReason::new(CloseCode::POLICY_VIOLATION, "too slow for the broadcasts"))
            }
            End::Closed => shared.reason(),
        };
        self.socket.start_close(reason.as_ref());
    }
}

/// What is to be sent of what was taken.
fn messages(taken: &Taken<Item>) -> impl Iterator<Item = &PreparedMessage> {
    taken.iter().filter_map(|delivery| match delivery {
        Delivery::Message { message, .. } => Some(&message.0),
        Delivery::Lost(_) => None,
    })
}
