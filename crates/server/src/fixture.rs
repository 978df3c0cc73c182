//! A server's parts for unit tests: an engine on storage in memory, and a stream.

use std::sync::Arc;

use bytes::Bytes;
use headwater_core::command::{Append, Body, Closing, Create, Expect};
use headwater_core::retention::Wanted;
use headwater_core::{ContentKind, ContentType, Expiry, StoreId, StreamKey};
use headwater_engine::{Engine, Options, SystemClock};
use headwater_storage::MemoryStorage;

use crate::app::App;
use crate::config::Config;

pub(crate) async fn app_with_stream(content_type: &str) -> (Arc<App>, StreamKey) {
    let storage = Arc::new(MemoryStorage::new());
    let engine = Engine::start(storage, Arc::new(SystemClock::new()), Options::default());
    let key = StreamKey::parse(StoreId::DEFAULT, "s").unwrap();
    let create = Create {
        content_type: Some(ContentType::parse(content_type).unwrap()),
        expiry: Expiry::Never,
        retention: Wanted::default(),
        closing: Closing::KeepOpen,
        body: Body::Empty,
        fork: None,
    };
    engine.create(&key, create, engine.reserve(&key)).await.unwrap();
    (Arc::new(App::new(engine, Config::default())), key)
}

pub(crate) async fn append(app: &App, key: &StreamKey, text: &str, closing: Closing) {
    let append = Append {
        content_type: None,
        body: Body::frame(ContentKind::Text, Bytes::copy_from_slice(text.as_bytes())),
        closing,
        producer: None,
        stream_seq: None,
        expect: Expect::Anything,
    };
    app.engine.append(key, append, app.engine.reserve(key)).await.unwrap();
}
