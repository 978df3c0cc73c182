//! Forks through the engine: the parts that need storage to be asked where records divide.

use headwater_core::{AccessError, CreateError, OffsetError};
use headwater_engine::Failure;

use crate::fleets::fleets;
use crate::support::{append, contents, create, fork_of, json, key, options, stream_of, text};

#[tokio::test]
async fn a_fork_inherits_exactly_up_to_its_point() {
    for fleet in fleets(&options()) {
        create(fleet.any(), "bytes", stream_of("text/plain")).await.unwrap();
        let first = append(fleet.any(), "bytes", text("hello ")).await.unwrap().state.tail_offset();
        append(fleet.any(), "bytes", text("world")).await.unwrap();
        create(fleet.any(), "json", stream_of("application/json")).await.unwrap();
        let one = append(fleet.any(), "json", json("[1,22]")).await.unwrap().state;
        append(fleet.any(), "json", json("[333,4444]")).await.unwrap();
        let middle = one.ranges.offset(one.tail.position);
        let inside = one.ranges.offset(3);

        let unaligned = CreateError::ForkOffset(OffsetError::Unaligned);
        for (source, offset, sub_offset, expected) in [
            ("bytes", None, 0, Ok("hello world")),
            ("bytes", Some(first), 0, Ok("hello ")),
            ("bytes", Some(first), 3, Ok("hello wor")),
            ("bytes", Some(first), 5, Ok("hello world")),
            ("bytes", Some(first), 6, Err(CreateError::SubOffset)),
            ("bytes", None, 1, Err(CreateError::SubOffset)),
            ("json", Some(middle), 0, Ok("1,22,")),
            ("json", Some(middle), 1, Ok("1,22,333,")),
            ("json", Some(middle), 2, Ok("1,22,333,4444,")),
            ("json", Some(middle), 3, Err(CreateError::SubOffset)),
            ("json", Some(inside), 0, Err(unaligned)),
        ] {
            let what = format!("{source} {offset:?} {sub_offset}");
            let forked = create(fleet.any(), "fork", fork_of(source, offset, sub_offset)).await;
            match expected {
                Ok(inherited) => {
                    forked.expect(&what);
                    assert_eq!(contents(fleet.any(), "fork").await, inherited, "{what}");
                    fleet.any().delete(&key("fork")).await.unwrap();
                }
                Err(error) => assert_eq!(forked.unwrap_err(), Failure::Refused(error), "{what}"),
            }
        }
    }
}

#[tokio::test]
async fn a_chain_of_fifty_reads_through_and_falls_when_its_last_link_goes() {
    for fleet in fleets(&options()) {
        let name = |n: usize| format!("chain/{n}");
        create(fleet.any(), &name(0), stream_of("text/plain")).await.unwrap();
        append(fleet.any(), &name(0), text("0;")).await.unwrap();
        for n in 1..50 {
            create(fleet.any(), &name(n), fork_of(&name(n - 1), None, 0)).await.unwrap();
            append(fleet.any(), &name(n), text(&format!("{n};"))).await.unwrap();
        }
        let expected: String = (0..50).map(|n| format!("{n};")).collect();
        assert_eq!(contents(fleet.any(), &name(49)).await, expected);
        for n in 0..49 {
            fleet.any().delete(&key(&name(n))).await.unwrap();
            assert_eq!(
                fleet.any().head(&key(&name(n))).await.unwrap_err(),
                Failure::Refused(AccessError::Gone)
            );
        }
        assert_eq!(contents(fleet.any(), &name(49)).await, expected);
        fleet.any().delete(&key(&name(49))).await.unwrap();
        for n in 0..50 {
            assert_eq!(
                fleet.any().head(&key(&name(n))).await.unwrap_err(),
                Failure::Refused(AccessError::NotFound)
            );
        }
    }
}
