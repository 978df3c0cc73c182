//! The server's half: is this a request for a WebSocket, and may it have one?

use http::header::{
    CONNECTION, HOST, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};

use super::headers::{has_token, only};
use super::protocol::{self, Protocol};
use super::{Accepted, Extension, Origins, Rejection, key};
use crate::deflate::{Deflate, agree};

/// Accepts handshakes: which origins, which subprotocols, which compression.
#[derive(Debug, Clone)]
pub struct Acceptor {
    origins: Origins,
    protocols: Vec<Protocol>,
    deflate: Option<Deflate>,
}

impl Acceptor {
    /// Accepts pages of these origins, without subprotocols and without compression.
    pub fn new(origins: Origins) -> Self {
        Self { origins, protocols: Vec::new(), deflate: None }
    }

    /// The subprotocols, the one that is liked best first. The first that a client offers is
    /// agreed on; if it offers none of them, none is.
    #[must_use]
    pub fn with_protocols(mut self, protocols: impl IntoIterator<Item = Protocol>) -> Self {
        self.protocols = protocols.into_iter().collect();
        self
    }

    /// Agrees to compression with clients that offer it.
    #[must_use]
    pub fn with_deflate(mut self, deflate: Deflate) -> Self {
        self.deflate = Some(deflate);
        self
    }

    /// The answer 101 and what it agrees to, or why not. Nothing but the head is looked at.
    pub fn accept<B>(&self, request: &Request<B>) -> Result<(Response<()>, Accepted), Rejection> {
        self.accept_head(request.method(), request.version(), request.headers())
    }

    pub(crate) fn accept_head(
        &self,
        method: &Method,
        version: Version,
        headers: &HeaderMap,
    ) -> Result<(Response<()>, Accepted), Rejection> {
        if method != Method::GET {
            return Err(Rejection::Method);
        }
        if version != Version::HTTP_11 {
            return Err(Rejection::HttpVersion);
        }
        if !has_token(headers, &CONNECTION, "upgrade") || !has_token(headers, &UPGRADE, "websocket")
        {
            return Err(Rejection::NoUpgrade);
        }
        if only(headers, &SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
            return Err(Rejection::Version);
        }
        if only(headers, &HOST).is_none() {
            return Err(Rejection::Host);
        }
        let key = only(headers, &SEC_WEBSOCKET_KEY).filter(|key| key::is_valid(key));
        let key = key.ok_or(Rejection::Key)?;
        if !self.origins.allow(headers) {
            return Err(Rejection::Origin);
        }
        self.answer(key, headers)
    }

    fn answer(
        &self,
        key: &HeaderValue,
        headers: &HeaderMap,
    ) -> Result<(Response<()>, Accepted), Rejection> {
        let offered = protocol::named(headers).ok_or(Rejection::Protocol)?;
        let protocol = self.protocols.iter().find(|protocol| offered.contains(protocol)).cloned();
        let extensions = Extension::parse_all(headers).ok_or(Rejection::Extensions)?;
        let deflate = self.deflate.as_ref().and_then(|wanted| {
            agree(wanted, &extensions).map(|(params, text)| ((params, *wanted), text))
        });
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let answer = response.headers_mut();
        answer.insert(UPGRADE, HeaderValue::from_static("websocket"));
        answer.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        if let Ok(accept) = HeaderValue::from_str(&key::accept(key.as_bytes())) {
            answer.insert(SEC_WEBSOCKET_ACCEPT, accept);
        }
        if let Some(value) = protocol.as_ref().and_then(Protocol::to_value) {
            answer.insert(SEC_WEBSOCKET_PROTOCOL, value);
        }
        let deflate = deflate.and_then(|(deflate, text)| {
            let value = HeaderValue::from_str(&text).ok()?;
            answer.insert(SEC_WEBSOCKET_EXTENSIONS, value);
            Some(deflate)
        });
        Ok((response, Accepted { protocol, deflate }))
    }
}
