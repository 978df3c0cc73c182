#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod backoff;
pub mod cache;
pub mod change;
pub mod command;
pub mod content_type;
pub mod cursor;
pub mod decide;
pub mod digits;
pub mod error;
pub mod json;
pub mod key;
pub mod offset;
pub mod producer;
pub mod record;
pub mod retention;
pub mod state;
pub mod storage;
pub mod time;

pub use backoff::Backoff;
pub use content_type::{ContentKind, ContentType};
pub use error::{AccessError, AppendError, Code, CreateError, Outcome, Retry};
pub use key::{NameError, StoreId, StreamKey};
pub use offset::{Lineage, Offset, OffsetError};
pub use producer::{ProducerId, ProducerNumber, ProducerTuple, StreamSeq};
pub use record::{Batch, BatchRecord, Metadata};
pub use retention::Retention;
pub use state::{Slot, StreamState, Tail, Version};
pub use storage::Storage;
pub use time::{Expiry, Timestamp};
