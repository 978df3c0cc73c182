//! A callback about a slow connection keeps neither whoever broadcasts waiting nor the others, whatever it does; and a hub in which it
//! would is found.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use headwater_ws::{Asked, Backlog, Fault, Hub, HubConfig, Message, OnSlow, WhenSlow};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::asked::{Gate, Opening, large};
use crate::pair::{PATIENCE, Served, eventually, join_as, join_fast};

/// What the callback does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Callback {
    Hangs,
    Panics,
}

/// Who is kept from what by a callback.
#[derive(Debug, PartialEq, Eq)]
enum Kept {
    Publisher,
    Others,
    /// Nobody was asked, so nothing is shown.
    NotAsked,
}

/// Messages that are broadcast before the slow connection is slow, and beside the callback.
const BEFORE: usize = 60;
const BESIDE: usize = 20;

/// How long it takes until somebody who waits for a callback is known to; a hub without a fault has longer.
const SOON: Duration = Duration::from_secs(2);

type Make = fn(HubConfig<()>) -> Hub<TcpStream>;

/// Somebody who broadcasts on a thread of its own, one message after the other, and says when each call is over.
struct Publisher {
    next: std::sync::mpsc::Sender<String>,
    done: mpsc::UnboundedReceiver<()>,
}

impl Publisher {
    fn start(hub: Hub<TcpStream>) -> Self {
        let (next, texts) = std::sync::mpsc::channel::<String>();
        let (tell, done) = mpsc::unbounded_channel();
        thread::spawn(move || {
            while let Ok(text) = texts.recv() {
                hub.broadcast(Message::text(text)).unwrap();
                let _ = tell.send(());
            }
        });
        Self { next, done }
    }

    /// Broadcasts one, and waits until the fast connection has it.
    async fn publish(
        &mut self,
        number: usize,
        fast: &mut Served,
        patience: Duration,
    ) -> Result<(), Kept> {
        let text = large(number);
        self.next.send(text.clone()).map_err(|_| Kept::Publisher)?;
        let done = timeout(patience, self.done.recv()).await;
        done.ok().flatten().ok_or(Kept::Publisher)?;
        let got = timeout(patience, fast.text()).await.map_err(|_| Kept::Others)?;
        assert_eq!(got, Some(text));
        Ok(())
    }
}

/// Broadcasts to a connection that does not read and to one that does, until the callback has been called, and then some more.
async fn judge(make: Make, callback: Callback, patience: Duration) -> Result<(), Kept> {
    let (gate, is_called) = (Arc::new(Gate::default()), Arc::new(AtomicBool::new(false)));
    let _opening = Opening(Arc::clone(&gate));
    let called = Arc::clone(&is_called);
    let when_slow = WhenSlow::ask(move |_: Asked<'_, ()>| {
        called.store(true, Ordering::SeqCst);
        assert_eq!(callback, Callback::Hangs, "planted");
        gate.pass();
        OnSlow::Close
    });
    let hub = make(HubConfig { backlog: Backlog::new(8, 1 << 20), when_slow });
    let (_slow, mut fast) = (join_as(&hub, ()).await, join_fast(&hub, ()).await);
    let mut publisher = Publisher::start(hub.clone());
    for number in 0..BEFORE {
        publisher.publish(number, &mut fast, patience).await?;
    }
    if !is_called.load(Ordering::SeqCst) {
        let asked = || is_called.load(Ordering::SeqCst);
        timeout(patience, eventually("it is asked", asked)).await.map_err(|_| Kept::NotAsked)?;
    }
    for number in BEFORE..BEFORE + BESIDE {
        publisher.publish(number, &mut fast, patience).await?;
    }
    let panics = u64::from(callback == Callback::Panics);
    eventually("panics are counted", || hub.numbers().callback_panics == panics).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_callback_keeps_nobody_waiting() {
    for callback in [Callback::Hangs, Callback::Panics] {
        assert_eq!(judge(Hub::new, callback, PATIENCE).await, Ok(()), "{callback:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hub_in_which_it_does_is_found() {
    let in_broadcast: Make = |config| Hub::planted(config, Fault::AsksInBroadcast);
    let in_task: Make = |config| Hub::planted(config, Fault::AsksInTask);
    for callback in [Callback::Hangs, Callback::Panics] {
        let verdict = judge(in_broadcast, callback, SOON).await;
        assert_eq!(verdict, Err(Kept::Publisher), "{callback:?}");
        let verdict = judge(in_task, callback, SOON).await;
        assert_eq!(verdict, Err(Kept::Others), "{callback:?}");
    }
}
