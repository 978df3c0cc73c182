//! The loop of a thread: sockets, readers that come, streams with news, and time.

use std::collections::HashMap;
use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use mio::event::Event;
use mio::{Events, Interest, Poll, Token};
use slab::Slab;
use tracing::{error, warn};

use super::group::{Group, Name};
use super::inbox::{Inbox, Letters, WOKEN};
use super::laggard::Laggard;
#[cfg(test)]
use super::planted::Fault;
use super::subscriber::{Fate, Subscriber, farewell, forget};
use super::timers::{Step, Timers};
use super::{Arrival, Ground, chunk};
use crate::metrics::Limit;
use crate::sse::keep_alive;

/// Sockets that are looked at before anything else is: those of a thousand readers that go on at once.
const EVENTS: usize = 1024;

/// After telling many readers of several commits at once a thread rests for as long as that took. What comes meanwhile goes out in the same
/// write as what comes after, each of which costs as much as the other; and the processors are free for those who append. Where each commit
/// is told before the next one comes, a rest would only delay that. Shorter rests are no use: they cost a switch of threads.
const LEAST_REST: Duration = Duration::from_micros(100);

/// A longer one would be noticed.
const MOST_REST: Duration = Duration::from_millis(10);

/// Readers, their streams, and their time.
struct Thread {
    poll: Poll,
    inbox: Arc<Inbox>,
    readers: Slab<Subscriber>,
    groups: Slab<Group>,
    names: HashMap<Name, usize>,
    timers: Timers,
    /// Groups in which somebody was not given all there is.
    unfinished: Vec<usize>,
}

/// Begins a thread.
pub(super) fn begin() -> io::Result<Arc<Inbox>> {
    let poll = Poll::new()?;
    let inbox = Arc::new(Inbox::new(poll.registry())?);
    let thread = Thread {
        poll,
        inbox: Arc::clone(&inbox),
        readers: Slab::new(),
        groups: Slab::new(),
        names: HashMap::new(),
        timers: Timers::new(),
        unfinished: Vec::new(),
    };
    thread::Builder::new().name("events".to_owned()).spawn(move || thread.run())?;
    Ok(inbox)
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.inbox.retire();
    }
}

