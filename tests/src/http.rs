//! A small blocking HTTP/1.1 client that can send what no good client would.

mod body;
mod call;
mod conn;
mod response;
mod rules;

pub use body::BodyReader;
pub use call::{Call, Pending};
pub use conn::{Conn, Head};
pub use response::Response;
