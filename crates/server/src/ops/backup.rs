//! A backup of all that is stored, for operators.

use bytes::Bytes;
use headwater_core::Code;
use headwater_core::cache::CACHE_NEVER;
use headwater_storage::journal::Backup;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::spawn_blocking;
use tracing::{info, warn};

use crate::app::App;
use crate::errors::Problem;
use crate::limits::BACKUP_PIECES;
use crate::response::{self, Reply, ResponseBody, put_cache};
use crate::sse::Torn;

/// POST for a backup: all that was acknowledged before this request came. It is made while its client takes it, and given up
/// when that one goes away.
pub(crate) async fn backup(app: &App) -> Result<Reply, Problem> {
    let Some(backups) = app.backups.clone() else {
        let advice = "this storage makes no backups of itself; copy its directory while no server has it open";
        return Err(Problem::new(Code::NotFound, advice));
    };
    let place = std::sync::Arc::clone(&app.backing_up).try_acquire_owned();
    let place =
        place.map_err(|_| Problem::new(Code::Overloaded, "another backup is being made"))?;
    let begun = spawn_blocking(move || backups.begin()).await;
    let begun = begun.map_err(|_| Problem::new(Code::Internal, "the backup was not begun"))?;
    let backup = begun.map_err(|error| {
        Problem::new(Code::Internal, format!("the backup was not begun: {error}"))
    })?;
    info!("a backup was begun");
    let (pieces, arriving) = mpsc::channel(BACKUP_PIECES);
    spawn_blocking(move || bring(backup, &pieces, place));
    let mut reply = response::empty(StatusCode::OK);
    *reply.body_mut() = ResponseBody::arriving(arriving);
    let kind = HeaderValue::from_static("application/octet-stream");
    reply.headers_mut().insert(CONTENT_TYPE, kind);
    put_cache(reply.headers_mut(), CACHE_NEVER);
    Ok(reply)
}

/// Hands out a backup, until it is complete or nobody takes it any more.
fn bring(backup: Backup, pieces: &mpsc::Sender<Result<Bytes, Torn>>, _place: OwnedSemaphorePermit) {
    for frame in backup {
        let piece = frame.map_err(|error| {
            warn!(%error, "a backup was broken off");
            Torn::because(&error)
        });
        if pieces.blocking_send(piece).is_err() {
            return info!("a backup was given up by who asked for it");
        }
    }
}
