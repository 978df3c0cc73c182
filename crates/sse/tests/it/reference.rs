//! The standard's algorithm on a whole stream at once, sentence by sentence and without care for
//! speed: the oracle for the incremental decoder.

use crate::support::{Observed, Seen};

pub(crate) fn interpret(stream: &[u8]) -> Observed {
    let text = String::from_utf8_lossy(stream);
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut lines: Vec<&str> = text.split('\n').collect();
    // What follows the last line end is not a line.
    lines.pop();

    let mut observed = Observed::default();
    let (mut data, mut event_type, mut id) = (String::new(), String::new(), String::new());
    for line in lines {
        if line.is_empty() {
            observed.last_event_id = id.clone();
            let payload = std::mem::take(&mut data);
            let named = std::mem::take(&mut event_type);
            if let Some(payload) = payload.strip_suffix('\n') {
                let event_type = if named.is_empty() { "message" } else { &named };
                observed.messages.push(Seen::new((event_type, payload, &id)));
            }
            continue;
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "data" => data = data + value + "\n",
            "event" => event_type = value.to_owned(),
            "id" if !value.contains('\0') => id = value.to_owned(),
            "retry" if !value.is_empty() && value.chars().all(|c| c.is_ascii_digit()) => {
                observed.retry_millis = Some(value.parse::<u64>().unwrap_or(u64::MAX).into());
            }
            _ => {}
        }
    }
    observed
}
