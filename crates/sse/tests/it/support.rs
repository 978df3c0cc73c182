//! What decoding a stream comes to, and ways to cut the stream.

use headwater_sse::{DecodeError, Decoder};

/// All that a client can observe of a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Observed {
    pub(crate) messages: Vec<Seen>,
    pub(crate) last_event_id: String,
    pub(crate) retry_millis: Option<u128>,
    pub(crate) error: Option<DecodeError>,
}

/// One message, in owned form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) event_type: String,
    pub(crate) data: String,
    pub(crate) last_event_id: String,
}

impl Seen {
    pub(crate) fn new((event_type, data, last_event_id): (&str, &str, &str)) -> Self {
        Self {
            event_type: event_type.into(),
            data: data.into(),
            last_event_id: last_event_id.into(),
        }
    }
}

/// Feeds the pieces one after the other to `decoder`.
pub(crate) fn observe_with<'a>(
    mut decoder: Decoder,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Observed {
    let mut observed = Observed::default();
    'stream: for mut piece in pieces {
        loop {
            match decoder.decode(&mut piece) {
                Ok(Some(message)) => observed.messages.push(Seen {
                    event_type: message.event_type().to_string(),
                    last_event_id: message.last_event_id().to_string(),
                    data: message.into_data(),
                }),
                Ok(None) => {
                    assert!(piece.is_empty(), "the decoder left bytes behind");
                    break;
                }
                Err(error) => {
                    observed.error = Some(error);
                    break 'stream;
                }
            }
        }
    }
    observed.last_event_id = decoder.last_event_id().to_string();
    observed.retry_millis = decoder.reconnection_time().map(|time| time.as_millis());
    observed
}

/// Feeds the pieces one after the other to a new decoder.
pub(crate) fn observe<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Observed {
    observe_with(Decoder::new(), pieces)
}

/// Cuts `bytes` into pieces of the given lengths, taken over and over; an empty piece may come.
pub(crate) fn cut<'a>(mut bytes: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    if lengths.iter().sum::<usize>() == 0 {
        return vec![bytes];
    }
    for &length in lengths.iter().cycle() {
        if bytes.is_empty() {
            break;
        }
        let (piece, rest) = bytes.split_at(length.min(bytes.len()));
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}
