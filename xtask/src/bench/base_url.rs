//! Where load may go.
//!
//! A [`BaseUrl`] can only name this machine: the host is a loopback address or `localhost`, which is
//! taken as 127.0.0.1 without asking a resolver. Every connection of the load generator is opened from
//! one, so no mistyped target can send traffic elsewhere.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use anyhow::{Context, bail, ensure};

/// The address and the path under which a server keeps its streams, such as
/// `http://127.0.0.1:4437/v1/stream`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BaseUrl {
    addr: SocketAddr,
    authority: String,
    root: String,
}

impl BaseUrl {
    /// The socket address to connect to; always loopback.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What goes into the `Host` header.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// The request target of a stream.
    pub(crate) fn target(&self, stream: &str) -> String {
        format!("{}/{stream}", self.root)
    }
}

impl FromStr for BaseUrl {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let uri: http::Uri = text.parse().with_context(|| format!("`{text}` is not a URL"))?;
        ensure!(uri.scheme_str() == Some("http"), "`{text}`: only http:// is spoken");
        ensure!(uri.query().is_none(), "`{text}`: a base URL has no query");
        let authority = uri.authority().context("a base URL names a host")?;
        let port = authority.port_u16().unwrap_or(80);
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let ip = match host {
            "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
            _ => host
                .parse()
                .with_context(|| format!("`{host}`: write the host as a loopback address"))?,
        };
        if !ip.is_loopback() {
            bail!("`{text}`: load is only sent to this machine's loopback addresses");
        }
        Ok(Self {
            addr: SocketAddr::new(ip, port),
            authority: authority.to_string(),
            root: uri.path().trim_end_matches('/').to_owned(),
        })
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority, self.root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_taken() {
        for (text, addr, target) in [
            ("http://127.0.0.1:4437/v1/stream", "127.0.0.1:4437", "/v1/stream/a"),
            ("http://127.9.9.9:1/", "127.9.9.9:1", "/a"),
            ("http://localhost:8080/v1/stream/", "127.0.0.1:8080", "/v1/stream/a"),
            ("http://[::1]:7/x", "[::1]:7", "/x/a"),
        ] {
            let base: BaseUrl = text.parse().unwrap();
            assert_eq!(base.addr(), addr.parse().unwrap(), "{text}");
            assert_eq!(base.target("a"), target, "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "http://10.0.0.1:4437/v1/stream",
            "http://192.168.1.1/",
            "http://0.0.0.0:4437/",
            "http://[::]:4437/",
            "http://[::ffff:10.0.0.1]:4437/",
            "http://8.8.8.8/",
            "http://example.com/",
            "http://localhost.example.com/",
            "http://127.0.0.1.example.com/",
            "http://127.0.0.1:80@10.0.0.1/",
            "https://127.0.0.1/",
            "127.0.0.1:4437",
            "http://127.0.0.1:4437/?a=b",
            "",
        ] {
            assert!(text.parse::<BaseUrl>().is_err(), "{text} was accepted");
        }
    }
}
