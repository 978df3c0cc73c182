//! The environment as a source.

use std::ffi::OsString;
use std::path::PathBuf;

use super::sources::Given;
use super::table::{Arity, ROWS, Row};
use crate::process::exit::{Exit, Failed};

/// What every variable of ours begins with.
const PREFIX: &str = "HEADWATER_";

/// The variable that names the file.
const CONFIG: &str = "HEADWATER_CONFIG";

/// What the environment says. A variable that is empty says nothing.
#[derive(Debug, Default)]
pub(in crate::process) struct Environment {
    pub(super) given: Vec<Given>,
    pub(super) config: Option<PathBuf>,
    pub(super) port: Option<OsString>,
}

impl Environment {
    /// Reads the variables of this process.
    pub(in crate::process) fn of_process() -> Result<Self, Failed> {
        Self::read(std::env::vars_os())
    }

    /// Reads variables. One that begins as ours do and is none of them is an error: it is most likely misspelt, and
    /// what it was to set would silently stay as it was.
    pub(super) fn read(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, Failed> {
        let mut environment = Self::default();
        for (name, value) in variables {
            let Some(name) = name.to_str().filter(|_| !value.is_empty()) else { continue };
            if name == "PORT" {
                environment.port = Some(value);
            } else if name == CONFIG {
                environment.config = Some(PathBuf::from(value));
            } else if name.starts_with(PREFIX) {
                environment.given.extend(given(name, value)?);
            }
        }
        Ok(environment)
    }
}

fn given(name: &str, value: OsString) -> Result<Option<Given>, Failed> {
    let refused = |why: &str| Failed::new(Exit::Usage, format!("{name}: {why}"));
    let Ok(value) = value.into_string() else { return Err(refused("the value is not UTF-8")) };
    if is_of_kubernetes(name, &value) {
        return Ok(None);
    }
    let row = ROWS.iter().find(|row| row.variable() == name).ok_or_else(|| {
        refused("there is no such variable; `headwater --help` lists the flags, and each has one")
    })?;
    Ok(Some(Given { row, texts: split(row, value) }))
}

/// A setting that may be repeated takes a list, with commas between.
fn split(row: &Row, value: String) -> Vec<String> {
    match row.arity {
        Arity::One => vec![value],
        Arity::Many => value.split(',').map(|text| text.trim().to_owned()).collect(),
    }
}

/// Kubernetes sets such variables in every container beside a service that is called `headwater`, or `headwater-` and
/// something: `HEADWATER_SERVICE_HOST`, `HEADWATER_PORT=tcp://…`, `HEADWATER_PORT_4437_TCP_ADDR`.
fn is_of_kubernetes(name: &str, value: &str) -> bool {
    let numbered = || {
        name.split_once("_PORT_")
            .is_some_and(|(_, rest)| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    name.contains("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || (name.ends_with("_PORT") && value.contains("://"))
        || numbered()
}
