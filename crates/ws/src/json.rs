//! Values as JSON: a text message each.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::close::CloseCode;
use crate::message::Message;
use crate::socket::{Error, WebSocket};
use crate::transport::Transport;

/// Why a value was not sent or received.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// The connection is over.
    #[error(transparent)]
    Connection(#[from] Error),
    /// A message that is not text. The connection goes on.
    #[error("a message is not text")]
    Binary,
    /// Not JSON, or not of that type. The connection goes on; of what was to be sent, nothing was.
    #[error("a value is not of this type: {0}")]
    Value(#[from] serde_json::Error),
}

impl JsonError {
    /// What to close the connection with, for a peer that should have known better; nothing where it is over already.
    pub fn close_code(&self) -> Option<CloseCode> {
        match self {
            Self::Connection(_) => None,
            Self::Binary => Some(CloseCode::UNSUPPORTED_DATA),
            Self::Value(_) => Some(CloseCode::INVALID_DATA),
        }
    }
}

impl Message {
    /// A text message with this value in JSON, to be prepared for a hub for example.
    ///
    /// Fails with [`JsonError::Value`] for what JSON has no form for, such as a map whose keys are not text.
    pub fn json(value: &(impl Serialize + ?Sized)) -> Result<Self, JsonError> {
        Ok(Self::text(serde_json::to_string(value)?))
    }

    /// The value that a text message has in JSON.
    pub fn parse_json<V: DeserializeOwned>(&self) -> Result<V, JsonError> {
        match self {
            Self::Text(text) => Ok(serde_json::from_str(text)?),
            Self::Binary(_) => Err(JsonError::Binary),
        }
    }
}

impl<T: Transport> WebSocket<T> {
    /// Sends a value as JSON. See [`send`](Self::send).
    pub async fn send_json(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), JsonError> {
        Ok(self.send(&Message::json(value)?).await?)
    }

    /// The next message's value; `None` once both ends have closed.
    ///
    /// ```
    /// # use headwater_ws::{CloseReason, Error, JsonError, Transport, WebSocket};
    /// #[derive(serde::Serialize, serde::Deserialize)]
    /// struct Move {
    ///     by: u32,
    /// }
    ///
    /// async fn count<T: Transport>(socket: &mut WebSocket<T>) -> Result<(), JsonError> {
    ///     let mut at = 0;
    ///     loop {
    ///         match socket.recv_json::<Move>().await {
    ///             Ok(Some(Move { by })) => at += by,
    ///             Ok(None) => return Ok(()),
    ///             Err(error) => {
    ///                 if let Some(code) = error.close_code() {
    ///                     socket.close(Some(CloseReason::new(code, error.to_string()))).await;
    ///                 }
    ///                 return Err(error);
    ///             }
    ///         }
    ///         socket.send_json(&Move { by: at }).await?;
    ///     }
    /// }
    /// ```
    pub async fn recv_json<V: DeserializeOwned>(&mut self) -> Result<Option<V>, JsonError> {
        match self.recv().await? {
            None => Ok(None),
            Some(message) => message.parse_json().map(Some),
        }
    }
}
