//! Subprotocols: names that both ends understand.

use std::fmt;

use http::header::SEC_WEBSOCKET_PROTOCOL;
use http::{HeaderMap, HeaderValue};

use super::headers::{elements, is_token};

/// The name of a subprotocol, which is a token and has its letters compared as they are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Protocol(String);

/// This is not a token, so it names no subprotocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name of a subprotocol has letters, digits and !#$%&'*+-.^_`|~ only")]
pub struct InvalidProtocol;

impl Protocol {
    /// Checks the name.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidProtocol> {
        let name = name.into();
        if is_token(&name) { Ok(Self(name)) } else { Err(InvalidProtocol) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value of a field that names this protocol.
    pub(super) fn to_value(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0).ok()
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The protocols that a message names; `None` if one of them is no token or comes twice.
pub(super) fn named(headers: &HeaderMap) -> Option<Vec<Protocol>> {
    let mut named = Vec::new();
    for element in elements(headers, &SEC_WEBSOCKET_PROTOCOL)? {
        let protocol = Protocol::new(element).ok()?;
        if named.contains(&protocol) {
            return None;
        }
        named.push(protocol);
    }
    Some(named)
}
