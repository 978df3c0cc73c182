//! The origin a request was sent to, as the client named it.

use std::net::SocketAddr;

use http::header::{HOST, HeaderMap, HeaderValue};
use http::request::Parts;
use http::uri::Authority;
use http::{Uri, Version};

use crate::errors::Problem;
use crate::request::field::single_text;

/// Scheme and authority of the URLs that a client used.
#[derive(Debug)]
pub(crate) struct Origin {
    scheme: String,
    authority: String,
}

impl Origin {
    /// Takes the origin from the request line where it stands there, else from `Host`.
    ///
    /// HTTP/1.1 requires `Host`; a request of HTTP/1.0 without it was sent to the address it came in on.
    pub(crate) fn of(parts: &Parts, local: SocketAddr) -> Result<Self, Problem> {
        let host = host(&parts.headers, &parts.uri)?;
        let authority = match host {
            Some(authority) => authority.to_string(),
            None if parts.version == Version::HTTP_11 => {
                return Err(Problem::invalid("the Host header is missing"));
            }
            None => local.to_string(),
        };
        let scheme = parts.uri.scheme_str().unwrap_or("http").to_owned();
        Ok(Self { scheme, authority })
    }

    /// The URL of a path of this origin.
    pub(crate) fn url(&self, path: &str) -> HeaderValue {
        let Self { scheme, authority } = self;
        crate::response::text(format!("{scheme}://{authority}{path}"))
    }
}

fn host(headers: &HeaderMap, uri: &Uri) -> Result<Option<Authority>, Problem> {
    let host = single_text(headers, &HOST)?;
    if let Some(authority) = uri.authority() {
        return Ok(Some(authority.clone()));
    }
    let parse = |host: &str| match host.parse::<Authority>() {
        Ok(authority) if !host.contains('@') => Ok(authority),
        _ => Err(Problem::invalid("the Host header is not a host")),
    };
    host.map(parse).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn url(uri: &str, hosts: &[&str], version: Version) -> Option<String> {
        let mut request = Request::builder().uri(uri).version(version);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let local = SocketAddr::from(([127, 0, 0, 1], 4437));
        let url = Origin::of(&parts, local).ok()?.url("/v1/stream/a%2Fb");
        Some(url.to_str().unwrap().to_owned())
    }

    #[test]
    fn urls_are_those_the_client_used() {
        let v11 = Version::HTTP_11;
        for (uri, hosts, version, expected) in [
            ("/x", &["example.org"][..], v11, Some("http://example.org/v1/stream/a%2Fb")),
            ("/x", &["[::1]:4437"], v11, Some("http://[::1]:4437/v1/stream/a%2Fb")),
            ("http://a:1/x", &["b"], v11, Some("http://a:1/v1/stream/a%2Fb")),
            ("https://a/x", &[], Version::HTTP_2, Some("https://a/v1/stream/a%2Fb")),
            ("/x", &[], Version::HTTP_10, Some("http://127.0.0.1:4437/v1/stream/a%2Fb")),
            ("/x", &[], v11, None),
            ("/x", &["a", "a"], v11, None),
            ("/x", &["a b"], v11, None),
            ("/x", &[""], v11, None),
            ("/x", &["user@a"], v11, None),
        ] {
            assert_eq!(url(uri, hosts, version).as_deref(), expected, "{uri} {hosts:?}");
        }
    }
}
