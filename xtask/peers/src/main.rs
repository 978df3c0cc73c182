//! Servers that push messages to many subscribers, as a user would write them: what the project's own are measured beside.
//!
//! `headwater-peers NAME` starts one on two free loopback ports and says which: one for subscribers, and one for the
//! [control connection](control) by which the load generator publishes. It ends when its standard input does. Nothing here
//! is tuned: each server is the shortest program that its library's documentation leads to, and every one of them hands on every
//! message, or counts what it drops.

#![allow(clippy::print_stdout, reason = "the first line says where it listens")]

mod axum_sse;
mod broker;
mod calls;
mod control;
mod floor;
mod hub;
mod hyper_poll;
mod hyper_sse;
mod tungstenite_hub;

use std::io::Read;
use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::{Context, bail};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

use control::Topic;

fn main() -> anyhow::Result<()> {
    let name = std::env::args().nth(1).context("usage: headwater-peers NAME")?;
    std::thread::spawn(|| {
        let mut input = std::io::stdin().lock();
        // Nothing is ever sent; the end, or an error, means that the benchmark is gone.
        while matches!(input.read(&mut [0; 64]), Ok(count) if count > 0) {}
        std::process::exit(0);
    });
    match name.as_str() {
        "axum-sse" => one_worker()?.block_on(run(axum_sse::Server::default())),
        "broker" => one_worker()?.block_on(async { run(broker::Server::new()).await }),
        "hub" => one_worker()?.block_on(async { run(hub::Server::new()).await }),
        "hyper-poll" => one_worker()?.block_on(hyper_poll::run()),
        "hyper-sse" => one_worker()?.block_on(run(hyper_sse::Server::default())),
        "tungstenite" => one_worker()?.block_on(run(tungstenite_hub::Server::default())),
        "tungstenite-2w" => two_workers()?.block_on(run(tungstenite_hub::Server::default())),
        "floor" => one_worker()?.block_on(run(floor::Server::new(1))),
        "floor-4" => one_worker()?.block_on(run(floor::Server::new(4))),
        "floor-16" => one_worker()?.block_on(run(floor::Server::new(16))),
        other => bail!("there is no server {other}"),
    }
}

fn one_worker() -> anyhow::Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

fn two_workers() -> anyhow::Result<Runtime> {
    Ok(Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

/// Listens, says where, and serves until the process ends.
async fn run(topic: impl Topic) -> anyhow::Result<()> {
    let subscribers = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let control = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("listening on http://{} control {}", subscribers.local_addr()?, control.local_addr()?);
    let topic = Arc::new(topic);
    tokio::spawn(control::serve(control, Arc::clone(&topic)));
    topic.serve(subscribers).await
}
