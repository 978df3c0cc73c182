//! The answer to a connection that is one too many.

use std::io;
use std::time::Duration;

use headwater_core::Code;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::errors::{Problem, status};
use crate::metrics::Limit;

/// Sends the refusal, and reads on until the client has seen it: closing at once would take it away again.
pub(super) async fn send(mut stream: TcpStream, pause: Duration) -> io::Result<()> {
    let problem = Problem::busy(Limit::Connections).after(pause);
    let (status, pause) = (status(Code::Overloaded), problem.pause().unwrap_or(pause).as_secs());
    let body = problem.json();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nRetry-After: {pause}\r\n\
         X-Content-Type-Options: nosniff\r\nCross-Origin-Resource-Policy: cross-origin\r\nAccess-Control-Allow-Origin: *\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await?;
    let mut ignored = [0; 1024];
    while stream.read(&mut ignored).await? > 0 {}
    Ok(())
}
