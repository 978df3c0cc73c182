//! Offers and answers of permessage-deflate, RFC 7692 section 7.1.

use std::fmt::Write as _;

use super::params::{Deflate, Direction, Params, WindowBits};
use crate::handshake::Extension;

const NAME: &str = "permessage-deflate";
const SERVER_NO_TAKEOVER: &str = "server_no_context_takeover";
const CLIENT_NO_TAKEOVER: &str = "client_no_context_takeover";
const SERVER_BITS: &str = "server_max_window_bits";
const CLIENT_BITS: &str = "client_max_window_bits";

/// The parameters of one offer, or of the answer.
#[derive(Debug, Default)]
struct Asked {
    server_no_takeover: bool,
    client_no_takeover: bool,
    server_bits: Option<WindowBits>,
    /// Present, and perhaps with a value.
    client_bits: Option<Option<WindowBits>>,
}

impl Asked {
    /// `None` if a parameter is unknown, comes twice, or has a value that it must not have.
    fn parse(extension: &Extension) -> Option<Self> {
        let mut asked = Self::default();
        for (name, value) in &extension.params {
            let value = value.as_deref();
            let first = match name.as_str() {
                SERVER_NO_TAKEOVER => flag(&mut asked.server_no_takeover, value)?,
                CLIENT_NO_TAKEOVER => flag(&mut asked.client_no_takeover, value)?,
                SERVER_BITS => asked.server_bits.replace(bits(value?)?).is_none(),
                CLIENT_BITS => {
                    let bits = match value {
                        Some(value) => Some(bits(value)?),
                        None => None,
                    };
                    asked.client_bits.replace(bits).is_none()
                }
                _ => return None,
            };
            if !first {
                return None;
            }
        }
        Some(asked)
    }
}

/// Sets the flag and says whether it was not set before.
fn flag(set: &mut bool, value: Option<&str>) -> Option<bool> {
    if value.is_some() {
        return None;
    }
    Some(!std::mem::replace(set, true))
}

/// A number from 8 to 15 without leading zeros.
fn bits(value: &str) -> Option<WindowBits> {
    if !value.bytes().all(|byte| byte.is_ascii_digit()) || value.starts_with('0') {
        return None;
    }
    WindowBits::new(value.parse().ok()?).ok()
}

/// The server's choice: the first offer that it can keep, and its answer.
pub(crate) fn agree(wanted: &Deflate, offers: &[Extension]) -> Option<(Params, String)> {
    let offers = offers.iter().filter(|offer| offer.name == NAME);
    offers.filter_map(Asked::parse).map(|asked| answer(wanted, &asked)).next()
}

fn answer(wanted: &Deflate, asked: &Asked) -> (Params, String) {
    let server = Direction {
        context_takeover: wanted.server.context_takeover && !asked.server_no_takeover,
        window_bits: asked.server_bits.unwrap_or(WindowBits::MAX).min(wanted.server.window_bits),
    };
    // A client that does not say that it can limit its window cannot be asked to.
    let client_bits = match asked.client_bits {
        None => WindowBits::MAX,
        Some(offered) => offered.unwrap_or(WindowBits::MAX).min(wanted.client.window_bits),
    };
    let client = Direction {
        context_takeover: wanted.client.context_takeover && !asked.client_no_takeover,
        window_bits: client_bits,
    };
    let mut text = NAME.to_owned();
    if !server.context_takeover {
        push(&mut text, SERVER_NO_TAKEOVER, None);
    }
    if !client.context_takeover {
        push(&mut text, CLIENT_NO_TAKEOVER, None);
    }
    if asked.server_bits.is_some() || server.window_bits < WindowBits::MAX {
        push(&mut text, SERVER_BITS, Some(server.window_bits));
    }
    if client.window_bits < WindowBits::MAX {
        push(&mut text, CLIENT_BITS, Some(client.window_bits));
    }
    (Params { server, client }, text)
}

/// The client's offers, the one that it likes best first. One that would take context over does without, too: some servers
/// want that, and ask only clients that say so.
pub(crate) fn offers(wanted: &Deflate) -> String {
    let best = offer(wanted);
    if !wanted.client.context_takeover {
        return best;
    }
    let client = Direction { context_takeover: false, ..wanted.client };
    let without = offer(&wanted.with_client(client));
    format!("{best}, {without}")
}

fn offer(wanted: &Deflate) -> String {
    let mut text = NAME.to_owned();
    if !wanted.server.context_takeover {
        push(&mut text, SERVER_NO_TAKEOVER, None);
    }
    if !wanted.client.context_takeover {
        push(&mut text, CLIENT_NO_TAKEOVER, None);
    }
    if wanted.server.window_bits < WindowBits::MAX {
        push(&mut text, SERVER_BITS, Some(wanted.server.window_bits));
    }
    let limited = wanted.client.window_bits < WindowBits::MAX;
    push(&mut text, CLIENT_BITS, limited.then_some(wanted.client.window_bits));
    text
}

/// What the server's answer comes to; `None` if it answers more or other than was offered.
pub(crate) fn check_answer(wanted: &Deflate, answer: &Extension) -> Option<Params> {
    if answer.name != NAME {
        return None;
    }
    let asked = Asked::parse(answer)?;
    let server_bits = asked.server_bits.unwrap_or(WindowBits::MAX);
    let client_bits = match asked.client_bits {
        // An answer has a value.
        Some(bits) => bits?,
        None => WindowBits::MAX,
    };
    if server_bits > wanted.server.window_bits {
        return None;
    }
    if !wanted.server.context_takeover && !asked.server_no_takeover {
        return None;
    }
    let server =
        Direction { context_takeover: !asked.server_no_takeover, window_bits: server_bits };
    let client = Direction {
        context_takeover: wanted.client.context_takeover && !asked.client_no_takeover,
        window_bits: client_bits.min(wanted.client.window_bits),
    };
    Some(Params { server, client })
}

fn push(text: &mut String, name: &str, value: Option<WindowBits>) {
    text.push_str("; ");
    text.push_str(name);
    if let Some(bits) = value {
        // Writing to a string cannot fail.
        let _ = write!(text, "={}", bits.get());
    }
}
