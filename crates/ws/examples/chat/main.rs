//! A chat with rooms in a browser page, over the hub: `cargo run -p headwater-ws --features axum --example chat`.
//!
//! Open the page in two windows. Stop and start this program, or cut the connection: the pages come back by themselves. Nothing
//! is kept here; a chat that remembers puts its messages into a log, and shows what was said before.
//!
//! The argument, which is optional, is the address to listen on.
#![allow(clippy::print_stdout, reason = "a program for people says where it is")]

use std::env;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRef, Path, State};
use axum::response::{Html, Response};
use axum::routing::get;
use headwater_ws::{
    Acceptor, CloseCode, CloseReason, Config, Deflate, Hub, HubConfig, Member, Message, Origins,
    Scheme, Stream, WebSocketUpgrade,
};
use tokio::net::TcpListener;

/// How long those who are connected may take to leave when the program ends.
const LEAVING: Duration = Duration::from_secs(5);

/// What handlers share.
#[derive(Clone)]
struct Chat {
    hub: Hub<Stream>,
    acceptor: Acceptor,
    guests: Arc<AtomicU64>,
}

impl FromRef<Chat> for Acceptor {
    fn from_ref(chat: &Chat) -> Self {
        chat.acceptor.clone()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8081".to_owned());
    let hub = Hub::new(HubConfig::default());
    let chat = Chat {
        hub: hub.clone(),
        // Pages of other sites cannot speak in the name of whoever looks at them.
        acceptor: Acceptor::new(Origins::same(Scheme::Http)).with_deflate(Deflate::DEFAULT),
        guests: Arc::default(),
    };
    let page = || async { Html(include_str!("page.html")) };
    let router =
        Router::new().route("/", get(page)).route("/rooms/{room}", get(enter)).with_state(chat);
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    tokio::select! {
        served = axum::serve(listener, router) => served?,
        stopped = tokio::signal::ctrl_c() => stopped?,
    }
    // What was said before is sent, and then everybody is told that they can come back.
    let reason = CloseReason::new(CloseCode::SERVICE_RESTART, "the chat restarts");
    hub.close(Some(reason), LEAVING).await;
    Ok(())
}

/// Answers the handshake, and serves the connection when it is open.
async fn enter(
    State(chat): State<Chat>,
    Path(room): Path<String>,
    upgrade: WebSocketUpgrade,
) -> Response {
    upgrade.on_open(Config::default(), move |socket| async move {
        // A hub that is closed gives the connection back, and it ends here.
        let Ok(member) = chat.hub.register(socket, ()) else { return };
        let guest = format!("guest {}", chat.guests.fetch_add(1, Ordering::Relaxed) + 1);
        member.join(&room);
        say(&chat.hub, &room, &guest, "is here");
        listen(&chat.hub, &room, &guest, member).await;
        say(&chat.hub, &room, &guest, "has left");
    })
}

/// Passes on what somebody says, until they leave or their connection breaks.
async fn listen(hub: &Hub<Stream>, room: &str, guest: &str, mut member: Member<Stream>) {
    while let Ok(Some(message)) = member.recv().await {
        if let Message::Text(text) = message {
            say(hub, room, guest, &text);
        }
    }
}

fn say(hub: &Hub<Stream>, room: &str, guest: &str, text: &str) {
    let said = format!("{guest}\n{text}");
    // A message larger than what may wait for anybody is refused, and a hub that is closed has nobody left.
    let _ = hub.broadcast_to(room, Message::text(said));
}
