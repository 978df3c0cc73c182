//! What a PUT says beside its body.

use headwater_core::command::{Closing, ForkRequest};
use headwater_core::{ContentType, Expiry};
use http::HeaderMap;

use super::{field, fork, lifetime};
use crate::errors::Problem;

/// The head of a creation.
#[derive(Debug)]
pub(crate) struct CreateHead {
    pub(crate) content_type: Option<ContentType>,
    pub(crate) expiry: Expiry,
    pub(crate) closing: Closing,
    pub(crate) fork: Option<ForkRequest>,
}

impl CreateHead {
    pub(crate) fn parse(headers: &HeaderMap) -> Result<Self, Problem> {
        Ok(Self {
            content_type: field::content_type(headers)?,
            expiry: lifetime::parse(headers)?,
            closing: field::closing(headers)?,
            fork: fork::parse(headers)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::field::tests::map;

    #[test]
    fn nothing_said_means_the_defaults() {
        let head = CreateHead::parse(&map(&[])).unwrap();
        assert!(head.content_type.is_none() && head.fork.is_none());
        assert_eq!((head.expiry, head.closing), (Expiry::Never, Closing::KeepOpen));
    }

    #[test]
    fn a_content_type_is_one_or_refused() {
        for bad in ["", "text", "text/", "text/plain, text/html", "te xt/plain"] {
            assert!(CreateHead::parse(&map(&[("content-type", bad)])).is_err(), "{bad:?}");
        }
        let twice = [("content-type", "text/plain"), ("content-type", "text/plain")];
        assert!(CreateHead::parse(&map(&twice)).is_err());
    }
}
