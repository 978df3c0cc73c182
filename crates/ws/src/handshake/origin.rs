//! Which pages may connect. Browsers send cookies along from any page, and say from which.

use http::header::{HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue};

use super::headers::only;

/// How the pages of this server are reached, which a request over HTTP/1.1 does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Without TLS.
    Http,
    /// With TLS, here or in a proxy.
    Https,
}

impl Scheme {
    fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// Where a page comes from: scheme, host and port. All three are compared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    scheme: String,
    host: String,
    /// The scheme's default is filled in; other schemes may have none.
    port: Option<u16>,
}

/// This is not `scheme://host` or `scheme://host:port`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an origin is scheme://host or scheme://host:port")]
pub struct InvalidOrigin;

impl Origin {
    /// Reads an origin as browsers write it.
    pub fn parse(text: &str) -> Result<Self, InvalidOrigin> {
        let (scheme, authority) = text.split_once("://").ok_or(InvalidOrigin)?;
        let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        if scheme.is_empty() || !scheme.bytes().all(letters) {
            return Err(InvalidOrigin);
        }
        Self::of(scheme, authority)
    }

    fn of(scheme: &str, authority: &str) -> Result<Self, InvalidOrigin> {
        let scheme = scheme.to_ascii_lowercase();
        let authority: Authority = authority.parse().map_err(|_| InvalidOrigin)?;
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(InvalidOrigin);
        }
        let port = match authority.port() {
            Some(port) => Some(port.as_str().parse().map_err(|_| InvalidOrigin)?),
            // A colon without a port.
            None if authority.as_str().ends_with(':') => return Err(InvalidOrigin),
            None => match scheme.as_str() {
                "http" => Some(80),
                "https" => Some(443),
                _ => None,
            },
        };
        Ok(Self { scheme, host: authority.host().to_ascii_lowercase(), port })
    }
}

/// Which origins may connect. A request that names none comes from no page, and may.
#[derive(Debug, Clone)]
pub struct Origins {
    any: Any,
    same: Option<Scheme>,
    listed: Vec<Origin>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Any {
    Allowed,
    Refused,
}

impl Origins {
    /// Pages of this server itself, by the request's `Host`.
    pub fn same(scheme: Scheme) -> Self {
        Self { any: Any::Refused, same: Some(scheme), listed: Vec::new() }
    }

    /// Pages of these origins.
    pub fn listed(origins: impl IntoIterator<Item = Origin>) -> Self {
        Self { any: Any::Refused, same: None, listed: origins.into_iter().collect() }
    }

    /// All pages. Whatever a browser sends by itself, cookies above all, must not count for
    /// anything then.
    pub fn any() -> Self {
        Self { any: Any::Allowed, same: None, listed: Vec::new() }
    }

    /// Pages of this origin as well.
    #[must_use]
    pub fn or(mut self, origin: Origin) -> Self {
        self.listed.push(origin);
        self
    }

    pub(super) fn allow(&self, headers: &HeaderMap) -> bool {
        if self.any == Any::Allowed || !headers.contains_key(ORIGIN) {
            return true;
        }
        // Several, one that is no text, and `null`, are nobody's.
        let text = |value: &'_ HeaderValue| value.to_str().map(str::to_owned).ok();
        let origin = only(headers, &ORIGIN).and_then(text);
        let Some(origin) = origin.and_then(|origin| Origin::parse(&origin).ok()) else {
            return false;
        };
        let own = || {
            let host = only(headers, &HOST).and_then(text)?;
            Origin::of(self.same?.name(), &host).ok()
        };
        self.listed.contains(&origin) || own().is_some_and(|own| own == origin)
    }
}
