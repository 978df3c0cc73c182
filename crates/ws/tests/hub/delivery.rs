//! What reaches whom, in which order, and what it costs those who wait.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use headwater_ws::{Backlog, Hub, HubConfig, MemberId, Message, OnSlow, WhenSlow};

use crate::pair::{connect, join, join_as, serve};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_see_what_many_broadcast_in_one_order() {
    let config = HubConfig { backlog: Backlog::new(10_000, 10 << 20), ..HubConfig::default() };
    let hub = Hub::new(config);
    let mut members = Vec::new();
    for _ in 0..50 {
        members.push(join(&hub, &[]).await);
    }
    let publishers: Vec<_> = (0..8)
        .map(|publisher| {
            let hub = hub.clone();
            tokio::spawn(async move {
                for number in 0..100 {
                    hub.broadcast(Message::text(format!("{publisher} {number}"))).unwrap();
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let mut orders = HashSet::new();
    for mut member in members {
        let mut order = Vec::new();
        for _ in 0..800 {
            order.push(member.text().await.unwrap());
        }
        orders.insert(order);
    }
    assert_eq!(orders.len(), 1, "all see the same");
    let order = orders.into_iter().next().unwrap();
    for publisher in 0..8 {
        let own = order.iter().filter(|text| text.starts_with(&format!("{publisher} ")));
        let expected = (0..100).map(|number| format!("{publisher} {number}"));
        assert!(own.cloned().eq(expected), "each publisher's order is kept");
    }
    for publisher in publishers {
        publisher.await.unwrap();
    }
    assert_eq!(hub.numbers().dropped, 0);
}

#[tokio::test]
async fn idle_connections_are_written_to_without_waking_their_tasks() {
    let hub = Hub::new(HubConfig::default());
    let mut members = Vec::new();
    for _ in 0..20 {
        members.push(join(&hub, &[]).await);
    }
    for round in 0..50 {
        hub.broadcast(Message::text(round.to_string())).unwrap();
        for member in &mut members {
            assert_eq!(member.text().await.unwrap(), round.to_string());
        }
    }
    let polls: usize = members.iter().map(|member| member.polls.load(Ordering::Relaxed)).sum();
    // One each to begin with, and few by chance, where 1,000 deliveries could have been as many.
    assert!(polls < 100, "{polls} polls");
}

#[tokio::test]
async fn groups_and_filters_reach_those_who_are_meant() {
    let hub = Hub::new(HubConfig::default());
    let (mut a, mut b, mut c) =
        (join(&hub, &["red"]).await, join(&hub, &["red", "blue"]).await, join(&hub, &[]).await);
    assert_eq!((hub.count(), hub.group_count("red"), hub.group_count("none")), (3, 2, 0));
    hub.broadcast_to("red", Message::text("red")).unwrap();
    hub.broadcast_to("blue", Message::text("blue")).unwrap();
    hub.broadcast_to("none", Message::text("nobody")).unwrap();
    let mut all = Vec::new();
    hub.broadcast_filtered(Message::text("not even"), |id: MemberId, ()| {
        all.push(id);
        all.len() == 3
    })
    .unwrap();
    hub.broadcast(Message::text("end")).unwrap();
    for (member, expected) in [
        (&mut a, &["red", "end"][..]),
        (&mut b, &["red", "blue", "end"]),
        (&mut c, &["not even", "end"]),
    ] {
        for text in expected {
            assert_eq!(member.text().await.unwrap(), *text);
        }
    }
}

#[tokio::test]
async fn attributes_say_who_is_meant_and_a_predicate_that_panics_is_counted() {
    let hub: Hub<_, usize> = Hub::new(HubConfig::default());
    let mut members = Vec::new();
    for number in 0..8 {
        members.push(join_as(&hub, number).await);
    }
    hub.broadcast_filtered(Message::text("even"), |_, number| number % 2 == 0).unwrap();
    // One that panics for one is asked about the others all the same.
    hub.broadcast_filtered(Message::text("not 3"), |_, number| {
        assert_ne!(*number, 3, "planted");
        true
    })
    .unwrap();
    hub.broadcast_filtered(Message::text("nobody"), |_, _| false).unwrap();
    hub.broadcast(Message::text("end")).unwrap();
    assert_eq!(hub.numbers().callback_panics, 1);
    for (number, member) in members.iter_mut().enumerate() {
        let wanted = [("even", number % 2 == 0), ("not 3", number != 3), ("end", true)];
        for (text, _) in wanted.into_iter().filter(|(_, is_for_it)| *is_for_it) {
            assert_eq!(member.text().await.unwrap(), text, "{number}");
        }
    }
}

#[tokio::test]
async fn joining_and_leaving_twice_is_once() {
    let hub = Hub::new(HubConfig::default());
    let (server, mut client) = connect().await;
    let member = hub.register(server, ()).unwrap();
    assert!(member.join("g") && !member.join("g"));
    assert!(member.leave("g") && !member.leave("g"));
    assert!(member.join("g"));
    assert_eq!((hub.count(), hub.group_count("g")), (1, 1));
    drop(member);
    assert_eq!((hub.count(), hub.group_count("g")), (0, 0));
    // Its connection goes with it, although the hub had a reference.
    assert!(client.recv().await.is_err());
}

#[tokio::test]
async fn a_member_that_was_parked_is_let_go_of() {
    let hub = Hub::new(HubConfig::default());
    let mut served = join(&hub, &["g"]).await;
    hub.broadcast(Message::text("first")).unwrap();
    assert_eq!(served.text().await.unwrap(), "first");
    served.task.abort();
    let _ = served.task.await;
    assert!(served.client.recv().await.is_err(), "the socket is closed");
    assert_eq!((hub.count(), hub.group_count("g"), hub.numbers().members), (0, 0, 0));
    hub.broadcast(Message::text("nobody")).unwrap();
}

#[tokio::test]
async fn what_is_broadcast_before_the_first_poll_is_not_lost() {
    let hub =
        Hub::new(HubConfig { when_slow: WhenSlow::Always(OnSlow::Drop), ..HubConfig::default() });
    let (server, client) = connect().await;
    let member = hub.register(server, ()).unwrap();
    for number in 0..10 {
        hub.broadcast(Message::text(number.to_string())).unwrap();
        tokio::task::yield_now().await;
    }
    let mut served = serve(member, client).await;
    for number in 0..10 {
        assert_eq!(served.text().await.unwrap(), number.to_string());
    }
}
