#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod app;
mod config;
#[cfg(test)]
mod documented;
pub mod errors;
#[cfg(test)]
mod fixture;
mod follow;
mod gate;
pub mod headers;
pub mod limits;
mod metrics;
mod ops;
mod origin;
pub mod process;
mod reactor;
mod readiness;
mod request;
mod requests;
mod response;
mod rfc3339;
pub mod roots;
mod router;
mod server;
mod sse;
pub mod storage;

pub use config::Config;
pub use metrics::{Exporter, ExporterError};
pub use server::{Ending, Server};
