//! What RFC 6455 makes of a list of frames, said as simply as possible: no bytes, no cuts.

use crate::support::{Frame, Seen};

const PROTOCOL: u16 = 1002;
const DATA: u16 = 1007;

/// What a server without extensions sees.
pub(crate) fn interpret(frames: &[Frame]) -> Vec<Seen> {
    let mut seen = Vec::new();
    let mut message: Option<(u8, Vec<u8>)> = None;
    for frame in frames {
        match step(frame, &mut message) {
            Ok(None) => {}
            Ok(Some(close @ Seen::Close(_))) => {
                seen.push(close);
                return seen;
            }
            Ok(Some(one)) => seen.push(one),
            Err(code) => {
                seen.push(Seen::Failed(code));
                return seen;
            }
        }
    }
    seen
}

fn step(frame: &Frame, message: &mut Option<(u8, Vec<u8>)>) -> Result<Option<Seen>, u16> {
    if frame.reserved != 0 || frame.mask.is_none() || !matches!(frame.opcode, 0..=2 | 8..=10) {
        return Err(PROTOCOL);
    }
    let payload = frame.payload.clone();
    if frame.opcode >= 8 {
        if !frame.fin || payload.len() > 125 {
            return Err(PROTOCOL);
        }
        return Ok(Some(match frame.opcode {
            8 => Seen::Close(close(&payload)?),
            9 => Seen::Ping(payload),
            _ => Seen::Pong(payload),
        }));
    }
    let (opcode, mut so_far) = match (frame.opcode, message.take()) {
        (0, Some(begun)) => begun,
        (opcode @ 1..=2, None) => (opcode, Vec::new()),
        _ => return Err(PROTOCOL),
    };
    so_far.extend(payload);
    if opcode == 1 {
        match String::from_utf8(so_far.clone()) {
            Ok(text) if frame.fin => return Ok(Some(Seen::Text(text))),
            Err(error) if frame.fin || error.utf8_error().error_len().is_some() => {
                return Err(DATA);
            }
            _ => {}
        }
    } else if frame.fin {
        return Ok(Some(Seen::Binary(so_far)));
    }
    *message = Some((opcode, so_far));
    Ok(None)
}

fn close(payload: &[u8]) -> Result<Option<(u16, String)>, u16> {
    match payload {
        [] => Ok(None),
        [_] => Err(PROTOCOL),
        [a, b, text @ ..] => {
            let code = u16::from(*a) * 256 + u16::from(*b);
            let reserved = [1004, 1005, 1006, 1015].contains(&code);
            if reserved || code < 1000 || (1016..3000).contains(&code) || code >= 5000 {
                return Err(PROTOCOL);
            }
            let text = String::from_utf8(text.to_vec()).map_err(|_| DATA)?;
            Ok(Some((code, text)))
        }
    }
}
