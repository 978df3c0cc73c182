//! Where a server is.

use std::fmt;
use std::str::FromStr;

use http::Uri;
use http::header::HeaderValue;
use http::uri::{Authority, Scheme};

/// Where an address names no port.
const PORT: u16 = 80;

/// Under which path a server has its streams, unless it is told otherwise.
const ROOT: &str = "/v1/stream";

/// Where a server is, and under which path it has its streams.
///
/// ```
/// use headwater_client::Address;
///
/// let address: Address = "http://127.0.0.1:4437".parse()?;
/// assert_eq!(address.to_string(), "http://127.0.0.1:4437/v1/stream");
/// let elsewhere: Address = "http://logs.internal/streams/".parse()?;
/// assert_eq!(elsewhere.to_string(), "http://logs.internal/streams");
/// # Ok::<(), headwater_client::InvalidAddress>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    authority: Authority,
    /// Begins with a slash, and does not end with one.
    root: String,
}

/// Why a text is no address of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidAddress {
    /// It is no URL with the scheme `http`.
    #[error("a URL is wanted, such as http://127.0.0.1:4437")]
    NoUrl,
    /// It is a URL with the scheme `https`.
    #[error("TLS is not spoken here; a proxy on this machine can speak it")]
    Tls,
    /// There is a user name before the host.
    #[error("credentials do not belong into an address")]
    Credentials,
    /// There is a query behind the path.
    #[error("a query means nothing in an address")]
    Query,
}

impl Address {
    /// Host and port to connect to.
    pub(super) fn target(&self) -> (&str, u16) {
        let host = self.authority.host().trim_matches(['[', ']']);
        (host, self.authority.port_u16().unwrap_or(PORT))
    }

    /// What `Host` says in every request.
    pub(super) fn host_header(&self) -> HeaderValue {
        // An authority is made of characters that a header may have.
        HeaderValue::from_str(self.authority.as_str())
            .unwrap_or_else(|_| HeaderValue::from_static(""))
    }

    /// The path of the streams.
    pub(crate) fn root(&self) -> &str {
        &self.root
    }
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let uri: Uri = text.parse().map_err(|_| InvalidAddress::NoUrl)?;
        if uri.scheme() == Some(&Scheme::HTTPS) {
            return Err(InvalidAddress::Tls);
        }
        let authority = uri.authority().filter(|_| uri.scheme() == Some(&Scheme::HTTP));
        let authority = authority.ok_or(InvalidAddress::NoUrl)?;
        if authority.as_str().contains('@') {
            return Err(InvalidAddress::Credentials);
        }
        if uri.query().is_some() {
            return Err(InvalidAddress::Query);
        }
        let root = match uri.path().trim_end_matches('/') {
            "" => ROOT,
            path => path,
        };
        Ok(Self { authority: authority.clone(), root: root.to_owned() })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority, self.root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_or_refused() {
        for (text, expected) in [
            ("http://127.0.0.1:4437", Ok(("127.0.0.1", 4437, "/v1/stream"))),
            ("http://[::1]:4437/", Ok(("::1", 4437, "/v1/stream"))),
            ("http://host", Ok(("host", 80, "/v1/stream"))),
            ("http://host:1/a/b//", Ok(("host", 1, "/a/b"))),
            ("https://host", Err(InvalidAddress::Tls)),
            ("http://user:secret@host", Err(InvalidAddress::Credentials)),
            ("http://host/?a=b", Err(InvalidAddress::Query)),
            ("127.0.0.1:4437", Err(InvalidAddress::NoUrl)),
            ("host", Err(InvalidAddress::NoUrl)),
            ("ftp://host", Err(InvalidAddress::NoUrl)),
            ("/v1/stream", Err(InvalidAddress::NoUrl)),
            ("", Err(InvalidAddress::NoUrl)),
        ] {
            let parsed = text.parse::<Address>();
            let found = parsed.as_ref().map(|address| {
                let (host, port) = address.target();
                (host, port, address.root())
            });
            assert_eq!(found, expected.as_ref().copied(), "{text}");
        }
    }
}
