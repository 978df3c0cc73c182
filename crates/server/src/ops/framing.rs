//! Dividing a body into records, away from the readers when it takes long.

use bytes::Bytes;
use headwater_core::command::{Body, Unframed};
use headwater_core::{Code, ContentKind};
use headwater_engine::Reservation;

use crate::errors::Problem;
use crate::limits::OFFLOAD_JSON_BYTES;

/// Frames a body for a stream of this kind. The table of its records is reserved before it is made.
///
/// The work goes on when nobody waits for it any more, so it holds the reservation.
pub(crate) async fn frame(
    kind: ContentKind,
    bytes: Bytes,
    held: Reservation,
) -> Result<(Body, Reservation), Problem> {
    if kind != ContentKind::Json || bytes.len() < OFFLOAD_JSON_BYTES {
        return frame_here(kind, bytes, held);
    }
    let framing = tokio::task::spawn_blocking(move || frame_here(kind, bytes, held));
    framing.await.map_err(|_| Problem::new(Code::Internal, "the body could not be parsed"))?
}

fn frame_here(
    kind: ContentKind,
    bytes: Bytes,
    mut held: Reservation,
) -> Result<(Body, Reservation), Problem> {
    let unframed = Unframed::new(kind, bytes);
    held.grow(unframed.table_bytes())?;
    Ok((unframed.frame(), held))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use headwater_core::record::RECORD_BYTES;
    use headwater_core::{StoreId, StreamKey};
    use headwater_engine::{Engine, Options, SystemClock};
    use headwater_storage::MemoryStorage;

    fn engine(in_flight_bytes: usize) -> Engine {
        let options = Options { in_flight_bytes, ..Options::default() };
        Engine::start(Arc::new(MemoryStorage::new()), Arc::new(SystemClock::new()), options)
    }

    fn values(count: usize) -> Bytes {
        format!("[{}]", vec!["1"; count].join(",")).into()
    }

    #[tokio::test]
    async fn large_and_small_bodies_are_framed_alike_and_their_tables_reserved() {
        let engine = engine(Options::default().in_flight_bytes);
        let key = StreamKey::parse(StoreId::DEFAULT, "s").unwrap();
        for count in [1, OFFLOAD_JSON_BYTES] {
            let held = engine.reserve(&key);
            let (body, held) = frame(ContentKind::Json, values(count), held).await.unwrap();
            let batch = body.batch().unwrap();
            assert_eq!(batch.records().len(), count);
            assert_eq!(held.bytes(), batch.weight() - batch.payload().len());
        }
    }

    #[tokio::test]
    async fn a_table_beyond_the_budget_is_not_made() {
        let room = 1_000 * RECORD_BYTES;
        let engine = engine(room);
        let key = StreamKey::parse(StoreId::DEFAULT, "s").unwrap();
        for (count, fits) in [(1_001, true), (1_002, false), (OFFLOAD_JSON_BYTES, false)] {
            let framed = frame(ContentKind::Json, values(count), engine.reserve(&key)).await;
            let code = framed.map(|(_, held)| held.bytes()).map_err(|problem| problem.code);
            assert_eq!(code, if fits { Ok(room) } else { Err(Code::TooLarge) }, "{count}");
        }
        let text = frame(ContentKind::Text, values(1_002), engine.reserve(&key)).await;
        assert_eq!(text.unwrap().1.bytes(), 0, "text is one record");
    }
}
