//! What a PUT says beside its body.

use headwater_core::command::{Closing, ForkRequest};
use headwater_core::retention::Wanted;
use headwater_core::{ContentType, Expiry};
use http::HeaderMap;

use super::{field, fork, lifetime, retention};
use crate::errors::Problem;
use crate::roots::StreamRoots;

/// The head of a creation.
#[derive(Debug)]
pub(crate) struct CreateHead {
    pub(crate) content_type: Option<ContentType>,
    pub(crate) expiry: Expiry,
    pub(crate) retention: Wanted,
    pub(crate) closing: Closing,
    pub(crate) fork: Option<ForkRequest>,
}

impl CreateHead {
    pub(crate) fn parse(headers: &HeaderMap, roots: &StreamRoots) -> Result<Self, Problem> {
        Ok(Self {
            content_type: field::content_type(headers)?,
            expiry: lifetime::parse(headers)?,
            retention: retention::parse(headers)?,
            closing: field::closing(headers)?,
            fork: fork::parse(headers, roots)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::field::tests::map;

    fn parse(fields: &[(&str, &str)]) -> Result<CreateHead, Problem> {
        CreateHead::parse(&map(fields), &StreamRoots::default())
    }

    #[test]
    fn nothing_said_means_the_defaults() {
        let head = parse(&[]).unwrap();
        assert!(head.content_type.is_none() && head.fork.is_none());
        assert_eq!((head.expiry, head.closing), (Expiry::Never, Closing::KeepOpen));
    }

    #[test]
    fn a_content_type_is_one_or_refused() {
        for bad in ["", "text", "text/", "text/plain, text/html", "te xt/plain"] {
            assert!(parse(&[("content-type", bad)]).is_err(), "{bad:?}");
        }
        let twice = [("content-type", "text/plain"), ("content-type", "text/plain")];
        assert!(parse(&twice).is_err());
    }
}
