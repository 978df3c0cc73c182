//! What a callback may answer, each about one connection of the same hub.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use headwater_ws::{Asked, Message, OnSlow, WhenSlow};
use tokio::time::timeout;

use crate::asked::{hub, large};
use crate::pair::{PATIENCE, Served, eventually, join_as, join_fast};

const ALL: u64 = 60;

/// How long one is waited for that may have nothing more, before it is another's turn.
const A_MOMENT: Duration = Duration::from_millis(10);

/// Reads until the end, or until this comes.
async fn until(served: &mut Served, last: &str) -> (Vec<u64>, bool) {
    let mut seen = Vec::new();
    loop {
        match served.text().await {
            None => return (seen, false),
            Some(text) if text == last => return (seen, true),
            Some(text) => seen.push(text.parse().unwrap()),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_connection_gets_what_was_answered_about_it() {
    let calls = Arc::new(AtomicUsize::new(0));
    let called = Arc::clone(&calls);
    let hub = hub(WhenSlow::ask(move |asked: Asked<'_, OnSlow>| {
        called.fetch_add(1, Ordering::SeqCst);
        *asked.attributes
    }));
    let (mut drop, mut oldest) =
        (join_as(&hub, OnSlow::Drop).await, join_as(&hub, OnSlow::DropOldest).await);
    let (mut remove, mut close) =
        (join_as(&hub, OnSlow::Remove).await, join_as(&hub, OnSlow::Close).await);
    let mut fast = join_fast(&hub, OnSlow::Close).await;
    for number in 0..ALL {
        let text = large(number as usize);
        hub.broadcast(Message::text(text.clone())).unwrap();
        assert_eq!(fast.text().await, Some(text));
        if number == ALL / 2 {
            let answered = || hub.numbers().disconnected == 2 && calls.load(Ordering::SeqCst) == 4;
            eventually("it was answered", answered).await;
        }
    }

    let (seen, told) = until(&mut close, "end").await;
    assert!(!told && (seen.len() as u64) < ALL);
    assert_eq!(close.client.close_reason().unwrap().code().number(), 1008);

    // They get broadcasts again when they have read what waits, and what they lost is counted.
    let (mut kept_first, mut kept_last) = (Vec::new(), Vec::new());
    while hub.numbers().waiting < 3 {
        for (served, seen) in [(&mut drop, &mut kept_first), (&mut oldest, &mut kept_last)] {
            if let Ok(Some(text)) = timeout(A_MOMENT, served.text()).await {
                seen.push(text.parse().unwrap());
            }
        }
    }
    hub.broadcast(Message::text("end")).unwrap();
    for (served, seen) in [(&mut drop, &mut kept_first), (&mut oldest, &mut kept_last)] {
        let (rest, is_told) = until(served, "end").await;
        seen.extend(rest);
        assert!(is_told);
    }
    assert!(kept_first.iter().copied().eq(0..kept_first.len() as u64), "{kept_first:?}");
    assert!(kept_last.is_sorted() && kept_last.last() == Some(&(ALL - 1)), "{kept_last:?}");
    let lost = 2 * ALL - (kept_first.len() + kept_last.len()) as u64;
    assert_eq!(drop.dropped() + oldest.dropped(), lost);
    // What the others missed, until it was decided about them, is in the hub's.
    assert!(hub.numbers().dropped >= lost);
    assert!(lost > ALL / 2, "{lost}");
    assert_eq!(until(&mut fast, "end").await, (Vec::new(), true));

    // Who was removed is no member; its connection stays, whatever becomes of the hub.
    eventually("both are no members", || hub.count() == 3).await;
    let closing = tokio::spawn({
        let hub = hub.clone();
        async move { hub.close(None, PATIENCE).await }
    });
    for served in [&mut drop, &mut oldest, &mut fast] {
        assert_eq!(until(served, "nothing").await, (Vec::new(), false));
    }
    assert_eq!(timeout(PATIENCE, closing).await.unwrap().unwrap(), 0);
    remove.client.send(&Message::text("still there")).await.unwrap();
    assert!(!remove.task.is_finished());
    remove.task.abort();
    let mut seen = 0;
    while let Ok(Some(message)) = remove.client.recv().await {
        assert_eq!(message, Message::text(large(seen)));
        seen += 1;
    }
    assert!((seen as u64) < ALL);
}
