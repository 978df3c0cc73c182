//! What most tests do to streams before they come to their point.

use crate::http::Response;
use crate::offset::Offset;
use crate::server::{Server, target};

impl Server {
    /// Creates an empty stream of this content type.
    #[track_caller]
    pub fn create(&self, stream: &str, content_type: &str) -> Offset {
        self.put(stream).content_type(content_type).send().expect(201).offset()
    }

    /// Creates an empty `text/plain` stream.
    #[track_caller]
    pub fn create_text(&self, stream: &str) -> Offset {
        self.create(stream, "text/plain")
    }

    /// Creates an empty `application/json` stream.
    #[track_caller]
    pub fn create_json(&self, stream: &str) -> Offset {
        self.create(stream, "application/json")
    }

    /// Appends text; the offset after it.
    #[track_caller]
    pub fn append_text(&self, stream: &str, text: &str) -> Offset {
        self.post(stream).text(text).send().expect(204).offset()
    }

    /// Appends JSON; the offset after it.
    #[track_caller]
    pub fn append_json(&self, stream: &str, json: &str) -> Offset {
        self.post(stream).json(json).send().expect(204).offset()
    }

    /// Closes a stream.
    #[track_caller]
    pub fn close(&self, stream: &str) -> Response {
        self.post(stream).header("Stream-Closed", "true").send().expect(204)
    }

    /// Forks `source`, at its tail or at an offset.
    #[track_caller]
    pub fn fork(&self, fork: &str, source: &str, at: Option<&Offset>) -> Offset {
        let call = self.put(fork).header("Stream-Forked-From", &target(source));
        let call = match at {
            Some(offset) => call.header("Stream-Fork-Offset", offset.as_str()),
            None => call,
        };
        call.send().expect(201).offset()
    }

    /// The tail of a stream.
    #[track_caller]
    pub fn tail(&self, stream: &str) -> Offset {
        self.head(stream).send().expect(200).offset()
    }

    /// One page from an offset.
    #[track_caller]
    pub fn page(&self, stream: &str, from: &Offset) -> Response {
        self.get(stream, &format!("offset={from}")).send()
    }

    /// The whole stream, page by page, checked for the markers each page must and must not have.
    #[track_caller]
    pub fn pages(&self, stream: &str) -> Vec<Response> {
        let mut pages = Vec::new();
        let mut query = "offset=-1".to_owned();
        loop {
            let page = self.get(stream, &query).send().expect(200);
            let next = page.offset();
            let done = page.up_to_date();
            query = format!("offset={next}");
            pages.push(page);
            if done {
                return pages;
            }
        }
    }

    /// All the bytes of a byte stream.
    #[track_caller]
    pub fn read(&self, stream: &str) -> Vec<u8> {
        let bodies: Vec<Vec<u8>> = self.pages(stream).into_iter().map(|page| page.body).collect();
        bodies.concat()
    }

    /// All the bytes of a text stream.
    #[track_caller]
    pub fn read_text(&self, stream: &str) -> String {
        String::from_utf8(self.read(stream)).expect("a stream of text")
    }
}
