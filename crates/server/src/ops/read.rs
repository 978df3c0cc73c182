//! GET: by default what is there now; the live modes are in their own files.

use std::sync::Arc;

use headwater_core::StreamKey;
use headwater_engine::Start;
use http::request::Parts;

use super::{events, long_poll};
use crate::app::App;
use crate::errors::Problem;
use crate::request::read::Read;
use crate::response::Reply;
use crate::response::page::{Keeping, Stretch};

pub(crate) async fn read(app: &Arc<App>, key: &StreamKey, parts: &Parts) -> Result<Reply, Problem> {
    match Read::parse(parts.uri.query(), &parts.headers)? {
        Read::CatchUp(start) => catch_up(app, key, parts, start).await,
        Read::LongPoll(live) => long_poll::long_poll(app, key, parts, live).await,
        Read::Events(live) => events::events(app, key, live).await,
    }
}

async fn catch_up(
    app: &App,
    key: &StreamKey,
    parts: &Parts,
    start: Start,
) -> Result<Reply, Problem> {
    let page = app.engine.read(key, start).await?;
    let stretch = Stretch { state: page.state, from: page.from, to: page.to, chunks: page.chunks };
    Ok(stretch.into_reply(&parts.headers, Keeping::of(start)))
}
