//! The connection by which the load generator makes a server publish.
//!
//! One line says what to do, and the answer is one line, too:
//!
//! | line | what follows | the answer |
//! |---|---|---|
//! | `publish SIZE` | messages of SIZE bytes, back to back, until the end of what is sent | what publishing took, as JSON |
//! | `joined` | | how many have subscribed since the start |
//! | `end` | | `ended`, when every subscription has been told to end after its last message |
//!
//! So the generator stamps and numbers every message, and sends it when it is due; a server that is slow to take them is slow to
//! publish, which the stamps show. How much is on its way at most is the generator's to bound: it knows what has arrived.

use std::sync::Arc;

use anyhow::Context;
use bytes::Bytes;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::calls::{Call, Calls};

/// Takes what the generator sends in one go.
const READ_SIZE: usize = 64 * 1024;

/// No message of a benchmark is larger.
const MOST_BYTES: usize = 1 << 20;

/// A server with subscribers.
pub(crate) trait Topic: Send + Sync + 'static {
    /// Accepts subscribers, for ever.
    fn serve(
        self: Arc<Self>,
        listener: TcpListener,
    ) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// Sends a message to all subscribers. This is the call that is timed.
    fn publish(&self, message: Bytes) -> impl Future<Output = ()> + Send;

    /// Sends what a server that gathers messages still holds.
    fn flush(&self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// How many have subscribed since the start, each counted when it is sure to be sent what is published next.
    fn joined(&self) -> u64;

    /// How many messages some subscriber has not been sent, so far.
    fn dropped(&self) -> u64;

    /// Ends all subscriptions, each behind its last message. Those that come later are new.
    fn end(&self) -> impl Future<Output = ()> + Send;
}

/// Takes control connections, for ever.
pub(crate) async fn serve<T: Topic>(listener: TcpListener, topic: Arc<T>) {
    // An error of accepting is the machine's, and the generator notices that nobody answers.
    while let Ok((socket, _)) = listener.accept().await {
        let topic = Arc::clone(&topic);
        // A connection that breaks off is the generator's affair.
        tokio::spawn(async move { drop(converse(socket, topic.as_ref()).await) });
    }
}

async fn converse(socket: TcpStream, topic: &impl Topic) -> anyhow::Result<()> {
    socket.set_nodelay(true)?;
    let mut socket = BufReader::with_capacity(READ_SIZE, socket);
    let mut line = String::new();
    socket.read_line(&mut line).await?;
    let answer = match line.trim_end().split_once(' ') {
        Some(("publish", size)) => publish(&mut socket, size.parse()?, topic).await?,
        None if line.trim_end() == "joined" => topic.joined().to_string(),
        None if line.trim_end() == "end" => {
            topic.end().await;
            "ended".to_owned()
        }
        _ => format!("what is {line:?}?"),
    };
    socket.write_all(answer.as_bytes()).await?;
    Ok(socket.shutdown().await?)
}

async fn publish(
    socket: &mut BufReader<TcpStream>,
    size: usize,
    topic: &impl Topic,
) -> anyhow::Result<String> {
    anyhow::ensure!((1..=MOST_BYTES).contains(&size), "messages of {size} bytes");
    let dropped = topic.dropped();
    let mut calls = Calls::default();
    loop {
        let mut message = vec![0; size];
        if socket.fill_buf().await?.is_empty() {
            break;
        }
        socket.read_exact(&mut message).await.context("half a message")?;
        let call = Call::begin();
        topic.publish(message.into()).await;
        calls.end(call);
    }
    topic.flush().await;
    Ok(calls.report(topic.dropped() - dropped))
}
