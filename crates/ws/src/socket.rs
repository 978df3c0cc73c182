//! A connection: the protocol on a transport, with all that takes time.
//!
//! The rooms: `inbox` reads and `outbox` writes, neither of which holds a buffer while there is
//! nothing to do; `timing` says when a peer has been silent for too long; `ending` closes without
//! losing the last word; `config` is what is shared; `websocket` puts them together. `pieces` is for messages that nobody holds as a whole.

mod config;
mod ending;
mod error;
mod inbox;
mod outbox;
mod pieces;
mod timing;
mod websocket;

pub use config::Config;
pub use error::{Error, Overdue};
pub use pieces::{Incoming, MessageReader, MessageWriter, Piece};
pub use timing::Timing;
pub use websocket::WebSocket;
