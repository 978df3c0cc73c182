//! Subscribers that read nothing, beside others that do.
//!
//! Each round measures the others twice: undisturbed, and beside some who have asked for everything and take nothing of it.
//! Before the others come, so much is published that no buffer on the way has room left: a server that waits for a slow
//! subscriber waits from the first record on.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::channel::{Channel, SLACK};
use super::fan_out::FanOut;
use super::{Beside, Needs, Prepared, Sample, Server, Unit, Wire, Workload};
use crate::bench::reader::START;
use crate::bench::runtime::run_bounded;
use crate::bench::streams::read_request;
use crate::bench::web_socket::upgrade_request;

/// What is published first: 6 MiB, where the kernel keeps 4 MiB of what is not read at most.
const FLOOD: u32 = 96;
const FLOOD_SIZE: usize = 64 * 1024;

/// Bytes that the kernel receives for one who does not read; it is never less than some thousand.
const RECEIVED: u32 = 4096;

/// The fan-out that is disturbed, and by how many.
#[derive(Clone, Debug)]
pub(crate) struct Stuck {
    /// Subscribers that read nothing.
    pub(crate) stuck: u32,
    /// The others.
    pub(crate) fan_out: FanOut,
}

impl Workload for Stuck {
    fn title(&self) -> String {
        format!("{}, beside {} that read nothing", self.fan_out.title(), self.stuck)
    }

    fn unit(&self) -> Unit {
        Unit::Delivery
    }

    fn needs(&self) -> Needs {
        Needs::Isolation(self.fan_out.wire)
    }

    fn prepare<'a>(&'a self, server: &'a Server) -> anyhow::Result<Box<dyn Prepared + 'a>> {
        Ok(Box::new(Ready { work: self, server }))
    }
}

struct Ready<'a> {
    work: &'a Stuck,
    server: &'a Server,
}

impl Prepared for Ready<'_> {
    fn round(&mut self) -> anyhow::Result<Sample> {
        run_bounded(2 * (self.work.fan_out.window.measured + SLACK), self.measure())
    }
}

impl Ready<'_> {
    async fn measure(&self) -> anyhow::Result<Sample> {
        let Stuck { stuck, fan_out } = self.work;
        let channel = Channel::open(self.server).await?;
        let alone = fan_out.measure(self.server, &channel, START).await?;
        channel.remove().await?;

        let channel = Channel::open(self.server).await?;
        let joined = channel.joined().await?;
        let mut deaf = Vec::new();
        for _ in 0..*stuck {
            deaf.push(self.ask_and_not_read(&channel).await?);
        }
        channel.wait_for(joined, *stuck).await?;
        let offset = channel.flood(FLOOD, FLOOD_SIZE).await?;
        let mut sample = fan_out.measure(self.server, &channel, &offset).await?;
        drop(deaf);
        channel.remove().await?;

        if let (Some(beside), Some(alone)) = (sample.latency, alone.latency) {
            let ratio = beside.p99 as f64 / alone.p99.max(1) as f64;
            sample.beside.push(Beside::TailOfAlone.of(ratio));
        }
        if let (Some(faults), Some(before)) = (&mut sample.faults, alone.faults) {
            *faults += before;
        }
        Ok(sample)
    }

    /// A subscriber that has had the beginning of its response.
    async fn ask_and_not_read(&self, channel: &Channel<'_>) -> anyhow::Result<TcpStream> {
        let base = &self.server.base;
        let socket = match base.addr() {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        socket.set_recv_buffer_size(RECEIVED)?;
        let mut socket = socket.connect(base.addr()).await?;
        let request = match self.work.fan_out.wire {
            Wire::Sse => read_request(base, &channel.target(), START, "&live=sse"),
            Wire::WebSocket => upgrade_request(base),
        };
        socket.write_all(&request).await?;
        let mut first = [0];
        socket.read_exact(&mut first).await?;
        Ok(socket)
    }
}
