//! Who says what.

use std::fmt;
use std::path::PathBuf;

use super::table::Row;

/// Who gave a setting its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::process) enum Source {
    /// Nobody.
    Default,
    /// A key of the file.
    File(PathBuf),
    /// A variable of the environment.
    Variable,
    /// The variable `PORT`, which hosts set for whatever they run.
    PortVariable,
    /// The command line.
    Flag,
}

impl Source {
    /// How this source writes a setting, for messages.
    pub(super) fn spelling(&self, row: &Row) -> String {
        match self {
            Self::Default => row.name.to_owned(),
            Self::File(path) => format!("{} in {}", row.key(), path.display()),
            Self::Variable => row.variable(),
            Self::PortVariable => "PORT".to_owned(),
            Self::Flag => row.flag(),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable | Self::PortVariable => f.write_str("environment"),
            Self::Flag => f.write_str("command line"),
        }
    }
}

/// What one source says of one setting: one text, or several where the setting may be repeated.
#[derive(Clone, Debug)]
pub(in crate::process) struct Given {
    pub(in crate::process) row: &'static Row,
    pub(in crate::process) texts: Vec<String>,
}

/// What the command line says.
#[derive(Debug, Default)]
pub(in crate::process) struct Flags {
    pub(in crate::process) given: Vec<Given>,
    /// The file to read.
    pub(in crate::process) config: Option<PathBuf>,
}
