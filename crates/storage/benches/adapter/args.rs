//! What is said on the command line: `name=value`, each once.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::Fault;
use super::subject::Subject;

/// Payload at which a measurement ends, however long it should last: a disk is not filled by accident.
const MOST: u64 = 16 << 30;

/// A measurement.
#[derive(Clone, Debug)]
pub(crate) struct Args {
    /// What is measured.
    pub(crate) subject: Subject,
    /// Units of a group, a record each.
    pub(crate) group: usize,
    /// Streams that are appended to, one after the other.
    pub(crate) streams: usize,
    /// How long before it counts.
    pub(crate) warm_up: Duration,
    /// How long it counts.
    pub(crate) secs: Duration,
    /// Bytes of payload after which it ends.
    pub(crate) most: u64,
    /// An empty folder.
    pub(crate) dir: PathBuf,
}

impl Args {
    /// Reads them. What cargo says to every bench is passed over.
    pub(crate) fn parse(args: impl Iterator<Item = String>) -> Result<Self, Fault> {
        let mut read = Self {
            subject: Subject::Plain,
            group: 64,
            streams: 1,
            warm_up: Duration::ZERO,
            secs: Duration::from_secs(3),
            most: MOST,
            dir: PathBuf::new(),
        };
        for arg in args.filter(|arg| arg != "--bench") {
            let (name, value) = arg.split_once('=').ok_or_else(|| format!("`{arg}`: no value"))?;
            match name {
                "subject" => read.subject = value.parse()?,
                "group" => read.group = number(value)?,
                "streams" => read.streams = number(value)?,
                "warm-up" => read.warm_up = Duration::from_secs_f64(number(value)?),
                "secs" => read.secs = Duration::from_secs_f64(number(value)?),
                "most" => read.most = number(value)?,
                "dir" => read.dir = value.into(),
                _ => return Err(format!("`{name}` is not known").into()),
            }
        }
        if read.group == 0 || read.streams == 0 || !read.dir.is_dir() {
            return Err("a group and a stream at least, and an empty folder, are needed".into());
        }
        Ok(read)
    }
}

fn number<T: FromStr>(text: &str) -> Result<T, Fault> {
    text.parse().map_err(|_| format!("`{text}` is not a number").into())
}
