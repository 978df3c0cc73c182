//! The opening handshake over HTTP/1.1, on the types of the `http` crate: no socket, no HTTP
//! library. WebSockets over HTTP/2 (RFC 8441) are not offered; such a request is refused.

mod client;
mod extension;
mod headers;
mod key;
mod origin;
mod protocol;
mod rejection;
mod server;

pub use client::{Connector, InvalidAddress, Pending, Refused};
pub(crate) use extension::Extension;
pub use origin::{InvalidOrigin, Origin, Origins, Scheme};
pub use protocol::{InvalidProtocol, Protocol};
pub use rejection::Rejection;
pub use server::Acceptor;

use crate::decode::{Decoder, Reader, Role};
use crate::deflate::{Deflate, Params};
use crate::encode::Encoder;
use crate::limits::Limits;

/// What both ends agreed on.
#[derive(Debug, Clone, Default)]
pub struct Accepted {
    protocol: Option<Protocol>,
    /// With what this end wanted, for what it alone decides.
    deflate: Option<(Params, Deflate)>,
}

impl Accepted {
    /// The subprotocol, if one was agreed on.
    pub fn protocol(&self) -> Option<&Protocol> {
        self.protocol.as_ref()
    }

    /// How messages are compressed, if they are.
    pub fn deflate(&self) -> Option<Params> {
        self.deflate.map(|(params, _)| params)
    }

    /// An encoder that does as agreed.
    pub fn encoder(&self, role: Role) -> Encoder {
        let encoder = Encoder::new(role);
        match &self.deflate {
            Some((params, wanted)) => encoder.with_deflate(*params, wanted),
            None => encoder,
        }
    }

    /// A decoder that expects what was agreed.
    pub fn decoder(&self, role: Role, limits: Limits) -> Decoder {
        let decoder = Decoder::new(role, limits);
        match self.deflate {
            Some((params, _)) => decoder.with_deflate(params),
            None => decoder,
        }
    }

    /// The same for one who has the limits.
    pub(crate) fn reader(&self, role: Role) -> Reader {
        let reader = Reader::new(role);
        match self.deflate {
            Some((params, _)) => reader.with_deflate(params),
            None => reader,
        }
    }
}
