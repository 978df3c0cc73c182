//! From a path to what it names.

use headwater_core::{Code, NameError, StoreId, StreamKey};

use crate::errors::Problem;
use crate::roots::StreamRoots;

/// The first segment under the root that belongs to control, whatever the method.
const RESERVED: &str = "__ds";

/// What a path names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A stream, there or not.
    Stream(StreamKey),
    /// The list of streams.
    Catalog,
    /// The answer to load balancers.
    Health,
}

/// Finds what a path names.
pub(crate) fn route(roots: &StreamRoots, path: &str) -> Result<Target, Problem> {
    if let Some(encoded) = roots.strip(path) {
        if is_reserved(encoded) {
            return Err(nothing_here(roots));
        }
        let key = key_of(encoded)?;
        return if is_reserved(key.path()) {
            Err(nothing_here(roots))
        } else {
            Ok(Target::Stream(key))
        };
    }
    match path {
        "/v1/catalog" => Ok(Target::Catalog),
        "/healthz" => Ok(Target::Health),
        _ => Err(nothing_here(roots)),
    }
}

/// The key of a path under a root.
pub(crate) fn key_of(encoded: &str) -> Result<StreamKey, NameError> {
    StreamKey::parse(StoreId::DEFAULT, encoded)
}

fn is_reserved(path: &str) -> bool {
    path.split('/').next() == Some(RESERVED)
}

fn nothing_here(roots: &StreamRoots) -> Problem {
    Problem::new(Code::NotFound, format!("there is nothing here; streams are under {roots}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routed(path: &str) -> Result<String, &'static str> {
        match route(&StreamRoots::default(), path) {
            Ok(Target::Stream(key)) => Ok(key.path().to_owned()),
            Ok(Target::Catalog) => Ok("catalog".to_owned()),
            Ok(Target::Health) => Ok("health".to_owned()),
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
            ("/healthz", Ok("health")),
            ("/healthz/", Err("not_found")),
        ] {
            assert_eq!(routed(path), expected.map(str::to_owned), "{path}");
        }
    }
}
