//! Records that can be recognised: a number nobody uses twice, a length, and bytes that follow from
//! the number, so that a lost, doubled, torn or foreign record shows by itself.

/// The number of a record.
pub(super) type Id = u64;

/// `iiiiiiiiiiiiiiii:llllllll:`, both in hexadecimal.
const HEADER: usize = 16 + 1 + 8 + 1;

/// The text of a record with `filler` bytes after its header.
pub(super) fn text(id: Id, filler: usize) -> String {
    let mut text = format!("{id:016x}:{filler:08x}:");
    text.extend(filler_of(id, filler));
    text
}

fn filler_of(id: Id, length: usize) -> impl Iterator<Item = char> {
    let mut state = id.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'a' + (state % 26) as u8)
    })
    .take(length)
}

/// A record found in a stream, and the position after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) id: Id,
    pub(super) end: u64,
}

/// Why bytes are not a sequence of whole records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Torn {
    pub(super) at: u64,
}

/// The records in the bytes of a byte stream.
pub(super) fn parse_bytes(bytes: &[u8]) -> Result<Vec<Found>, Torn> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let (id, length) = parse_one(&bytes[at..]).ok_or(Torn { at: at as u64 })?;
        at += length;
        found.push(Found { id, end: at as u64 });
    }
    Ok(found)
}

/// The records in the pages of a JSON stream, each page an array of texts.
pub(super) fn parse_json(pages: &[Vec<u8>]) -> Result<Vec<Found>, Torn> {
    let mut found = Vec::new();
    let mut end = 0;
    for page in pages {
        let texts: Vec<String> = serde_json::from_slice(page).map_err(|_| Torn { at: end })?;
        for text in texts {
            let (id, length) = parse_one(text.as_bytes()).ok_or(Torn { at: end })?;
            if length != text.len() {
                return Err(Torn { at: end });
            }
            // The quotes, and the one separator a JSON value is counted with.
            end += text.len() as u64 + 3;
            found.push(Found { id, end });
        }
    }
    Ok(found)
}

/// The record that `bytes` begin with, and its length.
fn parse_one(bytes: &[u8]) -> Option<(Id, usize)> {
    let header = std::str::from_utf8(bytes.get(..HEADER)?).ok()?;
    let id = u64::from_str_radix(header.get(..16)?, 16).ok()?;
    let filler = usize::from_str_radix(header.get(17..25)?, 16).ok()?;
    let record = bytes.get(..HEADER.checked_add(filler)?)?;
    (record == text(id, filler).as_bytes()).then_some((id, record.len()))
}
