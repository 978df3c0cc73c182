//! Requests, parsed: what a request says becomes a value before anything is done about it.
//!
//! Every type here is made by one function that refuses with a 400 whatever it does not understand: a header
//! that may stand once and stands twice, a number that is not one, an offset that was never written. Nothing
//! here knows a stream.
//!
//! The rooms: [`field`] (headers that may stand once), [`query`], [`read`] (where and how to read),
//! [`create`] with [`lifetime`], [`retention`] and [`fork`], [`append`] with [`producer`] and [`if_match`], [`none_match`],
//! and [`body`], which takes bytes off the wire under the budget.

pub(crate) mod append;
pub(crate) mod body;
pub(crate) mod catalog;
pub(crate) mod create;
pub(crate) mod field;
pub(crate) mod fork;
pub(crate) mod if_match;
pub(crate) mod lifetime;
pub(crate) mod none_match;
pub(crate) mod producer;
pub(crate) mod query;
pub(crate) mod read;
pub(crate) mod retention;
