//! What an operator may set: one table, four sources, one result.
//!
//! Every setting is a row of the [table](ROWS). Its flag, its variable and its key in the file are made of one name, and
//! whatever stands there is read by one function, so that the three cannot differ. A flag is stronger than a variable, a
//! variable than the file, the file than the default; a stronger source replaces what a weaker one says, setting by setting.
//!
//! The rooms: `table` (the rows), `value` (how texts become values and back), `sources` (who says what), `environment`
//! and `file` (two of the sources; the flags are the [command line](super::cli)'s), `resolve` (from there to
//! [`Settings`]), `show` (`--check-config`).

mod environment;
mod file;
mod resolve;
mod show;
mod sources;
mod table;
mod value;

pub(super) use environment::Environment;
pub(super) use resolve::resolve;
pub(super) use show::check_config;
pub(super) use sources::{Flags, Given};
#[cfg(test)]
use table::Exceeded;
pub(super) use table::{Arity, ROWS, Row};
pub(super) use value::Shown;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use headwater_engine::Options;
use headwater_storage::journal;

use super::export::Endpoint;
use super::logging::Format;
use crate::config::Config;
use crate::storage::Adapter;

/// The port of the public listener.
const PORT: u16 = 4437;

/// The port of the operators' listener.
const ADMIN_PORT: u16 = 4438;

/// What the server is to be.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) host: IpAddr,
    pub(super) port: u16,
    pub(super) admin: Admin,
    pub(super) data_dir: PathBuf,
    pub(super) storage: Option<Adapter>,
    /// For the adapter `journal`.
    pub(super) journal: journal::Options,
    pub(super) http: Config,
    pub(super) engine: Options,
    pub(super) log: String,
    pub(super) log_format: Format,
    /// Where spans go.
    pub(super) otlp_endpoint: Option<Endpoint>,
}

/// Where operators are listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admin {
    /// On loopback: on the port of its own, or on a free one where the public listener takes a free one.
    Beside,
    At(SocketAddr),
    Nowhere,
}

impl Settings {
    /// Where to listen to operators.
    pub(super) fn admin_listen(&self) -> Option<SocketAddr> {
        let beside = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        match self.admin {
            Admin::Beside if self.port == 0 => Some(beside(0)),
            Admin::Beside if self.port == ADMIN_PORT => Some(beside(ADMIN_PORT + 1)),
            Admin::Beside => Some(beside(ADMIN_PORT)),
            Admin::At(address) => Some(address),
            Admin::Nowhere => None,
        }
    }

    /// Where to listen.
    pub(super) fn listen(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            // Safe by default: nobody but this machine.
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: PORT,
            admin: Admin::Beside,
            data_dir: PathBuf::from("./headwater-data"),
            storage: None,
            journal: journal::Options::default(),
            http: Config::default(),
            engine: Options::default(),
            log: "info".to_owned(),
            log_format: Format::Pretty,
            otlp_endpoint: None,
        }
    }
}

#[cfg(test)]
mod tests;
