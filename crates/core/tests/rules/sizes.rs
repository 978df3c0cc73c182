//! The largest stream: what sixteen digits can write is kept, one byte more is refused.

use headwater_core::error::Code;
use headwater_core::offset::MAX_NUMBER;

use crate::lone::Lone;

#[test]
fn a_stream_grows_to_the_largest_offset_and_no_further() {
    let almost = Lone::of(MAX_NUMBER - 3);
    assert_eq!(almost.append(b"abc"), Ok("0000000000000002_9999999999999999".to_owned()));
    assert_eq!(almost.append(b"abcd"), Err(Code::TooLarge));
    assert_eq!(Lone::of(MAX_NUMBER).append(b"a"), Err(Code::TooLarge));
}

#[test]
fn a_fork_grows_to_the_largest_offset_and_no_further() {
    let fork = |len, bytes| Lone::of(len).fork(None, bytes).map(|fork| fork.tail.position);
    assert_eq!(fork(MAX_NUMBER - 3, b"abc"), Ok(MAX_NUMBER));
    assert_eq!(fork(MAX_NUMBER - 3, b"abcd"), Err(Code::TooLarge));
    assert_eq!(fork(MAX_NUMBER, b""), Ok(MAX_NUMBER));
}
