#![doc = include_str!("../README.md")]

mod close;
mod decode;
mod deflate;
mod encode;
mod frame;
mod handshake;
mod hub;
#[cfg(feature = "json")]
mod json;
mod limits;
mod message;
mod prepared;
mod socket;
mod transport;
#[cfg(feature = "hyper")]
mod upgrade;

pub use bytestring::ByteString;

pub use close::{CloseCode, CloseReason, InvalidCloseCode, MAX_REASON};
pub use decode::{DecodeError, Decoder, Role};
pub use deflate::{Deflate, Direction, InvalidWindowBits, Level, Params, WindowBits};
pub use encode::{Closed, Encoder};
pub use handshake::{
    Accepted, Acceptor, Connector, InvalidAddress, InvalidOrigin, InvalidProtocol, Origin, Origins,
    Pending, Protocol, Refused, Rejection, Scheme,
};
#[cfg(feature = "testkit")]
pub use hub::Fault;
pub use hub::{
    Asked, Backlog, Hub, HubConfig, Member, MemberId, Numbers, OnSlow, PublishError, WhenSlow,
};
#[cfg(feature = "json")]
pub use json::JsonError;
pub use limits::{Limits, Rate};
pub use message::{ControlPayload, ControlTooLong, Message, Received};
pub use prepared::PreparedMessage;
pub use socket::{
    Config, Error, Incoming, MessageReader, MessageWriter, Overdue, Piece, Timing, WebSocket,
};
pub use transport::Transport;
#[cfg(feature = "axum")]
pub use upgrade::WebSocketUpgrade;
#[cfg(feature = "hyper")]
pub use upgrade::{Stream, Upgrade, UpgradeError, connect, upgrade};
