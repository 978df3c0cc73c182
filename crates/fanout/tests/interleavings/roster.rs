//! Subscribers that come, are asked about, and leave, messages that are on their way, and the end of it all.

use headwater_fanout::{
    Audience, End, Limits, Log, Policy, PublishError, Roster, Slow, Standing, Subscriber,
};
use loom::future::block_on;
use loom::sync::Arc;
use loom::thread;

use crate::planted::must_be_found;
use crate::support::{Bell, Note, follow, model};

type Names = Roster<Note, Bell, &'static str>;

fn roster(messages: usize) -> Arc<Names> {
    Arc::new(Roster::new(Log::new(Limits::new(messages, messages), || {})))
}

const DROPS: Standing = Standing::Fixed(Policy::DropNewest);

fn deserted(roster: &Names) {
    block_on(std::future::poll_fn(|cx| roster.poll_deserted(cx)));
}

/// Publishes for all; whether it was let in, which has to be the same as that it is published.
fn publish(roster: &Names, note: u64) -> bool {
    let Some(flight) = roster.set_out() else { return false };
    assert!(flight.publish(Note(note), Audience::All).is_ok(), "let in, and refused");
    true
}

#[test]
fn who_has_begun_to_publish_is_done_before_the_end() {
    model(|| {
        let roster = roster(4);
        let reader = roster.register(DROPS, "reader").unwrap();
        let publishing = {
            let roster = Arc::clone(&roster);
            thread::spawn(move || publish(&roster, 1))
        };
        roster.stop();
        roster.unregister(reader.id());
        deserted(&roster);
        // Nothing is on its way any more, so this is all that there ever is.
        let (all, end) = follow(reader);
        let was_let_in = publishing.join().unwrap();
        assert_eq!((all.len(), end), (usize::from(was_let_in), End::Closed));
        assert!(roster.set_out().is_none());
    });
}

#[test]
fn whoever_waits_for_the_end_is_told_when_the_last_one_leaves() {
    model(|| {
        let roster = roster(4);
        let leaving = {
            let roster = Arc::clone(&roster);
            thread::spawn(move || {
                // Too late for the hub: then there is nobody to leave.
                let Some(reader) = roster.register(DROPS, "late") else { return };
                let id = reader.id();
                assert_eq!(follow(reader).1, End::Closed);
                roster.unregister(id);
            })
        };
        roster.stop();
        deserted(&roster);
        assert_eq!(roster.count(), 0);
        leaving.join().unwrap();
    });
}

#[test]
fn two_who_end_it_both_see_the_end() {
    model(|| {
        let roster = roster(4);
        let reader = roster.register(DROPS, "reader").unwrap();
        let ending = {
            let roster = Arc::clone(&roster);
            thread::spawn(move || {
                roster.stop();
                deserted(&roster);
            })
        };
        roster.unregister(reader.id());
        drop(reader);
        roster.end();
        deserted(&roster);
        ending.join().unwrap();
    });
}

#[test]
fn groups_are_as_their_members_left_them() {
    model(|| {
        let roster = roster(4);
        let reader = roster.register(DROPS, "reader").unwrap();
        let id = reader.id();
        let joining = {
            let roster = Arc::clone(&roster);
            thread::spawn(move || roster.join("group", id))
        };
        roster.unregister(id);
        // Joined before it left, or not at all: in no case is it in the group now.
        let _ = joining.join().unwrap();
        assert_eq!((roster.count(), roster.group_count("group")), (0, 0));
        assert!(matches!(roster.audience("group"), Audience::Only(ids) if ids.is_empty()));
    });
}

/// Somebody who is left behind as soon as it is there, and whoever is asked about it.
fn ask(register: impl Fn(&Names) -> Subscriber<Note, Bell> + Copy + Send + 'static) {
    let roster = roster(1);
    let registering = {
        let roster = Arc::clone(&roster);
        thread::spawn(move || register(&roster))
    };
    assert!(publish(&roster, 0) && publish(&roster, 1));
    for slow in roster.log().distribute() {
        let Slow::Undecided(id) = slow else { panic!("nobody decided") };
        assert!(roster.get(id).is_some(), "unknown: nobody will ever decide about it");
    }
    // It took nothing, and stayed.
    drop(registering.join().unwrap());
}

#[test]
fn who_is_asked_about_is_known() {
    model(|| {
        ask(|roster| roster.register(Standing::Ask, "slow").unwrap());
    });
}

/// As a roster would that is told of a subscriber when the log has it already.
#[test]
fn one_that_is_registered_too_late_is_found() {
    must_be_found("roster::one_that_is_registered_too_late_is_found", "unknown", || {
        ask(|roster| {
            let reader = roster.log().subscribe(Standing::Ask).unwrap();
            roster.join("known from here on", reader.id());
            reader
        });
    });
}

/// As an end would that closes the log without a look at who is on the way.
#[test]
fn an_end_that_waits_for_nobody_is_found() {
    must_be_found("roster::an_end_that_waits_for_nobody_is_found", "let in, and refused", || {
        let roster = roster(4);
        let publishing = {
            let roster = Arc::clone(&roster);
            thread::spawn(move || publish(&roster, 1))
        };
        roster.end();
        publishing.join().unwrap();
    });
}

/// As a member would that leaves without a word to those who wait.
#[test]
fn one_that_leaves_unnoticed_is_found() {
    must_be_found("roster::one_that_leaves_unnoticed_is_found", "deadlock", || {
        let roster = roster(4);
        let reader = roster.register(DROPS, "reader").unwrap();
        thread::spawn(move || drop(reader));
        roster.stop();
        deserted(&roster);
    });
}

#[test]
fn who_comes_after_the_end_is_refused() {
    model(|| {
        let roster = roster(4);
        roster.stop();
        deserted(&roster);
        assert!(roster.register(DROPS, "late").is_none() && !publish(&roster, 1));
        assert_eq!(roster.log().publish(Note(1), Audience::All), Err(PublishError::Closed));
    });
}
