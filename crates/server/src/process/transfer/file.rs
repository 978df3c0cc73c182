//! The form of the file: lines for people to look at, payload as it is, and a checksum behind each stream.
//!
//! ```text
//! headwater-export 1 5f3c9a0011aa22bb
//! stream {"path":"chat/lobby","contentType":"text/plain","ttlSeconds":3600}
//! record 5 2026-11-21T10:00:00.000Z {}
//! hello
//! end 1 open 1b08d033
//! done 1 1 99aa00bb
//! ```
//!
//! A record's payload has so many bytes as its line says, and a line feed behind it. The checksums are the CRC-32C of everything in the
//! file before their line. What does not end with `done`, and nothing behind it, is not complete.

use std::io::{self, BufRead, Read, Write};

use serde::{Deserialize, Serialize};

/// How a file begins, and the version of this form.
const LETTERS: &str = "headwater-export";
const VERSION: u32 = 1;

/// Longest line that is believed: a stream's has a path, a content type, and names.
const LINE_BYTES: u64 = 1 << 20;

/// A stream as it was created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Head {
    pub(super) path: String,
    pub(super) content_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ttl_seconds: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ttl_seconds_after_close: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) retention_bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) retention_seconds: Option<u64>,
}

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tail {
    pub(super) records: u64,
    pub(super) closed: bool,
}

/// What a file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Stream(Head),
    Record { payload: Vec<u8>, has_metadata: bool },
    End(Tail),
    Done,
}

