//! The operations, one per file: those on a stream, and the catalogue of them.
//!
//! Each takes the request, those on a stream a parsed name too, and answers or refuses with a
//! [`Problem`](crate::errors::Problem). What a refusal looks like on the wire, logging, and the headers of
//! every response are the caller's.

pub(crate) mod admin;
pub(crate) mod append;
pub(crate) mod backup;
pub(crate) mod catalog;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod events;
pub(crate) mod framing;
pub(crate) mod head;
pub(crate) mod long_poll;
pub(crate) mod options;
pub(crate) mod read;
pub(crate) mod truncate;
