//! `headwater export` and `headwater import`: streams of one server, in a file, and in another server.
//!
//! Both are clients like any other, at the public door. A stream keeps its name, its content type, its lifetime, whether it is closed, and
//! its records, each by itself. It does not keep sequences of records that were given up, offsets, times, producers, `Stream-Seq` and
//! metadata; a fork becomes a stream of its own.
//!
//! The rooms: `file` (the form of the file), `export`, `import`.

mod export;
mod file;
mod import;

pub(super) use export::export;
pub(super) use import::import;

use http::Method;
use http::request::Builder;

use super::exit::{Exit, Failed};

/// A stream's URL on a server: its canonical path, in which `%` begins an escape already, under the root.
fn target(root: &str, path: &str) -> String {
    use std::fmt::Write;
    let mut target = format!("{}/", root.trim_end_matches('/'));
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b'%' => {
                target.push(char::from(byte));
            }
            // Writing to a text does not fail.
            _ => drop(write!(target, "%{byte:02X}")),
        }
    }
    target
}

fn request(method: Method, target: &str) -> Builder {
    http::Request::builder().method(method).uri(target)
}

/// What could not even be asked.
fn unasked(error: &http::Error) -> Failed {
    Failed::new(Exit::Internal, format!("the request cannot be made: {error}"))
}

#[cfg(test)]
mod tests {
    use super::target;

    #[test]
    fn a_target_is_the_canonical_path_with_what_is_special_escaped() {
        for (path, expected) in [
            ("a/b", "/v1/stream/a/b"),
            ("a%2Fb/c%25", "/v1/stream/a%2Fb/c%25"),
            ("ü ?#", "/v1/stream/%C3%BC%20%3F%23"),
        ] {
            assert_eq!(target("/v1/stream", path), expected);
            assert_eq!(target("/v1/stream/", path), expected);
        }
    }
}
