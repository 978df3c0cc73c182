//! From a path to what it names.

use headwater_core::{Code, NameError, StoreId, StreamKey};
use http::request::Parts;

use crate::errors::Problem;
use crate::metrics::{Exporter, Route};
use crate::roots::StreamRoots;

/// The first segment under the root that belongs to control, whatever the method.
const RESERVED: &str = "__ds";

/// What stands before the path of a stream that is to be truncated.
const TRUNCATE: &str = "__ds/truncate/";

/// What a path names.
#[derive(Debug)]
pub(crate) enum Target {
    /// A stream, there or not.
    Stream(StreamKey),
    /// The beginning of a stream.
    Truncate(StreamKey),
    /// The list of streams.
    Catalog,
    /// Whether the process serves.
    Health,
    /// Whether it can do its work.
    Ready,
    /// The metrics.
    Metrics(Exporter),
    /// How the server stands.
    Status,
    /// All that is stored.
    Backup,
}

impl Target {
    /// Its label in metrics.
    pub(crate) fn route(&self, parts: &Parts) -> Route {
        match self {
            Self::Stream(_) => Route::on_stream(&parts.method, parts.uri.query()),
            Self::Truncate(_) => Route::Truncate,
            Self::Catalog => Route::Catalog,
            Self::Health => Route::Health,
            Self::Ready => Route::Ready,
            Self::Metrics(_) => Route::Metrics,
            Self::Status | Self::Backup => Route::Admin,
        }
    }
}

/// Whom a listener is for.
#[derive(Clone, Debug)]
pub(crate) enum Door {
    /// Everyone.
    Public,
    /// Operators.
    Admin(Exporter),
}

/// Finds what a path names.
pub(crate) fn route(door: &Door, roots: &StreamRoots, path: &str) -> Result<Target, Problem> {
    match door {
        Door::Public => public(roots, path),
        Door::Admin(exporter) => match path {
            "/metrics" => Ok(Target::Metrics(exporter.clone())),
            "/v1/admin/status" => Ok(Target::Status),
            "/v1/admin/backup" => Ok(Target::Backup),
            "/healthz" => Ok(Target::Health),
            "/readyz" => Ok(Target::Ready),
            _ => Err(Problem::new(
                Code::NotFound,
                "there is nothing here; this listener has /metrics, /v1/admin/status, /v1/admin/backup, /healthz and /readyz",
            )),
        },
    }
}

fn public(roots: &StreamRoots, path: &str) -> Result<Target, Problem> {
    if let Some(encoded) = roots.strip(path) {
        let (encoded, target): (_, fn(StreamKey) -> Target) = match encoded.strip_prefix(TRUNCATE) {
            Some(stream) => (stream, Target::Truncate),
            None => (encoded, Target::Stream),
        };
        if is_reserved(encoded) {
            return Err(nothing_here(roots));
        }
        let key = key_of(encoded)?;
        return if is_reserved(key.path()) { Err(nothing_here(roots)) } else { Ok(target(key)) };
    }
    match path {
        "/v1/catalog" => Ok(Target::Catalog),
        "/healthz" => Ok(Target::Health),
        "/readyz" => Ok(Target::Ready),
        _ => Err(nothing_here(roots)),
    }
}

/// The key of a path under a root.
pub(crate) fn key_of(encoded: &str) -> Result<StreamKey, NameError> {
    StreamKey::parse(StoreId::DEFAULT, encoded)
}

fn is_reserved(path: &str) -> bool {
    let rest = path.strip_prefix(RESERVED);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn nothing_here(roots: &StreamRoots) -> Problem {
    Problem::new(Code::NotFound, format!("there is nothing here; streams are under {roots}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routed(path: &str) -> Result<String, &'static str> {
        match public(&StreamRoots::default(), path) {
            Ok(Target::Stream(key)) => Ok(key.path().to_owned()),
            Ok(Target::Truncate(key)) => Ok(format!("truncate {}", key.path())),
            Ok(Target::Catalog) => Ok("catalog".to_owned()),
            Ok(Target::Health) => Ok("healthz".to_owned()),
            Ok(Target::Ready) => Ok("readyz".to_owned()),
            Ok(other) => panic!("{other:?}"),
            Err(problem) => Err(problem.code.as_str()),
        }
    }

    #[test]
    fn paths_name_streams_or_nothing() {
        for (path, expected) in [
            ("/v1/stream/a", Ok("a")),
            ("/v1/stream/a/b%2Fc", Ok("a/b%2Fc")),
            ("/v1/stream/a/__ds", Ok("a/__ds")),
            ("/v1/stream/__ds2", Ok("__ds2")),
            ("/v1/stream/__ds", Err("not_found")),
            ("/v1/stream/__ds/", Err("not_found")),
            ("/v1/stream/__ds/subscriptions/x", Err("not_found")),
            ("/v1/stream/%5F_ds/x", Err("not_found")),
            ("/v1/stream/__ds/truncate/a/b", Ok("truncate a/b")),
            ("/v1/stream/__ds/truncate/a%2Fb", Ok("truncate a%2Fb")),
            ("/v1/stream/__ds/truncate", Err("not_found")),
            ("/v1/stream/__ds/truncate/", Err("invalid_name")),
            ("/v1/stream/__ds/truncate/__ds/a", Err("not_found")),
            ("/v1/stream/__ds/truncate/%5F_ds/a", Err("not_found")),
            ("/v1/stream/%5F_ds/truncate/a", Err("not_found")),
            ("/v1/stream/", Err("invalid_name")),
            ("/v1/stream/a/", Err("invalid_name")),
            ("/v1/stream//a", Err("invalid_name")),
            ("/v1/stream/../a", Err("invalid_name")),
            ("/v1/stream/a%00", Err("invalid_name")),
            ("/v1/stream/%ff", Err("invalid_name")),
            ("/v1/stream/%zz", Err("invalid_name")),
            ("/v1/stream", Err("not_found")),
            ("/v1", Err("not_found")),
            ("/", Err("not_found")),
            ("*", Err("not_found")),
            ("", Err("not_found")),
            ("/v1/catalog", Ok("catalog")),
            ("/v1/catalog/", Err("not_found")),
            ("/healthz", Ok("healthz")),
            ("/readyz", Ok("readyz")),
            ("/metrics", Err("not_found")),
            ("/v1/admin/status", Err("not_found")),
            ("/v1/admin/backup", Err("not_found")),
            ("/healthz/", Err("not_found")),
        ] {
            assert_eq!(routed(path), expected.map(str::to_owned), "{path}");
        }
    }
}
