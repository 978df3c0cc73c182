//! The error body: `{"error":{"code","message","retry","outcome", …}}`.

use std::time::Duration;

use bytes::Bytes;
use headwater_core::Code;
use headwater_core::cache::CACHE_NEVER;
use headwater_core::error::{Outcome, Retry};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use serde_json::{Map, Value, json};

use super::{Field, Problem, status};
use crate::response::{Reply, ResponseBody, number};

impl Problem {
    /// The response to a request with a method other than HEAD, which has no body.
    pub(crate) fn into_reply(self) -> Reply {
        let body = Bytes::from(self.json());
        let pause = self.pause();
        let mut reply = Reply::new(ResponseBody::full(body));
        *reply.status_mut() = status(self.code);
        let headers = reply.headers_mut();
        headers.extend(self.headers);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(CACHE_NEVER));
        if let Some(pause) = pause {
            headers.insert(RETRY_AFTER, number(seconds(pause)));
        }
        reply
    }

    /// The body, as text.
    pub(crate) fn json(&self) -> String {
        self.body().to_string()
    }

    fn body(&self) -> Value {
        let mut error = Map::new();
        error.insert("code".into(), self.code.as_str().into());
        error.insert("message".into(), self.message.as_ref().into());
        error.insert("retry".into(), retry(self.code).into());
        error.insert("outcome".into(), outcome(self.code).into());
        if let Some(pause) = self.pause() {
            error.insert("retryAfter".into(), seconds(pause).into());
        }
        for (name, field) in &self.fields {
            let value = match field {
                Field::Number(number) => Value::from(*number),
                Field::Text(text) => Value::from(text.as_str()),
            };
            error.insert((*name).to_owned(), value);
        }
        json!({ "error": error })
    }
}

/// Whole seconds, rounded up: who comes earlier comes in vain.
fn seconds(pause: Duration) -> u64 {
    pause.as_millis().div_ceil(1000).max(1).try_into().unwrap_or(u64::MAX)
}

fn retry(code: Code) -> &'static str {
    match code.retry() {
        Retry::No => "no",
        Retry::Later => "later",
    }
}

fn outcome(code: Code) -> &'static str {
    match code.outcome() {
        Outcome::Definite => "definite",
        Outcome::Unknown => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_carries_code_text_and_fields() {
        let problem = Problem::new(Code::Overloaded, "too \"much\"")
            .field("limitBytes", Field::Number(7))
            .field("what", Field::Text("a\nb".into()));
        let expected = json!({"error": {
            "code": "overloaded", "message": "too \"much\"", "retry": "later", "outcome": "definite",
            "retryAfter": 1, "limitBytes": 7, "what": "a\nb",
        }});
        assert_eq!(problem.body(), expected);
        let reply = problem.into_reply();
        assert_eq!(reply.status(), 503);
        assert_eq!(reply.headers()[RETRY_AFTER], "1");
        assert_eq!(reply.headers()[CACHE_CONTROL], "no-store");
        assert_eq!(reply.headers()[CONTENT_TYPE], "application/json");
    }

    #[test]
    fn an_unknown_outcome_says_so() {
        let body = Problem::new(Code::UnknownOutcome, "perhaps").body();
        assert_eq!(body["error"]["outcome"], "unknown");
        assert_eq!(body["error"]["retry"], "later");
    }
}
