//! Where spans go.

use std::fmt;

use http::Uri;
use http::uri::{Authority, Scheme};

/// What the standard appends to a collector's address.
const TRACES: &str = "/v1/traces";

/// The address of a collector, without [`TRACES`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::process) struct Endpoint {
    authority: Authority,
    /// Begins with a slash where there is one, and never ends with it.
    path: String,
}

impl Endpoint {
    /// Takes `http://host:port`, perhaps with a path. The text says what is wrong.
    pub(in crate::process) fn parse(text: &str) -> Result<Self, String> {
        let wanted = || "a URL is wanted, http://127.0.0.1:4318 say".to_owned();
        let uri: Uri = text.parse().map_err(|_| wanted())?;
        if uri.scheme() == Some(&Scheme::HTTPS) {
            let why = "TLS is not spoken; let a collector on this machine pass the spans on";
            return Err(why.to_owned());
        }
        let authority = uri.authority().filter(|_| uri.scheme() == Some(&Scheme::HTTP));
        let authority = authority.ok_or_else(wanted)?;
        if authority.as_str().contains('@') {
            // It would be shown to whoever asks for the configuration.
            let why = "credentials do not belong here; OTEL_EXPORTER_OTLP_HEADERS takes a header";
            return Err(why.to_owned());
        }
        if uri.query().is_some() {
            return Err("a query means nothing here".to_owned());
        }
        let path = uri.path().trim_end_matches('/').to_owned();
        Ok(Self { authority: authority.clone(), path })
    }

    /// Where requests go.
    pub(super) fn traces(&self) -> String {
        format!("{self}{TRACES}")
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_or_refused() {
        for (text, expected) in [
            ("http://127.0.0.1:4318", Ok("http://127.0.0.1:4318/v1/traces")),
            ("http://[::1]:4318/", Ok("http://[::1]:4318/v1/traces")),
            ("http://collector", Ok("http://collector/v1/traces")),
            ("http://collector/a/b/", Ok("http://collector/a/b/v1/traces")),
            ("https://collector:4318", Err("TLS")),
            ("http://user:secret@collector", Err("credentials")),
            ("http://collector/?a=b", Err("query")),
            ("127.0.0.1:4318", Err("a URL is wanted")),
            ("collector", Err("a URL is wanted")),
            ("ftp://collector", Err("a URL is wanted")),
            ("/v1/traces", Err("a URL is wanted")),
            ("", Err("a URL is wanted")),
        ] {
            match (Endpoint::parse(text), expected) {
                (Ok(endpoint), Ok(expected)) => assert_eq!(endpoint.traces(), expected),
                (Err(why), Err(expected)) => assert!(why.contains(expected), "{text}: {why}"),
                (parsed, _) => panic!("{text}: {parsed:?}"),
            }
        }
    }
}
