//! The codec from outside: bytes in, messages out, and back.

mod binary;
mod corpus;
mod decoding;
mod encoding;
mod faulty;
mod injection;
mod limit;
mod model;
mod planted;
mod reference;
mod round_trip;
mod stripped;
mod support;
