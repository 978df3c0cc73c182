//! DELETE.

use headwater_core::StreamKey;
use http::StatusCode;

use crate::app::App;
use crate::errors::Problem;
use crate::response::{self, Reply};

pub(crate) async fn delete(app: &App, key: &StreamKey) -> Result<Reply, Problem> {
    app.engine.delete(key).await?;
    Ok(response::empty(StatusCode::NO_CONTENT))
}
