#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod client;
mod error;
mod replay;
mod stream;

pub use client::{Address, Client, InvalidAddress, Options};
pub use error::{OpenError, Refusal, RequestError};
pub use replay::RemoteReplay;
