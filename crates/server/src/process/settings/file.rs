//! The file as a source: TOML, one key per setting, no sections.

use std::path::Path;

use toml::{Table, Value};

use super::sources::Given;
use super::table::{Arity, ROWS};
use crate::process::exit::{Exit, Failed};

/// Reads the file. An unknown key is an error, as is a value of the wrong kind.
pub(super) fn read(path: &Path) -> Result<Vec<Given>, Failed> {
    let refused = |why: String| {
        Failed::new(Exit::Usage, format!("the configuration {}: {why}", path.display()))
    };
    let text = std::fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
    let table: Table = text.parse().map_err(|error: toml::de::Error| refused(error.to_string()))?;
    table.into_iter().map(|(key, value)| given(&key, value).map_err(refused)).collect()
}

fn given(key: &str, value: Value) -> Result<Given, String> {
    let row = ROWS.iter().find(|row| row.key() == key).ok_or_else(|| {
        format!("there is no key `{key}`; `headwater --help` lists the flags, and the key of `--a-flag` is `a_flag`")
    })?;
    let texts = match (row.arity, value) {
        (Arity::Many, Value::Array(values)) => {
            values.into_iter().map(|value| text(key, value)).collect::<Result<_, _>>()?
        }
        (_, value) => vec![text(key, value)?],
    };
    Ok(Given { row, texts })
}

fn text(key: &str, value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        Value::Integer(number) => Ok(number.to_string()),
        other => Err(format!(
            "`{key}` is of the type {}; a text or a whole number is wanted",
            other.type_str()
        )),
    }
}
