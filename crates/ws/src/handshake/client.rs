//! The client's half: the request, and whether the answer fits it.

use http::header::{
    CONNECTION, HOST, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderValue, Request, Response, StatusCode, Uri};

use super::headers::{has_token, only};
use super::protocol::{self, Protocol};
use super::{Accepted, Extension, key};
use crate::deflate::{Deflate, check_answer, offers};

/// Makes handshakes: which subprotocols and which compression to offer.
#[derive(Debug, Clone, Default)]
pub struct Connector {
    protocols: Vec<Protocol>,
    deflate: Option<Deflate>,
}

/// This address has no host, or characters that no request can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the address of a WebSocket is ws://host:port/path")]
pub struct InvalidAddress;

/// Why a client does not take an answer for a WebSocket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// The server answered something else.
    #[error("the server answered {0}")]
    Status(StatusCode),
    /// The answer does not upgrade to `websocket`.
    #[error("the server did not upgrade to websocket")]
    NoUpgrade,
    /// The answer is not one to this request.
    #[error("Sec-WebSocket-Accept does not answer the key")]
    Key,
    /// The answer has a subprotocol that was not offered.
    #[error("the server chose a subprotocol that was not offered")]
    Protocol,
    /// The answer has an extension, or a parameter of one, that was not offered.
    #[error("the server chose an extension that was not offered")]
    Extension,
}

/// A request that has no answer yet.
#[derive(Debug)]
pub struct Pending {
    key: String,
    connector: Connector,
}

impl Connector {
    /// Offers no subprotocol and no compression.
    pub fn new() -> Self {
        Self::default()
    }

    /// Offers these subprotocols, the one that is liked best first.
    #[must_use]
    pub fn with_protocols(mut self, protocols: impl IntoIterator<Item = Protocol>) -> Self {
        self.protocols = protocols.into_iter().collect();
        self
    }

    /// Offers compression.
    #[must_use]
    pub fn with_deflate(mut self, deflate: Deflate) -> Self {
        self.deflate = Some(deflate);
        self
    }

    /// The request that opens a WebSocket at this address, and what its answer is checked by.
    pub fn request(&self, address: &Uri) -> Result<(Request<()>, Pending), InvalidAddress> {
        let host = address.authority().ok_or(InvalidAddress)?;
        let path = address.path_and_query().map_or("/", |path| path.as_str());
        let key = key::generate();
        let mut request = Request::get(path)
            .header(HOST, host.as_str())
            .header(CONNECTION, "Upgrade")
            .header(UPGRADE, "websocket")
            .header(SEC_WEBSOCKET_VERSION, "13")
            .header(SEC_WEBSOCKET_KEY, &key);
        if !self.protocols.is_empty() {
            let names: Vec<_> = self.protocols.iter().map(Protocol::as_str).collect();
            request = request.header(SEC_WEBSOCKET_PROTOCOL, names.join(", "));
        }
        if let Some(deflate) = &self.deflate {
            request = request.header(SEC_WEBSOCKET_EXTENSIONS, offers(deflate));
        }
        let request = request.body(()).map_err(|_| InvalidAddress)?;
        Ok((request, Pending { key, connector: self.clone() }))
    }
}

impl Pending {
    /// What the answer agrees to, if it is one.
    pub fn check<B>(self, response: &Response<B>) -> Result<Accepted, Refused> {
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(Refused::Status(response.status()));
        }
        let headers = response.headers();
        if !has_token(headers, &CONNECTION, "upgrade") || !has_token(headers, &UPGRADE, "websocket")
        {
            return Err(Refused::NoUpgrade);
        }
        let expected = key::accept(self.key.as_bytes());
        let matches = |accept: &HeaderValue| accept.as_bytes() == expected.as_bytes();
        if !only(headers, &SEC_WEBSOCKET_ACCEPT).is_some_and(matches) {
            return Err(Refused::Key);
        }
        let mut named = protocol::named(headers).ok_or(Refused::Protocol)?;
        let protocol = named.pop();
        let offered =
            protocol.as_ref().is_none_or(|protocol| self.connector.protocols.contains(protocol));
        if !named.is_empty() || !offered {
            return Err(Refused::Protocol);
        }
        let extensions = Extension::parse_all(headers).ok_or(Refused::Extension)?;
        let deflate = match extensions.as_slice() {
            [] => None,
            [answer] => {
                let wanted = self.connector.deflate.ok_or(Refused::Extension)?;
                let params = check_answer(&wanted, answer).ok_or(Refused::Extension)?;
                Some((params, wanted))
            }
            _ => return Err(Refused::Extension),
        };
        Ok(Accepted { protocol, deflate })
    }
}
