//! Whoever broadcasts waits for nobody, not even for a write that does not come back.

use std::io::{self, IoSlice};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll};
use std::thread;

use headwater_ws::{
    Accepted, Backlog, Config, Hub, HubConfig, Message, OnSlow, Role, Transport, WebSocket,
    WhenSlow,
};

use crate::asked::{Gate, Opening};
use crate::pair::{PATIENCE, eventually};

/// A transport whose writes hang at a gate: a fault of it, which a kernel on a loaded machine has for a while.
#[derive(Debug)]
struct Hanging {
    gate: Arc<Gate>,
    writes: Arc<AtomicUsize>,
}

impl Transport for Hanging {
    fn poll_read(&mut self, _: &mut Context<'_>, _: &mut [u8]) -> Poll<io::Result<usize>> {
        Poll::Pending
    }

    fn poll_write(
        &mut self,
        _: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        self.gate.pass();
        Poll::Ready(Ok(buffers.iter().map(|buffer| buffer.len()).sum()))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_write_that_hangs_does_not_hold_up_whoever_broadcasts() {
    let backlog = Backlog::new(8, 1 << 20);
    let hub = Hub::new(HubConfig { backlog, when_slow: WhenSlow::Always(OnSlow::DropOldest) });
    let (gate, writes) = (Arc::new(Gate::default()), Arc::new(AtomicUsize::new(0)));
    let _opening = Opening(Arc::clone(&gate));
    let transport = Hanging { gate: Arc::clone(&gate), writes: Arc::clone(&writes) };
    let (accepted, config) = (Accepted::default(), Config::default());
    let socket = WebSocket::new(transport, Role::Server, &accepted, Default::default(), config);
    let mut member = hub.register(socket, ()).unwrap();
    let served = tokio::spawn(async move { member.recv().await });
    eventually("it waits", || hub.numbers().waiting == 1).await;
    hub.broadcast(Message::text("this hangs")).unwrap();
    eventually("it hangs", || writes.load(Ordering::SeqCst) == 1).await;
    // So many that the one who waits has to be told by whoever broadcasts them.
    let (done, is_done) = mpsc::channel();
    let broadcasting = thread::spawn({
        let hub = hub.clone();
        move || {
            for number in 0..100 {
                hub.broadcast(Message::text(number.to_string())).unwrap();
            }
            done.send(()).unwrap();
        }
    });
    // No clock of the runtime's, one of whose threads hangs.
    let waited = is_done.recv_timeout(PATIENCE);
    gate.open();
    broadcasting.join().unwrap();
    assert!(waited.is_ok(), "it waits for the write");
    eventually("the rest is written", || hub.numbers().waiting == 1).await;
    assert!(!served.is_finished());
    served.abort();
}
