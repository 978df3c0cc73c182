//! How a setting's text becomes a value, and how a value is shown: in the form that is read back as the same.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use headwater_core::{StoreId, StreamKey};
use headwater_engine::UsualLimit;
use headwater_storage::journal::SyncPolicy;

use crate::limits;

/// A value as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::process) enum Shown {
    Text(String),
    Number(u64),
    List(Vec<String>),
    /// Nothing is set; what happens then.
    Unset(&'static str),
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::List(texts) => f.write_str(&texts.join(",")),
            Self::Number(number) => write!(f, "{number}"),
            Self::Unset(why) => f.write_str(why),
        }
    }
}

/// Anything.
pub(super) fn text(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

pub(super) fn shown_text(value: impl ToString) -> Shown {
    Shown::Text(value.to_string())
}

/// Threads that send events.
pub(super) fn threads(text: &str) -> Result<Option<usize>, String> {
    const MOST: usize = 256;
    match text.parse() {
        Ok(threads) if threads <= MOST => Ok(Some(threads)),
        Ok(_) => Err(format!("more than {MOST}")),
        Err(_) => Err("a number is wanted".to_owned()),
    }
}

pub(super) fn shown_threads(threads: Option<usize>) -> Shown {
    match threads {
        Some(threads) => shown_count(threads),
        None => Shown::Unset("one for every two processors, at most 4"),
    }
}

/// A directory.
pub(super) fn path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() { Err("a directory is wanted".to_owned()) } else { Ok(text.into()) }
}

pub(super) fn shown_path(path: PathBuf) -> Shown {
    Shown::Text(path.display().to_string())
}

/// A wait that somebody sits out: more than nothing, at most a day.
pub(super) fn pause(text: &str) -> Result<Duration, String> {
    within(text, Duration::from_millis(1), "0 would never let anything finish")
}

/// The age of an event stream.
pub(super) fn age(text: &str) -> Result<Duration, String> {
    within(text, limits::SSE_SHORTEST_AGE, "readers would do nothing but come back")
}

fn within(text: &str, least: Duration, why: &str) -> Result<Duration, String> {
    const MOST: Duration = Duration::from_secs(24 * 60 * 60);
    let time = humantime::parse_duration(text)
        .map_err(|error| format!("{error}; times are written 500ms, 30s, 5m"))?;
    if time < least {
        return Err(why.to_owned());
    }
    if time > MOST {
        return Err("more than a day".to_owned());
    }
    Ok(time)
}

/// Seconds as long as a person counts in them.
pub(super) fn shown_time(time: Duration) -> Shown {
    const COUNTED: u64 = 120;
    Shown::Text(match (time.subsec_nanos(), time.as_secs()) {
        (0, seconds @ 0..=COUNTED) => format!("{seconds}s"),
        _ => humantime::format_duration(time).to_string(),
    })
}

/// A number of things, of which at least one must be possible.
pub(super) fn count<N: TryFrom<u64>>(text: &str) -> Result<N, String> {
    let number: u64 =
        text.parse().map_err(|_| "a whole number is wanted, without a unit".to_owned())?;
    if number == 0 {
        return Err("0 would refuse everything".to_owned());
    }
    // The file has no larger numbers, and what is shown must be a file.
    let fits = i64::try_from(number).is_ok();
    let number = N::try_from(number).ok().filter(|_| fits);
    number.ok_or_else(|| "more than this setting can hold".to_owned())
}

/// The size of a head, which is also that of the buffer it is read into.
pub(super) fn head_bytes(text: &str) -> Result<usize, String> {
    match count(text)? {
        bytes if bytes < limits::LEAST_HEAD_BYTES => {
            Err(format!("less than {}, which browsers need", limits::LEAST_HEAD_BYTES))
        }
        bytes => Ok(bytes),
    }
}

/// The room for what is read and not sent yet.
pub(super) fn reading_bytes(text: &str) -> Result<usize, String> {
    match count(text)? {
        bytes if bytes < limits::LEAST_READING_BYTES => {
            Err(format!("less than {}, with which few could read", limits::LEAST_READING_BYTES))
        }
        bytes => Ok(bytes),
    }
}

/// The memory for what is not packed yet.
pub(super) fn recent_bytes(text: &str) -> Result<usize, String> {
    match count(text)? {
        bytes if bytes < limits::LEAST_RECENT_BYTES => {
            Err(format!("less than {}, which makes crumbs of files", limits::LEAST_RECENT_BYTES))
        }
        bytes => Ok(bytes),
    }
}

/// Limits that spaces have.
pub(super) fn limit_by_space(texts: &[&str]) -> Result<UsualLimit, String> {
    let mut limits = UsualLimit::default();
    for text in texts {
        let (space, number) = match text.rsplit_once('=') {
            Some((space, number)) => (Some(space_name(space)?), number),
            None => (None, *text),
        };
        let number = count(number)?;
        let earlier = match space {
            Some(space) => limits.spaces.insert(space, number),
            None => limits.elsewhere.replace(number),
        };
        if earlier.is_some() {
            return Err("more than one limit for one space".to_owned());
        }
    }
    Ok(limits)
}

/// The canonical name of a space, given as in a path.
fn space_name(text: &str) -> Result<String, String> {
    let path = if text.is_empty() { "x".to_owned() } else { format!("{text}/x") };
    let key = StreamKey::parse(StoreId::DEFAULT, &path);
    key.map(|key| key.space().to_owned()).map_err(|error| format!("{text:?}: {error}"))
}

/// Limits as they are given.
pub(super) fn shown_by_space(limits: &UsualLimit) -> Shown {
    let spaces = limits.spaces.iter().map(|(space, limit)| format!("{space}={limit}"));
    let all: Vec<_> =
        limits.elsewhere.map(|limit| limit.to_string()).into_iter().chain(spaces).collect();
    if all.is_empty() { Shown::Unset("everything is kept") } else { Shown::List(all) }
}

/// When the journal is synced.
pub(super) fn sync(text: &str) -> Result<SyncPolicy, String> {
    const LEAST: Duration = Duration::from_millis(1);
    const MOST: Duration = Duration::from_secs(10);
    if text == "always" {
        return Ok(SyncPolicy::Always);
    }
    match humantime::parse_duration(text) {
        Err(_) => Err("always is wanted, or a time such as 5ms".to_owned()),
        Ok(time) if time < LEAST => Err("less than 1ms: always is what is wanted then".to_owned()),
        Ok(time) if time > MOST => Err("more than 10s".to_owned()),
        Ok(time) => Ok(SyncPolicy::Within(time)),
    }
}

/// A time is shown as such.
pub(super) fn shown_sync(sync: SyncPolicy) -> Shown {
    match sync {
        SyncPolicy::Always => Shown::Text("always".to_owned()),
        SyncPolicy::Within(time) => shown_time(time),
    }
}

/// A number is shown as such.
pub(super) fn shown_count(number: impl TryInto<u64>) -> Shown {
    Shown::Number(number.try_into().unwrap_or(u64::MAX))
}

/// An address with its port.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "an address and a port are wanted, 127.0.0.1:4437 or [::1]:4437".to_owned())
}

/// An address alone.
pub(super) fn host(text: &str) -> Result<IpAddr, String> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().map_err(|_| "an IP address is wanted, such as 127.0.0.1, 0.0.0.0 or ::".to_owned())
}

/// A port alone; 0 picks a free one.
pub(super) fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| "a port is wanted, 0 to 65535".to_owned())
}
