//! What operators ask for: metrics, and how the server stands.

use bytes::Bytes;
use headwater_core::Code;
use headwater_core::cache::CACHE_NEVER;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde_json::json;

use crate::app::App;
use crate::errors::Problem;
use crate::metrics::Exporter;
use crate::response::{self, Reply, ResponseBody, put_cache};

/// GET of the metrics.
pub(crate) async fn metrics(app: &App, exporter: &Exporter) -> Reply {
    app.observe().await;
    answer("text/plain; version=0.0.4; charset=utf-8", exporter.render().into())
}

/// GET of how the server stands.
pub(crate) async fn status(app: &App) -> Reply {
    let ready = app.ready().await;
    let status = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "uptimeSeconds": app.uptime().as_secs(),
        "ready": ready.is_ok(),
        "reason": ready.err().map(|error| error.code().as_str()),
        "connections": app.connections.inside(),
        "requestsInFlight": app.requests.inside(),
        "liveReaders": app.readers.inside(),
        "unitsWaiting": app.engine.waiting(),
        "bytesInFlight": app.engine.bytes_in_flight(),
    });
    answer("application/json", status.to_string().into())
}

/// GET of whether the server can do its work.
pub(crate) async fn ready(app: &App) -> Result<Reply, Problem> {
    match app.ready().await {
        Ok(()) => Ok(answer("text/plain", Bytes::from_static(b"ready"))),
        // Whether the probe is durable does not matter to who asks whether to send requests here.
        Err(error) if error.code() == Code::UnknownOutcome => {
            Err(Problem::new(Code::StoragePoisoned, error.to_string()))
        }
        Err(error) => Err(error.into()),
    }
}

/// GET of whether the process serves.
pub(crate) fn health() -> Reply {
    answer("text/plain", Bytes::from_static(b"ok"))
}

fn answer(content_type: &'static str, body: Bytes) -> Reply {
    let mut reply = response::empty(StatusCode::OK);
    *reply.body_mut() = ResponseBody::full(body);
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    put_cache(reply.headers_mut(), CACHE_NEVER);
    reply
}
