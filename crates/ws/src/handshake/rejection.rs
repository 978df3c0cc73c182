//! Why a request is not accepted, and the answer that says so.

use http::header::{ALLOW, CONNECTION, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{HeaderValue, Response, StatusCode};

/// Why a server does not accept a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// The method is not GET: 405.
    #[error("a WebSocket is opened by GET")]
    Method,
    /// The version is not HTTP/1.1: 505.
    #[error("a WebSocket is opened over HTTP/1.1 here")]
    HttpVersion,
    /// The request does not ask for an upgrade to `websocket`: 426.
    #[error("here are WebSockets only: ask for an upgrade to websocket")]
    NoUpgrade,
    /// The version of the protocol is not 13: 426, with the versions there are.
    #[error("version 13 of WebSocket is the only one")]
    Version,
    /// `Host` is not there exactly once: 400.
    #[error("a request has one Host")]
    Host,
    /// `Sec-WebSocket-Key` is not there exactly once, or not 16 bytes in base64: 400.
    #[error("Sec-WebSocket-Key is 16 bytes in base64")]
    Key,
    /// `Sec-WebSocket-Protocol` is malformed: 400.
    #[error("Sec-WebSocket-Protocol is a list of different tokens")]
    Protocol,
    /// `Sec-WebSocket-Extensions` is malformed: 400.
    #[error("Sec-WebSocket-Extensions is malformed")]
    Extensions,
    /// The page's origin may not connect: 403.
    #[error("pages of this origin may not connect")]
    Origin,
    /// The HTTP library cannot hand over the connection: 500.
    #[error("the connection cannot be taken over")]
    NotUpgradable,
}

impl Rejection {
    /// The status of the answer.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::HttpVersion => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            Self::NoUpgrade | Self::Version => StatusCode::UPGRADE_REQUIRED,
            Self::Host | Self::Key | Self::Protocol | Self::Extensions => StatusCode::BAD_REQUEST,
            Self::Origin => StatusCode::FORBIDDEN,
            Self::NotUpgradable => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The answer, with whatever body the caller gives it.
    pub fn response<B>(self, body: B) -> Response<B> {
        let mut response = Response::new(body);
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        match self {
            Self::Method => {
                headers.insert(ALLOW, HeaderValue::from_static("GET"));
            }
            Self::NoUpgrade | Self::Version => {
                headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
                headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
                headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
            }
            _ => {}
        }
        response
    }
}
