//! From what the sources say to one value per setting, and who gave it.

use std::collections::BTreeMap;
use std::ffi::OsStr;

use super::sources::{Flags, Given, Source};
use super::{Environment, Settings, file, value};
use crate::process::exit::{Exit, Failed};

/// The settings, and where each came from.
#[derive(Debug)]
pub(in crate::process) struct Resolved {
    pub(in crate::process) settings: Settings,
    sources: BTreeMap<&'static str, Source>,
}

impl Resolved {
    /// Who gave the setting of this name its value.
    pub(in crate::process) fn source(&self, name: &str) -> &Source {
        self.sources.get(name).unwrap_or(&Source::Default)
    }

    fn apply(&mut self, given: Given, source: &Source) -> Result<(), Failed> {
        let Given { row, texts } = given;
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        (row.set)(&mut self.settings, &texts).map_err(|why| {
            let (spelling, said) = (source.spelling(row), texts.join(","));
            Failed::new(Exit::Usage, format!("{spelling}, {said:?}: {why}"))
        })?;
        for name in row.covers() {
            self.sources.insert(name, source.clone());
        }
        Ok(())
    }
}

/// Takes every setting from the strongest source that names it, and checks them against each other.
pub(in crate::process) fn resolve(
    flags: Flags,
    environment: Environment,
) -> Result<Resolved, Failed> {
    let path = flags.config.or(environment.config);
    let filed = match &path {
        Some(path) => (Source::File(path.clone()), file::read(path)?),
        None => (Source::Default, Vec::new()),
    };
    let layers = [filed, (Source::Variable, environment.given), (Source::Flag, flags.given)];
    let mut resolved = Resolved { settings: Settings::default(), sources: BTreeMap::new() };
    for (source, layer) in layers {
        exclude(&layer, &source)?;
        for given in layer {
            resolved.apply(given, &source)?;
        }
    }
    if let Some(port) = environment.port
        && *resolved.source("host") == Source::Default
        && *resolved.source("port") == Source::Default
    {
        resolved.settings.port = hosted_port(&port)?;
        resolved.sources.insert("port", Source::PortVariable);
    }
    check(&resolved.settings)?;
    Ok(resolved)
}

/// No source may give a setting twice, under two names.
fn exclude(layer: &[Given], source: &Source) -> Result<(), Failed> {
    let mut seen = BTreeMap::new();
    for Given { row, .. } in layer {
        for name in row.covers() {
            if let Some(other) = seen.insert(name, row) {
                let (one, other) = (source.spelling(row), source.spelling(other));
                let message = format!("{one} and {other} exclude each other");
                return Err(Failed::new(Exit::Usage, message));
            }
        }
    }
    Ok(())
}

fn hosted_port(port: &OsStr) -> Result<u16, Failed> {
    let parsed = port.to_str().and_then(|port| value::port(port).ok());
    parsed.ok_or_else(|| Failed::new(Exit::Usage, format!("PORT={port:?} is not a port")))
}

fn check(settings: &Settings) -> Result<(), Failed> {
    let (one, all) = (settings.engine.in_flight_bytes_per_stream, settings.engine.in_flight_bytes);
    if settings.http.max_body_bytes > one || one > all {
        let message = "max-body-bytes must fit in-flight-bytes-per-stream, and that in-flight-bytes; a larger body \
                       could never be accepted";
        return Err(Failed::new(Exit::Usage, message));
    }
    Ok(())
}
