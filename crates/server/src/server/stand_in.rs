//! What the HTTP library is given in place of bytes that are in a file: slices of one region of memory, which the socket knows.
//!
//! What they hold is never sent. Whoever writes to a socket refuses a slice of that region, unless it is one of an answer whose
//! pieces it was told of beforehand, and then it sends the file.

use bytes::Bytes;

use crate::limits::SENDING_PIECE_BYTES;

/// As large as a piece that the library is given.
static REGION: [u8; SENDING_PIECE_BYTES] = [0; SENDING_PIECE_BYTES];

/// What stands for the first of so many bytes: for as many as one piece may have.
pub(crate) fn for_bytes(bytes: u64) -> Bytes {
    let most = usize::try_from(bytes).unwrap_or(usize::MAX);
    Bytes::from_static(REGION.get(..most).unwrap_or(&REGION))
}

/// Whether it is or touches the region.
pub(crate) fn stands_in(slice: &[u8]) -> bool {
    let (slice, region) = (slice.as_ptr_range(), REGION.as_ptr_range());
    slice.start < region.end && region.start < slice.end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_part_of_it_is_recognised_and_nothing_else() {
        let (whole, short) = (for_bytes(u64::MAX), for_bytes(100));
        assert_eq!((whole.len(), short.len()), (SENDING_PIECE_BYTES, 100));
        for part in [whole.slice(..), whole.slice(7..8), whole.slice(whole.len() - 1..), short] {
            assert!(stands_in(&part));
        }
        let copied = Bytes::copy_from_slice(&whole);
        assert!(!stands_in(&copied) && !stands_in(&[]) && !stands_in(&whole[..0]));
    }
}
