//! One connection, with the limits that hold before there is a request.
//!
//! What the HTTP library answers by itself is bare: 400 to what is no HTTP, 414 or 431 to a head that is too
//! large or has too many fields. A head that does not arrive in time ends the connection without an answer.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::Watcher;
use tokio::net::TcpStream;
use tokio::time::{Duration, sleep};
use tracing::debug;

use crate::app::App;
use crate::limits::{
    H2_CONNECTION_WINDOW, H2_PING_INTERVAL, H2_SEND_BUFFER, H2_STREAM_WINDOW, MAX_H2_STREAMS,
    MAX_HEAD_BYTES, MAX_HEADERS,
};
use crate::requests::handle;

/// Makes connections of accepted sockets.
pub(super) struct Connections {
    app: Arc<App>,
    http: Builder<TokioExecutor>,
}

impl Connections {
    pub(super) fn new(app: Arc<App>) -> Self {
        let http = http(app.config.head_timeout);
        Self { app, http }
    }

    /// Serves a connection to its end. Faults of the connection are the client's affair and only logged for
    /// those who look.
    pub(super) fn serve(
        &self,
        stream: TcpStream,
        watcher: Watcher,
    ) -> impl Future<Output = ()> + Send + use<> {
        // Answers are written whole; waiting for more to send only delays them.
        let _ = stream.set_nodelay(true);
        let local = stream.local_addr().unwrap_or_else(|_| SocketAddr::from(([0, 0, 0, 0], 0)));
        let patience = self.app.config.head_timeout;
        let begun = Arc::new(AtomicBool::new(false));
        let (app, seen) = (Arc::clone(&self.app), Arc::clone(&begun));
        let service = service_fn(move |request| {
            seen.store(true, Ordering::Relaxed);
            let answer = handle(Arc::clone(&app), local, request);
            async move { Ok::<_, Infallible>(answer.await) }
        });
        let connection = self.http.serve_connection(TokioIo::new(stream), service).into_owned();
        let connection = watcher.watch(connection);
        async move {
            let mut connection = pin!(connection);
            // Until the first bytes tell which HTTP it is, no library timer runs.
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = sleep(patience) => {
                    if !begun.load(Ordering::Relaxed) {
                        return;
                    }
                    connection.await
                }
            };
            if let Err(error) = ended {
                debug!(%error, "a connection ended with an error");
            }
        }
    }
}

fn http(head_timeout: Duration) -> Builder<TokioExecutor> {
    let mut http = Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES);
    http.http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(H2_PING_INTERVAL)
        .max_header_list_size(u32::try_from(MAX_HEAD_BYTES).unwrap_or(u32::MAX))
        .max_concurrent_streams(MAX_H2_STREAMS)
        .initial_stream_window_size(H2_STREAM_WINDOW)
        .initial_connection_window_size(H2_CONNECTION_WINDOW)
        .max_send_buf_size(H2_SEND_BUFFER);
    http
}
