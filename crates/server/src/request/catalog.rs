//! The query of a listing: `prefix`, `after` and `limit`. Other parameters are ignored.

use headwater_core::StoreId;
use headwater_core::storage::ListQuery;

use super::field::canonical_number;
use crate::errors::Problem;
use crate::limits::{CATALOG_LIMIT, MAX_CATALOG_LIMIT};

/// Takes the text after the question mark. Prefix and start are compared with canonical paths, byte by byte.
pub(crate) fn parse(query: Option<&str>) -> Result<ListQuery, Problem> {
    let (mut prefix, mut after, mut limit) = (None, None, None);
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        let slot = match name.as_ref() {
            "prefix" => &mut prefix,
            "after" => &mut after,
            "limit" => &mut limit,
            _ => continue,
        };
        if slot.replace(value.into_owned()).is_some() {
            return Err(Problem::invalid(format!("the parameter {name} may stand only once")));
        }
    }
    let limit = limit.as_deref().map_or(Ok(CATALOG_LIMIT), self::limit)?;
    Ok(ListQuery { store: StoreId::DEFAULT, prefix: prefix.unwrap_or_default(), after, limit })
}

fn limit(text: &str) -> Result<usize, Problem> {
    let number = canonical_number(text).and_then(|number| usize::try_from(number).ok());
    number.filter(|number| (1..=MAX_CATALOG_LIMIT).contains(number)).ok_or_else(|| {
        Problem::invalid(format!("limit must be a number from 1 to {MAX_CATALOG_LIMIT}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_taken_or_have_defaults() {
        let query = |prefix: &str, after: Option<&str>, limit| ListQuery {
            store: StoreId::DEFAULT,
            prefix: prefix.to_owned(),
            after: after.map(str::to_owned),
            limit,
        };
        for (text, expected) in [
            (None, query("", None, 100)),
            (Some(""), query("", None, 100)),
            (Some("x=1&limit=1000&prefix=a%2Fb"), query("a/b", None, 1000)),
            // A path with an escape is compared as it is listed.
            (Some("after=a%252Fb&limit=1"), query("", Some("a%2Fb"), 1)),
            (Some("after="), query("", Some(""), 100)),
        ] {
            assert_eq!(parse(text).unwrap(), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_listing_is_refused() {
        for text in [
            "limit=0",
            "limit=1001",
            "limit=",
            "limit=-1",
            "limit=01",
            "limit=x",
            "limit=1&limit=1",
            "prefix&prefix",
        ] {
            assert_eq!(parse(Some(text)).unwrap_err().code.as_str(), "invalid_request", "{text}");
        }
    }
}
