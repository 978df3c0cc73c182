//! Dividing a body into records, away from the readers when it takes long.

use bytes::Bytes;
use headwater_core::command::Body;
use headwater_core::{Code, ContentKind};

use crate::errors::Problem;
use crate::limits::OFFLOAD_JSON_BYTES;

/// Frames a body for a stream of this kind.
pub(crate) async fn frame(kind: ContentKind, bytes: Bytes) -> Result<Body, Problem> {
    if kind != ContentKind::Json || bytes.len() < OFFLOAD_JSON_BYTES {
        return Ok(Body::frame(kind, bytes));
    }
    let framing = tokio::task::spawn_blocking(move || Body::frame(kind, bytes));
    framing.await.map_err(|_| Problem::new(Code::Internal, "the body could not be parsed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn large_and_small_bodies_are_framed_alike() {
        for count in [1, OFFLOAD_JSON_BYTES] {
            let text = format!("[{}]", vec!["1"; count].join(","));
            let body = frame(ContentKind::Json, Bytes::from(text)).await.unwrap();
            assert_eq!(body.batch().unwrap().records().len(), count);
        }
    }
}
