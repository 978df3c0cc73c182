//! Forks of a stream whose first bytes are not kept any more.

use headwater_core::error::Code;
use headwater_core::{Lineage, Offset, Tail};

use crate::lone::Lone;

/// Nine bytes, of which the first four are gone.
fn trimmed() -> Lone {
    let mut lone = Lone::of(9);
    lone.0.floor = Tail { position: 4, sequence: 4 };
    lone
}

#[test]
fn a_fork_begins_where_its_source_can_still_be_read() {
    let at = |position| Some(Offset::new(Lineage(1), position));
    for (offset, expected) in [
        (None, Ok((4, 9))),
        (at(9), Ok((4, 9))),
        (at(6), Ok((4, 6))),
        (at(4), Ok((4, 4))),
        (Some(Offset::START), Ok((4, 4))),
        (at(3), Err(Code::OffsetExpired)),
        (at(10), Err(Code::OffsetExpired)),
        (Some(Offset::new(Lineage(2), 10)), Err(Code::OffsetBeyondTail)),
    ] {
        let fork = trimmed().fork(offset, b"");
        let ends = fork.as_ref().map(|fork| (fork.floor.position, fork.tail.position));
        assert_eq!(ends.map_err(|code| *code), expected, "{offset:?}");
        if let Ok(fork) = fork {
            assert_eq!(fork.floor.sequence, fork.floor.position, "records of one byte");
            assert_eq!(fork.tail.sequence, fork.tail.position, "records of one byte");
        }
    }
}