impl Thread {
    fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS);
        let mut letters = Letters::default();
        let mut closed = false;
        while !(closed && self.readers.is_empty()) {
            let wait = self.wait();
            if let Err(error) = self.poll.poll(&mut events, wait)
                && error.kind() != io::ErrorKind::Interrupted
            {
                error!(%error, "events cannot be waited for; their readers are dropped");
                return;
            }
            events
                .iter()
                .filter(|event| event.token() != WOKEN)
                .for_each(|event| self.react(event));
            letters = self.inbox.take(letters);
            closed |= std::mem::take(&mut letters.closed);
            if std::mem::take(&mut letters.look) {
                self.cut();
            }
            letters.arrivals.drain(..).for_each(|arrival| self.admit(arrival));
            let begun = Instant::now();
            let mut unfinished = std::mem::take(&mut self.unfinished);
            unfinished.sort_unstable();
            unfinished.dedup();
            let groups = letters.news.drain(..).chain(unfinished);
            let commits = groups.map(|group| self.sweep(group)).max().unwrap_or(0);
            let rest = begun.elapsed();
            self.tick();
            // Nobody wakes it meanwhile: news, and all else, are there when it looks.
            if rest >= LEAST_REST && commits > 1 {
                thread::sleep(rest.min(MOST_REST));
            }
        }
    }

    /// How long to wait for sockets: not at all when there is something else to do.
    fn wait(&self) -> Option<Duration> {
        if !self.unfinished.is_empty() || !self.inbox.may_sleep() {
            return Some(Duration::ZERO);
        }
        self.timers.wait(Instant::now())
    }

    /// A socket takes more, or is closed.
    fn react(&mut self, event: &Event) {
        let Token(number) = event.token();
        let Some(reader) = self.readers.get_mut(number) else { return };
        if event.is_error() || event.is_read_closed() || event.is_write_closed() {
            return self.settle(number, Fate::Gone);
        }
        if event.is_writable() && reader.blocked().is_some() {
            match reader.flush(Instant::now()) {
                Fate::Waits => {
                    // It may be older, and silent for longer, than a blocked one is looked at.
                    self.arm(number);
                    self.attend(number);
                }
                fate => self.settle(number, fate),
            }
        }
    }

    /// Takes a reader in.
    fn admit(&mut self, arrival: Arrival) {
        let Arrival { socket, tail, reader, stand, ground } = arrival;
        // Whoever is not in a group when they are looked through is not cut.
        let Some(mark) = tail.mark().filter(|_| !ground.cut.is_cancelled()) else { return };
        #[cfg(test)]
        let mark = Fault::back(ground.app.config.fault, mark);
        let mut socket = mio::net::TcpStream::from_std(socket);
        let entry = self.readers.vacant_entry();
        let number = entry.key();
        let both = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = self.poll.registry().register(&mut socket, Token(number), both) {
            warn!(%error, "a reader of events was dropped");
            return;
        }
        let name = Group::name(&tail, &ground);
        let group = *self.names.entry(name).or_insert_with(|| {
            let entry = self.groups.vacant_entry();
            let number = entry.key();
            entry.insert(Group::new(&tail, &ground, &self.inbox, number));
            number
        });
        let mut subscriber = Subscriber::new(socket, group, mark, reader, stand);
        if let Some(group) = self.groups.get_mut(group) {
            subscriber.place = group.members.len();
            group.members.push(number);
        }
        entry.insert(subscriber);
        self.arm(number);
        self.attend(number);
    }

    /// Tells one reader what is new.
    fn attend(&mut self, number: usize) {
        let Some(reader) = self.readers.get_mut(number) else { return };
        let Some(group) = self.groups.get(reader.group) else { return };
        let now = Instant::now();
        let fate = match group.view(now) {
            Ok(mut view) => {
                let (fate, sent) = reader.attend(&mut view);
                group.ground.app.metrics.sent.increment(sent as u64);
                fate
            }
            Err(_) => reader.end(now),
        };
        self.settle(number, fate);
    }

    /// Tells all readers of a stream what is new. Returns of how many commits somebody was told at once.
    fn sweep(&mut self, number: usize) -> usize {
        // It may have gone with its last reader.
        let Some(group) = self.groups.get(number) else { return 0 };
        #[cfg(test)]
        Fault::strike(group.ground.app.config.fault);
        let now = Instant::now();
        let mut fates = Vec::new();
        let mut sent = 0;
        let mut view = group.look(now);
        for &member in &group.members {
            let Some(reader) = self.readers.get_mut(member) else { continue };
            let fate = match &mut view {
                Ok(view) => {
                    let (fate, bytes) = reader.attend(view);
                    sent += bytes as u64;
                    fate
                }
                Err(_) => reader.end(now),
            };
            if fate != Fate::Waits {
                fates.push((member, fate));
            }
        }
        let commits = view.map_or(0, |view| view.commits);
        group.ground.app.metrics.sent.increment(sent);
        fates.into_iter().for_each(|(member, fate)| self.settle(member, fate));
        commits
    }

    /// Looks at those whose time has come.
    fn tick(&mut self) {
        let now = Instant::now();
        while let Some((step, due)) = self.timers.next(now) {
            due.into_iter().for_each(|number| self.due(number, step, now));
        }
    }

    fn due(&mut self, number: usize, step: Step, now: Instant) {
        let Some(reader) = self.readers.get_mut(number) else { return };
        if reader.timer != Some(step) {
            return;
        }
        reader.timer = None;
        let Some(group) = self.groups.get(reader.group) else { return };
        let app = &group.ground.app;
        let fate = match reader.blocked() {
            Some(since) if since + app.config.write_timeout <= now => {
                app.metrics.refused(Limit::WriteTime);
                if let Some(reader) = self.leave(number) {
                    forget(&reader.socket.into());
                }
                return;
            }
            Some(_) => Fate::Blocked,
            None if reader.reader.ends_at.into_std() <= now => reader.end(now),
            None if reader.reader.quiet_since.into_std() + app.config.sse_keep_alive <= now => {
                let mut comment = BytesMut::new();
                keep_alive(&mut comment);
                app.metrics.sent.increment(comment.len() as u64);
                reader.send(chunk::one(&[comment], 0).freeze(), now)
            }
            None => Fate::Waits,
        };
        self.arm(number);
        self.settle(number, fate);
    }

    /// Sees to it that a reader is looked at when something can be due.
    fn arm(&mut self, number: usize) {
        let Some(reader) = self.readers.get_mut(number) else { return };
        let Some(group) = self.groups.get(reader.group) else { return };
        let config = &group.ground.app.config;
        let due = match reader.blocked() {
            Some(since) => since + config.write_timeout,
            None => {
                let silent_at = reader.reader.quiet_since + config.sse_keep_alive;
                silent_at.min(reader.reader.ends_at).into_std()
            }
        };
        let step = self.timers.step(due);
        if reader.timer.is_none_or(|timer| step < timer) {
            reader.timer = Some(step);
            self.timers.set(step, number);
        }
    }

    /// Does what follows from how a reader was found.
    fn settle(&mut self, number: usize, fate: Fate) {
        match fate {
            Fate::Waits => {}
            Fate::HasMore => self.unfinished.extend(self.readers.get(number).map(|r| r.group)),
            Fate::Blocked => self.arm(number),
            Fate::Behind => self.hand_over(number),
            Fate::Ended => {
                if let Some(reader) = self.leave(number) {
                    farewell(reader.socket.into());
                }
            }
            Fate::Gone => drop(self.leave(number)),
        }
    }

    /// Leaves a reader to a task of its own.
    fn hand_over(&mut self, number: usize) {
        let Some(group) = self.readers.get(number).and_then(|r| self.groups.get(r.group)) else {
            return;
        };
        let ground = Arc::clone(&group.ground);
        let Some(mark) = self.readers.get(number).map(|reader| reader.mark) else { return };
        #[cfg(test)]
        let Ok(state) = group.feed.now() else { return };
        #[cfg(test)]
        let mark = Fault::behind(ground.app.config.fault, mark, state.tail.position);
        let tail = group.feed.reader(mark);
        if let Some(mut left) = self.leave(number) {
            // It fails only where the kernel does not know of it.
            let _ = self.poll.registry().deregister(&mut left.socket);
            let (socket, reader, stand) = (TcpStream::from(left.socket), left.reader, left.stand);
            Laggard { socket, tail, reader, stand, ground }.start();
        }
    }

    /// Takes a reader out, and its group if that was the last one.
    fn leave(&mut self, number: usize) -> Option<Subscriber> {
        let reader = self.readers.try_remove(number)?;
        if let Some(group) = self.groups.get_mut(reader.group) {
            group.members.swap_remove(reader.place);
            if let Some(moved) = group.members.get(reader.place)
                && let Some(moved) = self.readers.get_mut(*moved)
            {
                moved.place = reader.place;
            }
            if group.members.is_empty() {
                self.names.remove(&group.name);
                self.groups.remove(reader.group);
            }
        }
        Some(reader)
    }

    /// Drops the readers that have been cut.
    fn cut(&mut self) {
        let is_cut = |ground: &Ground| ground.cut.is_cancelled();
        let cut: Vec<usize> = self
            .groups
            .iter()
            .filter(|(_, group)| is_cut(&group.ground))
            .flat_map(|(_, group)| group.members.iter().copied())
            .collect();
        cut.into_iter().for_each(|number| drop(self.leave(number)));
    }
}