/// Why it is no export that can be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Wrong {
    #[error("it is no export of this program")]
    Foreign,
    #[error("it was made by a newer version of this program; use that one")]
    Newer,
    #[error("it is not complete: it ends at byte {0}")]
    Incomplete(u64),
    #[error("it is damaged before byte {at}: {what}")]
    Damaged { at: u64, what: &'static str },
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// Writes a file.
pub(super) struct Writer<W> {
    out: W,
    crc: u32,
    /// In this stream, and in all.
    records: u64,
    sum: (u64, u64),
}

impl<W: Write> Writer<W> {
    /// Begins a file, which is told from others by a number.
    pub(super) fn begin(out: W, number: u64) -> io::Result<Self> {
        let mut writer = Self { out, crc: 0, records: 0, sum: (0, 0) };
        writer.put(format!("{LETTERS} {VERSION} {number:016x}\n").as_bytes())?;
        Ok(writer)
    }

    pub(super) fn stream(&mut self, head: &Head) -> io::Result<()> {
        self.records = 0;
        let head = serde_json::to_string(head)?;
        self.put(format!("stream {head}\n").as_bytes())
    }

    pub(super) fn record(&mut self, at: &str, metadata: &str, payload: &[u8]) -> io::Result<()> {
        self.records += 1;
        self.put(format!("record {} {at} {metadata}\n", payload.len()).as_bytes())?;
        self.put(payload)?;
        self.put(b"\n")
    }

    pub(super) fn end(&mut self, closed: bool) -> io::Result<()> {
        self.sum = (self.sum.0 + 1, self.sum.1 + self.records);
        let how = if closed { "closed" } else { "open" };
        let line = format!("end {} {how} {:08x}\n", self.records, self.crc);
        self.put(line.as_bytes())
    }

    /// Completes the file. Streams and records in it.
    pub(super) fn done(mut self) -> io::Result<(W, (u64, u64))> {
        let (streams, records) = self.sum;
        let line = format!("done {streams} {records} {:08x}\n", self.crc);
        self.put(line.as_bytes())?;
        self.out.flush()?;
        Ok((self.out, self.sum))
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.crc = crc32c::crc32c_append(self.crc, bytes);
        self.out.write_all(bytes)
    }
}

/// Reads a file. What it hands out may still turn out to be damaged, at the next checksum.
pub(super) struct Reader<R> {
    input: R,
    at: u64,
    crc: u32,
    /// Records of the stream that is read, if one is.
    records: Option<u64>,
    sum: (u64, u64),
}

impl<R: BufRead> Reader<R> {
    /// Begins to read, and says by which number the file is told from others.
    pub(super) fn begin(input: R) -> Result<(Self, u64), Wrong> {
        let mut reader = Self { input, at: 0, crc: 0, records: None, sum: (0, 0) };
        let line = match reader.line() {
            Err(Wrong::Damaged { .. }) => return Err(Wrong::Foreign),
            line => line?,
        };
        let mut words = line.split(' ');
        let (letters, version, number) = (words.next(), words.next(), words.next());
        if letters != Some(LETTERS) {
            return Err(Wrong::Foreign);
        }
        match version.and_then(|version| version.parse::<u32>().ok()) {
            Some(VERSION) => {}
            Some(_) => return Err(Wrong::Newer),
            None => return Err(reader.damaged("its first line")),
        }
        let number = number.and_then(|number| u64::from_str_radix(number, 16).ok());
        let number = number.ok_or_else(|| reader.damaged("its first line"))?;
        Ok((reader, number))
    }

    /// The next thing that it says.
    pub(super) fn next(&mut self) -> Result<Said, Wrong> {
        let crc = self.crc;
        let line = self.line()?;
        let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let strange = |reader: &Self| reader.damaged("a line that does not belong there");
        match (word, self.records) {
            ("stream", None) => {
                self.records = Some(0);
                let head = serde_json::from_str(rest);
                Ok(Said::Stream(head.map_err(|_| strange(self))?))
            }
            ("record", Some(records)) => {
                self.records = Some(records + 1);
                let mut words = rest.splitn(3, ' ');
                let len = words.next().and_then(|len| len.parse().ok());
                let metadata = words.nth(1).ok_or_else(|| strange(self))?;
                let payload = self.payload(len.ok_or_else(|| strange(self))?)?;
                Ok(Said::Record { payload, has_metadata: metadata != "{}" })
            }
            ("end", Some(records)) => {
                self.records = None;
                self.sum = (self.sum.0 + 1, self.sum.1 + records);
                let ends = |how| rest == format!("{records} {how} {crc:08x}");
                match (ends("open"), ends("closed")) {
                    (false, false) => Err(self.damaged("a checksum does not match")),
                    (_, closed) => Ok(Said::End(Tail { records, closed })),
                }
            }
            ("done", None) => {
                let (streams, records) = self.sum;
                if rest != format!("{streams} {records} {crc:08x}") {
                    return Err(self.damaged("a checksum does not match"));
                }
                if self.input.fill_buf()?.is_empty() {
                    Ok(Said::Done)
                } else {
                    Err(self.damaged("something follows its end"))
                }
            }
            _ => Err(strange(self)),
        }
    }

    fn line(&mut self) -> Result<String, Wrong> {
        let mut line = Vec::new();
        self.input.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line)?;
        self.took(&line);
        match line.pop() {
            Some(b'\n') => {}
            Some(_) if line.len() as u64 + 1 == LINE_BYTES => {
                return Err(self.damaged("a line is too long"));
            }
            _ => return Err(Wrong::Incomplete(self.at)),
        }
        String::from_utf8(line).map_err(|_| self.damaged("a line that is no text"))
    }

    fn payload(&mut self, len: u64) -> Result<Vec<u8>, Wrong> {
        let mut payload = Vec::new();
        self.input.by_ref().take(len.saturating_add(1)).read_to_end(&mut payload)?;
        self.took(&payload);
        if (payload.len() as u64) <= len {
            return Err(Wrong::Incomplete(self.at));
        }
        match payload.pop() {
            Some(b'\n') => Ok(payload),
            _ => Err(self.damaged("a record is not as long as it says")),
        }
    }

    fn took(&mut self, bytes: &[u8]) {
        self.at += bytes.len() as u64;
        self.crc = crc32c::crc32c_append(self.crc, bytes);
    }

    fn damaged(&self, what: &'static str) -> Wrong {
        Wrong::Damaged { at: self.at, what }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "headwater-export 1 00000000000000ff\n\
        stream {\"path\":\"a/b\",\"contentType\":\"text/plain\",\"ttlSeconds\":60}\n\
        record 5 2026-11-21T10:00:00.000Z {}\n\
        a\nb c\n\
        record 0 2026-11-21T10:00:00.001Z {\"k\":\"v\"}\n\
        \n\
        end 2 closed 4bfca7a1\n\
        stream {\"path\":\"c\",\"contentType\":\"application/json\",\"expiresAt\":\"2030-01-01T00:00:00.000Z\"}\n\
        end 0 open 7fbd317b\n\
        done 2 2 751e2d6c\n";

    fn head(path: &str, content_type: &str) -> Head {
        Head {
            path: path.to_owned(),
            content_type: content_type.to_owned(),
            ttl_seconds: None,
            ttl_seconds_after_close: None,
            expires_at: None,
            retention_bytes: None,
            retention_seconds: None,
        }
    }

    fn written() -> Vec<u8> {
        let mut writer = Writer::begin(Vec::new(), 0xff).unwrap();
        writer.stream(&Head { ttl_seconds: Some(60), ..head("a/b", "text/plain") }).unwrap();
        writer.record("2026-11-21T10:00:00.000Z", "{}", b"a\nb c").unwrap();
        writer.record("2026-11-21T10:00:00.001Z", "{\"k\":\"v\"}", b"").unwrap();
        writer.end(true).unwrap();
        let ends = Some("2030-01-01T00:00:00.000Z".to_owned());
        writer.stream(&Head { expires_at: ends, ..head("c", "application/json") }).unwrap();
        writer.end(false).unwrap();
        let (bytes, sum) = writer.done().unwrap();
        assert_eq!(sum, (2, 2));
        bytes
    }

    fn read(bytes: &[u8]) -> Result<(u64, Vec<Said>), Wrong> {
        let (mut reader, number) = Reader::begin(bytes)?;
        let mut all = Vec::new();
        loop {
            match reader.next()? {
                Said::Done => return Ok((number, all)),
                said => all.push(said),
            }
        }
    }

    #[test]
    fn a_file_is_these_bytes() {
        assert_eq!(String::from_utf8(written()).unwrap(), FILE);
    }

    #[test]
    fn what_was_written_is_read() {
        let (number, said) = read(&written()).unwrap();
        let record =
            |payload: &[u8], has_metadata| Said::Record { payload: payload.to_vec(), has_metadata };
        let ends = Some("2030-01-01T00:00:00.000Z".to_owned());
        assert_eq!(number, 0xff);
        assert_eq!(
            said,
            [
                Said::Stream(Head { ttl_seconds: Some(60), ..head("a/b", "text/plain") }),
                record(b"a\nb c", false),
                record(b"", true),
                Said::End(Tail { records: 2, closed: true }),
                Said::Stream(Head { expires_at: ends, ..head("c", "application/json") }),
                Said::End(Tail { records: 0, closed: false }),
            ]
        );
    }

    #[test]
    fn whatever_is_damaged_or_missing_is_noticed() {
        let bytes = written();
        for at in 0..bytes.len() {
            for bit in [0, 3, 6] {
                let mut bytes = bytes.clone();
                bytes[at] ^= 1 << bit;
                let outcome = read(&bytes);
                assert!(outcome.is_err(), "byte {at}, bit {bit}: {outcome:?}");
            }
        }
        for len in 0..bytes.len() {
            assert!(read(&bytes[..len]).is_err(), "{len} bytes");
        }
        assert!(read(&[&*bytes, b"x"].concat()).is_err());
        assert!(matches!(read(b"headwater-export 2 00\n"), Err(Wrong::Newer)));
        assert!(matches!(read(b"something else\n"), Err(Wrong::Foreign)));
    }
}
