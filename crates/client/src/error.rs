//! What can go wrong with a request, and what it means: whether it may have taken effect, and whether to try again.

use std::io;
use std::time::Duration;

use headwater_core::{Code, NameError, Outcome, Retry};
use headwater_sse::replay::BoxError;
use http::StatusCode;
use http::header::RETRY_AFTER;
use serde::Deserialize;

use crate::client::Answer;

/// Why a stream was not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It is no name of a stream.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The server did not create it, nor confirm that it is there as it is wanted.
    #[error(transparent)]
    Request(#[from] RequestError),
}

/// Why there is no answer, or a refusal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// Nothing left this process.
    #[error("nothing could be sent")]
    Unsent(#[source] io::Error),
    /// The connection ended before all of the answer was there.
    #[error("the connection ended before the answer")]
    Broken(#[source] BoxError),
    /// The answer was not there in time.
    #[error("no answer within {0:?}")]
    Late(Duration),
    /// The answer is larger than [`Options::largest_answer`](crate::Options::largest_answer).
    #[error("the answer has more than {limit} bytes")]
    TooLarge {
        /// Most bytes.
        limit: usize,
    },
    /// The answer is none that a server of Headwater gives; it says what is missing.
    #[error("this is no answer of a Headwater server: {0}")]
    Foreign(&'static str),
    /// The server refused.
    #[error(transparent)]
    Refused(Refusal),
}

impl RequestError {
    /// Time was up before there was a connection.
    pub(crate) fn unsent_in_time() -> Self {
        Self::Unsent(io::ErrorKind::TimedOut.into())
    }

    /// Whether the request may have taken effect.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Unsent(_) => Outcome::Definite,
            Self::Refused(refusal) => refusal.outcome,
            Self::Broken(_) | Self::Late(_) | Self::TooLarge { .. } | Self::Foreign(_) => {
                Outcome::Unknown
            }
        }
    }

    /// Whether the same request can succeed later.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Unsent(_) | Self::Broken(_) | Self::Late(_) => Retry::Later,
            Self::Refused(refusal) => refusal.retry,
            Self::TooLarge { .. } | Self::Foreign(_) => Retry::No,
        }
    }

    /// How long the server asks to be left alone.
    pub(crate) fn retry_after(&self) -> Duration {
        match self {
            Self::Refused(refusal) => refusal.retry_after.unwrap_or_default(),
            _ => Duration::ZERO,
        }
    }

    /// The code of a refusal.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Refused(refusal) => refusal.code,
            _ => None,
        }
    }
}

/// What a server, or something in front of it, refused with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{status}: {message}")]
#[non_exhaustive]
pub struct Refusal {
    /// The status.
    pub status: StatusCode,
    /// The code; `None` where it is none that this version knows, or the answer has none.
    pub code: Option<Code>,
    /// Whether the request may have taken effect.
    pub outcome: Outcome,
    /// Whether the same request can succeed later.
    pub retry: Retry,
    /// When.
    pub retry_after: Option<Duration>,
    /// For people.
    pub message: String,
    /// The limit in bytes that was exceeded.
    pub limit_bytes: Option<u64>,
}

/// The body of a refusal.
#[derive(Deserialize)]
struct Body {
    error: Told,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    code: String,
    #[serde(default)]
    message: String,
    outcome: Option<String>,
    retry: Option<String>,
    limit_bytes: Option<u64>,
}

impl Refusal {
    pub(crate) fn of(answer: &Answer) -> Self {
        let after = answer.header(RETRY_AFTER.as_str()).and_then(|seconds| seconds.parse().ok());
        let retry_after = after.map(Duration::from_secs);
        match serde_json::from_slice::<Body>(&answer.body) {
            Ok(Body { error }) => Self::told(answer.status, retry_after, error),
            Err(_) => Self::bare(answer.status, retry_after),
        }
    }

    /// The server says itself what its codes mean, so those that are newer than this client are understood too.
    fn told(status: StatusCode, retry_after: Option<Duration>, told: Told) -> Self {
        let code = Code::ALL.iter().copied().find(|code| code.as_str() == told.code);
        let outcome = match told.outcome.as_deref() {
            Some("definite") => Outcome::Definite,
            Some(_) => Outcome::Unknown,
            None => code.map_or(Outcome::Unknown, Code::outcome),
        };
        let retry = match told.retry.as_deref() {
            Some("later") => Retry::Later,
            Some(_) => Retry::No,
            None => code.map_or(Retry::No, Code::retry),
        };
        let message = format!("{}: {}", told.code, told.message);
        let limit_bytes = told.limit_bytes;
        Self { status, code, outcome, retry, retry_after, message, limit_bytes }
    }

    /// Without a body: the HTTP library of the server refuses a head that it does not take, and then nothing happened; all else is something in front of
    /// the server, of which nobody knows what it did.
    fn bare(status: StatusCode, retry_after: Option<Duration>) -> Self {
        let (outcome, retry) = match status.is_server_error() {
            true => (Outcome::Unknown, Retry::Later),
            false => (Outcome::Definite, Retry::No),
        };
        let message = "no reason was given".to_owned();
        Self { status, code: None, outcome, retry, retry_after, message, limit_bytes: None }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;

    use super::*;

    fn refusal(status: u16, body: &'static str) -> Refusal {
        let status = StatusCode::from_u16(status).unwrap();
        let headers = HeaderMap::from_iter([(RETRY_AFTER, "3".parse().unwrap())]);
        Refusal::of(&Answer { status, headers, body: Bytes::from_static(body.as_bytes()) })
    }

    #[test]
    fn what_is_refused_says_whether_it_may_have_happened_and_whether_to_try_again() {
        use Outcome::{Definite, Unknown};
        use Retry::{Later, No};
        for (status, body, code, outcome, retry) in [
            (
                503,
                r#"{"error":{"code":"overloaded","retry":"later","outcome":"definite"}}"#,
                Some(Code::Overloaded),
                Definite,
                Later,
            ),
            (503, r#"{"error":{"code":"overloaded"}}"#, Some(Code::Overloaded), Definite, Later),
            (
                404,
                r#"{"error":{"code":"not_found","message":"x","more":[1]}}"#,
                Some(Code::NotFound),
                Definite,
                No,
            ),
            (
                500,
                r#"{"error":{"code":"unknown_outcome","retry":"later","outcome":"unknown"}}"#,
                Some(Code::UnknownOutcome),
                Unknown,
                Later,
            ),
            (
                503,
                r#"{"error":{"code":"of_tomorrow","retry":"later","outcome":"definite"}}"#,
                None,
                Definite,
                Later,
            ),
            (
                500,
                r#"{"error":{"code":"of_tomorrow","retry":"soon","outcome":"maybe"}}"#,
                None,
                Unknown,
                No,
            ),
            (418, r#"{"error":{"code":"of_tomorrow"}}"#, None, Unknown, No),
            (502, "<html>Bad Gateway</html>", None, Unknown, Later),
            (503, "", None, Unknown, Later),
            (431, "", None, Definite, No),
            (301, "", None, Definite, No),
        ] {
            let found = refusal(status, body);
            assert_eq!((found.code, found.outcome, found.retry), (code, outcome, retry), "{body}");
            assert_eq!(found.retry_after, Some(Duration::from_secs(3)));
        }
        let large = refusal(413, r#"{"error":{"code":"too_large","limitBytes":7}}"#);
        assert_eq!(large.limit_bytes, Some(7));
    }
}
