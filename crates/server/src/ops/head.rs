//! HEAD: what a stream is, without its bytes and without using it.

use headwater_core::StreamKey;
use headwater_core::cache::CACHE_NEVER;
use http::StatusCode;

use crate::app::App;
use crate::errors::Problem;
use crate::request::{lifetime, retention};
use crate::response::{
    self, Reply, put_cache, put_closed, put_content_type, put_earliest_offset, put_next_offset,
    put_stream_tag,
};

pub(crate) async fn head(app: &App, key: &StreamKey) -> Result<Reply, Problem> {
    let state = app.engine.head(key).await?;
    let mut reply = response::empty(StatusCode::OK);
    let headers = reply.headers_mut();
    put_content_type(headers, &state.content_type);
    put_next_offset(headers, state.tail_offset());
    put_earliest_offset(headers, &state);
    put_stream_tag(headers, &state);
    put_closed(headers, &state);
    put_cache(headers, CACHE_NEVER);
    lifetime::put(headers, state.expiry);
    retention::put(headers, &state);
    Ok(reply)
}
