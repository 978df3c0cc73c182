//! From an HTTP connection of hyper's to a WebSocket.
//!
//! Where the connection is a TCP socket it is taken out of the HTTP library, whose buffers go.

mod accept;
#[cfg(feature = "axum")]
mod extract;
mod stream;

pub use accept::{Upgrade, UpgradeError, connect, upgrade};
#[cfg(feature = "axum")]
pub use extract::WebSocketUpgrade;
pub use stream::Stream;
