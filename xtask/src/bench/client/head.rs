//! The head of a response, as far as the load generator cares.

use anyhow::{Context, bail};

/// More headers than any server measured here sends.
const MAX_HEADERS: usize = 64;

/// Status and the headers that steer a reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// The status code.
    pub(crate) status: u16,
    /// How the body ends.
    pub(crate) framing: Framing,
    /// `Stream-Next-Offset`.
    pub(crate) next_offset: Option<String>,
    /// `Stream-Up-To-Date: true`.
    pub(crate) up_to_date: bool,
    /// `Stream-Closed: true`.
    pub(crate) closed: bool,
}

/// How the end of a body is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// After so many bytes.
    Length(u64),
    /// By the last chunk.
    Chunked,
    /// By the end of the connection.
    UntilClose,
}

impl Head {
    /// The head at the start of `bytes` and its length, or `None` while it is incomplete.
    pub(crate) fn parse(bytes: &[u8]) -> anyhow::Result<Option<(Self, usize)>> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let length = match response.parse(bytes).context("the response is not HTTP/1.1")? {
            httparse::Status::Complete(length) => length,
            httparse::Status::Partial => return Ok(None),
        };
        let status = response.code.context("a response without a status")?;
        let mut head = Self {
            status,
            framing: Framing::UntilClose,
            next_offset: None,
            up_to_date: false,
            closed: false,
        };
        for header in response.headers.iter() {
            head.note(header.name, header.value)?;
        }
        if matches!(status, 204 | 304) {
            head.framing = Framing::Length(0);
        }
        Ok(Some((head, length)))
    }

    fn note(&mut self, name: &str, value: &[u8]) -> anyhow::Result<()> {
        // Most headers are told apart by their length alone, which keeps a head cheap to read.
        match name.len() {
            13 if name.eq_ignore_ascii_case("stream-closed") => {
                self.closed = value.eq_ignore_ascii_case(b"true");
            }
            14 if name.eq_ignore_ascii_case("content-length") => {
                let length = text(value)?.parse().context("a bad Content-Length")?;
                if self.framing != Framing::Chunked {
                    self.framing = Framing::Length(length);
                }
            }
            17 if name.eq_ignore_ascii_case("transfer-encoding") => {
                if !value.eq_ignore_ascii_case(b"chunked") {
                    bail!("the transfer encoding `{}` is not spoken", text(value)?);
                }
                self.framing = Framing::Chunked;
            }
            17 if name.eq_ignore_ascii_case("stream-up-to-date") => {
                self.up_to_date = value.eq_ignore_ascii_case(b"true");
            }
            18 if name.eq_ignore_ascii_case("stream-next-offset") => {
                self.next_offset = Some(text(value)?.to_owned());
            }
            _ => {}
        }
        Ok(())
    }
}

fn text(value: &[u8]) -> anyhow::Result<&str> {
    std::str::from_utf8(value).context("a header value that is not text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_whole_or_not_at_all() {
        let bytes = b"HTTP/1.1 200 OK\r\nDate: x\r\nstream-next-offset: 7_1\r\n\
            Stream-Up-To-Date: true\r\nContent-Length: 12\r\n\r\nbody";
        let length = bytes.len() - 4;
        for cut in 0..length {
            assert_eq!(Head::parse(&bytes[..cut]).unwrap(), None, "cut at {cut}");
        }
        let expected = Head {
            status: 200,
            framing: Framing::Length(12),
            next_offset: Some("7_1".to_owned()),
            up_to_date: true,
            closed: false,
        };
        assert_eq!(Head::parse(bytes).unwrap(), Some((expected, length)));
    }

    #[test]
    fn the_end_of_a_body_is_known() {
        for (head, framing) in [
            ("204 No Content\r\nContent-Length: 5\r\n", Framing::Length(0)),
            ("204 No Content\r\n", Framing::Length(0)),
            ("200 OK\r\nTransfer-Encoding: chunked\r\n", Framing::Chunked),
            ("200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n", Framing::Chunked),
            ("200 OK\r\nStream-Closed: true\r\n", Framing::UntilClose),
        ] {
            let bytes = format!("HTTP/1.1 {head}\r\n");
            let (head, _) = Head::parse(bytes.as_bytes()).unwrap().unwrap();
            assert_eq!(head.framing, framing, "{bytes}");
            assert_eq!(head.closed, bytes.contains("Closed"), "{bytes}");
        }
        for bad in ["SSH-2.0-x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"] {
            assert!(Head::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
