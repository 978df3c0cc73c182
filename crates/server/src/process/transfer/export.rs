//! Reading streams from a server, into a file.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use headwater_core::{ContentKind, ContentType};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::backup::{not_there, take_name};
use super::super::exit::{Exit, Failed};
use super::super::remote::{Answer, Remote};
use super::file::{Head, Writer};
use super::{request, target, unasked};
use crate::headers;

/// Streams that are asked for at once: as many as a page has at most.
const PAGE: u32 = 1000;

#[derive(Debug, Deserialize)]
struct Catalog {
    streams: Vec<Head>,
    next: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Envelope<'e> {
    timestamp: &'e str,
    #[serde(borrow)]
    metadata: &'e RawValue,
    #[serde(borrow)]
    payload: &'e RawValue,
    encoding: Option<&'e str>,
}

/// Writes all streams whose paths begin with a prefix. Each is as of the moment when its end was read.
pub(in crate::process) fn export(
    server: &str,
    root: &str,
    prefix: &str,
    to: &Path,
    out: &mut impl Write,
) -> Result<(), Failed> {
    let draft = not_there(to)?;
    let mut reading = Reading { server: Remote::new(server)?, root, missing: Vec::new() };
    let file = File::options().write(true).create_new(true).open(&draft);
    let file = file.map_err(|error| unwritten(&draft, &error))?;
    let written = reading.all(prefix, file, &draft).and_then(|(file, sum)| {
        file.sync_all().map_err(|error| unwritten(&draft, &error))?;
        take_name(&draft, to)?;
        Ok(sum)
    });
    let (streams, records) = written.inspect_err(|_| drop(fs::remove_file(&draft)))?;
    let gone = reading.missing.iter().map(|path| format!("note: `{path}` went meanwhile"));
    for line in gone.chain([format!("complete: {streams} streams with {records} records")]) {
        writeln!(out, "{line}")
            .map_err(|error| Failed::new(Exit::Internal, format!("standard output: {error}")))?;
    }
    Ok(())
}

struct Reading<'r> {
    server: Remote,
    root: &'r str,
    /// Streams that were listed, and were not there any more.
    missing: Vec<String>,
}

impl Reading<'_> {
    fn all(
        &mut self,
        prefix: &str,
        file: File,
        draft: &Path,
    ) -> Result<(File, (u64, u64)), Failed> {
        let unwritten = |error: io::Error| unwritten(draft, &error);
        let mut writer = Writer::begin(BufWriter::new(file), rand::random()).map_err(unwritten)?;
        let mut after = None;
        loop {
            let page = self.list(prefix, after.as_deref())?;
            for head in &page.streams {
                self.stream(head, &mut writer, &unwritten)?;
            }
            after = page.next;
            if after.is_none() {
                let (file, sum) = writer.done().map_err(unwritten)?;
                let file = file.into_inner().map_err(|error| unwritten(error.into_error()))?;
                return Ok((file, sum));
            }
        }
    }

    fn list(&mut self, prefix: &str, after: Option<&str>) -> Result<Catalog, Failed> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("limit", &PAGE.to_string()).append_pair("prefix", prefix);
        if let Some(after) = after {
            query.append_pair("after", after);
        }
        let page = self.get(&format!("/v1/catalog?{}", query.finish()))?;
        let page = page.expect(&[StatusCode::OK], "the catalogue")?;
        serde_json::from_slice(&page.body).map_err(|error| strange("the catalogue", &error))
    }

    fn stream<W: Write>(
        &mut self,
        head: &Head,
        writer: &mut Writer<W>,
        unwritten: &impl Fn(io::Error) -> Failed,
    ) -> Result<(), Failed> {
        let whose = format!("the stream `{}`", head.path);
        let kind = ContentType::parse(&head.content_type);
        let kind = kind.map_err(|error| strange(&whose, &error))?.kind();
        let target = target(self.root, &head.path);
        let mut offset = "-1".to_owned();
        loop {
            let page = self.get(&format!("{target}?offset={offset}&records=true"))?;
            if offset == "-1" {
                if page.status == StatusCode::NOT_FOUND {
                    self.missing.push(head.path.clone());
                    return Ok(());
                }
                writer.stream(head).map_err(unwritten)?;
            }
            let page = page.expect(&[StatusCode::OK], &whose)?;
            let envelopes: Vec<Envelope<'_>> =
                serde_json::from_slice(&page.body).map_err(|error| strange(&whose, &error))?;
            for envelope in &envelopes {
                let payload = payload(kind, envelope).map_err(|error| strange(&whose, &error))?;
                let metadata = envelope.metadata.get();
                writer.record(envelope.timestamp, metadata, &payload).map_err(unwritten)?;
            }
            let says = |name| page.header(name) == Some("true");
            if says(headers::UP_TO_DATE) {
                return writer.end(says(headers::CLOSED)).map_err(unwritten);
            }
            offset = match page.header(headers::NEXT_OFFSET) {
                Some(next) if next != offset => next.to_owned(),
                _ => return Err(Failed::new(Exit::Internal, format!("{whose}: no next offset"))),
            };
        }
    }

    fn get(&mut self, target: &str) -> Result<Answer, Failed> {
        let request = request(Method::GET, target).body(Bytes::new());
        self.server.ask(request.map_err(|error| unasked(&error))?)
    }
}

/// A record's bytes, as they were appended.
fn payload(
    kind: ContentKind,
    envelope: &Envelope<'_>,
) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let text = envelope.payload.get();
    match (kind, envelope.encoding) {
        (ContentKind::Json, _) => Ok(text.as_bytes().to_vec()),
        (_, Some(_)) => Ok(STANDARD.decode(serde_json::from_str::<String>(text)?)?),
        (_, None) => Ok(serde_json::from_str::<String>(text)?.into_bytes()),
    }
}

fn strange(what: &str, error: &dyn std::fmt::Display) -> Failed {
    Failed::new(Exit::Internal, format!("{what} cannot be understood: {error}"))
}

fn unwritten(path: &Path, error: &io::Error) -> Failed {
    Failed::new(Exit::Internal, format!("cannot write {}: {error}", path.display()))
}
