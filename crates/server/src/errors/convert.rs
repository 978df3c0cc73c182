//! From what the engine refuses with to what the client is told.

use headwater_core::cache::StreamTag;
use headwater_core::{AccessError, AppendError, Code, CreateError, NameError, Offset};
use headwater_engine::{End, Failure, ServiceError};
use http::header::ETAG;

use super::{Field, Problem};
use crate::headers;
use crate::metrics::Limit;
use crate::response::{number, text};

impl From<NameError> for Problem {
    fn from(error: NameError) -> Self {
        Self::new(Code::InvalidName, error.to_string())
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        Self::new(error.code(), error.to_string()).at(limit_of(&error))
    }
}

/// The budget that refused, if one did.
fn limit_of(error: &ServiceError) -> Option<Limit> {
    match error {
        ServiceError::Overloaded | ServiceError::TooLarge => Some(Limit::BytesInFlight),
        ServiceError::Crowded => Some(Limit::BytesRead),
        _ => None,
    }
}

/// The problem of a failure, with its budget.
fn failed<E>(code: Code, failure: &Failure<E>) -> Problem
where
    Failure<E>: std::fmt::Display,
{
    let problem = Problem::new(code, failure.to_string());
    match failure {
        Failure::Service(error) => problem.at(limit_of(error)),
        Failure::Refused(_) => problem,
    }
}

impl From<Failure<CreateError>> for Problem {
    fn from(failure: Failure<CreateError>) -> Self {
        let problem = failed(failure.code(), &failure);
        match failure {
            Failure::Refused(CreateError::ConfigMismatch(what)) => {
                problem.field("differsIn", Field::Text(what.to_owned()))
            }
            _ => problem,
        }
    }
}

impl From<Failure<AccessError>> for Problem {
    fn from(failure: Failure<AccessError>) -> Self {
        failed(failure.code(), &failure)
    }
}

impl From<Failure<AppendError>> for Problem {
    fn from(failure: Failure<AppendError>) -> Self {
        let problem = failed(failure.code(), &failure);
        match failure {
            Failure::Refused(error) => describe(problem, error),
            Failure::Service(_) => problem,
        }
    }
}

/// A live read that ended before it could say anything.
impl From<End> for Problem {
    fn from(end: End) -> Self {
        match end {
            End::Deleted => Failure::Refused(AccessError::NotFound).into(),
            End::Draining => ServiceError::Draining.into(),
        }
    }
}

fn describe(problem: Problem, error: AppendError) -> Problem {
    match error {
        AppendError::Closed { tail } => {
            at_tail(problem, tail).header(headers::CLOSED, headers::TRUE)
        }
        AppendError::ContentTypeMismatch { expected } => {
            problem.field("expectedContentType", Field::Text(expected))
        }
        AppendError::ProducerFenced { current } => problem
            .field("currentEpoch", Field::Number(current.get()))
            .header(headers::PRODUCER_EPOCH, number(current.get())),
        AppendError::ProducerGap { expected, received } => problem
            .field("expectedSeq", Field::Number(expected))
            .field("receivedSeq", Field::Number(received.get()))
            .header(headers::PRODUCER_EXPECTED_SEQ, number(expected))
            .header(headers::PRODUCER_RECEIVED_SEQ, number(received.get())),
        AppendError::PreconditionFailed { current, tail } => {
            at_tail(tagged(problem, current), tail)
        }
        AppendError::SequenceConflict { actual } => problem
            .field("position", Field::Number(actual.position))
            .field("sequence", Field::Number(actual.sequence)),
        AppendError::InvalidJson(at) => problem
            .field("line", Field::Number(at.line as u64))
            .field("column", Field::Number(at.column as u64)),
        _ => problem,
    }
}

fn at_tail(problem: Problem, tail: Offset) -> Problem {
    let token = tail.to_string();
    problem
        .field("nextOffset", Field::Text(token.clone()))
        .header(headers::NEXT_OFFSET, text(token))
}

fn tagged(problem: Problem, current: StreamTag) -> Problem {
    let tag = current.to_string();
    problem.field("currentTag", Field::Text(tag.clone())).header(ETAG, text(tag))
}

#[cfg(test)]
mod tests {
    use super::*;
    use headwater_core::cache::Ending;
    use headwater_core::{Lineage, ProducerNumber};
    use http::HeaderMap;

    fn refused(error: AppendError) -> (Problem, HeaderMap) {
        let mut problem = Problem::from(Failure::Refused(error));
        let headers = problem.headers.drain(..).collect();
        (problem, headers)
    }

    #[test]
    fn a_refused_append_tells_what_the_caller_needs() {
        let tail = Offset::new(Lineage(3), 7);
        let (closed, headers) = refused(AppendError::Closed { tail });
        assert_eq!(closed.code, Code::StreamClosed);
        assert_eq!(headers[headers::CLOSED], "true");
        assert_eq!(headers[headers::NEXT_OFFSET], "0000000000000003_0000000000000007");

        let received = ProducerNumber::new(9).unwrap();
        let (gap, headers) = refused(AppendError::ProducerGap { expected: 4, received });
        assert_eq!(headers[headers::PRODUCER_EXPECTED_SEQ], "4");
        assert_eq!(headers[headers::PRODUCER_RECEIVED_SEQ], "9");
        assert!(gap.fields.contains(&("expectedSeq", Field::Number(4))));

        let (_, headers) = refused(AppendError::ProducerFenced { current: received });
        assert_eq!(headers[headers::PRODUCER_EPOCH], "9");

        let current = StreamTag { lineage: Lineage(3), tail: 7, ending: Ending::Open };
        let (_, headers) = refused(AppendError::PreconditionFailed { current, tail });
        assert_eq!(headers[ETAG], "\"3:7\"");
        assert_eq!(headers[headers::NEXT_OFFSET], "0000000000000003_0000000000000007");
    }
}
