//! An answer, and what tests require of it.

use serde_json::Value;

use crate::http::Head;
use crate::offset::Offset;

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Response {
    /// What was asked, for messages.
    pub request: String,
    /// Status and headers.
    pub head: Head,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// The status code.
    pub fn status(&self) -> u16 {
        self.head.status
    }

    /// A header's value.
    #[track_caller]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    /// The body as text.
    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body in UTF-8")
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("{}: the body is not JSON ({error}): {self}", self.request),
        }
    }

    /// The `error.code` of a refusal.
    #[track_caller]
    pub fn error_code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }

    /// `Stream-Next-Offset`, which must be there and well formed.
    #[track_caller]
    pub fn offset(&self) -> Offset {
        match self.header("Stream-Next-Offset") {
            Some(token) => Offset::parse(token),
            None => panic!("{}: no Stream-Next-Offset: {self}", self.request),
        }
    }

    /// Whether it says that the stream is closed and was read to its end.
    #[track_caller]
    pub fn closed(&self) -> bool {
        self.marker("Stream-Closed")
    }

    /// Whether it says that nothing more was there.
    #[track_caller]
    pub fn up_to_date(&self) -> bool {
        self.marker("Stream-Up-To-Date")
    }

    /// The `ETag`, which must be there and strong.
    #[track_caller]
    pub fn etag(&self) -> String {
        let tag = self.header("ETag").unwrap_or_default();
        let strong = tag.len() > 2 && tag.starts_with('"') && tag.ends_with('"');
        assert!(strong, "{}: no strong ETag: {self}", self.request);
        tag.to_owned()
    }

    /// Requires a status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status(), status, "status of {}: {self}", self.request);
        self
    }

    /// Requires a refusal with a status and one of the given codes.
    #[track_caller]
    pub fn expect_error(self, status: u16, code: &str) -> Self {
        let response = self.expect(status);
        assert_eq!(response.error_code(), code, "code of {}: {response}", response.request);
        response
    }

    /// Requires a header with this value.
    #[track_caller]
    pub fn expect_header(self, name: &str, value: &str) -> Self {
        assert_eq!(self.header(name), Some(value), "{name} of {}: {self}", self.request);
        self
    }

    /// Requires that a header is absent.
    #[track_caller]
    pub fn expect_no_header(self, name: &str) -> Self {
        assert_eq!(self.header(name), None, "{name} of {}: {self}", self.request);
        self
    }

    /// Requires a body.
    #[track_caller]
    pub fn expect_body(self, body: impl AsRef<[u8]>) -> Self {
        let (got, want) = (&self.body, body.as_ref());
        assert!(
            got == want,
            "body of {}: got {:?}, want {:?}",
            self.request,
            String::from_utf8_lossy(got),
            String::from_utf8_lossy(want)
        );
        self
    }

    /// A header that is `true` or absent.
    #[track_caller]
    fn marker(&self, name: &str) -> bool {
        match self.header(name) {
            None => false,
            Some("true") => true,
            Some(other) => panic!("{}: {name} is {other:?}: {self}", self.request),
        }
    }
}

impl std::fmt::Display for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Bodies can be megabytes; a test's message needs their beginning.
        let shown = &self.body[..self.body.len().min(400)];
        let body = String::from_utf8_lossy(shown);
        writeln!(f, "{}", self.head.status)?;
        for (name, value) in &self.head.headers {
            writeln!(f, "  {name}: {value}")?;
        }
        write!(f, "{body}")
    }
}
