//! Messages that are handed to subscribers who may take by themselves at the same time.

use headwater_fanout::{
    Audience, Delivery, End, Handed, Limits, Log, Park, Policy, Standing, Subscriber, Taken, Took,
};
use loom::sync::{Arc, Mutex, Notify};
use loom::thread;

use crate::planted::must_be_found;
use crate::support::{Note, model};

/// A subscriber that is handed what is new, and takes by itself when it is told: both behind its lock.
struct Seat {
    subscriber: Subscriber<Note, Handle>,
    got: Vec<u64>,
}

struct Handle(Arc<Place>);

struct Place {
    seat: Mutex<Option<Seat>>,
    bell: Notify,
}

impl Park for Handle {
    fn unpark(self) {
        self.0.bell.notify();
    }
}

/// Whether the lock is held while something is taken.
#[derive(Clone, Copy)]
enum Take {
    Locked,
    /// What was handed in between is overtaken.
    Unlocked,
}

fn numbers(taken: &Taken<Note>) -> impl Iterator<Item = u64> {
    taken.iter().filter_map(|delivery| match delivery {
        Delivery::Message { message, .. } => Some(message.0),
        Delivery::Lost(_) => None,
    })
}

/// Takes when it is told, until the end.
fn follow_at(place: &Arc<Place>, how: Take) -> (Vec<u64>, End) {
    let (mut taken, most) = (Taken::new(), Limits::new(10, 10));
    loop {
        let took = {
            let mut seat = place.seat.lock().unwrap();
            let mut one = seat.take().unwrap();
            let took = one.subscriber.take_or_park(&most, &mut taken, || Handle(Arc::clone(place)));
            if matches!(how, Take::Unlocked) {
                *seat = Some(one);
                drop(seat);
                thread::yield_now();
                seat = place.seat.lock().unwrap();
                one = seat.take().unwrap();
            }
            one.got.extend(numbers(&taken));
            if let Took::End(end) = took {
                return (one.got, end);
            }
            *seat = Some(one);
            took
        };
        if took != Took::Part {
            place.bell.wait();
        }
    }
}

/// Publishes some, hands them out, and says what the one subscriber got.
fn hand_out(handed: Handed, how: Take) -> (Vec<u64>, End) {
    let log = Log::new(Limits::new(4, 4), || {});
    let subscriber = log.subscribe(Standing::Fixed(Policy::DropNewest)).unwrap();
    let seat = Mutex::new(Some(Seat { subscriber, got: Vec::new() }));
    let place = Arc::new(Place { seat, bell: Notify::new() });
    let following = {
        let place = Arc::clone(&place);
        thread::spawn(move || follow_at(&place, how))
    };
    let out = |log: &Log<Note, Handle>| {
        log.hand_out(&Limits::new(10, 10), |handle, taken| {
            if let Some(seat) = &mut *handle.0.seat.lock().unwrap() {
                seat.got.extend(numbers(taken));
            }
            if handed == Handed::Busy {
                // What it was busy with ends some time.
                handle.0.bell.notify();
            }
            handed
        });
    };
    log.publish(Note(0), Audience::All).unwrap();
    out(&log);
    log.publish(Note(1), Audience::All).unwrap();
    out(&log);
    log.close();
    following.join().unwrap()
}

#[test]
fn what_is_handed_out_comes_once_and_in_order() {
    for handed in [Handed::Waits, Handed::Busy] {
        model(move || {
            assert_eq!(hand_out(handed, Take::Locked), (vec![0, 1], End::Closed));
        });
    }
}

#[test]
fn a_subscriber_that_takes_beside_its_handle_is_found() {
    must_be_found("hand::a_subscriber_that_takes_beside_its_handle_is_found", "left: ", || {
        assert_eq!(hand_out(Handed::Waits, Take::Unlocked), (vec![0, 1], End::Closed));
    });
}

/// Somebody else publishes while it is handed out, and a distributor of its own tells the rest.
#[test]
fn what_comes_while_it_is_handed_out_is_told() {
    model(|| {
        let called = Arc::new(Notify::new());
        let calls = Arc::clone(&called);
        let log: Log<Note, Handle> = Log::new(Limits::new(4, 4), move || calls.notify());
        let subscriber = log.subscribe(Standing::Fixed(Policy::DropNewest)).unwrap();
        let seat = Mutex::new(Some(Seat { subscriber, got: Vec::new() }));
        let place = Arc::new(Place { seat, bell: Notify::new() });
        {
            let mut seat = place.seat.lock().unwrap();
            let handle = || Handle(Arc::clone(&place));
            let one = seat.as_mut().unwrap();
            let took = one.subscriber.take_or_park(&Limits::new(9, 9), &mut Taken::new(), handle);
            assert_eq!(took, Took::Nothing);
        }
        let distributing = {
            let log = log.clone();
            thread::spawn(move || {
                while !log.is_closed() {
                    called.wait();
                    log.hand_out(&Limits::new(10, 10), |handle, taken| {
                        if let Some(seat) = &mut *handle.0.seat.lock().unwrap() {
                            seat.got.extend(numbers(taken));
                        }
                        Handed::Waits
                    });
                }
            })
        };
        log.publish(Note(0), Audience::All).unwrap();
        log.publish(Note(1), Audience::All).unwrap();
        log.close();
        assert_eq!(follow_at(&place, Take::Locked), (vec![0, 1], End::Closed));
        distributing.join().unwrap();
    });
}
